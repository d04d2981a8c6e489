package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hpcbench/agent/internal/logs"
	"hpcbench/agent/workload"
)

// collectLogs collects the logs of the job whose results these are, until ctx ends. Whatever can't be written is a line of its log.
func collectLogs(ctx context.Context, c *call, settings string, console int) error {
	w, err := readLogs(settings)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(c.operands[0])
	if err != nil {
		return err
	}
	node := thisNode()
	log := logger(c.stderr, node, "collector").With("category", string(logs.Infrastructure))
	run := logs.Open(dir)
	run.Here = node
	cfg := logs.Config{Logs: w, Run: run, Log: log}
	if w.Console {
		cfg.Console = os.NewFile(uintptr(console), "the job's output")
	}
	if id := os.Getenv("SLURM_JOB_ID"); id != "" {
		slurm := logger(c.stderr, node, "slurm").With("category", string(logs.System))
		cfg.Words = func() { slurm.Info(jobWords(context.WithoutCancel(ctx), id)) }
	}
	logs.Collect(ctx, cfg)
	return nil
}

// readLogs reads node/logs.json.
func readLogs(path string) (w workload.Logs, err error) {
	if err := readStrictly(path, " does not say what becomes of the logs", &w); err != nil {
		return w, err
	}
	if w.FlushS <= 0 || w.SizeMB < 1 {
		return w, fmt.Errorf("%s: flush_s %g and size_mb %d: want more than 0, and 1 or more", path, w.FlushS, w.SizeMB)
	}
	return w, nil
}

// jobWords is what Slurm says of the job, in one line.
func jobWords(ctx context.Context, id string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, "scontrol", "--oneliner", "show", "job", id).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("scontrol show job %s: %v: %s", id, err, bytes.TrimSpace(text))
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

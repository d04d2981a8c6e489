package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hpcbench/agent/internal/logs"
	"hpcbench/agent/workload"
)

// collectLogs collects the logs of the job whose results these are, until ctx ends. Whatever can't be written is a line of its log.
func collectLogs(ctx context.Context, c *call, settings, console string) error {
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
	cfg := logs.Config{Logs: w, Run: logs.Open(dir), Log: log}
	if w.Console {
		out, err := openConsole(console)
		if err != nil {
			return err
		}
		defer out.Close()
		cfg.Console = out
	}
	if id := os.Getenv("SLURM_JOB_ID"); id != "" {
		slurm := logger(c.stderr, node, "slurm").With("category", string(logs.System))
		slurm.Info(jobWords(ctx, id))
		defer func() { slurm.Info(jobWords(context.WithoutCancel(ctx), id)) }()
	}
	logs.Collect(ctx, cfg)
	return nil
}

// readLogs reads node/logs.json. A field that is not known here is an error: it would go unheeded.
func readLogs(path string) (w workload.Logs, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return w, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, fmt.Errorf("%s does not say what becomes of the logs: %w", path, err)
	}
	if w.FlushS <= 0 || w.SizeMB < 1 {
		return w, fmt.Errorf("%s: flush_s %g and size_mb %d: want more than 0, and 1 or more", path, w.FlushS, w.SizeMB)
	}
	return w, nil
}

// openConsole opens the job's own output by the name that it has here, such as /dev/fd/3, to add to it.
func openConsole(path string) (io.WriteCloser, error) {
	if path == "" {
		return nil, usage("--console is missing: the recipe wants lines in the job's own output")
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
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

package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// refuseClaimed is an error while a job runs on the bundle: results/claims/<deployment> holds its id and the process
// of its script (templates/lib/claims.sh).
func refuseClaimed(dir string) error {
	claims, err := filepath.Glob(filepath.Join(dir, "results", "claims", "*"))
	if err != nil {
		return err
	}
	for _, file := range claims {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		job, rest, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		process, _, _ := strings.Cut(rest, " ") // behind it, how often Slurm had requeued the job
		if alive(job, process) {
			return fmt.Errorf("job %s runs on %s: wait for its end, or delete %s if it is long gone", job, dir, file)
		}
	}
	return nil
}

// alive tells whether the owner of a claim may still run. Only a clear no is a no: the process of a local job that is
// gone, or a job that Slurm, where there is one, does not know.
func alive(job, process string) bool {
	if strings.HasPrefix(job, "local-") {
		id, err := strconv.Atoi(process)
		return err == nil && !errors.Is(syscall.Kill(id, 0), syscall.ESRCH)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer, err := exec.CommandContext(ctx, "squeue", "--noheader", "--jobs="+job).CombinedOutput()
	if err == nil {
		return strings.TrimSpace(string(answer)) != ""
	}
	return !strings.Contains(string(answer), "Invalid job id")
}

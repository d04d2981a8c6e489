// Package submit hands bundles to Slurm, on this machine or over ssh, and follows what becomes of them. A bundle without
// Slurm (orchestration.mode local) is a process instead of a job, and followed in the same way.
//
// All that is known of a job comes by one script that looks at it (look.sh); a Follower makes sense of what it brought,
// without a clock or a process of its own.
package submit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Place is a machine where bundles run.
type Place interface {
	// Command is a process that runs words in dir there, without the variables by which an environment changes what Slurm's
	// commands do. A relative dir counts from the home directory, on this machine from where gen runs. What is written
	// before the line begin belongs to the machine's login scripts.
	Command(ctx context.Context, dir string, words ...string) *exec.Cmd
	// Lost tells whether such a process failed because the machine was not reached.
	Lost(err error) bool
}

// begin is the line from which on a command's output is its own.
const begin = "hpcbench-begin"

// prelude goes to the directory and becomes the command. It is one line, and so the same word to every login shell.
const prelude = `cd -- "$1" && shift && unset "${!SBATCH_@}" "${!SQUEUE_@}" "${!SCONTROL_@}" SLURM_TIME_FORMAT && printf "%s\n" ` + begin + ` && exec "$@"`

// Here is this machine.
type Here struct {
	Whole bool // the environment stays as it is: for a job that runs here without Slurm
}

// kept are the variables that a clean environment has: those that a person's shell needs, and where Slurm is.
var kept = []string{"HOME", "LANG", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "SLURM_CONF", "TMPDIR", "TZ", "USER", "XDG_RUNTIME_DIR"}

// Command is bash on this machine.
func (h Here) Command(ctx context.Context, dir string, words ...string) *exec.Cmd {
	c := apart(exec.CommandContext(ctx, "bash", append([]string{"-c", prelude, "bash", dir}, words...)...))
	if h.Whole {
		return c
	}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains(kept, name) {
			c.Env = append(c.Env, pair)
		}
	}
	return c
}

// Lost is false: nobody loses the machine he is on.
func (Here) Lost(error) bool { return false }

// apart keeps ctrl-C at the terminal from a process, whose end is ours to decide. WaitDelay: what a command leaves behind,
// such as ssh's master, may hold its output open, and is not waited for.
func apart(c *exec.Cmd) *exec.Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.WaitDelay = 2 * time.Second
	return c
}

// ErrLost is a place that was not reached, or not any more.
var ErrLost = errors.New("no connection")

// Refusal is a command that ran and failed.
type Refusal struct {
	Status int    // its exit status
	Out    string // what it wrote
	Words  string // its last complaint
}

func (r *Refusal) Error() string {
	if r.Words == "" {
		return fmt.Sprintf("exit status %d", r.Status)
	}
	return r.Words
}

// Ask runs words in dir of a place, with stdin as their input, and gives what they write. Its error is ErrLost, a *Refusal,
// or that of a program which is not there.
func Ask(ctx context.Context, p Place, dir, stdin string, words ...string) (string, error) {
	var out bytes.Buffer
	c := p.Command(ctx, dir, words...)
	c.Stdin, c.Stdout = strings.NewReader(stdin), &out
	err := finish(ctx, p, c)
	text := out.String()
	if strings.HasPrefix(text, begin+"\n") {
		text = text[len(begin)+1:]
	} else {
		_, text, _ = strings.Cut(text, "\n"+begin+"\n")
	}
	var refused *Refusal
	if errors.As(err, &refused) {
		refused.Out = text
	}
	return text, err
}

// Look runs look.sh in dir of a place, for a Watch.
func Look(ctx context.Context, p Place, dir string, words []string) (string, error) {
	return Ask(ctx, p, dir, lookScript, words...)
}

// finish runs a command of a place and sorts out why it failed.
func finish(ctx context.Context, p Place, c *exec.Cmd) error {
	var complaint tail
	c.Stderr = &complaint
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay) && c.ProcessState.Success():
		return nil
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return ctx.Err()
	case ctx.Err() != nil:
		return fmt.Errorf("%w: no answer in time", ErrLost)
	case p.Lost(err):
		return fmt.Errorf("%w: %s", ErrLost, complaint.words("ssh gave no reason"))
	case errors.As(err, &exit):
		return &Refusal{Status: exit.ExitCode(), Words: complaint.words("")}
	}
	return err
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-4096):]
	return len(p), nil
}

// words is the last line that says something, or otherwise.
func (t *tail) words(otherwise string) string {
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	if last := plain(lines[len(lines)-1]); last != "" {
		return last
	}
	return otherwise
}

// own is what a command wrote itself, without what login scripts wrote before it.
func own(r io.Reader) (io.Reader, error) {
	var line []byte
	for one := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, one); err != nil {
			return nil, err
		}
		if one[0] != '\n' {
			line = append(line, one[0])
		} else if string(line) == begin {
			return r, nil
		} else {
			line = line[:0]
		}
	}
}

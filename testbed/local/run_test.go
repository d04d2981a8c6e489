package local

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lines is what a gen run that goes on has said so far.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes it.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// genRun starts gen run with these arguments.
func genRun(t *testing.T, args ...string) (*exec.Cmd, *lines) {
	t.Helper()
	said := &lines{}
	c := exec.Command(filepath.Join(bin, "gen"), append([]string{"run"}, args...)...)
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, said
}

// exit waits for its end and wants this status.
func exit(t *testing.T, c *exec.Cmd, said *lines, want int) {
	t.Helper()
	_ = c.Wait() // the status says it
	if got := c.ProcessState.ExitCode(); got != want {
		t.Fatalf("status %d, want %d\n%s", got, want, said)
	}
}

// A job that gen run started goes on when gen is stopped; gen run of its directory picks it up and has the report.
func TestGenRunPicksUpAJobThatItLeft(t *testing.T) {
	t.Parallel()
	b := compile(t, "")
	c, said := genRun(t, b.dir)
	b.wait("local-1", "trial\t0001\tstart")
	for end := time.Now().Add(time.Minute); !strings.Contains(said.String(), "trial 1 of 2") && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	exit(t, c, said, 130)
	if !strings.Contains(said.String(), "left running; gen run ") {
		t.Errorf("it does not say that the job goes on:\n%s", said)
	}
	c, said = genRun(t, b.dir)
	exit(t, c, said, 0)
	b.nothingRuns()
	if text := said.String(); !strings.Contains(text, "2 trials planned: ") || strings.Contains(text, "submitted") {
		t.Errorf("picked up:\n%s", text)
	}
	c, said = genRun(t, b.dir)
	exit(t, c, said, 0)
	if _, err := os.Stat(filepath.Join(b.dir, "results/local-2")); err == nil || !strings.Contains(said.String(), "2 trials planned: ") {
		t.Errorf("a third time it ran again, or has no report:\n%s", said)
	}
}

// A gen that ended while it submitted did not lose the job: what submit.sh said is in results/.
func TestGenRunFindsASubmissionThatItDidNotSeeEnd(t *testing.T) {
	t.Parallel()
	b := compile(t, "")
	c, said := genRun(t, b.dir)
	exit(t, c, said, 0)
	table := filepath.Join(b.dir, "results/submitted.tsv")
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	head, row, _ := strings.Cut(string(text), "\n")
	nonce, _, _ := strings.Cut(row, "\t")
	if err := os.WriteFile(table, []byte(head+"\n"+nonce+"\t-\t-\there\t-\t-\t-\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, said = genRun(t, b.dir)
	exit(t, c, said, 0)
	if again, err := os.ReadFile(table); err != nil || string(again) != string(text) {
		t.Errorf("the table was\n%sand is\n%s%v\n%s", text, again, err, said)
	}
}

// The exit status of gen run is the job's; --again runs what is missing.
func TestGenRunHasTheJobsStatus(t *testing.T) {
	t.Parallel()
	b := compile(t, "")
	c, said := genRun(t, b.dir)
	b.wait("local-1", "trial\t0001\tstart")
	stopWell(t, b.dir)
	exit(t, c, said, 75)
	if !strings.Contains(said.String(), " --again runs the rest") {
		t.Errorf("it does not say how to go on:\n%s", said)
	}
	c, said = genRun(t, b.dir)
	exit(t, c, said, 75) // it is over, and nothing was done about it
	c, said = genRun(t, b.dir, "--again")
	exit(t, c, said, 0)
	if got := b.job("local-2").trials(); got != "0001 done, 0002 complete" {
		t.Errorf("the second job ran: %s\n%s", got, said)
	}
}

// stopWell sends USR1 to the job that results/submitted.tsv of a bundle names last.
func stopWell(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "results/submitted.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\there\t")
	process, _, _ := strings.Cut(rest, "\t")
	pid, err := strconv.Atoi(process)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
		t.Fatalf("process %d: %v\n%s", pid, err, text)
	}
}

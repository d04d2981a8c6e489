// Package local runs whole bundles on this machine: the real gen, agent and job script, without Slurm or a container.
// What it can't show, a second node and a real server, testbed/ shows.
package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var bin string // directory of the binaries under test

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hpcbench-local-")
	if err == nil {
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", dir+"/", "./gen", "./agent")
		build.Dir, build.Env, build.Stderr = "../..", append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building gen and agent:", err)
		os.Exit(1)
	}
	bin = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// recipe is a local job: two trials on one deployment of two dummies; more is said by the caller's lines.
const recipe = `scenario: local test
orchestration:
  mode: local
  node_allocation:
    servers: {nodes: 2}
    clients: {nodes: 2}
workload:
  service: dummy
  model: tiny
  duration: 2
  warmup: 1
  concurrency: [2, 4]
  prompt_len: 8
  gen_tokens: 4
servers:
  service_config: {ttft: 5ms, itl: 1ms%s}
`

// bundle is a compiled recipe.
type bundle struct {
	t   *testing.T
	dir string
}

// compile writes the recipe, with more service_config, into a bundle of its own.
func compile(t *testing.T, config string) bundle {
	t.Helper()
	return compileText(t, fmt.Sprintf(recipe, config))
}

// compileText writes a recipe with the scenario "local test" into a bundle of its own.
func compileText(t *testing.T, text string) bundle {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "recipe.yaml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(bin, "gen"), name, "-o", dir).CombinedOutput(); err != nil {
		t.Fatalf("gen: %v\n%s", err, out)
	}
	return bundle{t, filepath.Join(dir, "local-test")}
}

// started is a run of submit.sh that goes on.
type started struct {
	*exec.Cmd
	t   *testing.T
	out bytes.Buffer
}

func (b bundle) start() *started {
	b.t.Helper()
	s := &started{Cmd: exec.Command(filepath.Join(b.dir, "submit.sh")), t: b.t}
	s.Stdout, s.Stderr = &s.out, &s.out
	if err := s.Start(); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// status waits for the run's end. What it kept in /tmp, which is named by its process, is to be gone.
func (s *started) status() int {
	s.Wait() //nolint:errcheck // the status says it
	if left, _ := filepath.Glob(fmt.Sprintf("/tmp/hpcbench-local-*-%d", s.Process.Pid)); len(left) > 0 {
		s.t.Errorf("left: %q", left)
	}
	return s.ProcessState.ExitCode()
}

// run runs the bundle to its end and checks its status.
func (b bundle) run(want int) string {
	b.t.Helper()
	s := b.start()
	if got := s.status(); got != want {
		b.t.Fatalf("status %d, want %d\n%s", got, want, s.out.String())
	}
	b.nothingRuns()
	return s.out.String()
}

// nothingRuns fails when a process of the bundle is left.
func (b bundle) nothingRuns() {
	b.t.Helper()
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range lines {
		text, err := os.ReadFile(name) // gone meanwhile: nothing left
		if err == nil && bytes.Contains(text, []byte(b.dir)) {
			b.t.Errorf("still running: %s", bytes.ReplaceAll(text, []byte{0}, []byte{' '}))
		}
	}
}

type jobFile struct {
	State      string `json:"state"`
	ExitStatus int    `json:"exit_status"`
	Cause      *struct {
		Component string `json:"component"`
		Message   string `json:"message"`
	} `json:"cause"`
	Trials []struct {
		Trial string `json:"trial"`
		State string `json:"state"`
	} `json:"trials"`
}

// job reads job.json of the bundle's run with this name.
func (b bundle) job(run string) jobFile {
	b.t.Helper()
	var j jobFile
	text, err := os.ReadFile(filepath.Join(b.dir, "results", run, "job.json"))
	if err == nil {
		err = json.Unmarshal(text, &j)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return j
}

// trials says what became of the run's trials, such as "0001 complete, 0002 failed".
func (j jobFile) trials() string {
	var words []string
	for _, t := range j.Trials {
		words = append(words, t.Trial+" "+t.State)
	}
	return strings.Join(words, ", ")
}

// wait polls until the job's events hold text. A job that never writes it fails the test after a minute.
func (b bundle) wait(run, text string) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		events, err := os.ReadFile(filepath.Join(b.dir, "results", run, "events.tsv"))
		if err == nil && strings.Contains(string(events), text) {
			return
		}
	}
	b.t.Fatalf("%s never wrote %q", run, text)
}

func TestAFinishedBundleRunsNothingTwice(t *testing.T) {
	t.Parallel()
	b := compile(t, "")
	b.run(0)
	if got := b.job("local-1"); got.State != "complete" || got.trials() != "0001 complete, 0002 complete" {
		t.Errorf("job.json: %+v", got)
	}
	for _, name := range []string{"results/report.html", "results/summary.csv", "results/local-1/0001/summary.json", "results/local-1/monitor-host-1.csv"} {
		if _, err := os.Stat(filepath.Join(b.dir, name)); err != nil {
			t.Error(err)
		}
	}
	if out := b.run(0); strings.Contains(out, "deploy") {
		t.Errorf("the second run deployed:\n%s", out)
	}
	if err := os.RemoveAll(filepath.Join(b.dir, "results/local-1/0002")); err != nil {
		t.Fatal(err)
	}
	b.run(0)
	if got := b.job("local-3").trials(); got != "0001 done, 0002 complete" {
		t.Errorf("after trial 0002 was deleted, these ran: %s", got)
	}
}

func TestAnEditedFlagMakesItsTrialsRunAnew(t *testing.T) {
	t.Parallel()
	b := compile(t, "")
	b.run(0)
	for _, rank := range []string{"0", "1"} {
		name := filepath.Join(b.dir, "argv/d1."+rank)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, bytes.Replace(text, []byte("5ms"), []byte("6ms"), 1), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out := b.run(0); !strings.Contains(out, "edited since it was compiled: argv/d1.0") {
		t.Errorf("the edit is not named:\n%s", out)
	}
	if got := b.job("local-2").trials(); got != "0001 complete, 0002 complete" {
		t.Errorf("after the edit these ran: %s", got)
	}
}

func TestADyingServerFailsTheJobAndIsNamed(t *testing.T) {
	t.Parallel()
	b := compile(t, ", die_after: 6s")
	out := b.run(1)
	j := b.job("local-1")
	if j.State != "failed" || j.Cause == nil || !strings.HasPrefix(j.Cause.Component, "server") {
		t.Errorf("job.json: %+v\n%s", j, out)
	}
}

func TestAServerThatHangsIsFound(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a hang is a minute of silence")
	}
	b := compile(t, ", hang_after: 4s")
	b.run(1)
	if j := b.job("local-1"); j.Cause == nil || !strings.Contains(j.Cause.Message, "hang") {
		t.Errorf("job.json: %+v", j)
	}
}

func TestUSR1EndsTheJobInGoodOrder(t *testing.T) {
	t.Parallel()
	b := compile(t, "")
	s := b.start()
	b.wait("local-1", "trial\t0001\tstart")
	if err := s.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got := s.status(); got != 75 {
		t.Fatalf("status %d, want 75\n%s", got, s.out.String())
	}
	if j := b.job("local-1"); j.State != "resumable" || j.trials() != "0001 complete, 0002 missing" {
		t.Errorf("job.json: %+v", j)
	}
	b.run(0)
	if got := b.job("local-2").trials(); got != "0001 done, 0002 complete" {
		t.Errorf("the second run ran: %s", got)
	}
}

func TestACancelledJobLeavesItsFinishedTrials(t *testing.T) {
	t.Parallel()
	b := compile(t, "")
	s := b.start()
	b.wait("local-1", "trial\t0002\tstart")
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := s.status(); got != 143 {
		t.Fatalf("status %d, want 143\n%s", got, s.out.String())
	}
	b.nothingRuns()
	if j := b.job("local-1"); j.State != "cancelled" || j.trials() != "0001 complete, 0002 stopped" {
		t.Errorf("job.json: %+v", j)
	}
	out, err := exec.Command(filepath.Join(b.dir, "bin/agent"), "report", filepath.Join(b.dir, "results")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1 missing") {
		t.Errorf("agent report: %v\n%s", err, out)
	}
}

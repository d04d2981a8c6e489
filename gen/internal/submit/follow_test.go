package submit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rows writes a look's text: words with blanks for tabs, "_" for a blank.
func rows(lines ...string) string {
	return strings.NewReplacer(" ", "\t", "_", " ").Replace(strings.Join(lines, "\n")) + "\n"
}

// told fails when what a look brought is not what it should.
func wantNews(t *testing.T, f *Follower, want []string, lines ...string) {
	t.Helper()
	if got := f.See(rows(lines...)); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func wantStatus(t *testing.T, f *Follower, want string) {
	t.Helper()
	if got := f.Status(); got != want {
		t.Errorf("status %q, want %q", got, want)
	}
}

var ledger = []string{"stamp s1", "ledger 0001 d1 40 done:7 c1-r1", "ledger 0002 d1 40 missing c8-r1", "ledger 0003 d2 40 missing c1-r2"}

// A job from the queue to its end, look by look.
func TestFollowerTellsAJobsLife(t *testing.T) {
	f := &Follower{Row: Row{ID: "12"}}
	wantNews(t, f, []string{"PENDING (Priority)"}, "now 100", "queue PENDING|Priority|N/A")
	wantNews(t, f, nil, "now 110", "queue PENDING|Priority|N/A")
	wantNews(t, f, []string{"PENDING (Priority), Slurm's estimate of the start is 2026-11-26T02:00:00"}, "now 120", "queue PENDING|Priority|2026-11-26T02:00:00")
	wantStatus(t, f, "job 12 · PENDING (Priority), Slurm's estimate of the start is 2026-11-26T02:00:00")
	wantNews(t, f, nil, "now 130", "deaf Unable_to_contact_slurm_controller")
	wantNews(t, f, []string{"RUNNING", "initialise"}, "now 200", "queue RUNNING|None|2026-11-26T01:59:00", "event 199 phase initialise start")
	wantNews(t, f, []string{"1 of 3 trials are done by earlier jobs", "deploy d1 (1 of 2)", "d1 is ready after 20 s", "trial 2 of 3, c8-r1, about 2 min left"},
		append(ledger, "now 240", "queue RUNNING|None|", "event 210 deployment d1 start", "event 230 deployment d1 ready",
			"event 230 phase execute start", "event 240 trial 0002 start c8-r1")...)
	f.See(rows("now 250", "queue RUNNING|None|", "progress 12:03:16_trial_0002:_measure_at_9_s:_98_sent,_95_ok,_0_failed,_3_in_flight,_9.5/s,_p50_810_ms"))
	// 30 s of this trial, 40 of the next, and its server, which starts as fast as the first did
	wantStatus(t, f, "job 12 · trial 2 of 3, c8-r1 · 2 min left · measure · 9.5/s · p50 810 ms")
	wantNews(t, f, []string{"0002 c8-r1 complete: 200 ok", "deploy d2 (2 of 2)"}, "now 330", "queue RUNNING|None|",
		"event 320 trial 0002 complete", "told 0002 200_ok", "event 321 phase deploy start", "event 321 deployment d2 start")
	wantStatus(t, f, "job 12 · deploy · 80 s left") // trials take twice what was planned
	wantNews(t, f, []string{"FAILED: d2: out of memory while loading", "d2 failed", "tear down", "report"}, "now 360", "queue COMPLETING|None|",
		"event 350 failure server_d2 137 d2:_out_of_memory_while_loading", "event 350 deployment d2 failed d2:_out_of_memory_while_loading", "event 351 phase tear_down start", "event 355 phase report start", "event 356 exit 137")
	if f.Over() {
		t.Error("a job that completes counts as over")
	}
	wantNews(t, f, []string{"FAILED, exit status 137"}, "now 370", "queue FAILED|None|", "ended FAILED|137:0")
	if !f.Over() || f.Exit() != 137 {
		t.Errorf("over %v, exit %d", f.Over(), f.Exit())
	}
}

// What Slurm knows counts where the job wrote nothing down; a file system that lags is waited for.
func TestExitOfAJobThatNotedNone(t *testing.T) {
	for _, c := range []struct {
		queue, ended string
		want         int
		text         string
	}{
		{"", "COMPLETED|0:0", 0, "COMPLETED, exit status 0"},
		{"", "FAILED|2:0", 2, "FAILED, exit status 2"},
		{"", "CANCELLED_by_1000|0:15", 143, "CANCELLED, exit status 143"},
		{"", "NODE_FAIL|0:0", 1, "NODE FAIL, exit status 1"},
		{"", "OUT_OF_MEMORY|0:9", 137, "OUT OF MEMORY, exit status 137"},
		{"", "", 1, "GONE, exit status 1"},
		{"TIMEOUT|TimeLimit|x", "TIMEOUT|0:15", 143, "TIMEOUT, exit status 143"},
	} {
		f := &Follower{Row: Row{ID: "12"}}
		f.See(rows("now 100", "queue RUNNING|None|"))
		replace := strings.NewReplacer("NODE_FAIL", "NODE-FAIL", "OUT_OF_MEMORY", "OUT-OF-MEMORY").Replace
		wantNews(t, f, nil, "now 110", "queue "+c.queue, "ended "+replace(c.ended))
		wantNews(t, f, []string{strings.NewReplacer("NODE FAIL", "NODE-FAIL", "OUT OF MEMORY", "OUT-OF-MEMORY").Replace(c.text)}, "now 141", "queue "+c.queue, "ended "+replace(c.ended))
		if !f.Over() || f.Exit() != c.want {
			t.Errorf("%s%s: over %v, exit %d, want %d", c.queue, c.ended, f.Over(), f.Exit(), c.want)
		}
	}
}

func TestResultsThatComeLateAreWaitedFor(t *testing.T) {
	f := &Follower{Row: Row{ID: "12"}}
	f.See(rows("now 100", "queue RUNNING|None|"))
	wantNews(t, f, nil, "now 110", "queue ", "ended COMPLETED|0:0")
	wantNews(t, f, []string{"COMPLETED, exit status 75"}, "now 115", "queue ", "ended COMPLETED|0:0", "event 108 exit 75")
}

func TestAJobThatNeverRanSaysItsLastWords(t *testing.T) {
	f := &Follower{Row: Row{ID: "12"}}
	f.See(rows("now 100", "queue RUNNING|None|"))
	f.See(rows("now 110", "queue ", "ended FAILED|2:0", "out error:_the_bundle_is_not_found"))
	wantNews(t, f, []string{"FAILED, exit status 2: error: the bundle is not found"}, "now 150", "queue ", "ended FAILED|2:0")
}

func TestVerdictOverSeveralJobs(t *testing.T) {
	job := func(exit string, states ...string) *Follower {
		f := &Follower{exit: exit}
		for k, state := range states {
			f.trials = append(f.trials, &trial{id: fmt.Sprint(k), state: state})
		}
		return f
	}
	for _, c := range []struct {
		name string
		jobs []*Follower
		want int
	}{
		{"one", []*Follower{job("0", "complete")}, 0},
		{"a chain that finished", []*Follower{job("75", "complete", "missing"), job("0", "done:1", "complete")}, 0},
		{"a chain too short", []*Follower{job("75", "complete", "missing", "missing"), job("75", "done:1", "complete", "stopped")}, 75},
		{"a failure before a success", []*Follower{job("137", "failed"), job("0", "complete")}, 137},
		{"stopped before the ledger", []*Follower{job("75")}, 75},
		{"stopped well, and the next cancelled", []*Follower{job("75", "complete", "missing"), {state: "CANCELLED"}}, 75},
		{"cancelled before anything ran", []*Follower{{state: "CANCELLED"}, {state: "CANCELLED"}}, 143},
	} {
		if got := Verdict(c.jobs); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestSpansAreSaidAsPeopleDo(t *testing.T) {
	for s, want := range map[float64]string{0: "0 s", 0.2: "1 s", 89: "89 s", 91: "2 min", 5390: "90 min", 5400: "1 h 30 min", 90000: "25 h 0 min"} {
		if got := span(s); got != want {
			t.Errorf("span(%g) = %q, want %q", s, got, want)
		}
	}
}

// fake puts programs into a directory that stands first on PATH.
func fake(t *testing.T, programs map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/bash\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// put writes a file of a bundle.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// look.sh brings what a job wrote, and of what was seen only what is new.
func TestLookReadsResults(t *testing.T) {
	fake(t, map[string]string{"squeue": `echo "RUNNING|None|2026-11-26T01:00:00"`})
	dir := t.TempDir()
	put(t, dir, "results/12/events.tsv", "1\tphase\tinitialise\tstart\n2\ttrial\t0001\tstart\tc1\n")
	put(t, dir, "results/12/ledger.tsv", "0001\td1\t40\tmissing\tkey\tc1\n0002\td1\t40\tmissing\tkey\tc8\n")
	put(t, dir, "results/12/logs/trial.0001.log", "12:03:04 trial 0001: warmup at 0 s: 1 sent\n12:03:13 trial 0001: measure at 9 s: 5 sent, 5 ok, 0 failed, 0 in flight, 1.5/s, p50 20 ms\n")
	f := &Follower{Row: Row{ID: "12"}}
	if got := strings.Join(look(t, f, dir), "; "); got != "RUNNING; initialise; trial 1 of 2, c1, about 40 s left" { // by the clock of the machine, its 40 s have passed
		t.Errorf("the first look: %s", got)
	}
	if f.line != (progress{"0001", "measure", "1.5", "20"}) {
		t.Errorf("the line of progress: %+v", f.line)
	}
	put(t, dir, "results/12/events.tsv", "1\tphase\tinitialise\tstart\n2\ttrial\t0001\tstart\tc1\n3\ttrial\t0001\tcomplete\t\n")
	put(t, dir, "results/12/logs/trial.0001.log", "x\n31 ok, 0 failed\n")
	if got := strings.Join(look(t, f, dir), "; "); got != "0001 c1 complete: 31 ok, 0 failed" {
		t.Errorf("the second look: %s", got)
	}
	if news := look(t, f, dir); len(news) != 0 {
		t.Errorf("a third look at the same: %q", news)
	}
}

// A site without accounting, and a job that the queue has forgotten.
func TestLookAsksTheControllerWhereThereIsNoAccounting(t *testing.T) {
	fake(t, map[string]string{
		"squeue":   `echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1`,
		"sacct":    `echo "Slurm accounting storage is disabled" >&2; exit 1`,
		"scontrol": `echo "JobId=12 JobName=x UserId=u(1) Priority=1 JobState=FAILED Reason=NonZeroExitCode Dependency=(null) Restarts=0 ExitCode=7:0 RunTime=0"`,
	})
	f := &Follower{Row: Row{ID: "12"}}
	dir := t.TempDir()
	put(t, dir, "slurm-12.out", "a\nlast words\n")
	look(t, f, dir)
	if f.state != "FAILED" || f.Exit() != 7 || f.out != "last words" {
		t.Errorf("state %s, exit %d, %q", f.state, f.Exit(), f.out)
	}
}

func TestLookWaitsForASlurmThatDoesNotAnswer(t *testing.T) {
	fake(t, map[string]string{"squeue": `echo "Unable to contact slurm controller" >&2; exit 1`})
	f := &Follower{Row: Row{ID: "12"}}
	look(t, f, t.TempDir())
	if f.state != "" || f.Over() {
		t.Errorf("state %q, over %v", f.state, f.Over())
	}
}

func TestProgressOfASearchIsThatOfItsProbe(t *testing.T) {
	for line, want := range map[string]progress{
		"12:03:16 trial 0003: measure at 12 s: 98 sent, 97 ok, 0 failed, 1 in flight, 8.2/s, p50 95 ms":                    {"0003", "measure", "8.2", "95"},
		"12:03:16 trial 0003: probe 2 at 5.66/s: measure at 12 s: 98 sent, 97 ok, 0 failed, 1 in flight, 8.2/s, p50 95 ms": {"0003", "measure", "8.2", "95"},
		"12:03:16 trial 0003: probe 2: 5.66 requests/s: 99.3 % of 340 within the SLO: holds":                               {},
	} {
		if got := parseProgress(line); got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

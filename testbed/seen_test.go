//go:build e2e

package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// seen is what became of a fault.
type seen struct {
	line    string        // that the user sees
	exit    string        // "FAILED 137", as Slurm says of a job; "exit 2" of a command
	trials  []string      // states of the plan's trials, in its order; none where there was no job
	noticed time.Duration // from the fault to the line's entry in events.tsv; 0 where nothing had to be noticed
	gone    time.Duration // from the job's end to the last process, socket and file on its nodes
	job     *job          // nil where there was none
}

// seen waits for the end of the job and looks at what is left. The fault happened at this instant; the zero time says: it
// was there when the job began.
func (j *job) seen(at time.Time) seen {
	j.t.Helper()
	if !within(patience, j.over) {
		j.t.Fatalf("job %s still runs after %v", j.id, patience)
	}
	s := seen{line: j.lastLine(), gone: j.wantGone(), exit: j.ending(), job: j}
	if !j.accounted() {
		return s // it could write nothing down
	}
	for _, trial := range j.account().Trials {
		s.trials = append(s.trials, trial.State)
	}
	s.noticed = j.noticed(at)
	return s
}

// accounted says whether the job could write job.json.
func (j *job) accounted() bool { _, err := os.Stat(j.path("job.json")); return err == nil }

// ending is the job's state and exit status. Slurm keeps no status of a cancelled job, but job.json does.
func (j *job) ending() string {
	j.t.Helper()
	now := j.status()
	code, _, _ := strings.Cut(now.Exit, ":")
	if now.State == "CANCELLED" && j.accounted() {
		if status := j.account().ExitStatus; status != nil {
			code = strconv.Itoa(*status)
		}
	}
	return now.State + " " + code
}

// telling are the lines of a job's output that say how it went, best first.
var telling = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^[\d:]{8} FAILED: (.*)$`),
	regexp.MustCompile(`(?m)^[\d:]{8} (error: .*)$`),
	regexp.MustCompile(`(?m)^[\d:]{8} (.*(?:claimed by job|stopped \().*)$`),
	regexp.MustCompile(`(?m)^[\d:]{8} (cancelled: .*)$`),
	regexp.MustCompile(`(?m)^[\d:]{8} (not all trials .*)$`),
	regexp.MustCompile(`(?m)^(?:[\d:]{8} )?((?:edited since|MANIFEST) .*)$`),
	regexp.MustCompile(`(?m)^[\d:]{8} (\d{4} .* ok, .*?) · `),
}

// lastLine is the line of the job's output that says why it ended: the first failure, or what comes next to it.
func (j *job) lastLine() string {
	out := j.output()
	for _, r := range telling {
		if m := r.FindStringSubmatch(out); m != nil {
			return m[1]
		}
	}
	return ""
}

// event is a row of events.tsv: when, and the words.
type event struct {
	at    time.Time
	words string // separated by tabs
}

func (j *job) events() []event {
	text, err := os.ReadFile(j.path("events.tsv"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a job that could not begin has none
		j.t.Error(err)
	}
	var all []event
	for line := range strings.Lines(string(text)) {
		when, words, _ := strings.Cut(strings.TrimSpace(line), "\t")
		s, err := strconv.ParseFloat(when, 64)
		if err != nil {
			j.t.Errorf("events.tsv of job %s: %q has no time", j.id, line)
			continue
		}
		all = append(all, event{time.UnixMicro(int64(s * 1e6)), words})
	}
	return all
}

// noticed is the time from the fault to its entry in events.tsv: the first failure or, where nothing failed, the begin of
// the tear-down.
func (j *job) noticed(fault time.Time) time.Duration {
	j.t.Helper()
	all := j.events()
	for _, words := range []string{"failure\t", "phase\ttear down\tstart"} {
		if k := slices.IndexFunc(all, func(e event) bool { return strings.HasPrefix(e.words, words) }); k >= 0 {
			if fault.IsZero() {
				fault = all[0].at
			}
			return all[k].at.Sub(fault)
		}
	}
	j.t.Errorf("events.tsv of job %s has neither a failure nor an end", j.id)
	return 0
}

// wantGone fails the test when 30 seconds from now something of the user's is left on the job's nodes, and tells how long it
// took.
func (j *job) wantGone() time.Duration {
	j.t.Helper()
	began := time.Now()
	wantEmpty(j.t, j.nodes)
	return time.Since(began)
}

// wantRest submits the bundle again and wants it to run the trials that are not complete, and these alone.
func (j *job) wantRest(states []string) {
	j.t.Helper()
	var want []string
	for k, state := range states {
		if state != "complete" {
			want = append(want, fmt.Sprintf("%04d", k+1))
		}
	}
	again := j.submit()
	again.wait(completed)
	dirs, err := filepath.Glob(again.path("[0-9][0-9][0-9][0-9]"))
	if err != nil {
		j.t.Fatal(err)
	}
	var got []string
	for _, dir := range dirs {
		got = append(got, filepath.Base(dir))
	}
	if !slices.Equal(got, want) {
		j.t.Errorf("submitted again it ran the trials %q, want %q", got, want)
	}
	if rows := table(j.t, j.path("..", "summary.csv")); len(rows) != len(states) {
		j.t.Errorf("over both jobs the report has %d trials, want %d", len(rows), len(states))
	}
}

// told is what became of a command that was refused, or that a bundle was made of.
func told(t *testing.T, line string) seen {
	t.Helper()
	stdout, stderr, status := try(t, line)
	words := strings.TrimSpace(stderr)
	if words == "" {
		words = strings.TrimSpace(stdout)
	}
	return seen{line: strings.ReplaceAll(words, "\n", " · "), exit: fmt.Sprintf("exit %d", status)}
}

// wantGap wants a node that was not watched any more to be named with the seconds that are missing of a trial's window, which is all
// of it, in the summary and in the report.
func (j *job) wantGap(trial, node string) {
	j.t.Helper()
	var s struct {
		Duration  float64 `json:"duration_s"`
		Resources struct {
			Late  bool
			Nodes []struct {
				Node string
				Gap  float64 `json:"gap_s"`
			} `json:"by_node"`
		}
	}
	readJSON(j.t, j.path(trial, "summary.json"), &s)
	found := false
	for _, n := range s.Resources.Nodes {
		found = found || n.Node == node && n.Gap > 0.99*s.Duration && n.Gap < 1.01*s.Duration
	}
	if !found || s.Resources.Late {
		j.t.Errorf("trial %s: %+v of %g s, want a gap of %s", trial, s.Resources, s.Duration, node)
	}
	text, err := os.ReadFile(j.path("report.txt"))
	if err != nil || !strings.Contains(string(text), "not watched all of a window") || !strings.Contains(string(text), node+" for ") {
		j.t.Errorf("the report does not name %s: %v", node, err)
	}
}

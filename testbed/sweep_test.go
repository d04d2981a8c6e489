//go:build e2e

package testbed

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Two servers, two clients and a monitor node run six trials, and what the clients say they sent is what the servers
// say they got.
func TestSweepAgreesWithServers(t *testing.T) {
	t.Parallel()
	j := compile(t, "sweep", 6).submit()
	j.wait(completed)

	a := j.account()
	if a.State != "complete" || a.Cause != nil {
		t.Errorf("job.json: %s, cause %v, want complete and none", a.State, a.Cause)
	}
	wantPhases(t, a, "initialise", "deploy", "monitor", "launch clients", "execute", "tear down", "report")
	for role, want := range map[string]int{"monitor": 1, "client": 2, "server": 2, "idle": 1} {
		if got := len(j.nodesOf(role)); got != want {
			t.Errorf("nodes.tsv has %d of role %s, want %d", got, role, want)
		}
	}
	sent := map[string]record{}
	for _, trial := range trials(6) {
		j.wantGood(trial)
		j.enter(sent, trial)
	}
	j.wantTruth(sent)
	for _, node := range j.nodes {
		if text, err := os.ReadFile(j.path("monitor-" + node + ".csv")); err != nil || strings.Count(string(text), "\n") < 3 {
			t.Errorf("the monitor of %s wrote %d lines (%v)", node, strings.Count(string(text), "\n"), err)
		}
	}
	wantReport(t, j.path(), 6)
	wantReport(t, j.path(".."), 6)
}

// trials are the ids of a plan of n.
func trials(n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("%04d", i+1))
	}
	return ids
}

func wantPhases(t *testing.T, a account, want ...string) {
	t.Helper()
	var names []string
	for _, p := range a.Phases {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("phases %q, want %q", names, want)
	}
}

// wantGood wants a trial that is complete, and of whose requests none failed.
func (j *job) wantGood(trial string) {
	j.t.Helper()
	if state := j.account().states()[trial]; state != "complete" || !j.complete(trial)() {
		j.t.Errorf("trial %s is %s, its key there: %v", trial, state, j.complete(trial)())
	}
	if s := j.summary(trial); s.Requests.OK == 0 || s.Requests.Failed != 0 {
		j.t.Errorf("trial %s: %d ok, %d failed: %v", trial, s.Requests.OK, s.Requests.Failed, s.Requests.ByOutcome)
	}
}

// enter adds the records of a trial that were sent, by the id that their requests had, and holds their number in the
// measured window against the summary.
func (j *job) enter(sent map[string]record, trial string) {
	j.t.Helper()
	phases := map[string]int{}
	for _, r := range j.records(trial) {
		if r.Sent == nil {
			continue
		}
		phases[r.Phase]++
		sent[r.requestID] = r
	}
	if want := j.summary(trial).Requests.Sent; phases["measure"] != want || phases["warmup"] == 0 {
		j.t.Errorf("trial %s: sent by phase %v, the summary counts %d in the window", trial, phases, want)
	}
}

// wantTruth wants every request that was sent, in whatever phase, once in the servers' truth, with as many tokens, and
// none read before it was written; and nothing else there but probes. Both servers must have had their share.
func (j *job) wantTruth(sent map[string]record) {
	j.t.Helper()
	left := maps.Clone(sent)
	for server, lines := range j.truths() {
		counted, probes := 0, 0
		for _, line := range lines {
			if line.Probe {
				probes++
				continue
			}
			counted++
			r, ok := left[line.ID]
			if !ok {
				j.t.Errorf("%s: request %q is in no record, or came twice", server, line.ID)
				continue
			}
			delete(left, line.ID)
			j.wantSame(line, r)
		}
		if counted == 0 || probes == 0 {
			j.t.Errorf("%s: %d requests and %d probes, want some of each", server, counted, probes)
		}
		j.t.Logf("%s: %d requests, %d probes", server, counted, probes)
	}
	for id, r := range left {
		j.t.Errorf("request %s (%s, %s) reached no server", id, r.Phase, r.Outcome)
	}
}

func (j *job) wantSame(line truth, r record) {
	j.t.Helper()
	if r.Outcome != "ok" {
		return // it may have been given up at any moment
	}
	if r.OutputTokens == nil || *r.OutputTokens != line.OutputTokens || r.Status != line.Status || !line.Done {
		j.t.Errorf("request %s: record %+v, truth %+v", line.ID, r, line)
		return
	}
	const slack = 2e6 // ns that the machine's wall clock may have been slewed by since the trial's start
	if read := float64(r.start) + *r.FirstToken*1e9; read < float64(line.FirstUnixNS)-slack {
		j.t.Errorf("request %s: first token read %v s before it was written", line.ID, (float64(line.FirstUnixNS)-read)/1e9)
	}
}

// wantReport wants a summary.csv with n trials in the directory, and the page and the text beside it.
func wantReport(t *testing.T, dir string, n int) {
	t.Helper()
	if rows := table(t, dir+"/summary.csv"); len(rows) != n {
		t.Errorf("%s/summary.csv has %d trials, want %d", dir, len(rows), n)
	}
	for _, file := range []string{"report.html", "report.txt"} {
		if info, err := os.Stat(dir + "/" + file); err != nil || info.Size() == 0 {
			t.Errorf("%s/%s is not there, or empty (%v)", dir, file, err)
		}
	}
}

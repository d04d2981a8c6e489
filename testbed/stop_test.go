//go:build e2e

package testbed

import (
	"regexp"
	"strings"
	"testing"
)

// A job that is cancelled in the middle leaves its finished trials whole, and nothing running.
func TestCancelKeepsFinishedTrials(t *testing.T) {
	t.Parallel()
	j := compile(t, "pair", 2).submit()
	j.until("first trial with its key", j.complete("0001"))
	j.until("start of the second trial", j.started("0002"))
	before := j.summary("0001")
	shell(t, "scancel "+j.id)
	if !within(patience, j.over) {
		t.Fatalf("job %s does not end", j.id)
	}
	wantEmpty(t, j.nodes)
	if s := j.status().State; s != "CANCELLED" {
		t.Errorf("the job's state is %s, want CANCELLED", s)
	}
	if j.complete("0002")() || j.complete("0003")() {
		t.Error("a trial that was cut off counts as complete")
	}
	if after := j.summary("0001"); after.Requests.OK == 0 || after.Requests.OK != before.Requests.OK {
		t.Errorf("trial 0001 had %d requests ok, and now has %d", before.Requests.OK, after.Requests.OK)
	}
	text := shell(t, "/opt/hpcbench/bin/agent report '"+j.dir+"/results'")
	if !regexp.MustCompile(`: .*\b1 (valid|marked|client-bound),`).MatchString(text) { // on a busy machine the client is late
		t.Errorf("agent report does not count trial 0001:\n%s", text)
	}
	if rows := table(t, j.path("..", "summary.csv")); len(rows) != 1 || rows[0]["trial"] != "0001" {
		t.Errorf("summary.csv has %v, want trial 0001 alone", rows)
	}
}

// A heterogeneous job that is cancelled in the middle ends on the nodes of both its components.
func TestCancelHeterogeneousJob(t *testing.T) {
	t.Parallel()
	b := compileText(t, "het", 4, func(text string, _ []string) string {
		return strings.ReplaceAll(text, "duration: 3s", "duration: 2m")
	})
	j := b.submitWith(b.elsewhere())
	j.until("start of the trial", j.started("0001"))
	shell(t, "scancel "+j.id)
	if !within(patience, j.over) {
		t.Fatalf("job %s does not end", j.id)
	}
	wantEmpty(t, j.nodes)
	if a := j.account(); j.status().State != "CANCELLED" || a.State != "cancelled" || a.Cause != nil {
		t.Errorf("Slurm says %s, job.json %s with cause %v, want a cancelled job that failed in nothing", j.status().State, a.State, a.Cause)
	}
	if j.complete("0001")() {
		t.Error("a trial that was cut off counts as complete")
	}
}

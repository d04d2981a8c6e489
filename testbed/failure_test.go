//go:build e2e

package testbed

import (
	"strings"
	"testing"
)

const pairPort = "20555" // of the server in recipes/pair.yaml

// A server that is killed in the middle of a trial: that trial is failed, the server is started once more for the
// others, and the job is FAILED with the server's death as its cause.
func TestServerDies(t *testing.T) {
	t.Parallel()
	j := compile(t, "pair", 2).submit()
	j.until("start of the first trial", j.started("0001"))
	server := j.nodesOf("server")[0][0]
	on(t, server, "pkill", "-KILL", "-u", "bench", "-f", "agent dummy")
	j.wait(status{"FAILED", "137:0"})
	j.wantCause("server", 137, "")
	for trial, want := range map[string]string{"0001": "failed", "0002": "complete", "0003": "complete"} {
		if got := j.account().states()[trial]; got != want {
			t.Errorf("trial %s is %s, want %s", trial, got, want)
		}
	}
}

// A server whose port answers nobody, as behind a firewall, is never healthy: no trial starts, and the endpoint is named.
func TestServerUnreachable(t *testing.T) {
	t.Parallel()
	b := compile(t, "pair", 2)
	for _, node := range b.nodes {
		run(t, "cut", node, pairPort)
		t.Cleanup(func() { run(t, "mend", node, pairPort) })
	}
	j := b.submit()
	j.wait(status{"FAILED", "1:0"})
	j.wantCause("server", 1, pairPort)
	for trial, state := range j.account().states() {
		if state != "missing" {
			t.Errorf("trial %s is %s, want missing", trial, state)
		}
	}
}

// A server that hangs in the middle of everything, its process alive: the trial is failed, and the job ends.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	j := compile(t, "pair", 2).submit()
	j.until("first trial with its key", j.complete("0001"))
	j.until("start of the second trial", j.started("0002"))
	server := j.nodesOf("server")[0][0]
	on(t, server, "pkill", "-STOP", "-u", "bench", "-f", "agent dummy")
	j.wait(status{"FAILED", "1:0"})
	j.wantCause("trial 0002", 1, "hang")
	for trial, want := range map[string]string{"0001": "complete", "0002": "failed"} {
		if got := j.account().states()[trial]; got != want {
			t.Errorf("trial %s is %s, want %s", trial, got, want)
		}
	}
}

// One of four servers on a node is killed in the middle of a trial: that one is named, and the others' end and the next
// start leave nothing behind.
func TestOneOfSeveralServersDies(t *testing.T) {
	t.Parallel()
	j := compile(t, "shared", 1).submit()
	j.until("start of the first trial", j.started("0001"))
	on(t, j.nodes[0], "pkill", "-KILL", "-u", "bench", "-f", "agent dummy.*truth-2")
	j.wait(status{"FAILED", "137:0"})
	j.wantCause("server.d1.1."+j.nodes[0]+".2", 137, "signal 9 (KILL)")
	for trial, want := range map[string]string{"0001": "failed", "0002": "complete"} {
		if got := j.account().states()[trial]; got != want {
			t.Errorf("trial %s is %s, want %s", trial, got, want)
		}
	}
}

// A job script that breaks off, here by an edit, has failed: submitting again would not run the rest.
func TestScriptBreaksOff(t *testing.T) {
	t.Parallel()
	b := compile(t, "short", 2)
	shell(t, `cd '`+b.dir+`' && sed -i 's/^  choose_ports$/  choose_ports "$NO_SUCH_VARIABLE"/' job.sbatch`)
	j := b.submit()
	j.wait(status{"FAILED", "1:0"})
	j.wantCause("job.sbatch", 1, "broke off")
}

// wantCause wants job.json to be of a failed job, whose first cause is this component with this status, in words that
// have these among them.
func (j *job) wantCause(component string, status int, words string) {
	j.t.Helper()
	a := j.account()
	if a.State != "failed" || a.Cause == nil {
		j.t.Fatalf("job.json: %s, cause %v, want a failed job with its cause", a.State, a.Cause)
	}
	if c := *a.Cause; !strings.HasPrefix(c.Component, component) || c.Status != status || !strings.Contains(c.Message, words) {
		j.t.Errorf("the cause is %+v, want %s with status %d and %q", c, component, status, words)
	}
}

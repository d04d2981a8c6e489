//go:build e2e

package testbed

import (
	"os"
	"strings"
	"testing"
	"time"
)

// shares makes each of the bundle's servers leave shared memory behind, by a name as Python gives it.
func (b *bundle) shares() {
	b.t.Helper()
	text, err := os.ReadFile(outside(b.dir) + "/argv/d1.0")
	if err != nil {
		b.t.Fatal(err)
	}
	writeFile(b.t, b.dir+"/argv/d1.0", "/bin/sh\n-c\nprintf x >/dev/shm/psm_ours; printf x >@TMP@/file; exec \"$@\"\nsh\n"+string(text))
}

// After scancel no step can start any more. Still nothing of the job is left on its nodes, in whatever phase it came: no
// process, no file in /tmp, no shared memory but that of others.
func TestCancelLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, event string }{
		"while a server loads": {"start_delay: 5m", "\tphase\tdeploy\tstart"},
		"in a trial":           {"ttft: 20ms", "\ttrial\t0001\tstart"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := compileText(t, "pair", 2, func(text string, _ []string) string {
				return strings.NewReplacer("ttft: 20ms", c.config, "timeout: 20s", "timeout: 5m", "scenario: testbed pair", "scenario: pair "+name).Replace(text)
			})
			b.shares()
			for _, node := range b.nodes {
				on(t, node, "setpriv", "--reuid=bench", "--regid=bench", "--clear-groups", "sh", "-c", "echo >/dev/shm/psm_before")
				t.Cleanup(func() { on(t, node, "rm", "-f", "/dev/shm/psm_before") })
			}
			j := b.submit()
			j.until(c.event, func() bool {
				events, _ := os.ReadFile(j.path("events.tsv"))
				return strings.Contains(string(events), c.event) && j.traces() != ""
			})
			shell(t, "scancel "+j.id)
			if !within(patience, j.over) {
				t.Fatalf("job %s does not end", j.id)
			}
			if left := ""; !within(30*time.Second, func() bool { left = j.traces(); return left == "" }) {
				t.Errorf("left on the nodes: %s", left)
			}
			for _, node := range b.nodes {
				if got := on(t, node, "ls", "/dev/shm"); got != "psm_before\n" {
					t.Errorf("%s has %q in /dev/shm, want what was there before", node, got)
				}
				on(t, node, "rm", "-f", "/dev/shm/psm_before")
			}
			wantEmpty(t, j.nodes)
			if a := j.account(); a.State != "cancelled" || a.Cause != nil {
				t.Errorf("job.json: %s, cause %+v, want cancelled and none", a.State, a.Cause)
			}
		})
	}
}

// traces is what the job left in /tmp and /dev/shm of its nodes, which does not count what was there before.
func (j *job) traces() string {
	j.t.Helper()
	var all strings.Builder
	for _, node := range j.nodes {
		all.WriteString(on(j.t, node, "sh", "-c", "ls -d /tmp/hpcbench-"+j.id+"* /dev/shm/psm_ours 2>/dev/null || :"))
	}
	return all.String()
}

// With --hold the node of a server that died is kept, one gets there as the log says, and a file lets the job go on.
func TestHoldKeepsTheNode(t *testing.T) {
	t.Parallel()
	b := compile(t, "pair", 2)
	j := b.submitWith("--hold 5m", "--nodelist="+strings.Join(b.nodes, ","))
	j.until("start of the first trial", j.started("0001"))
	server := j.nodesOf("server")[0]
	on(t, server[0], "pkill", "-KILL", "-u", "bench", "-f", "agent dummy")
	j.until("hold", j.holds)
	for _, words := range []string{"srun --jobid=" + j.id + " --overlap --nodelist=" + server[0] + " --pty bash", "http://" + server[1] + ":" + pairPort, "agent dummy --listen"} {
		if !strings.Contains(j.output(), words) {
			t.Errorf("the log does not say %q", words)
		}
	}
	if got := shell(t, "srun --jobid="+j.id+" --overlap --nodelist="+server[0]+" hostname"); got != server[0]+"\n" {
		t.Errorf("a step on the held node answers %q, want %s", got, server[0])
	}
	shell(t, "touch '"+j.dir+"/results/"+j.id+"/release'")
	j.wait(status{"FAILED", "137:0"})
	a := j.account()
	for trial, want := range map[string]string{"0001": "failed", "0002": "complete", "0003": "complete"} {
		if got := a.states()[trial]; got != want {
			t.Errorf("trial %s is %s, want %s", trial, got, want)
		}
	}
	if c := a.Cause; c == nil || c.Node != server[0] || c.Rank != "0" || !strings.HasPrefix(c.Log, "logs/server.d1.1."+server[0]+".log") || !strings.Contains(c.Message, "in trial 0001") {
		t.Errorf("the cause is %+v, want the server on %s, rank 0, in trial 0001", c, server[0])
	}
}

// holds says whether the job's script has noted that it keeps what failed.
func (j *job) holds() bool {
	events, _ := os.ReadFile(j.path("events.tsv"))
	return strings.Contains(string(events), "\theld\t")
}

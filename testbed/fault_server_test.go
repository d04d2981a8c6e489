//go:build e2e

package testbed

import (
	"strings"
	"testing"
	"time"
)

const pairPort = "20555" // of the server in recipes/pair.yaml

// serverFaults are what happens to servers while they load and while trials run.
var serverFaults = []fault{
	{
		name: "the model's file is missing (llama.cpp)", class: starting, quick: true,
		exit: "FAILED 1", line: []string{"files: /models/none.gguf is not there, /models is", "binds"}, trials: "missing",
		run: func(t *testing.T) seen {
			return edited(t, "llama", 2, "[/models/loop.gguf, /models/chain.gguf]", "/models/none.gguf", "[1, 4]", "1").submit().stopped("")
		},
	},
	{
		name: "a server exits while it loads, with a status", class: loading, quick: true,
		exit: "FAILED 1", line: []string{"d1: the server ended with status 1 while loading", "rank 0", "died, as --die-after asked"}, trials: "missing missing missing",
		run: func(t *testing.T) seen {
			j := edited(t, "pair", 2, "ttft: 20ms", "start_delay: 1h, die_after: 3s").submit()
			j.until("server that loads", j.launched)
			return j.seen(time.Now().Add(3 * time.Second))
		},
	},
	{
		name: "a server exits while it loads, with 0", class: loading,
		exit: "FAILED 1", line: []string{"d1: the server ended by itself with status 0 while loading", "rank 0"}, trials: "missing missing missing",
		run: func(t *testing.T) seen {
			j := edited(t, "pair", 2, "ttft: 20ms", "start_delay: 1h").submit()
			j.until("server that loads", j.launched)
			return j.signalServer("TERM")
		},
	},
	{
		name: "a server loads and loads", class: loading, within: 20 * time.Second, // health_check.timeout
		exit: "FAILED 1", line: []string{"d1: ready: health: ", "HTTP 503", "while loading"}, trials: "missing missing missing",
		run: func(t *testing.T) seen {
			j := edited(t, "pair", 2, "ttft: 20ms", "start_delay: 1h").submit()
			j.until("server that loads", j.launched)
			return j.seen(time.Now())
		},
	},
	{
		name: "a server is healthy and can't generate", class: loading, within: 2 * time.Minute, // the budget of the first generation
		exit: "FAILED 1", line: []string{"d1: ready: generation: ", "HTTP 500", "while loading"}, trials: "missing missing missing",
		run: func(t *testing.T) seen {
			j := edited(t, "pair", 2, "ttft: 20ms", "error_rate: 1").submit()
			j.until("server that loads", j.launched)
			return j.seen(time.Now())
		},
	},
	{
		name: "a server's port answers nobody, as behind a firewall", class: loading, within: 20 * time.Second, // health_check.timeout
		exit: "FAILED 1", line: []string{"d1: ready: health: ", pairPort}, trials: "missing missing missing",
		run: func(t *testing.T) seen {
			b := compile(t, "pair", 2)
			for _, node := range b.nodes {
				run(t, "cut", node, pairPort)
				t.Cleanup(func() { run(t, "mend", node, pairPort) })
			}
			j := b.submit()
			j.until("server that loads", j.launched)
			return j.seen(time.Now())
		},
	},
	{
		name: "the port that the recipe fixes is another program's", class: loading,
		exit: "FAILED 1", line: []string{"d1: the port is taken while loading", "rank 0", "servers.port"}, trials: "missing missing missing",
		run: func(t *testing.T) seen {
			b := compile(t, "pair", 2)
			b.takePort(pairPort)
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "a server dies in a trial", class: serving, quick: true, rest: true,
		exit: "FAILED 137", line: []string{"d1: the server was ended by signal 9 (KILL) in trial 0001", "rank 0", "logs/server.d1.1."}, trials: "failed complete complete",
		run: func(t *testing.T) seen {
			j := compile(t, "pair", 2).submit()
			j.until("start of the first trial", j.started("0001"))
			return j.signalServer("KILL")
		},
	},
	{
		name: "a server exits with 0 in a trial", class: serving,
		exit: "FAILED 1", line: []string{"d1: the server ended by itself with status 0 in trial 0001", "rank 0"}, trials: "failed complete complete",
		run: func(t *testing.T) seen {
			j := compile(t, "pair", 2).submit()
			j.until("start of the first trial", j.started("0001"))
			return j.signalServer("TERM")
		},
	},
	{
		// Slurm follows processes by their parents on this cluster (proctrack/linuxproc), and so loses this server
		name: "the script that starts a server is killed", class: serving, rest: true,
		exit: "FAILED 137", line: []string{"d1: the server was ended by signal 9 (KILL) in trial 0001", "rank 0", "logs/server.d1.1."}, trials: "failed complete complete",
		run: func(t *testing.T) seen {
			j := compile(t, "pair", 2).submit()
			j.until("start of the first trial", j.started("0001"))
			at := time.Now()
			on(t, j.nodesOf("server")[0][0], "pkill", "-KILL", "-u", "bench", "-f", "^/bin/bash .*node/server.sh")
			return j.seen(at)
		},
	},
	{
		name: "a server dies in the same way twice", class: serving, rest: true,
		exit: "FAILED 137", line: []string{"d1: the server was ended by signal 9 (KILL) in trial 0001", "rank 0", "logs/server.d1.1."}, trials: "failed failed missing",
		run: func(t *testing.T) seen {
			j := compile(t, "pair", 2).submit()
			for _, trial := range []string{"0001", "0002"} {
				j.until("start of trial "+trial, j.started(trial))
				on(t, j.nodesOf("server")[0][0], "pkill", "-KILL", "-u", "bench", "-f", "agent dummy")
			}
			j.until("second failure", func() bool { return strings.Contains(j.output(), "failed twice in the same way") })
			return j.seen(j.began("0001"))
		},
	},
	{
		name: "one of four servers on a node dies", class: serving,
		exit: "FAILED 137", line: []string{"d1: the server was ended by signal 9 (KILL) in trial 0001", "rank 2", "logs/server.d1.1."}, trials: "failed complete",
		run: func(t *testing.T) seen {
			j := compile(t, "shared", 1).submit()
			j.until("start of the first trial", j.started("0001"))
			at := time.Now()
			on(t, j.nodes[0], "pkill", "-KILL", "-u", "bench", "-f", "agent dummy.*truth-2")
			return j.seen(at)
		},
	},
	{
		name: "a server hangs, its process alive", class: serving, within: 2 * time.Minute, // a minute without a byte, and two probes of 30 s
		exit: "FAILED 1", line: []string{"d1: hang: no byte for ", "failed two probes", "in trial 0002"}, trials: "complete failed complete",
		run: func(t *testing.T) seen {
			j := compile(t, "pair", 2).submit()
			j.until("first trial with its key", j.complete("0001"))
			j.until("start of the second trial", j.started("0002"))
			return j.signalServer("STOP")
		},
	},
	{
		name: "answers slow down to nothing", class: serving, within: 6 * time.Minute, // the same, once they come seldom enough; silence may last three times the p99, which grows with them
		exit: "FAILED 1", line: []string{"d1: hang: no byte for ", "failed two probes", "in trial 0001"}, trials: "failed",
		run: func(t *testing.T) seen {
			j := edited(t, "pair", 2, "[1, 2, 4]", "2", "ttft: 20ms", "slow_after: 15s, ttft: 20ms", "duration: 6s", "duration: 40s").submit()
			j.until("server that loads", j.launched)
			return j.seen(time.Now().Add(15 * time.Second))
		},
	},
}

// edited compiles testbed/recipes/NAME.yaml with texts replaced, each of which must be there: old and new in turn.
func edited(t *testing.T, name string, n int, oldnew ...string) *bundle {
	t.Helper()
	return compileText(t, name, n, func(text string, _ []string) string {
		for k := 0; k < len(oldnew); k += 2 {
			if !strings.Contains(text, oldnew[k]) {
				t.Fatalf("recipes/%s.yaml has no %q", name, oldnew[k])
			}
			text = strings.ReplaceAll(text, oldnew[k], oldnew[k+1])
		}
		return text
	})
}

// launched says whether the first server of the job runs.
func (j *job) launched() bool {
	rows := j.nodesOf("server")
	return len(rows) > 0 && strings.TrimSpace(run(j.t, "on", rows[0][0], "bash", "-c", "pgrep -u bench -f 'agent dummy' || true")) != ""
}

// signalServer sends the server a signal, and waits for the job's end.
func (j *job) signalServer(signal string) seen {
	j.t.Helper()
	at := time.Now()
	on(j.t, j.nodesOf("server")[0][0], "pkill", "-"+signal, "-u", "bench", "-f", "agent dummy")
	return j.seen(at)
}

// began is when the job's script noted the start of the trial.
func (j *job) began(trial string) time.Time {
	for _, e := range j.events() {
		if strings.HasPrefix(e.words, "trial\t"+trial+"\tstart") {
			return e.at
		}
	}
	j.t.Fatalf("events.tsv of job %s has no start of trial %s", j.id, trial)
	return time.Time{}
}

// takePort has another program, of root's, listen on a port of each of the bundle's nodes, until the test's end.
func (b *bundle) takePort(port string) {
	b.t.Helper()
	for _, node := range b.nodes {
		squatter := "agent dummy --listen 0.0.0.0:" + port
		b.t.Cleanup(func() { on(b.t, node, "pkill", "-u", "root", "-f", squatter) })
		on(b.t, node, "bash", "-c", "/opt/hpcbench/bin/"+squatter+" >/dev/null 2>&1 </dev/null &")
		if !within(10*time.Second, func() bool { return strings.Contains(on(b.t, node, "ss", "-Hltn"), ":"+port) }) {
			b.t.Fatalf("nothing listens on port %s of %s", port, node)
		}
	}
}

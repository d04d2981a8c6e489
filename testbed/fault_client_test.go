//go:build e2e

package testbed

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"
)

// clientFaults are what happens to client nodes, monitors, and the network between nodes.
var clientFaults = []fault{
	{
		name: "the agent of one of two client nodes is killed", class: clients, quick: true, rest: true,
		exit: "FAILED 137", line: []string{"client on cn", "was ended by signal 9 (KILL) in trial 0001"}, trials: "failed complete complete",
		run: func(t *testing.T) seen { return secondAgent(t, "KILL") },
	},
	{
		name: "the agent of one of two client nodes stops, its process alive", class: clients,
		exit: "FAILED 1", line: []string{"client node cn", "has not been heard", "in trial 0001"}, trials: "failed failed missing",
		run: func(t *testing.T) seen { return secondAgent(t, "STOP") },
	},
	{
		name: "one of two client nodes is cut off", class: clients, rest: true,
		exit: "FAILED 1", line: []string{"client node cn", "has not been heard", "in trial 0002"}, trials: "complete failed failed",
		run: func(t *testing.T) seen {
			j := twoClients(t).submit()
			j.until("first trial with its key", j.complete("0001"))
			j.until("start of the second trial", j.started("0002"))
			node := j.nodesOf("client")[1][0]
			j.sendsLoad()
			at := time.Now()
			j.cut(node)
			j.until("end of the script", func() bool { return strings.Contains(j.output(), " report: ") })
			run(t, "mend", node) // Slurm waits for it with the job's end
			s := j.seen(at)
			j.wantGood("0001")
			j.wantOthersKept("0002", j.nodesOf("client")[0][0])
			return s
		},
	},
	{
		// A node that stays away is Slurm's: after SlurmdTimeout, 300 s, it ends the job as NODE_FAIL.
		name: "the server's node is cut off for some minutes", class: clients, within: 2 * time.Minute, // a minute without a byte, and two probes of 30 s
		exit: "FAILED 1", line: []string{"hang: no byte for ", "in trial 0002"}, trials: "complete failed complete",
		run: func(t *testing.T) seen {
			j := compile(t, "pair", 2).submit()
			j.until("first trial with its key", j.complete("0001"))
			j.until("start of the second trial", j.started("0002"))
			node := j.nodesOf("server")[0][0]
			at := time.Now()
			j.cut(node)
			j.until("failure", func() bool { return strings.Contains(j.output(), " FAILED: ") })
			run(t, "mend", node)
			return j.seen(at)
		},
	},
	{
		name: "the monitors die", class: clients,
		exit: "FAILED 137", line: []string{"monitor on cn", "it ended in trial 0001", "(Killed)", "measuring goes on", "logs/monitors.cn"}, trials: "complete complete complete",
		run: func(t *testing.T) seen {
			j := compile(t, "pair", 2).submit()
			j.until("start of the first trial", j.started("0001"))
			at := time.Now()
			node := j.nodesOf("client")[0][0]
			on(t, node, "pkill", "-KILL", "-u", "bench", "-f", "agent monitor")
			s := j.seen(at)
			j.wantGap("0003", node)
			return s
		},
	},
	{
		name: "a client's clock goes five minutes off after the preflight", class: clients,
		exit: "COMPLETED 0", line: []string{"edited since it was compiled: node/client.sh"}, trials: "complete", // nothing else to tell
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			shell(t, "cd '"+b.dir+`' && sed -i 's/ serve --listen / serve --clock-offset 5m --listen /' node/client.sh`)
			j := b.submit()
			s := j.benign()
			j.wantClockOffset("0001", 300)
			return s
		},
	},
}

// secondAgent is a job of two client nodes, the second of whose agents gets a signal in the first trial.
func secondAgent(t *testing.T, signal string) seen {
	t.Helper()
	j := twoClients(t).submit()
	j.until("start of the first trial", j.started("0001"))
	j.sendsLoad()
	at := time.Now()
	on(t, j.nodesOf("client")[1][0], "pkill", "-"+signal, "-u", "bench", "-f", "agent serve")
	s := j.seen(at)
	j.wantOthersKept("0001", j.nodesOf("client")[0][0])
	return s
}

// twoClients is recipes/pair.yaml with two client nodes.
func twoClients(t *testing.T) *bundle {
	t.Helper()
	return edited(t, "pair", 3, "total_nodes: 2", "total_nodes: 3", "clients: {nodes: 1}", "clients: {nodes: 2}", "[1, 2, 4]", "[2, 4, 6]")
}

// sendsLoad waits until requests of the measured window have ended on both clients.
func (j *job) sendsLoad() {
	j.t.Helper()
	for _, client := range j.nodesOf("client") {
		j.until("load of "+client[0], func() bool {
			_, body := ask(j.t, "GET", "http://"+net.JoinHostPort(client[1], client[2])+"/status", "")
			var p struct {
				Phase string
				OK    int
			}
			return json.Unmarshal([]byte(body), &p) == nil && p.Phase == "measure" && p.OK > 0
		})
	}
}

// cut pulls the node's cable, for the length of the test at most.
func (j *job) cut(node string) {
	j.t.Helper()
	j.t.Cleanup(func() { run(j.t, "mend", node) })
	run(j.t, "cut", node)
}

// wantOthersKept wants what this node sent in a trial that failed to be there.
func (j *job) wantOthersKept(trial, node string) {
	j.t.Helper()
	if n := len(readRecords(j.t, j.path(trial, node, "records.jsonl"), trial)); n == 0 {
		j.t.Errorf("of trial %s the records of %s are not there", trial, node)
	}
	if s := j.summary(trial); s.Requests.OK == 0 || len(s.Marks) == 0 {
		j.t.Errorf("the summary of trial %s has %d requests ok and the marks %q", trial, s.Requests.OK, s.Marks)
	}
}

// wantClockOffset wants the records of a trial to know that the node's clock is off by so many seconds.
func (j *job) wantClockOffset(trial string, want float64) {
	j.t.Helper()
	node := j.nodesOf("client")[0][0]
	h := readLines[struct {
		Offset float64 `json:"clock_offset_s"`
	}](j.t, j.path(trial, node, "records.jsonl"))[0]
	if h.Offset < want-1 || h.Offset > want+1 {
		j.t.Errorf("the records say that the clock is %g s off, want %g", h.Offset, want)
	}
}

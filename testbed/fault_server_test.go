//go:build e2e

package testbed

import (
	"testing"
	"time"
)

// serverFaults are what happens to servers while they load and while trials run.
var serverFaults = []fault{
	{
		name: "a server dies in a trial", class: serving, quick: true, rest: true,
		exit: "FAILED 137", line: []string{"server.d1.1.", "Killed"}, trials: "failed complete complete",
		run: func(t *testing.T) seen {
			j := compile(t, "pair", 2).submit()
			j.until("start of the first trial", j.started("0001"))
			return j.killServer("KILL")
		},
	},
}

// killServer sends the server a signal, and waits for the job's end.
func (j *job) killServer(signal string) seen {
	j.t.Helper()
	at := time.Now()
	on(j.t, j.nodesOf("server")[0][0], "pkill", "-"+signal, "-u", "bench", "-f", "agent dummy")
	return j.seen(at)
}

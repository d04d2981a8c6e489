//go:build e2e

package testbed

import (
	"strings"
	"testing"
	"time"
)

// portFaults are ports that another user's program took first, and that the recipe fixes: the job can't move on, and says what to
// change. Where the recipe fixes none, it moves on (TestStrangerOnTheJobsNodes).
var portFaults = []fault{
	{
		name: "the port of the client is taken", class: clients, quick: true, rest: true,
		exit: "FAILED 1", line: []string{"client.", "20777: bind: address already in use: set another clients.port"}, trials: "missing missing missing",
		run: func(t *testing.T) seen { return taken(t, "20777") },
	},
	{
		name: "the port of the server is taken", class: starting, rest: true,
		exit: "FAILED 1", line: []string{"server.d1.1.", "the port is taken", "leave servers.port out"}, trials: "missing missing missing",
		run: func(t *testing.T) seen { return taken(t, "20555") },
	},
}

// taken is a job of which mallory has a port first, on all of its nodes. He hears no request of it.
func taken(t *testing.T, port string) seen {
	b := compileText(t, "pair", 2, func(text string, _ []string) string { return text + "clients: {port: 20777}\n" })
	var all []mallory
	for _, node := range b.nodes {
		m := stranger(t, node)
		m.squat(addressOf(t, node) + ":" + port)
		all = append(all, m)
	}
	s := b.submit().seen(time.Time{})
	for _, m := range all {
		if heard := m.heard(); strings.Contains(heard, "HTTP/") {
			t.Errorf("on %s mallory heard\n%s", m.node, heard)
		}
		m.leave()
	}
	return s
}

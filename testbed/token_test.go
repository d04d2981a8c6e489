//go:build e2e

package testbed

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"hpcbench/agent/workload"
)

// Who has not the job's token may look at an executor and start or stop nothing; the refusal is logged.
func TestExecutorWantsToken(t *testing.T) {
	t.Parallel()
	j := compile(t, "pair", 2).submit()
	j.until("start of the first trial", j.started("0001"))
	client := j.nodesOf("client")[0]
	base := "http://" + net.JoinHostPort(client[1], client[2])
	j.until("trial on the executor", func() bool {
		_, body := ask(t, "GET", base+"/status", "")
		return strings.Contains(body, `"state":"running"`)
	})
	start := intruder(t, j)
	for name, headers := range map[string][]string{
		"no token":     nil,
		"a bad token":  {"Authorization", "Bearer 0000000000000000000000000000000000000000000000000000000000000000"},
		"an empty one": {"Authorization", "Bearer "},
		"no bearer":    {"Authorization", readToken(t, j)},
	} {
		for _, path := range []string{"/start", "/stop"} {
			if status, body := ask(t, "POST", base+path, start, headers...); status != http.StatusUnauthorized {
				t.Errorf("POST %s with %s: %d %s", path, name, status, body)
			}
		}
	}
	for _, path := range []string{"/health", "/status", "/metrics", "/metrics/prometheus"} {
		status, body := ask(t, "GET", base+path, "")
		if status != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
		if path == "/metrics/prometheus" && !strings.Contains(body, "dummy_workload_running") {
			t.Errorf("GET %s has no dummy_workload_running:\n%s", path, body)
		}
	}
	j.wait(completed)
	for _, trial := range trials(3) {
		j.wantGood(trial)
	}
	if _, err := os.Stat(j.path("9999")); err == nil {
		t.Error("the intruder's trial was started")
	}
	log, err := os.ReadFile(j.path("logs", "client."+client[0]+".log"))
	if n := strings.Count(string(log), "refused: "); err != nil || n < 8 {
		t.Errorf("the executor's log tells of %d refusals, want 8 (%v):\n%s", n, err, log)
	}
	if _, err := os.Stat(j.path("control.token")); err == nil {
		t.Error("the token outlived the job")
	}
}

// intruder is a body that the executor would accept, were it not for the token.
func intruder(t *testing.T, j *job) string {
	t.Helper()
	a := workload.Assignment{Schema: workload.Schema, Node: j.nodesOf("client")[0][0], Parts: 1}
	readJSON(t, outside(j.dir)+"/trials/0001.json", &a.Trial)
	server := j.nodesOf("server")[0]
	a.Trial.ID, a.Endpoints = "9999", []string{"http://" + net.JoinHostPort(server[1], server[2])}
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func readToken(t *testing.T, j *job) string {
	t.Helper()
	info, err := os.Stat(j.path("control.token"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read the token: %v", info.Mode())
	}
	text, err := os.ReadFile(j.path("control.token"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

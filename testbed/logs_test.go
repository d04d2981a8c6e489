//go:build e2e

package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// logEntry is a line of logs/*.jsonl, and of agent logs --json.
type logEntry struct {
	Time      time.Time
	Level     string
	Category  string
	Node      string
	Component string
	Trial     string
	RequestID string `json:"request_id"`
	Message   string
	File      string
	Line      int
}

// While a job runs its logs are collected in the order of time, by the clock of its first node; a collector that is killed is
// replaced, and fails no trial; a server that writes without end fills no disk; and agent logs finds what client and server wrote of a
// request.
func TestLogsAreCollectedAndBounded(t *testing.T) {
	t.Parallel()
	b := compile(t, "logs", 2)
	b.edit("node/preflight.sh", `^words=(--results`, `[[ $NODE == `+b.nodes[1]+` ]] \&\& OFF=3s; words=(--clock-offset "${OFF:-0s}" --results`)
	j := b.submit()
	j.until("start of the first trial", j.started("0001"))
	on(t, j.nodesOf("client")[0][0], "pkill", "-KILL", "-u", "bench", "-f", "agent logs .*--collect")
	j.wait(completed)
	server := j.nodesOf("server")[0][0]
	j.wantBounded(server)
	j.wantCollected(server)
	j.wantCorrelated(server)
}

// wantBounded wants the log of the chatty server below its bound, with its first words and with what is left out.
func (j *job) wantBounded(server string) {
	j.t.Helper()
	const bound = 6<<20 + 4<<10 // and words about it
	if size := j.size("logs/server.d1.1." + server + "*.log"); size > bound || size < 3<<20 {
		j.t.Errorf("the log of a server that writes 20 MB a second has %d bytes", size)
	}
	head := read(j.t, j.path("logs", "server.d1.1."+server+".log"))
	if !strings.HasPrefix(head, "rank 0 of 1 on "+server) || !strings.Contains(head, "MB of this log are left out") {
		j.t.Errorf("it begins with %.100q and ends with %q", head, head[max(0, len(head)-200):])
	}
	if size := j.size("logs/aggregated*.jsonl"); size > bound || size == 0 {
		j.t.Errorf("the JSON lines have %d bytes", size)
	}
	for _, d := range j.logged().Deployments {
		if len(d.Proof) == 0 || !strings.HasPrefix(d.Proof[0].Value, "serving on http") {
			j.t.Errorf("%s: what its log proves is %+v", d.Deployment, d.Proof)
		}
	}
}

// logged is what job.json says that has to do with logs.
func (j *job) logged() (a struct {
	Deployments []struct {
		Deployment string
		Proof      []struct{ Value string }
	}
	Facts map[string]string
}) {
	readJSON(j.t, j.path("job.json"), &a)
	return a
}

func (j *job) size(pattern string) (size int64) {
	files, err := filepath.Glob(j.path(pattern))
	if err != nil || len(files) == 0 {
		j.t.Fatalf("there is no %s: %v", pattern, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			j.t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

// wantCollected wants the newest entries in order, of all four categories, and the collector that was killed told of.
func (j *job) wantCollected(server string) {
	j.t.Helper()
	all := readLines[logEntry](j.t, j.path("logs", "aggregated.jsonl"))
	if !slices.IsSortedFunc(all, func(a, b logEntry) int { return a.Time.Compare(b.Time) }) {
		j.t.Error("aggregated.jsonl is not in the order of time")
	}
	for _, want := range []string{"application server", "application client", "benchmark job", "benchmark trial", "system slurm"} {
		if !slices.ContainsFunc(all, func(e logEntry) bool { return e.Category+" "+e.Component == want }) {
			j.t.Errorf("aggregated.jsonl has no line of %s", want)
		}
	}
	if !slices.ContainsFunc(all, func(e logEntry) bool { return strings.HasPrefix(e.Message, "JobId="+j.id+" ") }) {
		j.t.Error("Slurm's words about the job are not there")
	}
	if collector := j.logged().Facts["collector"]; !strings.HasPrefix(collector, "ended") {
		j.t.Errorf("the collector that was killed is %q in job.json", collector)
	}
	if out := j.output(); !strings.Contains(out, " │ received request") || strings.Contains(out, "no longer collected") {
		j.t.Errorf("the job's output has not the collector's lines:\n%.2000s", out)
	}
	if raw := read(j.t, j.path("logs", "server.d2.1."+server+".log")); !strings.Contains(raw, "received request") {
		j.t.Error("the raw log of the second start has no requests")
	}
}

// wantCorrelated wants the server's line about a request, three seconds ahead in its log, between the instants at which the client
// sent the request and had its answer.
func (j *job) wantCorrelated(server string) {
	j.t.Helper()
	records := j.records("0002")
	r := records[len(records)/2]
	var found []logEntry
	for _, e := range j.logs("--json --component server --request " + r.requestID) {
		if e.Node == server {
			found = append(found, e)
		}
	}
	if len(found) != 1 || found[0].Trial != "0002" || found[0].RequestID != r.requestID || r.Sent == nil || r.Done == nil {
		j.t.Fatalf("request %s: the server's lines are %+v", r.requestID, found)
	}
	const off = 20 * time.Millisecond // that the clocks may be said wrong
	sent := time.Unix(0, r.start).Add(time.Duration(*r.Sent * 1e9))
	done := time.Unix(0, r.start).Add(time.Duration(*r.Done * 1e9))
	if at := found[0].Time; at.Before(sent.Add(-off)) || at.After(done.Add(off)) {
		j.t.Errorf("request %s was sent at %v and done at %v, and the server had it at %v", r.requestID, sent, done, at)
	}
	raw := j.logs("--json --request 2-" + fmt.Sprint(r.ID))
	if !slices.ContainsFunc(raw, func(e logEntry) bool { return e.Component == "client" && strings.HasPrefix(e.Message, "record: ok") }) {
		j.t.Errorf("the client's record of request 2-%d is not among %+v", r.ID, raw)
	}
	for _, e := range j.logs("--json --trial 2 --component server") {
		if e.Trial != "0002" || e.Component != "server" {
			j.t.Fatalf("--trial 2 --component server gives %+v", e)
		}
	}
	if _, words, status := try(j.t, j.logsCommand("--level fatal --node "+server)); status != 1 || !strings.Contains(words, "no line is what was asked for") {
		j.t.Errorf("status %d, %s", status, words)
	}
}

func (j *job) logsCommand(flags string) string {
	return "/opt/hpcbench/bin/agent logs '" + j.dir + "/results/" + j.id + "' " + flags
}

// logs are the entries that agent logs --json gives.
func (j *job) logs(flags string) []logEntry {
	j.t.Helper()
	file := filepath.Join(j.t.TempDir(), "logs.jsonl")
	if err := os.WriteFile(file, []byte(shell(j.t, j.logsCommand(flags))), 0o600); err != nil {
		j.t.Fatal(err)
	}
	return readLines[logEntry](j.t, file)
}

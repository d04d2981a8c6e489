//go:build e2e

package testbed

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// What the models of testbed/gguf say.
const (
	chain = " Alpha Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec" +
		" Romeo Sierra Tango Uniform Victor Whiskey Xray Yankee Zulu"
	chainTokens = 27 // its words and the end
)

// A real server in an image says what its model is known to say, and the tokens are counted right; submitted again,
// the bundle runs what is missing and nothing else.
func TestLlamaServerAndResubmission(t *testing.T) {
	t.Parallel()
	b := compile(t, "llama", 2)
	first := b.submit()
	first.wantChain()
	first.wait(completed)
	for _, trial := range trials(4) {
		first.wantGood(trial)
		first.wantLlamaTokens(trial)
		first.wantLlamaTold(trial)
	}
	first.wantSlots()
	wantReport(t, first.path(), 4)
	wantReport(t, first.path(".."), 4)
	rows := table(t, first.path("summary.csv"))
	if got := column(rows, "concurrency"); !slices.Equal(got, []string{"1", "1", "4", "4"}) {
		t.Errorf("the report's concurrencies are %q", got)
	}

	second := b.submit()
	second.wait(completed)
	second.wantRan()

	if err := os.RemoveAll(first.path("0002")); err != nil {
		t.Fatal(err)
	}
	third := b.submit()
	third.wait(completed)
	third.wantRan("0002")
	wantReport(t, third.path(), 1)
	wantReport(t, third.path(".."), 4)
}

// wantChain asks the running server, as anyone on the login node could, and wants the chain.
func (j *job) wantChain() {
	j.t.Helper()
	j.until("start of the first trial", j.started("0001"))
	server := j.nodesOf("server")[0]
	url := "http://" + net.JoinHostPort(server[1], server[2]) + "/v1/completions"
	status, body := ask(j.t, "POST", url, fmt.Sprintf(`{"model":"tiny","prompt":"go on","max_tokens":%d,"temperature":0}`, chainTokens-1),
		"Content-Type", "application/json")
	var answer struct{ Choices []struct{ Text string } }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || len(answer.Choices) != 1 || answer.Choices[0].Text != chain {
		j.t.Errorf("the server answered %d %s (%v)", status, body, err)
	}
}

// wantLlamaTokens wants each answer of a trial to have the length that its model gives it, by the server's count, and
// a first token after it was sent.
func (j *job) wantLlamaTokens(trial string) {
	j.t.Helper()
	s := j.summary(trial)
	want := map[any]int{"/models/loop.gguf": 40, "/models/chain.gguf": chainTokens}[s.Point["servers.service_config.model_path"]]
	for _, r := range j.records(trial) {
		if r.Outcome != "ok" {
			continue
		}
		if r.OutputTokens == nil || *r.OutputTokens != want || r.TokenSource != "usage" {
			j.t.Errorf("trial %s, request %d: %+v, want %d tokens by usage", trial, r.ID, r, want)
		}
		if r.FirstToken == nil || *r.FirstToken <= *r.Sent || *r.LastToken < *r.FirstToken {
			j.t.Errorf("trial %s, request %d: instants out of order: %+v", trial, r.ID, r)
		}
	}
	if got := s.Tokens.Output; got != want*s.Requests.OK {
		j.t.Errorf("trial %s: %d tokens of %d answers, want %d each", trial, got, s.Requests.OK, want)
	}
	if ttft := s.Latency["ttft_s"]; ttft.N != s.Requests.OK || ttft.Min <= 0 {
		j.t.Errorf("trial %s: ttft_s has n %d and min %v", trial, ttft.N, ttft.Min)
	}
}

// wantLlamaTold wants llama-server's own count of the tokens that it made in the window to be near the client's: it counts a
// request's when it is done, and the client those of the requests due in the window.
func (j *job) wantLlamaTold(trial string) {
	j.t.Helper()
	var s struct{ Server *serverTold }
	readJSON(j.t, j.path(trial, "summary.json"), &s)
	ours := float64(j.summary(trial).Tokens.Output)
	switch t := s.Server; {
	case t == nil || t.Looks < 4 || t.Failed > t.Looks/2:
		j.t.Errorf("trial %s: llama-server told %+v", trial, t)
	case t.GenTokens == nil || *t.GenTokens < 0.5*ours || *t.GenTokens > 1.5*ours || t.Running == nil || t.TTFT != nil || t.HitShare == nil:
		j.t.Errorf("trial %s: llama-server told %+v, and the client counts %v tokens", trial, t, ours)
	}
}

// wantSlots wants the slots of each start of llama-server, and the context of each, in job.json, from its log.
func (j *job) wantSlots() {
	j.t.Helper()
	var a struct {
		Deployments []struct {
			Proof []struct{ Name, Value string }
		}
	}
	readJSON(j.t, j.path("job.json"), &a)
	for _, d := range a.Deployments {
		if got := fmt.Sprint(d.Proof); got != "[{slots n_slots = 4} {context n_ctx_slot = 512}]" {
			j.t.Errorf("job.json proves %s", got)
		}
	}
}

// wantRan wants exactly these trials to have run in this job, all others being done by an earlier one.
func (j *job) wantRan(want ...string) {
	j.t.Helper()
	var ran []string
	states := j.account().states()
	for _, trial := range slices.Sorted(maps.Keys(states)) {
		switch states[trial] {
		case "complete":
			ran = append(ran, trial)
		case "done":
		default:
			j.t.Errorf("trial %s is %s", trial, states[trial])
		}
	}
	if !slices.Equal(ran, want) {
		j.t.Errorf("trials %q ran, want %q", ran, want)
	}
	results, err := filepath.Glob(j.path("[0-9]*", "summary.json"))
	if err != nil || len(results) != len(want) {
		j.t.Errorf("job %s has the results %q, want those of %q (%v)", j.id, results, want, err)
	}
}

// In each of llama-server's dialects, streamed and in one piece, the records agree with the server's own timings: they have
// them as its log has them, and what the client measured is as long as them and little more.
func TestAgreesWithLlamaServersTimings(t *testing.T) {
	t.Parallel()
	j := compile(t, "llama-timings", 2).submit()
	j.wait(completed)
	logged := j.timings()
	for _, trial := range trials(6) {
		j.wantGood(trial)
		j.wantTimings(trial, logged)
	}
}

// timing is what llama-server says of a request, in ms: how long it read the prompt, and how long it wrote.
type timing struct{ prompt, decode float64 }

var loggedTimes = regexp.MustCompile(`(?s)prompt eval time = *([0-9.]+) ms.*?\n[^\n]* eval time = *([0-9.]+) ms`)

// timings are those in the server's log.
func (j *job) timings() []timing {
	j.t.Helper()
	files, err := filepath.Glob(j.path("logs", "server*.log"))
	if err != nil || len(files) == 0 {
		j.t.Fatalf("the server has no log (%v)", err)
	}
	var all []timing
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			j.t.Fatal(err)
		}
		for _, m := range loggedTimes.FindAllStringSubmatch(string(text), -1) {
			prompt, _ := strconv.ParseFloat(m[1], 64) // digits and points: a wrong one is in no record
			decode, _ := strconv.ParseFloat(m[2], 64)
			all = append(all, timing{prompt, decode})
		}
	}
	return all
}

// wantTimings wants the times of a trial's requests to be among those in the log, which has two decimals of a ms, and to fit
// into what was measured. Of the median request they are most of it: nothing else goes on.
func (j *job) wantTimings(trial string, logged []timing) {
	j.t.Helper()
	var shares []float64
	for _, r := range j.records(trial) {
		if r.Outcome != "ok" {
			continue
		}
		if r.ServerPrompt == nil || r.ServerDecode == nil {
			j.t.Fatalf("trial %s, request %d has no times of the server's: %+v", trial, r.ID, r)
		}
		took, server := *r.Done-*r.Sent, *r.ServerPrompt+*r.ServerDecode
		if !slices.ContainsFunc(logged, func(l timing) bool {
			return math.Abs(l.prompt-*r.ServerPrompt*1e3) < 0.006 && math.Abs(l.decode-*r.ServerDecode*1e3) < 0.006
		}) {
			j.t.Errorf("trial %s, request %d: the server's log has no %v and %v s", trial, r.ID, *r.ServerPrompt, *r.ServerDecode)
		}
		if server > took || r.FirstToken != nil && *r.ServerPrompt > *r.FirstToken-*r.Sent {
			j.t.Errorf("trial %s, request %d took %v s; its server says %v and %v s: %+v", trial, r.ID, took, *r.ServerPrompt, *r.ServerDecode, r)
		}
		shares = append(shares, server/took)
	}
	if len(shares) != 30 {
		j.t.Fatalf("trial %s has %d good requests, want 30", trial, len(shares))
	}
	slices.Sort(shares)
	if median := shares[len(shares)/2]; median < 0.5 {
		j.t.Errorf("trial %s: of what was measured the server accounts for %.2f in the median of %d requests", trial, median, len(shares))
	}
	j.t.Logf("trial %s: %d requests; the server accounts for %.3f to %.3f of what was measured, %.3f in the median", trial, len(shares),
		shares[0], shares[len(shares)-1], shares[len(shares)/2])
}

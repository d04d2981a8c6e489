//go:build e2e

package testbed

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
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
	}
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

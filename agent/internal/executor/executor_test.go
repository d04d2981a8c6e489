package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/ask"
	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

const token = "a-token-of-this-job"

// listen opens a port of this machine and closes it at the test's end.
func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// background runs a server until the test's end, and waits for it.
func background(t *testing.T, serve func(ctx context.Context) error) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- serve(ctx) }()
	ended := false
	end = func() error {
		ended = true
		cancel()
		return <-over
	}
	t.Cleanup(func() {
		if !ended {
			_ = end()
		}
	})
	return end
}

// mock is a dummy server; its base URL.
func mock(t *testing.T, cfg dummy.Config) string {
	t.Helper()
	ln := listen(t)
	background(t, func(ctx context.Context) error { return dummy.Serve(ctx, ln, cfg) })
	return "http://" + ln.Addr().String()
}

// rig is an executor that serves.
type rig struct {
	Client
	out string
	log *bytes.Buffer
	end func() error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	ln := listen(t)
	r := &rig{Client: Client{Node: "mel2001", URL: "http://" + ln.Addr().String(), Token: token}, out: t.TempDir(), log: new(bytes.Buffer)}
	e := New(Config{
		Token: token, Out: r.out, Node: "mel2001", Service: "ollama", Version: "test",
		Registry: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(r.log, nil)),
	})
	r.end = background(t, func(ctx context.Context) error { return e.Serve(ctx, ln) })
	return r
}

// assignment is twenty requests to the endpoint, or a long trial.
func assignment(endpoint string) workload.Assignment {
	return workload.Assignment{
		Schema: workload.Schema, Node: "mel2001", Parts: 1, Endpoints: []string{endpoint},
		Trial: workload.Trial{Schema: workload.Schema, ID: "0001", Name: "c4-r1", Workload: workload.Workload{
			Dialect: "openai-chat", Model: "tiny", Stream: true, Concurrency: 4, Requests: 20, DurationS: 60, DrainS: 5, TimeoutS: 5,
			InputTokens: 8, MaxTokens: 4,
		}},
	}
}

func endless(endpoint string) workload.Assignment {
	a := assignment(endpoint)
	a.Trial.Workload.Requests, a.Trial.Workload.DurationS = 0, 3600
	return a
}

// until polls the status until the condition holds.
func (r *rig) until(t *testing.T, holds func(state summary.State, done int64) bool) {
	t.Helper()
	for range 3000 {
		p, err := r.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if holds(p.State, p.Done) {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("it never came so far")
}

func over(state summary.State, _ int64) bool  { return state != summary.Running }
func moving(_ summary.State, done int64) bool { return done > 3 }

func TestATrialLeavesItsRecordsAndItsPart(t *testing.T) {
	r, endpoint := newRig(t), mock(t, dummy.Config{})
	if err := r.Start(t.Context(), assignment(endpoint)); err != nil {
		t.Fatal(err)
	}
	r.until(t, over)
	p, err := r.Part(t.Context())
	if err != nil || p.State != summary.Complete || p.Phases["measure"].OK != 20 || p.Client == nil {
		t.Fatalf("part %+v, %v; want 20 ok", p, err)
	}
	f, err := os.Open(filepath.Join(r.out, "0001", "mel2001", "records.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	header, records, err := record.Read(f)
	if err != nil || header.Trial != "0001" || header.Node != "mel2001" || header.StartUnixNS == 0 {
		t.Errorf("header %+v, %v", header, err)
	}
	n := 0
	for rec, err := range records {
		if err != nil || rec.Outcome != record.OK || rec.OutputTokens != 4 {
			t.Errorf("record %+v, %v", rec, err)
		}
		n++
	}
	if n != 20 {
		t.Errorf("%d records, want 20", n)
	}
	text, err := os.ReadFile(filepath.Join(r.out, "0001", "mel2001", "part.json"))
	var kept summary.Part
	if err != nil || json.Unmarshal(text, &kept) != nil || kept.State != summary.Complete || kept.Phases["measure"].OK != 20 {
		t.Errorf("part.json %s, %v", text, err)
	}
}

func TestStartAndStopNeedTheToken(t *testing.T) {
	r := newRig(t)
	body, _ := json.Marshal(endless(mock(t, dummy.Config{})))
	for what, header := range map[string]map[string]string{
		"none":    nil,
		"another": {"Authorization": "Bearer sesame"},
		"a part":  {"Authorization": "Bearer " + token[:5]},
		"bare":    {"Authorization": token},
		"basic":   {"Authorization": "Basic " + token},
	} {
		for _, path := range []string{"/start", "/stop"} {
			answer, err := ask.Send(t.Context(), ask.Request{URL: r.URL + path, Body: body, Header: header})
			if err != nil || answer.Status != http.StatusUnauthorized {
				t.Errorf("%s with token %s: status %d, %v", path, what, answer.Status, err)
			}
		}
	}
	p, err := r.Status(t.Context())
	if err != nil || p.State != Idle {
		t.Errorf("state %q, %v; nothing should have started", p.State, err)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	log := r.log.String()
	if strings.Count(log, "refused") != 10 || !strings.Contains(log, "remote=127.0.0.1:") {
		t.Errorf("the log should tell of ten refusals and from where:\n%s", log)
	}
	if strings.Contains(log, "sesame") || strings.Contains(log, token) {
		t.Errorf("the log has a token:\n%s", log)
	}
}

func TestStartRefusesWhatItDoesNotUnderstand(t *testing.T) {
	r := newRig(t)
	change := func(edit func(*workload.Assignment)) string {
		a := assignment("http://127.0.0.1:1")
		edit(&a)
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	good := change(func(*workload.Assignment) {})
	for _, c := range []struct{ what, body, want string }{
		{"no JSON", "hello", "not an assignment: invalid character"},
		{"no schema", "{}", "not an assignment of schema 1"},
		{"another schema", change(func(a *workload.Assignment) { a.Schema = 2 }), "not an assignment of schema 1"},
		{"a trial of another schema", change(func(a *workload.Assignment) { a.Trial.Schema = 7 }), "trial of schema 7"},
		{"a field of the future", strings.Replace(good, `"part":`, `"speed":1,"part":`, 1), `unknown field \"speed\"`},
		{"two of them", good + good, "after top-level value"},
		{"another node", change(func(a *workload.Assignment) { a.Node = "mel2002" }), `meant for node \"mel2002\"`},
		{"a way out of the directory", change(func(a *workload.Assignment) { a.Trial.ID = "../../etc" }), `trial \"../../etc\"`},
		{"a way out beside it", change(func(a *workload.Assignment) { a.Trial.ID = ".." }), `trial \"..\"`},
		{"a node that is a path", change(func(a *workload.Assignment) { a.Node = "../mel2001" }), `meant for node \"../mel2001\"`},
		{"an endpoint of another kind", change(func(a *workload.Assignment) { a.Endpoints = []string{"ftp://127.0.0.1:1"} }), "want http://host:port"},
		{"a start in the past", change(func(a *workload.Assignment) { a.StartInS = -1 }), "start_in_s -1"},
		{"a start next week", change(func(a *workload.Assignment) { a.StartInS = 6e5 }), "start_in_s 600000"},
		{"an unknown dialect", change(func(a *workload.Assignment) { a.Trial.Workload.Dialect = "latin" }), `unknown dialect \"latin\"`},
		{"no prompt", change(func(a *workload.Assignment) { a.Trial.Workload.InputTokens = 0 }), "no prompt"},
		{"a missing dataset", change(func(a *workload.Assignment) {
			a.Trial.Workload.InputTokens, a.Trial.Workload.Dataset = 0, "/no/such/data.jsonl"
		}), "open /no/such/data.jsonl"},
		{"a probe that is none", change(func(a *workload.Assignment) { a.Probe = -1 }), "probe -1: want 0 or more"},
		{"a missing key", change(func(a *workload.Assignment) { a.Trial.Workload.APIKeyFile = "/no/such/key" }), "API key: open /no/such/key"},
		{"no endpoint", change(func(a *workload.Assignment) { a.Endpoints = nil }), "no endpoints"},
		{"no end", change(func(a *workload.Assignment) { a.Trial.Workload.Requests, a.Trial.Workload.DurationS = 0, 0 }), "never end"},
	} {
		answer, err := ask.Send(t.Context(), ask.Request{URL: r.URL + "/start", Body: []byte(c.body), Header: map[string]string{"Authorization": "Bearer " + token}})
		if err != nil || answer.Status != http.StatusBadRequest || !strings.Contains(string(answer.Body), c.want) {
			t.Errorf("%s: status %d, %s, %v; want 400 with %q", c.what, answer.Status, answer.Body, err, c.want)
		}
	}
	if p, err := r.Status(t.Context()); err != nil || p.State != Idle {
		t.Errorf("state %q, %v; nothing should have started", p.State, err)
	}
}

func TestOnlyTheTokenMakesRoomForABody(t *testing.T) {
	r := newRig(t)
	body := make([]byte, 1<<20)
	answer, err := ask.Send(t.Context(), ask.Request{URL: r.URL + "/start", Body: body})
	if err == nil && answer.Status != http.StatusRequestEntityTooLarge { // a 401 would mean that all of it was read
		t.Errorf("without the token: status %d, want 413 or a closed connection", answer.Status)
	}
	answer, err = ask.Send(t.Context(), ask.Request{URL: r.URL + "/start", Body: body, Header: map[string]string{"Authorization": "Bearer " + token}})
	if err != nil || answer.Status != http.StatusBadRequest {
		t.Errorf("with the token: status %d, %v; want 400", answer.Status, err)
	}
}

func TestOneTrialAtATimeAndStopEndsIt(t *testing.T) {
	r, endpoint := newRig(t), mock(t, dummy.Config{ITL: time.Millisecond})
	if err := r.Start(t.Context(), endless(endpoint)); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), endless(endpoint)); err == nil || !strings.Contains(err.Error(), "trial 0001 is running") {
		t.Errorf("second start: %v, want that one is running", err)
	}
	r.until(t, moving)
	p, err := r.Stop(t.Context())
	if err != nil || p.State != summary.Stopped || p.InFlight != 0 {
		t.Errorf("stopped: %+v, %v", p, err)
	}
	if p, err := r.Stop(t.Context()); err != nil || p.State != summary.Stopped {
		t.Errorf("stopping what is stopped: %+v, %v", p, err)
	}
	part, err := r.Part(t.Context())
	if err != nil || part.State != summary.Stopped || part.Phases["measure"].OK == 0 {
		t.Errorf("part %+v, %v", part, err)
	}
	if err := r.Start(t.Context(), assignment(endpoint)); err != nil {
		t.Errorf("a start after a stop: %v", err)
	}
	r.until(t, over)
}

func TestEndOfTheExecutorStopsItsTrial(t *testing.T) {
	r, endpoint := newRig(t), mock(t, dummy.Config{ITL: time.Millisecond})
	if err := r.Start(t.Context(), endless(endpoint)); err != nil {
		t.Fatal(err)
	}
	r.until(t, moving)
	if err := r.end(); err != nil {
		t.Errorf("the executor ended with %v", err)
	}
	text, err := os.ReadFile(filepath.Join(r.out, "0001", "mel2001", "part.json"))
	var kept summary.Part
	if err != nil || json.Unmarshal(text, &kept) != nil || kept.State != summary.Stopped {
		t.Errorf("part.json %s, %v; want one that was stopped", text, err)
	}
}

func TestRecordsThatCannotBeWrittenFailTheTrial(t *testing.T) {
	r, endpoint := newRig(t), mock(t, dummy.Config{})
	if err := os.WriteFile(filepath.Join(r.out, "0001"), nil, 0o644); err != nil { // where the directory should be
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), assignment(endpoint)); err != nil {
		t.Fatal(err)
	}
	r.until(t, over)
	if p, err := r.Status(t.Context()); err != nil || !strings.Contains(p.Error, "not a directory") {
		t.Errorf("status %+v, %v", p, err)
	}
}

func TestOtherRoutes(t *testing.T) {
	r := newRig(t)
	h, took, err := r.Health(t.Context())
	if err != nil || h.Status != "ok" || h.Node != "mel2001" || h.Service != "ollama" || h.UnixNS == 0 || took <= 0 {
		t.Errorf("health %+v, %v, %v", h, took, err)
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/metrics", http.StatusNotFound}, // nothing has run
		{"GET", "/nothing", http.StatusNotFound},
		{"GET", "/start", http.StatusMethodNotAllowed},
		{"DELETE", "/status", http.StatusMethodNotAllowed},
		{"HEAD", "/health", http.StatusOK},
	} {
		answer, err := ask.Send(t.Context(), ask.Request{Method: c.method, URL: r.URL + c.path})
		if err != nil || answer.Status != c.status {
			t.Errorf("%s %s: %d, %v; want %d", c.method, c.path, answer.Status, err, c.status)
		}
	}
}

// get asks for the metrics in a format.
func (r *rig) get(t *testing.T, accept string) (contentType string, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+"/metrics/prometheus", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v: %s", resp.StatusCode, err, body)
	}
	return resp.Header.Get("Content-Type"), body
}

// To be told to end is no failure, whatever tells it: a signal is the cause of its context's end.
func TestAnEndThatWasAskedForIsNone(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	e := New(Config{Token: "token", Out: t.TempDir(), Node: "c1", Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	over := make(chan error, 1)
	ln := listen(t)
	go func() { over <- e.Serve(ctx, ln) }()
	cancel(errors.New("terminated"))
	if err := <-over; err != nil {
		t.Error(err)
	}
}

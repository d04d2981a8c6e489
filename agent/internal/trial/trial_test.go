package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/executor"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// background runs a server until the test's end, or until it is ended, and waits for it.
func background(t *testing.T, serve func(ctx context.Context) error) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = serve(ctx) })
	end = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(end)
	return end
}

func mock(t *testing.T, cfg dummy.Config) string {
	t.Helper()
	ln := listen(t)
	background(t, func(ctx context.Context) error { return dummy.Serve(ctx, ln, cfg) })
	return "http://" + ln.Addr().String()
}

// bed is a job's client nodes and what a trial needs of them.
type bed struct {
	Config
	run  string
	said *said
	ends []func() // of the executors
}

// said collects progress from any goroutine.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *said) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.lines, func(line string) bool { return strings.Contains(line, text) })
}

// newBed starts client nodes whose clocks are off by these times. The trial is forty requests.
func newBed(t *testing.T, endpoints []string, offsets ...time.Duration) *bed {
	t.Helper()
	b := &bed{run: t.TempDir(), said: new(said)}
	for k, offset := range offsets {
		ln, node := listen(t), fmt.Sprintf("c%d", k+1)
		e := executor.New(executor.Config{
			Token: "token", Out: b.run, Node: node, Clock: offset, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
		})
		b.ends = append(b.ends, background(t, func(ctx context.Context) error { return e.Serve(ctx, ln) }))
		b.Executors = append(b.Executors, executor.Client{Node: node, URL: "http://" + ln.Addr().String(), Token: "token"})
	}
	b.Config = Config{
		Trial: workload.Trial{Schema: workload.Schema, ID: "0001", Name: "c4-r1", Deployment: "d1", Repetition: 1, Workload: workload.Workload{
			Dialect: "openai-chat", Model: "tiny", Stream: true, Concurrency: 4, Requests: 40, DurationS: 60, DrainS: 5, TimeoutS: 60,
			InputTokens: 8, MaxTokens: 4,
		}},
		Endpoints: endpoints, Executors: b.Executors, Out: filepath.Join(b.run, "0001"), Key: "5f2c",
		Lead: 50 * time.Millisecond, Stall: time.Minute, ProbeTimeout: time.Second, Poll: 20 * time.Millisecond, Every: time.Hour, Say: b.said.say,
	}
	return b
}

func (b *bed) endless() { b.Trial.Workload.Requests, b.Trial.Workload.DurationS = 0, 3600 }

// summary reads what Run left; nil when there is none.
func (b *bed) summary(t *testing.T) *summary.Summary {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.Out, "summary.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	s := new(summary.Summary)
	if err := errors.Join(err, json.Unmarshal(text, s)); err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *bed) complete() bool {
	key, err := os.ReadFile(filepath.Join(b.Out, "key"))
	return err == nil && string(key) == b.Key+"\n"
}

// header reads the first line of a node's records.
func (b *bed) header(t *testing.T, node string) record.Header {
	t.Helper()
	f, err := os.Open(filepath.Join(b.Out, node, "records.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, _, err := record.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAMissingKeyEndsATrialBeforeItBegins(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0)
	b.Trial.Workload.APIKeyFile = "/no/such/key"
	if s, err := Run(t.Context(), b.Config); s != nil || err == nil || !strings.Contains(err.Error(), "API key: open /no/such/key") {
		t.Errorf("%v, %v", s, err)
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != executor.Idle {
		t.Errorf("the executor is %s, %v", p.State, err)
	}
}

func TestTwoClientsMakeOneSummary(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{}), mock(t, dummy.Config{})}, 0, time.Hour)
	s, err := Run(t.Context(), b.Config)
	if err != nil {
		t.Fatal(err)
	}
	if marks := strings.Join(s.Marks, "; "); s.Requests.OK != 40 || strings.Contains(marks, "missing") || strings.Contains(marks, "stopped before") {
		t.Errorf("%d ok, marks %q; want 40, and nothing missing", s.Requests.OK, s.Marks)
	}
	if kept := b.summary(t); kept == nil || kept.Requests.OK != 40 || !b.complete() {
		t.Errorf("summary.json %+v, key there: %v", kept, b.complete())
	}
	if l := s.Little; l == nil || l.Bookkeeping == nil || *l.Bookkeeping > 0.01 || *l.Bookkeeping < -0.01 || len(s.ByEndpoint) != 2 || len(s.ByNode) != 2 {
		t.Errorf("little %+v, by endpoint %+v, by node %+v", s.Little, s.ByEndpoint, s.ByNode)
	}
	series, err := os.ReadFile(filepath.Join(b.Out, summary.SeriesFile))
	if rows := strings.Split(strings.TrimSpace(string(series)), "\n"); err != nil || len(rows) < 2 || !strings.HasPrefix(rows[0], "time_s,step_s,measured,due,") {
		t.Errorf("%s: %q, %v", summary.SeriesFile, series, err)
	}
	first, second := b.header(t, "c1"), b.header(t, "c2")
	if second.ClockOffsetS < 3590 || second.ClockOffsetS > 3610 || first.ClockOffsetS > 10 || first.ClockOffsetS < -10 {
		t.Errorf("clock offsets %g and %g, want 0 and an hour", first.ClockOffsetS, second.ClockOffsetS)
	}
	zero := func(h record.Header) float64 { return float64(h.StartUnixNS)/1e9 - h.ClockOffsetS }
	if apart := zero(first) - zero(second); apart > 5 || apart < -5 {
		t.Errorf("time zeros are %g s apart when the offsets are taken off", apart)
	}
}

func TestStoppedFromOutside(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{ITL: time.Millisecond})}, 0)
	b.endless()
	ctx, cancel := context.WithCancel(t.Context())
	b.Every = 0
	b.Say = func(format string, args ...any) {
		if line := fmt.Sprintf(format, args...); strings.Contains(line, " ok,") && !strings.Contains(line, " 0 ok,") {
			cancel()
		}
	}
	_, err := Run(ctx, b.Config)
	if err == nil || err.Error() != "stopped" {
		t.Errorf("error %v, want stopped", err)
	}
	s := b.summary(t)
	if s == nil || s.Marks[0] != "stopped" || b.complete() {
		t.Errorf("summary %+v, key there: %v; want one that is marked, and no key", s, b.complete())
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != summary.Stopped {
		t.Errorf("executor: %+v, %v; want it stopped", p, err)
	}
}

// mute accepts connections and requests, and never answers one.
func mute(t *testing.T) string {
	t.Helper()
	ln := listen(t)
	background(t, func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = ln.Close() })
		for {
			conn, err := ln.Accept()
			if err != nil {
				return err
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
	})
	return "http://" + ln.Addr().String()
}

func TestServerThatNeverAnswersIsAHang(t *testing.T) {
	endpoint := mute(t)
	b := newBed(t, []string{endpoint}, 0)
	b.endless()
	b.Stall, b.ProbeTimeout = 100*time.Millisecond, 50*time.Millisecond
	_, err := Run(t.Context(), b.Config)
	if err == nil || !strings.HasPrefix(err.Error(), "hang: no byte for ") || !strings.Contains(err.Error(), endpoint+" failed two probes: no answer within 50ms") {
		t.Errorf("error %v, want a hang of %s", err, endpoint)
	}
	s := b.summary(t)
	if s == nil || !strings.HasPrefix(s.Marks[0], "hang: ") || b.complete() {
		t.Errorf("summary %+v, key there: %v", s, b.complete())
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != summary.Stopped {
		t.Errorf("executor: %+v, %v; want it stopped", p, err)
	}
}

func TestHangOutlastsRequestsThatRunOutOfTime(t *testing.T) {
	b := newBed(t, []string{mute(t)}, 0)
	b.Trial.Workload.Requests, b.Trial.Workload.TimeoutS = 1, 0.3
	b.Stall, b.ProbeTimeout = 100*time.Millisecond, 300*time.Millisecond
	if _, err := Run(t.Context(), b.Config); err == nil || !strings.HasPrefix(err.Error(), "hang: no byte for ") {
		t.Errorf("error %v, want a hang: the last request ran out of time while the probes waited", err)
	}
}

// slow answers probes at once and everything else after the time.
func slow(t *testing.T, after <-chan struct{}) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("X-Request-Id"), "probe-") {
			select {
			case <-after:
			case <-r.Context().Done():
			}
		}
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"a b c d"},"finish_reason":"length"}],"usage":{"prompt_tokens":8,"completion_tokens":4}}`)
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func TestSlowServerThatAnswersProbesIsNoHang(t *testing.T) {
	after := make(chan struct{})
	b := newBed(t, []string{slow(t, after)}, 0)
	b.Trial.Workload.Stream, b.Trial.Workload.Requests = false, 4
	b.Stall = 50 * time.Millisecond
	var once sync.Once
	b.Say = func(format string, args ...any) {
		b.said.say(format, args...)
		if b.said.has("probing the servers") {
			once.Do(func() { close(after) })
		}
	}
	if _, err := Run(t.Context(), b.Config); err != nil || !b.complete() {
		t.Errorf("error %v, key there: %v", err, b.complete())
	}
	if !b.said.has("no byte for ") {
		t.Error("it was never suspected: the test shows nothing")
	}
}

func TestAKeyOfAnEarlierRunDoesNotStay(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{ErrorRate: 1})}, 0)
	if err := os.MkdirAll(b.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Out, "key"), []byte(b.Key+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), b.Config); err == nil || b.complete() {
		t.Errorf("error %v, complete: %t; want a failed trial without a key", err, b.complete())
	}
}

func TestNothingOkIsNoCompleteTrial(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{ErrorRate: 1})}, 0)
	_, err := Run(t.Context(), b.Config)
	if err == nil || !strings.HasPrefix(err.Error(), "no request was ok: 40 http_status (") {
		t.Errorf("error %v", err)
	}
	if s := b.summary(t); s == nil || s.Requests.Failed != 40 || b.complete() {
		t.Errorf("summary %+v, key there: %v", s, b.complete())
	}
}

func TestExecutorThatIsNotThere(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0, 0)
	b.ends[1]()
	_, err := Run(t.Context(), b.Config)
	if err == nil || !strings.Contains(err.Error(), "executor of c2 (") || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line about c2", err)
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != executor.Idle {
		t.Errorf("c1: %+v, %v; want it idle", p, err)
	}
	if b.summary(t) != nil || b.complete() {
		t.Error("there is a result of a trial that never began")
	}
}

func TestWrongTokenStartsNothing(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0)
	b.Executors[0].Token = "sesame"
	_, err := Run(t.Context(), b.Config)
	if err == nil || !strings.Contains(err.Error(), "does not know this job's token") {
		t.Errorf("error %v", err)
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != executor.Idle {
		t.Errorf("executor: %+v, %v; want it idle", p, err)
	}
}

func TestTrialOfADeadDriverIsStopped(t *testing.T) {
	endpoint := mock(t, dummy.Config{ITL: time.Millisecond})
	b := newBed(t, []string{endpoint}, 0)
	left := b.Trial
	left.ID, left.Workload.Requests, left.Workload.DurationS = "0009", 0, 3600
	if err := b.Executors[0].Start(t.Context(), workload.Assignment{
		Schema: workload.Schema, Trial: left, Node: "c1", Parts: 1, Endpoints: []string{endpoint},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), b.Config); err != nil || !b.said.has("c1 still runs trial 0009") {
		t.Errorf("error %v, said %q", err, b.said.lines)
	}
}

// Each server is reset before the load, with the trial's headers; one that can't be is said and marks the trial.
func TestServersAreResetBeforeTheLoad(t *testing.T) {
	for want, path := range map[string]string{"": "/reset_prefix_cache", "HTTP 404": "/no/such/way"} {
		a, b := mock(t, dummy.Config{PrefixCache: true}), mock(t, dummy.Config{PrefixCache: true})
		bed := newBed(t, []string{a, b}, 0)
		bed.Trial.Reset = &workload.Reset{Method: "POST", Path: path}
		s, err := Run(t.Context(), bed.Config)
		if err != nil {
			t.Fatal(err)
		}
		doubts := 0
		for _, mark := range s.Marks {
			if strings.Contains(mark, "was not reset before the load") && want != "" && strings.HasSuffix(mark, want) {
				doubts++
			} else if strings.Contains(mark, "reset") {
				t.Errorf("marked: %s", mark)
			}
		}
		if want != "" && (doubts != 2 || !bed.said.has(b+" was not reset before the load")) || !bed.complete() {
			t.Errorf("%s: marks %q, complete: %v", path, s.Marks, bed.complete())
		}
		for _, server := range []string{a, b} {
			answer, err := http.Get(server + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if once := strings.Contains(string(text), "\ndummy_resets_total 1\n"); err != nil || once != (want == "") {
				t.Errorf("%s: reset %v, %v", server, once, err)
			}
		}
	}
}

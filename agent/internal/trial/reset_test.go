package trial

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/executor"
	"hpcbench/agent/workload"
)

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

// The same prompts once more are hits of the server's prefix cache, which nobody asked for, and mark the trial; where the server is
// reset before each load, there are none.
func TestPromptsThatAServerRemembers(t *testing.T) {
	for _, reset := range []*workload.Reset{nil, {Method: "POST", Path: "/reset_prefix_cache"}} {
		endpoint := mock(t, dummy.Config{PrefixCache: true, TTFT: 10 * time.Millisecond})
		b := newBed(t, []string{endpoint}, 0)
		ln := listen(t)
		e := executor.New(executor.Config{
			Token: "token", Out: b.run, Node: "c1", Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
			Watch: &workload.Watch{Schema: workload.Schema, IntervalS: 0.1, Server: &workload.MetricsPage{Path: "/metrics", Map: map[string]string{
				"dummy_prefix_cache_queries_total": "prefix_queries", "dummy_prefix_cache_hits_total": "prefix_hits"}}},
		})
		background(t, func(ctx context.Context) error { return e.Serve(ctx, ln) })
		b.Executors[0].URL = "http://" + ln.Addr().String()
		b.Trial.Workload.Dialect, b.Trial.Workload.InputTokens, b.Trial.Reset = "openai-completions", 100, reset
		for run, want := range []bool{false, reset == nil} {
			s, err := Run(t.Context(), b.Config)
			if err != nil {
				t.Fatal(err)
			}
			if s.Server == nil || s.Server.PrefixQueries == nil || *s.Server.PrefixQueries < 2000 {
				t.Fatalf("run %d: the server told %+v", run, s.Server)
			}
			hits := slices.ContainsFunc(s.Marks, func(m string) bool { return strings.Contains(m, "prefix hits that nobody asked for") })
			if hits != want {
				t.Errorf("reset %v, run %d: marks %q, hits %v", reset, run, s.Marks, *s.Server.PrefixHitShare)
			}
		}
	}
}

// A server that refuses to forget while it still ends requests is asked again, and one that never does is doubted after a bound.
func TestAServerThatRefusesToForgetIsAskedAgain(t *testing.T) {
	for refusals, want := range map[int32]int32{0: 1, 3: 4, resetTries - 1: resetTries, resetTries: resetTries} {
		var asked atomic.Int32
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) <= refusals {
				w.WriteHeader(http.StatusBadRequest)
			}
		}))
		said := new(said)
		c := Config{Trial: workload.Trial{Reset: &workload.Reset{Method: "POST", Path: "/flush_cache"}}, Endpoints: []string{web.URL},
			ProbeTimeout: time.Minute, Poll: time.Millisecond, Say: said.say, doubts: new([]string)}
		c.Trial.Workload.Dialect = "openai-chat"
		c.reset(t.Context())
		web.Close()
		if doubted := len(*c.doubts) == 1 && said.has("HTTP 400"); asked.Load() != want || doubted != (refusals >= resetTries) {
			t.Errorf("%d refusals: asked %d times, want %d; doubts %q", refusals, asked.Load(), want, *c.doubts)
		}
	}
}

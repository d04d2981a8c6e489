package ready

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// server is healthy after so many looks and then generates; both can be replaced.
type server struct {
	looks    atomic.Int32 // at the health page
	healthy  int32        // from this look on
	status   int
	answer   string
	probes   sync.Map // X-Request-Id of generations
	requests atomic.Int32
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		if s.looks.Add(1) < s.healthy {
			http.Error(w, "Loading model", http.StatusServiceUnavailable)
		}
		return
	}
	s.requests.Add(1)
	s.probes.Store(r.Header.Get("X-Request-Id"), r.URL.Path)
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.answer)
}

const word = `{"choices":[{"message":{"content":"one two"},"finish_reason":"length"}],"usage":{"prompt_tokens":4,"completion_tokens":2}}`

func start(t *testing.T, s *server) string {
	t.Helper()
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return web.URL
}

// config waits for these endpoints with little patience; lines gets what is said.
func config(lines *[]string, endpoints ...string) Config {
	return Config{
		Endpoints: endpoints, HealthPath: "/health", HealthTimeout: 5 * time.Second, HealthInterval: time.Millisecond,
		Dialect: "openai-chat", Model: "tiny", GenerationTimeout: 5 * time.Second,
		Say: func(format string, args ...any) { *lines = append(*lines, fmt.Sprintf(format, args...)) },
	}
}

func TestWaitsForHealthAndThenForOneToken(t *testing.T) {
	var lines []string
	a, b := &server{status: 200, answer: word, healthy: 3}, &server{status: 200, answer: word}
	if err := Wait(t.Context(), config(&lines, start(t, a), start(t, b))); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*server{a, b} {
		if s.requests.Load() != 1 {
			t.Errorf("%d generations, want 1", s.requests.Load())
		}
		s.probes.Range(func(id, path any) bool {
			if !strings.HasPrefix(id.(string), "probe-") || path != "/v1/chat/completions" {
				t.Errorf("generation %v at %v, want a probe", id, path)
			}
			return true
		})
	}
	said := strings.Join(lines, "\n")
	for _, want := range []string{"health: 1 of 2 endpoints after", "HTTP 503: Loading model", "health: 2 of 2", "generation: 2 of 2"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q was not said in:\n%s", want, said)
		}
	}
}

func TestEachStageFailsByName(t *testing.T) {
	closed := "http://127.0.0.1:1"
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	mute := "http://" + ln.Addr().String()
	placed := t.TempDir()
	if err := os.WriteFile(filepath.Join(placed, "0"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what     string
		endpoint string
		change   func(*Config)
		want     string
	}{
		{"a rank that never started", closed, func(c *Config) { c.PlacedDir, c.Ranks, c.PlacedTimeout = placed, 2, 0 }, "placed: rank 1: never started on its node, or the nodes do not share " + placed + " (1 of 2 ranks"},
		{"nobody listens", closed, func(c *Config) { c.HealthTimeout = 0 }, "health: http://127.0.0.1:1: connection refused (0 of 1 endpoints"},
		{"a generation that never comes", mute, func(c *Config) { c.HealthPath, c.GenerationTimeout = "", time.Nanosecond }, "generation: " + mute + ": no answer within"},
		{"no model", start(t, &server{status: 404, answer: `{"error":{"message":"model \"tiny\" not found"}}`}), nil, `HTTP 404: model "tiny" not found`},
		{"a dead engine", start(t, &server{status: 500, answer: "Internal Server Error"}), nil, "HTTP 500: "},
		{"an answer without a token", start(t, &server{status: 200, answer: `{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}`}), nil, "generation: "},
		{"no endpoint", "", func(c *Config) { c.Endpoints = nil }, "nodes.tsv has no server with a port"},
	} {
		var lines []string
		cfg := config(&lines, c.endpoint)
		if c.change != nil {
			c.change(&cfg)
		}
		err := Wait(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.what, err, c.want)
		}
	}
}

func TestBusyServerIsAskedAgain(t *testing.T) {
	s := &server{status: 503, answer: "busy"}
	url := start(t, s)
	ctx, cancel := context.WithCancelCause(t.Context())
	var lines []string
	cfg := config(&lines, url)
	cfg.HealthPath, cfg.GenerationTimeout = "", time.Hour
	go func() {
		for s.requests.Load() < 2 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
		cancel(errors.New("stopped"))
	}()
	if err := Wait(ctx, cfg); err == nil || err.Error() != "generation: stopped" {
		t.Errorf("error %v, want that it was stopped after the second try", err)
	}
}

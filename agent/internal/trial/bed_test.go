package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
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

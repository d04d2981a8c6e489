package live

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/executor"
	"hpcbench/agent/workload"
)

func toText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON
	}
	return string(text)
}

// serving runs a server until the test's end; its address.
func serving(t *testing.T, serve func(context.Context, net.Listener) error) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { defer close(over); _ = serve(ctx, ln) }()
	t.Cleanup(func() { cancel(); <-over })
	return ln.Addr().String()
}

// client is an executor of a node that published its address, and sends a trial.
func client(t *testing.T, dir, name, trial string, part int, endpoint string) executor.Client {
	t.Helper()
	e := executor.New(executor.Config{Token: "t", Out: t.TempDir(), Node: name, Registry: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	address := serving(t, e.Serve)
	put(t, dir, filepath.Join("executors", name), address+"\n")
	if err := os.Chmod(filepath.Join(dir, "executors", name), 0o600); err != nil {
		t.Fatal(err)
	}
	c := executor.Client{Node: name, URL: "http://" + address, Token: "t"}
	if trial == "" {
		return c
	}
	if err := c.Start(t.Context(), workload.Assignment{Schema: workload.Schema, Node: name, Part: part, Parts: 2, Endpoints: []string{endpoint},
		Trial: workload.Trial{Schema: workload.Schema, ID: trial, Workload: workload.Workload{
			Dialect: "openai-chat", Model: "tiny", Stream: true, Concurrency: 4, DurationS: 3600, DrainS: 5, TimeoutS: 5, InputTokens: 8, MaxTokens: 4,
		}}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// What two executors say becomes one trial; one that waits, and one that is not there, are named.
func TestExecutorsAddUp(t *testing.T) {
	results, dir := running(t)
	endpoint := "http://" + serving(t, func(ctx context.Context, ln net.Listener) error {
		return dummy.Serve(ctx, ln, dummy.Config{TTFT: 10 * time.Millisecond, ITL: time.Millisecond})
	})
	client(t, dir, "cn1", "0002", 0, endpoint)
	client(t, dir, "cn2", "0002", 1, endpoint)
	client(t, dir, "cn3", "", 0, endpoint)
	put(t, dir, "executors/cn4", "127.0.0.1:1\n")
	if err := os.Chmod(filepath.Join(dir, "executors/cn4"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := show(t, results).view(t)
	asked := map[string]bool{}
	tick := v.until("tick", func(tick map[string]any) bool {
		for _, x := range tick["executors"].([]any) {
			asked[x.(map[string]any)["node"].(string)] = x.(map[string]any)["asked"].(bool)
		}
		by, _ := tick["by_outcome"].(map[string]any)
		n, _ := by["ok"].(float64)
		return tick["trial"] == "0002" && n > 0 && tick["phase"] == "measure" && asked["cn1"] && asked["cn2"] && asked["cn3"]
	})
	if len(asked) != 4 || asked["cn4"] {
		t.Errorf("executors %v", asked)
	}
	if tick["in_flight"].(float64) > 4 {
		t.Errorf("tick %v", tick)
	}
	trial := v.until("trial", func(trial map[string]any) bool {
		return trial["of"] == "0002" && column(trial, trialColumns, 0, "ok").(float64) > 0
	})
	if ttft, ok := column(trial, trialColumns, 0, "ttft_s_p50").(float64); !ok || ttft < 0.009 {
		t.Errorf("TTFT %v", ttft)
	}
	more(t, dir, "events.tsv", "1795690600\texit\t0\n")
	if tick := v.until("tick", func(tick map[string]any) bool { return len(tick["executors"].([]any)) == 0 }); tick["trial"] != nil {
		t.Errorf("after the end: %v", tick)
	}
}

// An ETA is what is planned, as fast as the trials before were, and the servers that are not started yet.
func TestETA(t *testing.T) {
	results, dir := running(t)
	put(t, dir, "executors/.x", "")
	r := newRun(results)
	r.look(t.Context(), time.UnixMilli(int64((zero+20)*1e3)))
	left, ok := r.eta() // trial 1 took 10 s of 10; trial 2 runs since 4 s; trial 3 takes 10 s on a deployment that needs 2 s
	if !ok || left < 17.9 || left > 18.1 {
		t.Errorf("%v s left, %v", left, ok)
	}
}

// An executor that takes a question and never answers is told of, and left alone for a while.
func TestAnExecutorThatHangsIsLeftAlone(t *testing.T) {
	results, dir := running(t)
	address := serving(t, func(ctx context.Context, ln net.Listener) error { <-ctx.Done(); return ln.Close() })
	put(t, dir, "executors/cn1", address+"\n")
	if err := os.Chmod(filepath.Join(dir, "executors/cn1"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRun(results)
	r.look(t.Context(), time.Now())
	x := r.executors["cn1"]
	if x == nil || x.err == nil || x.next.IsZero() {
		t.Fatalf("executor %+v", x)
	}
	next := x.next
	if r.look(t.Context(), time.Now()); x.next != next || x.view().Asked {
		t.Errorf("it was asked again at once: %+v", x)
	}
}

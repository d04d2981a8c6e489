package push

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/workload"
)

// gateway is a Pushgateway that takes down what it is asked, and answers a listing with its text.
type gateway struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string // method and path
	bodies  []string
	listing string
}

func fake(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{listing: `{"status":"success","data":[]}`}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.asked, g.bodies = append(g.asked, r.Method+" "+r.URL.Path), append(g.bodies, string(body))
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(g.listing))
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(g.Close)
	return g
}

// seen is what was asked so far, and with what bodies.
func (g *gateway) seen() (asked, bodies []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.asked), slices.Clone(g.bodies)
}

// tries tells whether more than n requests came.
func (g *gateway) tries(n int) func() bool {
	return func() bool { asked, _ := g.seen(); return len(asked) > n }
}

// pushing runs a pusher until end is called, which gives its log.
func pushing(t *testing.T, cfg Config) (end func() string) {
	t.Helper()
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	reg := prometheus.NewRegistry()
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "hpcbench_load1", ConstLabels: prometheus.Labels{"host": cfg.Node}})
	g.Set(2.5)
	reg.MustRegister(g)
	cfg.From = reg
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { Run(ctx, cfg); close(over) }()
	return func() string {
		cancel()
		select {
		case <-over:
		case <-time.After(time.Minute):
			t.Fatal("it does not end")
		}
		return log.String()
	}
}

func config(url string) Config {
	return Config{Push: workload.Push{URL: url, IntervalS: 0.05, Scenario: "my scenario"}, Job: Client, Node: "mel2001", Dir: "/results/4711"}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within a minute", what)
		}
	}
}

const path = "/metrics/job/client/jobid/4711/node/mel2001/scenario/my scenario"

// ordered is a path with its labels in the order of their names: client_golang writes them in that of a map.
func ordered(asked string) string {
	method, at, _ := strings.Cut(asked, " ")
	words := strings.Split(strings.TrimPrefix(at, "/metrics/job/"), "/")
	var pairs []string
	for k := 1; k+1 < len(words); k += 2 {
		pairs = append(pairs, words[k]+"/"+words[k+1])
	}
	slices.Sort(pairs)
	return method + " /metrics/job/" + words[0] + "/" + strings.Join(pairs, "/")
}

// A group has its four labels, each push replaces it, and at the end it is deleted.
func TestGroupIsPushedAgainAndAgainAndGoesWithTheJob(t *testing.T) {
	g := fake(t)
	end := pushing(t, config(g.URL+"/"))
	until(t, "third push", g.tries(3))
	if log := end(); log != "" {
		t.Error(log)
	}
	all, bodies := g.seen()
	for k, asked := range all[1:] {
		want := "PUT " + path
		if k == len(all)-2 {
			want = "DELETE " + path
		}
		if ordered(asked) != want {
			t.Errorf("%d: %s, want %s", k, asked, want)
		}
	}
	if !strings.Contains(bodies[1], "hpcbench_load1") || strings.Contains(bodies[1], "retention") {
		t.Errorf("pushed %q", bodies[1])
	}
}

func TestGroupThatIsToStayGetsALastPush(t *testing.T) {
	g := fake(t)
	cfg := config(g.URL)
	cfg.RetentionS, cfg.IntervalS = 7200, 3600
	end := pushing(t, cfg)
	until(t, "push", g.tries(1))
	if log := end(); log != "" {
		t.Error(log)
	}
	if all, bodies := g.seen(); len(all) != 3 || ordered(all[2]) != "PUT "+path || !strings.Contains(bodies[2], "hpcbench_push_retention_seconds") {
		t.Errorf("%q %q", all, bodies)
	}
}

// What a job left there for a while is deleted by a later one: what says that its time is over, and nothing else.
func TestWhoseTimeIsOverIsForgotten(t *testing.T) {
	g := fake(t)
	group := func(node, retention string, pushed time.Time) map[string]any {
		value := func(v string) map[string]any { return map[string]any{"metrics": []any{map[string]any{"value": v}}} }
		one := map[string]any{"labels": map[string]string{"job": "node", "jobid": "1", "node": node},
			"push_time_seconds": value(fmt.Sprintf("%.7e", float64(pushed.Unix()))), "last_push_successful": true}
		if retention != "" {
			one["hpcbench_push_retention_seconds"] = value(retention)
		}
		return one
	}
	now := time.Now()
	text, err := json.Marshal(map[string]any{"status": "success", "data": []any{
		group("old", "7200", now.Add(-3*time.Hour)), group("young", "7200", now.Add(-time.Hour)), group("others", "", now.Add(-9000*time.Hour)), group("odd", "NaN", now.Add(-9000*time.Hour)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	g.listing = string(text)
	end := pushing(t, config(g.URL))
	until(t, "push", g.tries(2))
	log := end()
	var deleted []string
	all, _ := g.seen()
	for _, asked := range all[:len(all)-1] {
		if strings.HasPrefix(asked, "DELETE") {
			deleted = append(deleted, ordered(asked))
		}
	}
	if !slices.Equal(deleted, []string{"DELETE /metrics/job/node/jobid/1/node/old"}) || !strings.Contains(log, "retention is over") {
		t.Errorf("deleted %q; the log says %s", deleted, log)
	}
}

// Monitors, of which there are many, do not ask for all groups.
func TestMonitorsPushAlone(t *testing.T) {
	g := fake(t)
	cfg := config(g.URL)
	cfg.Job = Node
	end := pushing(t, cfg)
	until(t, "push", g.tries(0))
	if log := end(); log != "" {
		t.Error(log)
	}
	if all, _ := g.seen(); slices.ContainsFunc(all, func(asked string) bool { return strings.HasPrefix(asked, "GET") }) {
		t.Errorf("%q", all)
	}
}

// A dead Pushgateway, a silent one, and one that answers nonsense: a line of the log when it begins, and an end.
func TestPushgatewayThatDoesNotAnswerCostsALine(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	closed := httptest.NewServer(nil)
	closed.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "disk full", http.StatusInternalServerError)
	}))
	t.Cleanup(broken.Close)
	for name, c := range map[string]struct{ url, want string }{
		"dead": {closed.URL, "refused"}, "silent": {"http://" + silent.Addr().String(), "no answer within"},
		"broken": {broken.URL, "HTTP 500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(c.url)
			cfg.Dir = t.TempDir()
			end := pushing(t, cfg)
			time.Sleep(20 * time.Millisecond) // some tries, or the middle of one: either is to end alike
			log := end()
			if n := strings.Count(log, "\n"); n != 1 || !strings.Contains(log, "does not take the readings") || !strings.Contains(log, c.want) {
				t.Errorf("%d lines: %s", n, log)
			}
		})
	}
}

// The job's own Pushgateway begins after the monitors, which is no failure of it.
func TestPushgatewayThatComesLater(t *testing.T) {
	g := fake(t)
	cfg := config("")
	cfg.Dir = filepath.Join(t.TempDir(), "4711")
	end := pushing(t, cfg)
	if err := os.MkdirAll(filepath.Join(cfg.Dir, "addresses"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Dir, Address), []byte(strings.TrimPrefix(g.URL, "http://")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, "push", g.tries(0))
	if log := end(); strings.Contains(log, "does not take") {
		t.Error(log)
	}
}

// One that does not come is not waited for without end, and then a failure like any other.
func TestPushgatewayThatNeverComes(t *testing.T) {
	cfg := config("")
	cfg.Dir = t.TempDir()
	p := &pusher{Config: cfg}
	p.await(t.Context(), time.Millisecond)
	if err := p.push(t.Context(), within); err == nil || !strings.Contains(err.Error(), Address) {
		t.Errorf("pushed nowhere: %v", err)
	}
}

// Where the real Pushgateway is, it takes what is pushed, tells it to Prometheus, forgets it at the end, and keeps what is to stay.
func TestRealPushgateway(t *testing.T) {
	program, err := exec.LookPath("prometheus-pushgateway")
	if err != nil {
		t.Skip("no prometheus-pushgateway here")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	_ = ln.Close() // it is the Pushgateway's now
	cmd := exec.CommandContext(t.Context(), program, "--web.listen-address="+address)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	page := func() string {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return ""
		}
		return string(text)
	}
	until(t, "Pushgateway", func() bool { return page() != "" })
	const line = `hpcbench_load1{host="mel2001",instance="",job="client",jobid="4711",node="mel2001",scenario="my scenario"} 2.5`
	end := pushing(t, config("http://"+address))
	until(t, "reading", func() bool { return strings.Contains(page(), line) })
	if log := end(); log != "" {
		t.Error(log)
	}
	until(t, "end of the group", func() bool { return !strings.Contains(page(), "hpcbench_load1{") })
	cfg := config("http://" + address)
	cfg.RetentionS = 1
	end = pushing(t, cfg)
	until(t, "reading", func() bool { return strings.Contains(page(), line) })
	if log := end(); log != "" || !strings.Contains(page(), line) {
		t.Errorf("the log: %s\n%s", log, page())
	}
	cfg.Node, cfg.RetentionS = "mel2002", 0
	until(t, "end of the retention", func() bool { // a later job finds it over
		pushing(t, cfg)()
		return !strings.Contains(page(), line)
	})
}

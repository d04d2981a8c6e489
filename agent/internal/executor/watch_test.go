package executor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/workload"
)

// watch looks at a dummy each tenth of a second, with metrics of its page, one that is not there, and one of a command.
var watch = workload.Watch{
	Schema: workload.Schema, IntervalS: 0.1,
	Server: &workload.MetricsPage{Path: "/metrics", Map: map[string]string{"dummy_num_requests_running": "running", "dummy_generation_tokens_total": "gen_tokens",
		"dummy_time_to_first_token_seconds": "ttft"}},
	Metrics: []workload.Metric{
		{Name: "asked", Metric: "dummy_requests_total", Help: "requests that came."},
		{Name: "absent", Metric: "dummy_no_such_thing"},
		{Name: "fan_speed_rpm", Command: []string{"read-fan"}, Unit: "rpm"},
		{Name: "mute", Command: []string{"mute"}},
	},
}

// watchful is a rig that looks at servers.
func watchful(t *testing.T) (*rig, *Executor) {
	t.Helper()
	ln := listen(t)
	r := &rig{Client: Client{Node: "mel2001", URL: "http://" + ln.Addr().String(), Token: token}, out: t.TempDir(), log: new(bytes.Buffer)}
	e := New(Config{
		Token: token, Out: r.out, Node: "mel2001", Service: "ollama", Version: "test", Watch: &watch,
		Registry: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(r.log, nil)),
	})
	r.end = background(t, func(ctx context.Context) error { return e.Serve(ctx, ln) })
	return r, e
}

func TestFirstClientNodeLooksAtTheServers(t *testing.T) {
	r, _ := watchful(t)
	a := assignment(mock(t, dummy.Config{TTFT: 20 * time.Millisecond}))
	a.Trial.Workload.Requests = 100
	if err := r.Start(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	r.until(t, over)
	p, err := r.Part(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := p.Told
	if told == nil || told.Failed != 0 || told.Looks < 2 || told.Running == nil || told.Running.Max > 4 || len(told.Endpoints) != 1 || told.IntervalS != 0.1 {
		t.Fatalf("the servers told %+v", told)
	}
	if *told.GenTokens > 400 || *told.GenTokens < 300 || told.TTFT.Mean < 0.02 {
		t.Errorf("of the window's 100 answers of 4 tokens the server told %v and %+v", *told.GenTokens, told.TTFT)
	}
	text, err := os.ReadFile(filepath.Join(r.out, "0001", "server.csv"))
	if err != nil || strings.Count(string(text), a.Endpoints[0]) != int(told.Looks) {
		t.Errorf("%d looks, and in server.csv (%v)\n%s", told.Looks, err, text)
	}
	if _, err := os.Stat(filepath.Join(r.out, "0001", "mel2001", "part.json")); err != nil {
		t.Error(err)
	}
}

func TestOtherClientNodesDoNotLook(t *testing.T) {
	r, _ := watchful(t)
	a := assignment(mock(t, dummy.Config{}))
	a.Part, a.Parts = 1, 2
	if err := r.Start(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	r.until(t, over)
	if p, err := r.Part(t.Context()); err != nil || p.Told != nil {
		t.Errorf("%v: %+v", err, p.Told)
	}
	if _, err := os.Stat(filepath.Join(r.out, "0001", "server.csv")); err == nil {
		t.Error("there is a server.csv")
	}
}

// A server that has no page costs the trial nothing, and the summary says why it told nothing.
func TestServersThatDoNotTell(t *testing.T) {
	r, _ := watchful(t)
	plain := mock(t, dummy.Config{})
	old := watch.Server.Path
	watch.Server.Path = "/no/such/page"
	t.Cleanup(func() { watch.Server.Path = old })
	if err := r.Start(t.Context(), assignment(plain)); err != nil {
		t.Fatal(err)
	}
	r.until(t, over)
	p, err := r.Part(t.Context())
	if err != nil || p.Told == nil || p.Told.Failed != p.Told.Looks || p.Told.Why != "HTTP 404" || p.Window.OK != 20 {
		t.Errorf("%v: %+v", err, p.Told)
	}
}

// While a trial runs Prometheus is told what the servers tell, by our names, and of one that does not answer that alone.
func TestServersAtPrometheus(t *testing.T) {
	r, e := watchful(t)
	good, deaf := mock(t, dummy.Config{}), "http://"+listen(t).Addr().String()
	all := regexp.MustCompile(`(?m)^ollama_(server_|cache_usage).*`)
	if text := exposition(t, e.cfg.Registry); all.MatchString(text) {
		t.Errorf("before the first trial:\n%s", text)
	}
	a := endless(good)
	a.Endpoints = append(a.Endpoints, deaf)
	if err := r.Start(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	want := []string{
		fmt.Sprintf(`ollama_server_collector_success{endpoint=%q,host="mel2001"} 1`, good),
		fmt.Sprintf(`ollama_server_collector_success{endpoint=%q,host="mel2001"} 0`, deaf),
		fmt.Sprintf(`ollama_server_output_tokens_total{endpoint=%q,host="mel2001"} `, good),
		fmt.Sprintf(`ollama_server_running{endpoint=%q,host="mel2001"} `, good),
	}
	var lines []string
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		lines = all.FindAllString(exposition(t, e.cfg.Registry), -1)
		if !slices.ContainsFunc(want, func(w string) bool {
			return !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, w) })
		}) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %s\nwant %s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	}
	if len(lines) != len(want) { // the map has no KV cache; and of the deaf one there is nothing
		t.Errorf("got %s", strings.Join(lines, "\n"))
	}
	if problems, err := testutil.GatherAndLint(e.cfg.Registry); err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", err, problems)
	}
	if _, err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := exposition(t, e.cfg.Registry); all.MatchString(text) {
		t.Errorf("after the trial:\n%s", text)
	}
}

func TestAddedMetricsAtPrometheus(t *testing.T) {
	r, e := watchful(t)
	endpoint := mock(t, dummy.Config{})
	names := []string{"asked", "absent", "fan_speed_rpm", "mute", "ollama_collector_success"}
	if n, err := testutil.GatherAndCount(e.cfg.Registry, names...); err != nil || n != 0 {
		t.Errorf("before the first trial: %d metrics, %v", n, err)
	}
	now := float64(time.Now().UnixMilli()) / 1e3
	monitor := func(node string, rows ...string) {
		text := "time_s,load1,custom_fan_speed_rpm,custom_mute\n" + strings.Join(rows, "\n")
		if err := os.WriteFile(filepath.Join(r.out, "monitor-"+node+".csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	monitor("mel2001", fmt.Sprintf("%.3f,0.5,1200,7", now+60), fmt.Sprintf("%.3f,0.5,1300.5,", now+61), fmt.Sprintf("%.3f,0.", now+62))
	monitor("mel2002", fmt.Sprintf("%.3f,0.5,900,7\n", now-3600)) // its monitor has ended
	if err := r.Start(t.Context(), endless(endpoint)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"# HELP asked requests that came.", "# TYPE asked gauge", "# HELP fan_speed_rpm Added by the recipe. Unit: rpm.",
		`fan_speed_rpm{host="mel2001"} 1300.5`,
		`ollama_collector_success{collector="fan_speed_rpm",endpoint="",host="mel2001"} 1`,
		`ollama_collector_success{collector="mute",endpoint="",host="mel2001"} 0`,
		`ollama_collector_success{collector="fan_speed_rpm",endpoint="",host="mel2002"} 0`,
		fmt.Sprintf(`ollama_collector_success{collector="asked",endpoint=%q,host="mel2001"} 1`, endpoint),
		fmt.Sprintf(`ollama_collector_success{collector="absent",endpoint=%q,host="mel2001"} 0`, endpoint),
	}
	var lines []string
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, text := r.get(t, "text/plain")
		lines = strings.Split(string(text), "\n")
		if !slices.ContainsFunc(want, func(line string) bool { return !slices.Contains(lines, line) }) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got\n%s\nwant %s", text, strings.Join(want, "\n"))
		}
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "absent{") || strings.HasPrefix(line, "mute{") || strings.HasPrefix(line, `fan_speed_rpm{host="mel2002"`) {
			t.Errorf("what could not be read has a value: %s", line)
		}
	}
	if problems, err := testutil.GatherAndLint(e.cfg.Registry); err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", err, problems)
	}
	if _, err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

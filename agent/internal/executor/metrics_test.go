package executor

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/expose"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/metric"
)

var update = flag.Bool("update", false, "rewrite testdata")

// measured are the metrics in the middle of a trial: three requests a second ended ok, one failed.
func measured(t *testing.T) (*prometheus.Registry, *metrics) {
	t.Helper()
	reg := prometheus.NewRegistry()
	progress := share.Progress{State: summary.Running, Trial: "0002", Phase: "measure", OK: 9, Failed: 1, InFlight: 4, ElapsedS: 3}
	m := newMetrics(Config{Node: "mel2001", Service: "my-vllm", Registry: reg}, func() (share.Progress, string) { return progress, "c8-r1" })
	m.begin(true)
	now := time.Unix(1000, 0)
	m.now = func() time.Time { return now }
	for range 3 {
		for k := range 3 {
			m.observe(&record.Record{Phase: record.Measure, Scheduled: 1, Sent: 1, FirstToken: 1.01, LastToken: 1.015 + float64(k), Done: 1.015 + float64(k),
				PromptTokens: 7, OutputTokens: 100 + k, Gaps: []float32{0.005, 0, float32(k)}})
		}
		now = now.Add(time.Second)
	}
	m.observe(&record.Record{Outcome: record.Timeout, Scheduled: 0.9, Sent: 1, FirstToken: record.Unknown, Done: 9, OutputTokens: -1})
	return reg, m
}

func TestMetricsFollowTheNamingRules(t *testing.T) {
	reg, _ := measured(t)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestExposition(t *testing.T) {
	reg, _ := measured(t)
	const golden = "testdata/metrics.txt"
	text := exposition(t, reg)
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || text != string(want) {
		t.Errorf("got\n%s\nwant (%v)\n%s", text, err, want)
	}
}

// exposition is what a registry tells, as text.
func exposition(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	var c fasthttp.RequestCtx
	expose.Page(&c, reg)
	if c.Response.StatusCode() != fasthttp.StatusOK {
		t.Fatalf("%s", c.Response.Body())
	}
	return string(c.Response.Body())
}

// What is shown is what the table says, whole: no metric of a client node is missing, and none is of another type.
func TestEveryClientMetricOfTheTableIsShown(t *testing.T) {
	reg, _ := measured(t)
	text := exposition(t, reg)
	for _, m := range metric.Table {
		line := fmt.Sprintf("# HELP %[1]s %[2]s\n# TYPE %[1]s %[3]s\n%[1]s", m.Full("my-vllm"), m.Help, m.Kind)
		if shown := strings.Contains(text, line); shown != (m.Source == metric.Client && m.Name != "collector_success") {
			t.Errorf("%s is shown: %v", m.Full("my-vllm"), shown)
		}
	}
}

// The load has no stream, then no TTFT; a request that was given up as asked is no error.
func TestWhatIsNotKnownIsNotCounted(t *testing.T) {
	reg, m := measured(t)
	m.begin(false)
	for range 5 {
		m.observe(&record.Record{Phase: record.Measure, Outcome: record.OK, Scheduled: 1, Sent: 1, FirstToken: 1.5, LastToken: 1.5, Done: 2, PromptTokens: -1, OutputTokens: -1})
		m.observe(&record.Record{Phase: record.Measure, Outcome: record.Cancelled, GivenUp: true, Scheduled: 1, Sent: record.Unknown, PromptTokens: -1, OutputTokens: -1})
	}
	text := exposition(t, reg)
	for _, line := range []string{
		`my_vllm_ttft_seconds_count{host="mel2001"} 9`, `my_vllm_request_latency_seconds_count{host="mel2001"} 14`, `my_vllm_lateness_seconds_count{host="mel2001"} 15`,
		`my_vllm_requests_total{host="mel2001",phase="measure"} 19`, `my_vllm_errors_total{host="mel2001",outcome="cancelled",phase="measure"} 0`,
		`my_vllm_tokens_total{host="mel2001",kind="prompt"} 63`, `my_vllm_tokens_total{host="mel2001",kind="output"} 909`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}

func TestGaugesBeginAnewAndCountersGoOn(t *testing.T) {
	reg, m := measured(t)
	m.begin(false)
	m.progress = func() (share.Progress, string) { return share.Progress{State: Idle}, "" }
	want := `
# HELP my_vllm_requests_success Requests of the current trial that ended ok.
# TYPE my_vllm_requests_success gauge
my_vllm_requests_success{host="mel2001"} 0
# HELP my_vllm_requests_total Requests that ended, in whatever way.
# TYPE my_vllm_requests_total counter
my_vllm_requests_total{host="mel2001",phase="cooldown"} 0
my_vllm_requests_total{host="mel2001",phase="measure"} 9
my_vllm_requests_total{host="mel2001",phase="warmup"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "my_vllm_requests_success", "my_vllm_requests_total", "my_vllm_tokens_per_request", "my_vllm_trial_info"); err != nil {
		t.Error(err) // tokens per request are not known, so absent
	}
}

func TestThroughputIsOfTheLastTenWholeSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		seconds int     // of 4 requests each, up to now
		now     float64 // of the second that is under way
		elapsed float64
		want    float64
	}{
		"long under way":            {30, 0.5, 30.5, 4},
		"since half a second":       {1, 0.5, 0.5, 0},
		"since two seconds":         {3, 0.5, 2.5, 4},
		"begun in mid second":       {3, 0.5, 2.25, 8 / 1.75},
		"at the turn of the second": {12, 0, 11, 4},
	} {
		m := newMetrics(Config{Node: "n", Registry: prometheus.NewRegistry()}, func() (share.Progress, string) { return share.Progress{}, "" })
		now := time.Unix(1000, 0)
		m.now = func() time.Time { return now }
		for k := range c.seconds {
			now = time.Unix(1000+int64(k), int64(c.now*1e9))
			for range 4 {
				m.observe(&record.Record{Outcome: record.OK, Done: 1, OutputTokens: -1})
			}
		}
		if got := m.rate(c.elapsed); got != c.want {
			t.Errorf("%s: %v requests/s, want %v", name, got, c.want)
		}
	}
}

func TestLatencyIsClassicAndNativeAtOnce(t *testing.T) {
	r, endpoint := newRig(t), mock(t, dummy.Config{})
	if err := r.Start(t.Context(), assignment(endpoint)); err != nil {
		t.Fatal(err)
	}
	r.until(t, over)
	kind, text := r.get(t, "text/plain")
	if !strings.HasPrefix(kind, "text/plain") || !strings.Contains(string(text), `ollama_request_latency_seconds_bucket{host="mel2001",le="+Inf"} 20`) {
		t.Errorf("%s\n%s", kind, text)
	}
	kind, body := r.get(t, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(map[string][]string{"Content-Type": {kind}}))
	for {
		var family dto.MetricFamily
		if err := decoder.Decode(&family); err != nil {
			t.Fatalf("no latency in %s: %v", kind, err)
		}
		if family.GetName() != "ollama_request_latency_seconds" {
			continue
		}
		h := family.GetMetric()[0].GetHistogram()
		if len(h.GetPositiveSpan()) == 0 || len(h.GetBucket()) == 0 || h.GetSampleCount() != 20 {
			t.Errorf("got %v; want native and classic buckets of 20 requests", h)
		}
		return
	}
}

// What a record costs the sink, which is no load thread: one of 128 tokens, and one of a single token.
func BenchmarkObserve(b *testing.B) {
	for name, gaps := range map[string]int{"128 tokens": 127, "1 token": 0} {
		b.Run(name, func(b *testing.B) {
			m := newMetrics(Config{Node: "n", Registry: prometheus.NewRegistry()}, func() (share.Progress, string) { return share.Progress{}, "" })
			m.begin(true)
			r := record.Record{Phase: record.Measure, FirstToken: 0.1, LastToken: 2, Done: 2, PromptTokens: 7, OutputTokens: gaps + 1}
			for k := range gaps {
				r.Gaps = append(r.Gaps, 0.01+0.0001*float32(k%17))
			}
			for b.Loop() {
				m.observe(&r)
			}
		})
	}
}

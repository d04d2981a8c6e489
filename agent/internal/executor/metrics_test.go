package executor

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
)

var update = flag.Bool("update", false, "rewrite testdata")

// measured are the metrics in the middle of a trial: three requests a second ended ok, one failed.
func measured(t *testing.T) (*prometheus.Registry, *metrics) {
	t.Helper()
	reg := prometheus.NewRegistry()
	progress := share.Progress{State: summary.Running, OK: 9, Failed: 1, ElapsedS: 3}
	m := newMetrics(Config{Node: "mel2001", Service: "my-vllm", Registry: reg}, func() share.Progress { return progress })
	now := time.Unix(1000, 0)
	m.now = func() time.Time { return now }
	for range 3 {
		for k := range 3 {
			m.observe(&record.Record{Outcome: record.OK, Sent: 1, Done: 1.015 + float64(k), OutputTokens: 100 + k})
		}
		now = now.Add(time.Second)
	}
	m.observe(&record.Record{Outcome: record.Timeout, Sent: 1, Done: 9, OutputTokens: -1})
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
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile(golden, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || text.String() != string(want) {
		t.Errorf("got\n%s\nwant (%v)\n%s", text.String(), err, want)
	}
}

func TestGaugesBeginAnewAndCountersGoOn(t *testing.T) {
	reg, m := measured(t)
	m.begin()
	m.progress = func() share.Progress { return share.Progress{State: Idle} }
	want := `
# HELP my_vllm_requests_success Requests of the current trial that ended ok.
# TYPE my_vllm_requests_success gauge
my_vllm_requests_success{host="mel2001"} 0
# HELP my_vllm_requests_total Requests that ended, in whatever way.
# TYPE my_vllm_requests_total counter
my_vllm_requests_total{host="mel2001"} 10
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "my_vllm_requests_success", "my_vllm_requests_total", "my_vllm_tokens_per_request"); err != nil {
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
		m := newMetrics(Config{Node: "n", Registry: prometheus.NewRegistry()}, func() share.Progress { return share.Progress{} })
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

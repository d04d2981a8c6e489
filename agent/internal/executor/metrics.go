package executor

import (
	"cmp"
	"regexp"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
)

// rateOver is the time over which the throughput is taken, in whole seconds.
const rateOver = 10

// metrics is what Prometheus is told (DESIGN §11). Counters count for as long as the executor lives; gauges tell of the
// trial that runs, or ran last.
type metrics struct {
	service  string // the first word of the names
	progress func() share.Progress
	now      func() time.Time

	running, success, failed, throughput, tokens *prometheus.Desc

	requests, errors prometheus.Counter
	latency          prometheus.Histogram

	mu      sync.Mutex
	answers int64               // of this trial whose length is known
	output  int64               // tokens of those
	recent  [rateOver + 1]tally // requests that ended ok, by the second they ended in; one more than rateOver: this one
}

// tally counts the requests of one second.
type tally struct{ second, n int64 }

// newMetrics makes the metrics of an executor and registers them. progress tells of the current trial.
func newMetrics(cfg Config, progress func() share.Progress) *metrics {
	service := regexp.MustCompile(`[^A-Za-z0-9_]`).ReplaceAllString(cmp.Or(cfg.Service, "agent"), "_")
	host := prometheus.Labels{"host": cfg.Node}
	gauge := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(service+"_"+name, help, nil, host)
	}
	m := &metrics{
		service: service, progress: progress, now: time.Now,
		running:    gauge("workload_running", "1 while a trial runs on this client node, else 0."),
		success:    gauge("requests_success", "Requests of the current trial that ended ok."),
		failed:     gauge("requests_failed", "Requests of the current trial that failed, in whatever way."),
		throughput: gauge("throughput_rps", "Requests that ended ok per second, over the last 10 seconds."),
		tokens:     gauge("tokens_per_request", "Mean output tokens of the current trial's requests that ended ok."),
		requests: prometheus.NewCounter(prometheus.CounterOpts{
			Name: service + "_requests_total", Help: "Requests that ended, in whatever way.", ConstLabels: host,
		}),
		errors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: service + "_errors_total", Help: "Requests that failed.", ConstLabels: host,
		}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: service + "_request_latency_seconds", ConstLabels: host,
			Help:    "Time from sending a request to the end of its answer, of those that ended ok.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
			// Native too: 8 buckets a doubling, and at most 160 of them.
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}),
	}
	cfg.Registry.MustRegister(m, m.requests, m.errors, m.latency)
	return m
}

// begin forgets the trial before.
func (m *metrics) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers, m.output, m.recent = 0, 0, [rateOver + 1]tally{}
}

// observe counts a record. One goroutine calls it.
func (m *metrics) observe(r *record.Record) {
	m.requests.Inc()
	if r.Outcome != record.OK {
		if !r.GivenUp {
			m.errors.Inc()
		}
		return
	}
	m.latency.Observe(r.Done - r.Sent)
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.OutputTokens >= 0 {
		m.answers++
		m.output += int64(r.OutputTokens)
	}
	second := m.now().Unix()
	t := &m.recent[second%int64(len(m.recent))]
	if t.second != second {
		*t = tally{second: second}
	}
	t.n++
}

// rate is requests per second over the whole seconds before this one: rateOver of them, or since the trial's time zero,
// which was elapsed seconds ago.
func (m *metrics) rate(elapsed float64) float64 {
	now, n := m.now(), int64(0)
	second := now.Unix()
	for _, t := range m.recent {
		if t.second < second && t.second >= second-rateOver {
			n += t.n
		}
	}
	return float64(n) / min(rateOver, max(1, elapsed-time.Duration(now.Nanosecond()).Seconds()))
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, out) }

// Collect implements prometheus.Collector. What is not known is left out.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	p := m.progress()
	send := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	running, rate := 0.0, 0.0
	if p.State == summary.Running {
		running, rate = 1, m.rate(p.ElapsedS)
	}
	send(m.running, running)
	send(m.success, float64(p.OK))
	send(m.failed, float64(p.Failed))
	send(m.throughput, rate)
	if m.answers > 0 {
		send(m.tokens, float64(m.output)/float64(m.answers))
	}
}

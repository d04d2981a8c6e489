package executor

import (
	"cmp"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/expose"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/metric"
)

// rateOver is the time over which the throughput is taken, in whole seconds.
const rateOver = 10

const (
	phases   = int(record.Drain) + 1
	outcomes = int(record.NotSent) + 1
)

// metrics is what Prometheus is told of the load (DESIGN §11). Counters and histograms count for as long as the executor lives;
// gauges tell of the trial that runs, or ran last.
type metrics struct {
	service  string // the first word of the names
	host     string
	progress func() (p share.Progress, name string) // of the current trial
	now      func() time.Time
	descs    expose.Descs

	mu       sync.Mutex
	stream   bool // this trial's answers are streamed
	requests [phases]int64
	failed   [phases][outcomes]int64
	prompt   int64               // tokens
	output   int64               // tokens
	answers  int64               // of this trial whose length is known
	length   int64               // tokens of those
	recent   [rateOver + 1]tally // requests that ended ok, by the second they ended in; one more than rateOver: this one

	latency, ttft, tpot, itl, lateness *expose.Histogram
}

// tally counts the requests of one second.
type tally struct{ second, n int64 }

// newMetrics makes the metrics of an executor and registers them. progress tells of the current trial.
func newMetrics(cfg Config, progress func() (share.Progress, string)) *metrics {
	service := cmp.Or(cfg.Service, "agent")
	m := &metrics{
		service: service, host: cfg.Node, progress: progress, now: time.Now, descs: expose.Of(metric.Client, service),
		latency: expose.NewHistogram(metric.LatencyBuckets), ttft: expose.NewHistogram(metric.LatencyBuckets),
		tpot: expose.NewHistogram(metric.TokenBuckets), itl: expose.NewHistogram(metric.TokenBuckets),
		lateness: expose.NewHistogram(metric.LatencyBuckets),
	}
	delete(m.descs, "collector_success") // is told with what is added
	cfg.Registry.MustRegister(m)
	return m
}

// begin forgets the trial before.
func (m *metrics) begin(stream bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stream, m.answers, m.length, m.recent = stream, 0, 0, [rateOver + 1]tally{}
}

// observe counts a record, away from the threads that make the load.
func (m *metrics) observe(r *record.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := summary.Latencies(r, m.stream)
	m.requests[r.Phase]++
	m.lateness.Observe(at[summary.Lateness])
	if r.Outcome != record.OK {
		if !r.GivenUp {
			m.failed[r.Phase][r.Outcome]++
		}
		return
	}
	m.latency.Observe(at[summary.E2EL])
	m.ttft.Observe(at[summary.TTFT])
	m.tpot.Observe(at[summary.TPOT])
	for _, gap := range r.Gaps {
		m.itl.Observe(float64(gap))
	}
	m.count(r)
}

// count adds up a request that ended ok.
func (m *metrics) count(r *record.Record) {
	m.prompt += int64(max(0, r.PromptTokens))
	if r.OutputTokens >= 0 {
		m.answers++
		m.length += int64(r.OutputTokens)
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
func (m *metrics) Describe(out chan<- *prometheus.Desc) { m.descs.Describe(out) }

// Collect implements prometheus.Collector. What is not known is left out.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	for _, one := range m.all() {
		out <- one
	}
}

// all are the metrics as they stand. Records wait meanwhile, and so nothing else is done here.
func (m *metrics) all() (all []prometheus.Metric) {
	p, name := m.progress()
	send := func(name string, v float64, labels ...string) {
		all = append(all, expose.Value(m.descs[name], metric.Of(metric.Client, name), v, append([]string{m.host}, labels...)...))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gauges(send, p, name)
	m.counters(send)
	for name, h := range map[string]*expose.Histogram{
		"request_latency_seconds": m.latency, "ttft_seconds": m.ttft, "tpot_seconds": m.tpot, "itl_seconds": m.itl, "lateness_seconds": m.lateness,
	} {
		all = append(all, h.Metric(m.descs[name], m.host))
	}
	return all
}

// gauges tells of the current trial.
func (m *metrics) gauges(send func(name string, v float64, labels ...string), p share.Progress, name string) {
	running, rate := 0.0, 0.0
	if p.State == summary.Running {
		running, rate = 1, m.rate(p.ElapsedS)
		send("trial_info", 1, p.Trial, name, p.Phase)
	}
	send("workload_running", running)
	send("requests_success", float64(p.OK))
	send("requests_failed", float64(p.Failed))
	send("requests_in_flight", float64(p.InFlight))
	send("throughput_rps", rate)
	if m.answers > 0 {
		send("tokens_per_request", float64(m.length)/float64(m.answers))
	}
}

// counters tells what is counted by labels. A series begins with 0 at the executor's start, so that the first of its events is
// an increase; there are those of each phase in which requests are due.
func (m *metrics) counters(send func(name string, v float64, labels ...string)) {
	for phase := range phases {
		if record.Phase(phase) == record.Drain && m.requests[phase] == 0 {
			continue // nothing is sent then
		}
		send("requests_total", float64(m.requests[phase]), record.Phase(phase).String())
		for _, outcome := range record.Outcomes() {
			if outcome != record.OK {
				send("errors_total", float64(m.failed[phase][outcome]), record.Phase(phase).String(), outcome.String())
			}
		}
	}
	send("tokens_total", float64(m.prompt), "prompt")
	send("tokens_total", float64(m.output), "output")
}

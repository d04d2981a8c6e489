package executor

import (
	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/expose"
	"hpcbench/agent/metric"
)

// told is what the servers tell of themselves, as Prometheus is told of it by the executor that looks at them: the last look of
// the trial that runs. After a look that failed there are no values, and server_collector_success is 0.
type told struct {
	e     *Executor
	descs expose.Descs
}

// told registers what the servers tell, where this executor may come to look at them.
func (e *Executor) told() {
	if e.cfg.Watch != nil && e.cfg.Watch.Server != nil {
		e.cfg.Registry.MustRegister(told{e, expose.Of(metric.Server, e.metrics.service)})
	}
}

// Describe implements prometheus.Collector.
func (t told) Describe(out chan<- *prometheus.Desc) { t.descs.Describe(out) }

// Collect implements prometheus.Collector.
func (t told) Collect(out chan<- prometheus.Metric) {
	r := t.e.latest()
	if r == nil || r.watch == nil || !r.running() {
		return
	}
	for _, reading := range r.watch.Readings() {
		for _, m := range metric.Table {
			if m.Source != metric.Server {
				continue
			}
			v, known := reading.Values[m.Column]
			if m.Column == "" { // whether there was a reading at all
				v, known = 0, true
				if reading.Values != nil {
					v = 1
				}
			}
			if known {
				out <- expose.Value(t.descs[m.Name], m, v, t.e.cfg.Node, reading.Endpoint)
			}
		}
	}
}

package executor

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/expose"
	"hpcbench/agent/internal/readings"
	"hpcbench/agent/metric"
	"hpcbench/agent/workload"
)

// added are the metrics that a recipe or a service adds, as Prometheus is told of them by the first client node of the job, from
// its first trial on: those of the servers' pages with the endpoint as a label, and the numbers of commands with their node as
// the host, from the last row of monitor-<node>.csv. One that could not be read is absent, and its collector_success 0.
type added struct {
	e       *Executor
	metrics []addedMetric
	success *prometheus.Desc
}

// addedMetric is one of them.
type addedMetric struct {
	workload.Metric
	desc *prometheus.Desc
}

var collectorSuccess = metric.Of(metric.Client, "collector_success")

// added registers the metrics that the executor's Watch adds, if it does.
func (e *Executor) added() {
	if e.cfg.Watch == nil || len(e.cfg.Watch.Metrics) == 0 {
		return
	}
	a := &added{e: e, success: expose.Desc(collectorSuccess, e.metrics.service)}
	for _, m := range e.cfg.Watch.Metrics {
		labels := []string{"host"}
		if m.Metric != "" {
			labels = append(labels, "endpoint")
		}
		help := cmp.Or(m.Help, "Added by the recipe.")
		if m.Unit != "" {
			help += " Unit: " + m.Unit + "."
		}
		a.metrics = append(a.metrics, addedMetric{m, prometheus.NewDesc(m.Name, help, labels, nil)})
	}
	e.cfg.Registry.MustRegister(a)
}

// Describe implements prometheus.Collector.
func (a *added) Describe(out chan<- *prometheus.Desc) {
	out <- a.success
	for _, m := range a.metrics {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (a *added) Collect(out chan<- prometheus.Metric) {
	r := a.e.latest()
	if r == nil || r.part != 0 {
		return
	}
	a.servers(r, out)
	a.nodes(out)
}

// servers tells what a running trial's looks at the servers found.
func (a *added) servers(r *run, out chan<- prometheus.Metric) {
	if r.watch == nil || !r.running() {
		return
	}
	asked := slices.DeleteFunc(slices.Clone(a.metrics), func(m addedMetric) bool { return m.Metric.Metric == "" })
	for _, reading := range r.watch.Readings() {
		for _, m := range asked {
			v, known := reading.Values[m.Column()]
			if !known {
				v = math.NaN()
			}
			a.tell(out, m, v, a.e.cfg.Node, reading.Endpoint)
		}
	}
}

// nodes tells what the commands on the nodes said last.
func (a *added) nodes(out chan<- prometheus.Metric) {
	if !slices.ContainsFunc(a.metrics, func(m addedMetric) bool { return len(m.Command) > 0 }) {
		return
	}
	for _, node := range readings.Nodes(a.e.cfg.Out) {
		row := a.lastRow(readings.Path(a.e.cfg.Out, node))
		for _, m := range a.metrics {
			if len(m.Command) == 0 {
				continue
			}
			v, known := row[m.Column()]
			if !known {
				v = math.NaN()
			}
			a.tell(out, m, v, node)
		}
	}
}

// tell sends a value, if there is one, and whether there is. The labels are host and endpoint.
func (a *added) tell(out chan<- prometheus.Metric, m addedMetric, v float64, labels ...string) {
	success := 0.0
	if !math.IsNaN(v) {
		success = 1
		out <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, v, labels...)
	}
	host, endpoint := labels[0], ""
	if len(labels) > 1 {
		endpoint = labels[1]
	}
	out <- expose.Value(a.success, collectorSuccess, success, host, m.Name, endpoint)
}

// lastRow are the numbers of a monitor's last row by column; none where there is no row, or it is too old to tell of now.
func (a *added) lastRow(file string) map[string]float64 {
	columns, row, known := readings.Last(file)
	if !known || time.Since(time.UnixMilli(int64(1e3*row.At))).Seconds() > lateFor+3*a.e.cfg.Watch.IntervalS {
		return nil
	}
	found := map[string]float64{}
	for i, name := range columns {
		found[name] = row.Number(i)
	}
	return found
}

// lateFor is how old a row may be beside three intervals, in seconds: a shared file system shows it that much later.
const lateFor = 5

// Package expose shows the metrics of agent/metric's table to Prometheus: what they are called comes from there alone, and who
// has values asks here for what carries them.
package expose

import (
	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/metric"
)

// Descs are the metrics of one source, by their names in the table.
type Descs map[string]*prometheus.Desc

// Of is what the metrics of a source are called for a service. The first label of each is host.
func Of(source metric.Source, service string) Descs {
	d := Descs{}
	for _, m := range metric.Table {
		if m.Source == source {
			d[m.Name] = Desc(m, service)
		}
	}
	return d
}

// Desc is what a metric is called for a service. Its first label is host.
func Desc(m metric.Metric, service string) *prometheus.Desc {
	return prometheus.NewDesc(m.Full(service), m.Help, append([]string{"host"}, m.Labels...), nil)
}

// Describe tells what there is, as a prometheus.Collector does.
func (d Descs) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range d {
		out <- desc
	}
}

// Value is one value of a metric of the table, for the labels host and its own. It panics where the labels are too many or too
// few, for they stand in our own code.
func Value(desc *prometheus.Desc, m metric.Metric, v float64, labels ...string) prometheus.Metric {
	kind := prometheus.GaugeValue
	if m.Kind == metric.Counter {
		kind = prometheus.CounterValue
	}
	return prometheus.MustNewConstMetric(desc, kind, v, labels...)
}

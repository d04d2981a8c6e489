// Package metric names every metric that hpcbench shows to Prometheus, once: from its table come what agent exposes and pushes,
// the Grafana dashboards and alert rules that gen writes, and docs/metrics.md.
package metric

import "regexp"

// Kind is a type of Prometheus.
type Kind string

// The kinds. A Histogram has classic buckets and native ones at once.
const (
	Gauge     Kind = "gauge"
	Counter   Kind = "counter"
	Histogram Kind = "histogram"
)

// Source is who shows a metric, and where its name begins.
type Source string

const (
	// Client metrics are those of an executor: SERVICE_… at GET /metrics/prometheus of each client node (spec §7.4 to 7.6).
	Client Source = "client"
	// Server metrics are what servers tell of themselves, in our names: SERVICE_… at the executor of the job's first client
	// node, which looks at all servers, with the endpoint as a label.
	Server Source = "server"
	// Node metrics are a node's readings: hpcbench_… at GET /metrics/prometheus of each node's monitor.
	Node Source = "node"
	// Push metrics are of what is pushed to a Pushgateway alone: hpcbench_… in each group.
	Push Source = "push"
)

// Metric is one line of the table. Every metric has the label host besides its own.
type Metric struct {
	Name   string // without its first word, which is the service's of Client and Server ones, and hpcbench of the others
	Kind   Kind
	Unit   string   // seconds, bytes, ratio, watts, joules, celsius, hertz, bytes_per_second; "" where it counts things
	Help   string   // a sentence
	Labels []string // besides host; each has a bounded number of values (see docs/metrics.md)
	Source Source
	Column string // of a Server metric the column of server.csv, of a Node metric that of monitor-<node>.csv; {gpu} and {core} in it are labels
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_]`)

// Full is the metric's whole name for a service, such as vllm or my-vllm.
func (m Metric) Full(service string) string {
	if m.Source == Node || m.Source == Push {
		return "hpcbench_" + m.Name
	}
	return notInNames.ReplaceAllString(service, "_") + "_" + m.Name
}

// Of is the metric of a name and a source. It panics where there is none, for the names stand in our own code.
func Of(source Source, name string) Metric {
	for _, m := range Table {
		if m.Source == source && m.Name == name {
			return m
		}
	}
	panic("no metric " + string(source) + " " + name)
}

// LatencyBuckets are the upper bounds of the classic buckets of latencies, in seconds.
var LatencyBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}

// TokenBuckets are those of the time from token to token, in seconds.
var TokenBuckets = []float64{.001, .0025, .005, .01, .015, .02, .03, .04, .05, .075, .1, .15, .25, .5, 1, 2.5, 5}

package dashboard

import (
	"fmt"
	"strings"

	"hpcbench/agent/metric"
)

// Subject is the service that a bundle measures.
type Subject struct {
	Service string   // its name, such as vllm
	Told    []string // what its servers tell of themselves, in the names of workload.ServerNames
}

// chosen is the selection by the dashboards' variables.
const chosen = `{scenario=~"$scenario",jobid=~"$jobid",host=~"$host"}`

// since is the time over which counters are followed: Grafana's, four scrapes at least.
const since = "[$__rate_interval]"

// client is a metric of the service's clients, as chosen.
func (s Subject) client(name string) string {
	return metric.Of(metric.Client, name).Full(s.Service) + chosen
}

// server is a metric of what the service's servers tell, as chosen.
func (s Subject) server(name string) string {
	return metric.Of(metric.Server, name).Full(s.Service) + chosen
}

// node is a reading of the nodes, as chosen.
func node(name string) string { return metric.Of(metric.Node, name).Full("") + chosen }

// tells whether the servers tell this metric of themselves.
func (s Subject) tells(name string) bool {
	column := metric.Of(metric.Server, name).Column
	for _, told := range s.Told {
		switch end, ok := strings.CutPrefix(column, told); {
		case ok && (end == "" || end == "_total" || end == "_ratio"):
			return true
		}
	}
	return false
}

func rate(series string) string { return "rate(" + series + since + ")" }

// quantile is a quantile of a latency over all nodes, by the classic buckets, which every Prometheus has.
func (s Subject) quantile(q float64, name string) string {
	buckets := metric.Of(metric.Client, name).Full(s.Service) + "_bucket" + chosen
	return fmt.Sprintf("histogram_quantile(%g, sum by (le) (%s))", q, rate(buckets))
}

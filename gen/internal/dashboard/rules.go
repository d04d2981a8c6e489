package dashboard

import (
	"bytes"
	"fmt"

	"hpcbench/agent/metric"
)

// rule is an alert. Its expression gives a series for each thing that it is about.
type rule struct {
	name, expr, hold string // hold: how long it has to be so
	severity         string // critical: the run is no good; warning: its numbers may be doubtful
	summary, cure    string
}

// Rules is alerts.yml: what is worth waking somebody for, of a service and of its nodes. It stands in no relation to the verdicts of a
// trial, which need no Prometheus.
func Rules(s Subject) []byte {
	var out bytes.Buffer
	out.WriteString("# Alerts on a run, made from the table of metrics (docs/metrics.md). Prometheus shows those that fire at /alerts.\ngroups:\n")
	write(&out, s.Service, s.rules())
	write(&out, "nodes and GPUs", nodeRules())
	return out.Bytes()
}

func write(out *bytes.Buffer, group string, rules []rule) {
	fmt.Fprintf(out, "  - name: %s\n    rules:\n", group)
	for _, r := range rules {
		fmt.Fprintf(out, "      - alert: %s\n        expr: %s\n        for: %s\n        labels: {severity: %s}\n", r.name, r.expr, r.hold, r.severity)
		fmt.Fprintf(out, "        annotations:\n          summary: %q\n          description: %q\n", r.summary, r.cure)
	}
}

// rules are those of the service's clients and servers.
func (s Subject) rules() []rule {
	of := func(source metric.Source, name string) string { return metric.Of(source, name).Full(s.Service) }
	client := func(name string) string { return of(metric.Client, name) }
	const trial = "sum by (scenario, jobid)"
	all := []rule{
		{"ClientNotSeen", `up{job="client"} == 0`, "1m", "critical",
			"no metrics from the client on {{ $labels.host }}, job {{ $labels.jobid }}", "The job may have ended (monitoring/tunnel.sh then takes the target away), the tunnel may be down, or the client is: results/<jobid>/logs/client.<node>.log says."},
		{"ManyFailures", fmt.Sprintf("100 * %s (rate(%s[5m])) / %s (rate(%s[5m])) > 5", trial, client("errors_total"), trial, client("requests_total")), "1m", "critical",
			"{{ $value | printf \"%.1f\" }} % of the requests of job {{ $labels.jobid }} fail", "The panel of failures by outcome says how; agent logs says what the servers write about it."},
		{"NothingComesBack", fmt.Sprintf("%s (%s) == 0 and %s (%s) > 0", trial, client("throughput_rps"), trial, client("workload_running")), "2m", "critical",
			"a trial of job {{ $labels.jobid }} runs and no request ends ok", "A server may hang: the job looks itself, and ends a deployment from which no byte comes for a minute or more."},
		{"ClientIsLate", fmt.Sprintf("histogram_quantile(0.99, sum by (scenario, jobid, host, le) (rate(%s_bucket[1m]))) > 0.1", client("lateness_seconds")), "1m", "warning",
			"{{ $labels.host }} sends requests more than 0.1 s late (p99)", "The client is the bottleneck, and its trial is marked so: give it more CPUs or more nodes."},
		{"ServerNotRead", of(metric.Server, "server_collector_success") + " == 0", "1m", "warning",
			"{{ $labels.endpoint }} tells nothing of itself", "It may still load its model; otherwise its log says more."},
	}
	if s.tells("cache_usage") {
		all = append(all, rule{"CacheFull", of(metric.Server, "cache_usage") + " > 0.95", "2m", "warning",
			"the KV cache of {{ $labels.endpoint }} is full", "Requests wait or are put back: less concurrency, shorter prompts, or more memory for the cache."})
	}
	return all
}

// nodeRules are those of the nodes.
func nodeRules() []rule {
	of := func(name string) string { return metric.Of(metric.Node, name).Full("") }
	return []rule{
		{"NodeNotSeen", `up{job="node"} == 0`, "1m", "warning",
			"no readings from {{ $labels.host }}, job {{ $labels.jobid }}", "The monitor there may have ended; the job goes on without it."},
		{"CollectorFails", of("collector_success") + " == 0", "1m", "warning",
			"{{ $labels.collector }} can't be read on {{ $labels.host }}", "The readings are missing, never 0; the monitor's log says why."},
		{"NodeOutOfMemory", fmt.Sprintf("%s / %s < 0.05", of("memory_available_bytes"), of("memory_total_bytes")), "1m", "critical",
			"less than 5 % of the memory of {{ $labels.host }} is left", "The kernel may end a process soon; it is mostly the server that grows."},
		{"GPUThrottled", of("gpu_throttled") + ` == 1`, "1m", "warning",
			"GPU {{ $labels.gpu }} of {{ $labels.host }} is held below its clock: {{ $labels.reason }}", "Numbers of this run are slower than the GPU could be: power cap, heat, or the site's setting."},
		{"GPUMemoryErrors", "increase(" + of("gpu_ecc_errors_total") + `{type="uncorrected"}[10m]) > 0`, "0m", "critical",
			"GPU {{ $labels.gpu }} of {{ $labels.host }} has uncorrected memory errors", "Leave the node out (submit.sh --exclude) and tell the site."},
	}
}

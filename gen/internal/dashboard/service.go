package dashboard

import (
	"slices"

	"hpcbench/agent/metric"
)

// UID is the uid of a service's dashboard. Grafana takes 40 characters.
func UID(service string) string {
	uid := "hpcbench-" + service
	return uid[:min(len(uid), 40)]
}

// Service is the dashboard of a service: the panels of the spec (§7.5 and 7.6), the same for every service, and what the table of
// metrics has beyond. What the service's servers do not tell has no panel.
func Service(s Subject) Dashboard {
	running := metric.Of(metric.Client, "workload_running").Full(s.Service)
	d := frame(UID(s.Service), "hpcbench: "+s.Service, "Load on "+s.Service+" and how its servers and nodes bear it.", running,
		running+"|"+metric.Of(metric.Node, "cpu_busy_ratio").Full(""))
	info := s.client("trial_info")
	d.Annotations.List = []annotation{
		during("Trials", "blue", "max by (scenario, jobid, trial, name) ("+info+")", "trial {{trial}}", "{{name}} of {{scenario}}, job {{jobid}}"),
		during("Phases", "purple", "max by (scenario, jobid, trial, phase) ("+info+")", "{{phase}}", "trial {{trial}} of {{scenario}}, job {{jobid}}"),
	}
	d.Panels = laid(
		section{"Workload", 4, s.numbers()},
		section{"Workload over time", 3, s.overTime()},
		section{"Nodes", 3, nodePanels()},
		section{"Latency and tokens", 3, s.tokens()},
		section{"Servers, by what they tell of themselves", 3, s.servers()},
	)
	return d
}

// numbers are the panels of how it stands now.
func (s Subject) numbers() []Panel {
	status := now("gauge", "Workload Status", "1 while a trial runs, else 0.", "short", "max("+s.client("workload_running")+")")
	status.Fields.Defaults.Min, status.Fields.Defaults.Max = number(0), number(1)
	status.Fields.Defaults.Thresholds = steps("blue", 1.0, "green")
	status.Fields.Defaults.Mappings = []mapping{{"value", map[string]mapInto{"0": {"idle", "blue"}, "1": {"running", "green"}}}}
	return []Panel{
		status,
		now("stat", "Requests Total", metric.Of(metric.Client, "requests_total").Help, "short", "sum("+s.client("requests_total")+")"),
		now("stat", "Total Throughput", "Requests that ended ok per second, over all client nodes.", "reqps", "sum("+s.client("throughput_rps")+")"),
		bars("Success vs Failed Requests", "Requests of the current trial, by client node.",
			query{"sum by (host) (" + s.client("requests_success") + ")", "success"}, query{"sum by (host) (" + s.client("requests_failed") + ")", "failed"}),
	}
}

// overTime are the panels of how it went.
func (s Subject) overTime() []Panel {
	latency := s.latency("Request Latency", "request_latency_seconds")
	errors := lines("Error Rate Over Time", "Share of the requests which ended that failed.", "percent",
		query{"100 * (sum(" + rate(s.client("errors_total")) + ") or 0 * sum(" + rate(s.client("requests_total")) + ")) / sum(" + rate(s.client("requests_total")) + ")", "failed"})
	errors.Fields.Defaults.Max = number(100)
	return []Panel{
		lines("Throughput by Host", metric.Of(metric.Client, "throughput_rps").Help, "reqps", query{"sum by (host) (" + s.client("throughput_rps") + ")", "{{host}}"}),
		latency, errors,
	}
}

// latency is a panel of a latency's percentiles over all nodes, in milliseconds.
func (s Subject) latency(title, name string) Panel {
	at := func(q float64, legend string) query { return query{"1000 * " + s.quantile(q, name), legend} }
	return lines(title, metric.Of(metric.Client, name).Help, "ms", at(.5, "p50"), at(.9, "p90"), at(.95, "p95"), at(.99, "p99"))
}

func (s Subject) tokens() []Panel {
	per := metric.Of(metric.Client, "tokens_per_request")
	return []Panel{
		lines("Tokens per Request", per.Help, "short", query{"avg by (host) (" + s.client(per.Name) + ")", "{{host}}"}),
		lines("Tokens each second", metric.Of(metric.Client, "tokens_total").Help, "short", query{"sum by (kind) (" + rate(s.client("tokens_total")) + ")", "{{kind}}"}),
		lines("Requests in flight", metric.Of(metric.Client, "requests_in_flight").Help, "short", query{"sum by (host) (" + s.client("requests_in_flight") + ")", "{{host}}"}),
		s.latency("Time to the first token (TTFT)", "ttft_seconds"),
		s.latency("Time per output token (TPOT)", "tpot_seconds"),
		s.latency("Time from token to token (ITL)", "itl_seconds"),
		s.latency("Lateness: the client's own delay", "lateness_seconds"),
		lines("Failures by outcome", metric.Of(metric.Client, "errors_total").Help, "cps", query{"sum by (outcome) (" + rate(s.client("errors_total")) + ")", "{{outcome}}"}),
	}
}

// servers are the panels of what the servers tell, without those that they do not.
func (s Subject) servers() []Panel {
	panel := func(title, unit string, queries ...query) Panel { return lines(title, "", unit, queries...) }
	of := func(name, legend string) query { return query{"sum by (endpoint) (" + s.server(name) + ")", legend} }
	gain := func(name, legend string) query {
		return query{"sum by (endpoint) (" + rate(s.server(name)) + ")", legend}
	}
	cache := panel("Cache Usage", "percent", query{"100 * max by (endpoint) (" + s.server("cache_usage") + ")", "{{endpoint}}"})
	cache.Fields.Defaults.Max = number(100)
	all := []struct {
		needs []string
		panel Panel
	}{
		{[]string{"cache_usage"}, cache},
		{[]string{"server_running", "server_waiting"}, panel("Requests at the servers", "short", of("server_running", "{{endpoint}} running"), of("server_waiting", "{{endpoint}} waiting"))},
		{[]string{"server_output_tokens_total"}, panel("Tokens made, by the servers' count", "short", gain("server_output_tokens_total", "{{endpoint}}"))},
		{[]string{"server_prompt_tokens_total"}, panel("Prompt tokens, by the servers' count", "short", gain("server_prompt_tokens_total", "{{endpoint}}"))},
		{[]string{"server_preemptions_total"}, panel("Preemptions", "cps", gain("server_preemptions_total", "{{endpoint}}"))},
		{[]string{"server_prefix_hits_total", "server_prefix_queries_total"}, panel("Prefix cache hits", "percentunit",
			query{"sum by (endpoint) (" + rate(s.server("server_prefix_hits_total")) + ") / sum by (endpoint) (" + rate(s.server("server_prefix_queries_total")) + ")", "{{endpoint}}"})},
	}
	var told []Panel
	for _, a := range all {
		if !slices.ContainsFunc(a.needs, func(name string) bool { return !s.tells(name) }) {
			a.panel.Description = metric.Of(metric.Server, a.needs[0]).Help
			told = append(told, a.panel)
		}
	}
	return told
}

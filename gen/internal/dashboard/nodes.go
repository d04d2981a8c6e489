package dashboard

import (
	"slices"
	"strings"

	"hpcbench/agent/metric"
)

// nodePanels are those of CPU, memory and GPUs that stand on a service's dashboard.
func nodePanels() []Panel {
	by := func(name, legend string) query { return query{node(name), legend} }
	gpu := "{{host}} GPU {{gpu}}"
	panels := []Panel{
		lines("CPU", "", "percentunit", by("cpu_busy_ratio", "{{host}}")),
		lines("Memory", "", "percentunit", query{node("memory_used_bytes") + " / " + node("memory_total_bytes"), "{{host}}"}),
		lines("GPU", "", "percentunit", by("gpu_utilization_ratio", gpu)),
		lines("GPU memory", "", "percentunit", query{node("gpu_memory_used_bytes") + " / " + node("gpu_memory_total_bytes"), gpu}),
		lines("GPU power", "", "watt", by("gpu_power_watts", gpu)),
		lines("GPU temperature", "", "celsius", by("gpu_temperature_celsius", gpu)),
	}
	for k, name := range []string{"cpu_busy_ratio", "memory_used_bytes", "gpu_utilization_ratio", "gpu_memory_used_bytes", "gpu_power_watts", "gpu_temperature_celsius"} {
		panels[k].Description = metric.Of(metric.Node, name).Help
		if panels[k].Fields.Defaults.Unit == "percentunit" {
			panels[k].Fields.Defaults.Max = number(1)
		}
	}
	return panels
}

// NodesUID is the uid of the dashboard of nodes and GPUs.
const NodesUID = "hpcbench_nodes"

// Nodes is the dashboard of nodes and GPUs: every reading of a node that the table of metrics has, in its order.
func Nodes() Dashboard {
	each := metric.Of(metric.Node, "cpu_busy_ratio").Full("")
	d := frame(NodesUID, "hpcbench: nodes and GPUs", "What each node's monitor reads.", each, each)
	sections := make([]section, len(rows))
	for k, row := range rows {
		sections[k] = section{row.title, 3, nil}
	}
	seen := map[string]place{}
	for _, m := range metric.Table {
		if m.Source == metric.Node {
			put(sections, seen, m)
		}
	}
	d.Panels = laid(sections...)
	return d
}

// place is where a panel is: the section, and which one of it.
type place struct{ section, panel int }

// put gives a metric a panel, or a line of the panel of those that a word alone tells from it.
func put(sections []section, seen map[string]place, m metric.Metric) {
	stem, word := apart(m.Name)
	if at, ok := seen[stem]; ok && word != "" {
		p := &sections[at.section].panels[at.panel]
		next := targets([]query{reading(m, word)})[0]
		next.RefID = refID(len(p.Targets))
		p.Targets = append(p.Targets, next)
		p.Description += " " + m.Help
		return
	}
	k := rowOf(m.Name)
	seen[stem] = place{k, len(sections[k].panels)}
	sections[k].panels = append(sections[k].panels, lines(titled(stem), m.Help, unitOf(m), reading(m, word)))
}

// rows of the dashboard of nodes, by how the metrics' names begin.
var rows = []struct {
	title string
	begin []string
}{
	{"CPU", []string{"cpu_", "procs_", "load"}},
	{"Memory", []string{"memory_", "swap_"}},
	{"Limits of the job on the node", []string{"cgroup_"}},
	{"Network and disk", []string{"network_", "infiniband_", "disk_"}},
	{"GPU", []string{"gpu_"}},
	{"Collectors, and what else is read", []string{""}},
}

// rowOf is the row that a metric belongs to.
func rowOf(name string) int {
	for k, row := range rows {
		if slices.ContainsFunc(row.begin, func(begin string) bool { return strings.HasPrefix(name, begin) }) {
			return k
		}
	}
	return len(rows) - 1
}

// words that stand for one of several readings of one thing; a panel has them all.
var words = []string{"receive", "transmit", "read", "write", "busy", "user", "system", "iowait", "used", "total", "available"}

// apart is a metric's name without such a word, and the word; cpu_user_ratio is user of cpu_ratio.
func apart(name string) (stem, word string) {
	parts := strings.Split(name, "_")
	for k, part := range parts {
		if k > 0 && k < len(parts)-1 && slices.Contains(words, part) && !strings.HasPrefix(name, "cpu_core_") {
			return strings.Join(slices.Delete(parts, k, k+1), "_"), part
		}
	}
	return name, ""
}

// reading is the query of a metric and the name of its lines: host, its other labels, the word that tells it from others.
func reading(m metric.Metric, word string) query {
	expr := m.Full("") + chosen
	if m.Kind == metric.Counter {
		expr = rate(expr)
	}
	legend := "{{host}}"
	for _, label := range m.Labels {
		legend += " " + label + " {{" + label + "}}"
	}
	return query{expr, strings.TrimSpace(legend + " " + word)}
}

// spelt are words as people write them.
var spelt = map[string]string{"cpu": "CPU", "gpu": "GPU", "ecc": "ECC", "pcie": "PCIe", "nvlink": "NVLink", "sm": "SM", "infiniband": "InfiniBand", "cgroup": "cgroup", "cpus": "CPUs", "procs": "threads", "load1": "load"}

// titled is a panel's title: the metric's name without its unit, as people write it.
func titled(name string) string {
	name = strings.TrimSuffix(name, "_total")
	for unit := range units {
		if unit != "" {
			if cut, ok := strings.CutSuffix(name, "_"+unit); ok && (unit != "bytes" || !strings.HasSuffix(cut, "_per_second")) {
				name = cut
			}
		}
	}
	parts := strings.Split(strings.TrimSuffix(name, "_bytes_per_second"), "_")
	for k, part := range parts {
		if word, ok := spelt[part]; ok {
			parts[k] = word
		} else if k == 0 {
			parts[k] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, " ")
}

package recipe

import (
	"slices"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/service"
)

const metricsAt = "monitoring.metrics"

// collectors are the words of the list, each once, in the order of workload.Collectors. A GPU's energy is read with the GPU.
func (v *values) collectors() []string {
	asked := v.list(metricsAt)
	for i, word := range asked {
		if word == "energy" {
			asked[i] = "gpu"
		}
	}
	var all []string
	for _, word := range workload.Collectors {
		if slices.Contains(asked, word) {
			all = append(all, word)
		}
	}
	return all
}

// metrics are those that the recipe adds; an item that is a word chooses among what is read anyway.
func (v *values) metrics() []workload.Metric {
	n := v.node(metricsAt)
	if n == nil {
		return nil
	}
	var all []workload.Metric
	for _, item := range n.items {
		if item.kind != mapping || item.bad {
			continue
		}
		all = append(all, metricOf(item))
	}
	return all
}

func metricOf(item *node) workload.Metric {
	word := func(key string) string { s, _ := item.get(key).str(); return s }
	m := workload.Metric{Name: word("name"), Metric: word("metric"), Unit: word("unit"), Help: word("help")}
	if argv := item.get("command"); argv != nil {
		for _, arg := range argv.items {
			m.Command = append(m.Command, arg.word())
		}
	}
	return m
}

// addedMetrics: each has a name of its own that Prometheus takes, and one place that it comes from.
func (c *check) addedMetrics(svc *service.Service) {
	n := c.node(metricsAt)
	if n == nil {
		return
	}
	seen := map[string]bool{}
	for _, x := range svc.Metrics.Extra {
		seen[x.Name] = true
	}
	for _, item := range n.items {
		if item.kind != mapping || item.bad {
			continue
		}
		name := item.get("name")
		if name == nil || slices.ContainsFunc(item.fields, func(f field) bool { return f.bad }) {
			continue // it is told
		}
		m, at := metricOf(item), name.pos
		if err := m.Check(svc.Name, svc.Metrics.Path != ""); err != nil {
			c.l.Errorf(at, "metric", "write {name: fan_speed, command: [read-fan]}, or {name: queue, from: server, metric: 'x{label=\"v\"}'}", "%v", err)
		}
		if from := item.get("from"); from != nil && m.Metric == "" && len(m.Command) > 0 {
			c.l.Errorf(from.pos, "metric", "delete from, or write metric instead of command", "%s is from a command, and not from the server", m.Name)
		}
		if seen[m.Name] {
			c.l.Errorf(at, "metric", "give each a name of its own", "there are two metrics of the name %s", m.Name)
		}
		seen[m.Name] = true
	}
}

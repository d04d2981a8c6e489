package recipe

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// complete makes the full tree: what is written, with the defaults of the schema, of the service and of local mode. It
// is the one place where defaults are applied.
func (f *File) complete() {
	full := f.written.clone()
	if f.settings == nil {
		markLoose(full.at("servers", "service_config"))
	}
	if f.service != nil {
		f.fillWorkload(full)
	}
	fill(full, recipeSchema())
	if full.get("cluster") == nil {
		full.set("cluster", wrap(f.Cluster()))
	}
	if f.profile != nil && f.profile.Name != "" {
		full.set("cluster", wrap(f.profile.Name))
	}
	if f.service != nil {
		f.fillServers(full)
	}
	markSuite(full)
	f.full = full
	f.follow()
}

// markSuite takes the entries of a benchmark_suite as what they are: alternatives.
func markSuite(full *node) {
	entries := full.get("workload").get("benchmark_suite")
	if entries != nil && entries.kind == list && len(entries.items) > 0 && !entries.bad {
		entries.sweep = !slices.ContainsFunc(entries.items, func(e *node) bool { return e.kind != mapping || e.bad })
	}
}

// follow spells out what follows from several values, where they are the same in every point.
func (f *File) follow() {
	v := &values{file: f, variation: &variation{base: f.full.index()}, parsed: map[any]float64{}}
	of := f.varied()
	if workload := f.full.get("workload"); workload != nil && workload.kind == mapping {
		seed := v.node("metadata.seed")
		if seed == nil || seed.kind != scalar {
			seed = wrap(1)
		}
		if workload.get("seed") == nil {
			workload.set("seed", seed.clone())
		}
		if !of("workload") {
			workload.add("request_distribution", v.law())
		}
	}
	section := f.full.get("orchestration")
	allocation := section.get("node_allocation")
	if of("orchestration") || of("workload.endpoints") || allocation == nil || allocation.kind != mapping || !v.settled() {
		return
	}
	o := v.orchestration()
	if servers := allocation.get("servers"); servers != nil && servers.kind == mapping && f.written.at("orchestration", "node_allocation", "servers", "nodes") == nil {
		servers.set("nodes", wrap(o.Nodes.Servers))
	}
	if clients := allocation.get("clients"); clients == nil {
		allocation.set("clients", &node{kind: mapping, pos: allocation.pos, key: allocation.key})
	}
	allocation.get("clients").add("placement", o.Placement)
	allocation.get("clients").add("distribution_strategy", o.Distribution)
	section.add("total_nodes", o.TotalNodes)
}

// varied tells whether a point of the sweep has a value in a section.
func (f *File) varied() func(section string) bool {
	var all []place
	for _, point := range listed(f.full, "points") {
		all = append(all, leaves(overlay(point))...)
	}
	return func(section string) bool {
		return slices.ContainsFunc(all, func(p place) bool { return within(p.path, section) || within(section, p.path) })
	}
}

// settled tells whether all that nodes are counted by has one value, and a good one.
func (v *values) settled() bool {
	for _, path := range []string{"servers.nodes", "clients.nodes", "monitors.nodes", "clients.placement", "clients.distribution_strategy"} {
		if n := v.node(nodesOf + path); n != nil && (n.kind != scalar || n.bad) {
			return false
		}
	}
	return true
}

// fill adds the defaults of a schema to a mapping, and the sections that have some and need not be written, and drops what nothing needs. What
// is written keeps its order, since sweeps multiply in it.
func fill(n *node, s *schema) {
	if n.kind != mapping {
		return
	}
	for _, f := range s.fields {
		child := n.get(f.name)
		switch {
		case f.old:
			n.remove(f.name)
		case child == nil && f.def != nil:
			n.set(f.name, f.def.clone())
		case child == nil && len(f.fields) > 0 && !f.written:
			section := &node{kind: mapping, pos: n.pos, key: n.key}
			if fill(section, f); len(section.fields) > 0 {
				n.set(f.name, section)
			}
		case child != nil:
			fill(child, f)
		}
	}
}

// fillWorkload adds the model and the dialect that the service has where the recipe is silent.
func (f *File) fillWorkload(full *node) {
	workload := full.get("workload")
	if f.service.Model != "" {
		workload.add("model", f.service.Model)
	}
	if len(f.service.Dialects) > 0 {
		workload.add("dialect", f.service.Dialects[0])
	}
}

// fillServers adds what the service says of its readiness, and the defaults of its settings.
func (f *File) fillServers(full *node) {
	health := full.at("servers", "health_check")
	if f.service.Health.Path != "" {
		health.add("endpoint", f.service.Health.Path)
	}
	health.add("timeout", cmp.Or(f.service.Health.TimeoutS, defaultHealthTimeoutS))
	servers := full.get("servers")
	if servers == nil || servers.kind != mapping || f.settings == nil {
		return
	}
	config := servers.get("service_config")
	if config == nil {
		config = &node{kind: mapping, pos: servers.pos, key: servers.key}
	}
	if fill(config, f.settings); len(config.fields) > 0 {
		servers.set("service_config", config)
	}
}

// defaultHealthTimeoutS is how long a server may load where neither the recipe nor the service says it. Half an hour is
// known to end healthy starts of large models on several nodes; those say more.
const defaultHealthTimeoutS = 600.0

// Resolved is the recipe with every default spelled out, sweeps kept as lists. Loaded again it has the same points.
func (f *File) Resolved() []byte {
	var b bytes.Buffer
	b.WriteString("# The recipe with every default spelled out. The recipe as written is recipe.yaml.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(f.full.yaml()); err != nil {
		panic(fmt.Sprintf("a tree that was read can't be written: %v", err))
	}
	return b.Bytes()
}

// yaml is the node as yaml.v3's; text that would read as something else is quoted.
func (n *node) yaml() *yaml.Node {
	y := &yaml.Node{}
	switch n.kind {
	case mapping:
		y.Kind = yaml.MappingNode
		for _, f := range n.fields {
			key := &yaml.Node{}
			key.SetString(f.name)
			y.Content = append(y.Content, key, f.yaml())
		}
	case list:
		y.Kind = yaml.SequenceNode
		if n.sweep {
			y.Style = yaml.FlowStyle
		}
		for _, item := range n.items {
			y.Content = append(y.Content, item.yaml())
		}
	default:
		if _, isText := n.value.(string); n.plain && n.text != "" && !isText && n.kind == scalar {
			y.Kind, y.Value = yaml.ScalarNode, n.text // 1.10 in an environment stays 1.10
			return y
		}
		if err := y.Encode(n.value); err != nil {
			panic(fmt.Sprintf("writing a scalar: %v", err))
		}
	}
	return y
}

// yamlText is the node on one line.
func yamlText(n *node) string {
	text, err := yaml.Marshal(n.yaml())
	if err != nil {
		panic(fmt.Sprintf("writing an example: %v", err))
	}
	return strings.TrimSpace(string(text))
}

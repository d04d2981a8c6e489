package recipe

import (
	"cmp"
	"fmt"
	"path"
)

// values is one point of a file: the index of its full tree, and the alternative chosen for each sweep.
type values struct {
	file   *File
	base   map[string]*node
	chosen []place
	parsed map[any]float64 // durations by their text, for sweeps read the same ones thousands of times
}

// node is what the point has at a path, nil where the recipe is silent.
func (v *values) node(path string) *node {
	for _, c := range v.chosen {
		if c.path == path {
			return c.node
		}
	}
	return v.base[path]
}

// values are the swept values of the point.
func (v *values) values() []Value {
	list := make([]Value, len(v.chosen))
	for i, c := range v.chosen {
		list[i] = Value{c.path, c.scalar()}
	}
	return list
}

// The readers below give the zero value where the recipe is silent or wrong; Load has reported what is wrong.

func (v *values) text(path string) string {
	s, _ := v.node(path).str()
	return s
}

func (v *values) yes(path string) bool {
	n := v.node(path)
	return n != nil && n.value == true
}

func (v *values) num(path string) float64 {
	n := v.node(path)
	if n == nil {
		return 0
	}
	f, _ := number(n.value)
	return f
}

func (v *values) whole(path string) int { return int(v.num(path)) }

func (v *values) seconds(path string) float64 {
	n := v.node(path)
	if n == nil {
		return 0
	}
	s, known := v.parsed[n.value]
	if !known {
		s, _ = seconds(n.value) // 0 when wrong
		v.parsed[n.value] = s
	}
	return s
}

func (v *values) list(path string) []string {
	n := v.node(path)
	if n == nil {
		return nil
	}
	var items []string
	for _, item := range n.items {
		if s, ok := item.str(); ok {
			items = append(items, s)
		}
	}
	return items
}

// table is a section of names and texts; numbers and booleans come as written.
func (v *values) table(path string) map[string]string {
	n := v.node(path)
	if n == nil {
		return nil
	}
	table := make(map[string]string, len(n.fields))
	for _, f := range n.fields {
		value := v.node(join(path, f.name))
		table[f.name] = cmp.Or(value.text, fmt.Sprint(value.value))
	}
	return table
}

// tree is a section as plain values with this point's alternatives.
func (v *values) tree(path string, n *node) any {
	if n.kind == mapping {
		m := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			p := join(path, f.name)
			m[f.name] = v.tree(p, v.node(p))
		}
		return m
	}
	if n.kind == list {
		items := make([]any, len(n.items))
		for i, item := range n.items {
			items[i] = v.tree(path, item)
		}
		return items
	}
	return n.scalar()
}

// recipe decodes the point.
func (v *values) recipe() *Recipe {
	r := &Recipe{
		Scenario: v.text("scenario"), Partition: v.text("partition"), Account: v.text("account"), QOS: v.text("qos"),
		Cluster: v.text("cluster"), Modules: v.list("modules"), Binds: v.list("binds"),
		Environment: v.table("environment"), Secrets: v.table("secrets"),
		Repetitions: v.whole("repetitions"), Seed: int64(v.num("workload.seed")),
		Orchestration: v.orchestration(),
		Job: JobConfig{
			Exclusive:   v.yes("orchestration.job_config.exclusive"),
			Reservation: v.text("orchestration.job_config.reservation"),
		},
		Resources:  Roles[Resources]{v.resources("servers"), v.resources("clients"), v.resources("monitors")},
		Workload:   v.workload(),
		Servers:    v.servers(),
		Clients:    Clients{Port: v.whole("clients.port")},
		Artifacts:  v.artifacts(),
		Monitoring: Monitoring{Enabled: v.yes("monitoring.enabled"), IntervalS: v.seconds("monitoring.interval")},
	}
	if n := v.node("orchestration.job_config.time_limit"); n != nil {
		r.Job.TimeLimitS, _ = timeLimit(n.value)
	}
	return r
}

func (v *values) orchestration() Orchestration {
	const at = "orchestration.node_allocation."
	o := Orchestration{
		Mode:           v.text("orchestration.mode"),
		TotalNodes:     v.whole("orchestration.total_nodes"),
		Nodes:          Roles[int]{v.whole(at + "servers.nodes"), v.whole(at + "clients.nodes"), v.whole(at + "monitors.nodes")},
		ClientsPerNode: v.whole("workload.clients_per_node"),
		Distribution:   v.text(at + "clients.distribution_strategy"),
	}
	o.TotalNodes = cmp.Or(o.TotalNodes, o.Nodes.Servers+o.Nodes.Clients+o.Nodes.Monitors)
	return o
}

func (v *values) resources(role string) Resources {
	at := "resources." + role + "."
	return Resources{GPUs: v.whole(at + "gpus"), CPUsPerTask: v.whole(at + "cpus_per_task"), MemGB: v.whole(at + "mem_gb")}
}

func (v *values) workload() Workload {
	const at = "workload."
	w := Workload{
		Component: v.text(at + "component"), Service: v.text(at + "service"), Model: v.text(at + "model"),
		Dialect: v.text(at + "dialect"), Stream: v.yes(at + "stream"),
		DurationS: v.seconds(at + "duration"), WarmupS: v.seconds(at + "warmup"), TimeoutS: v.seconds(at + "timeout"),
		Requests: v.whole(at + "requests"), ClientsPerNode: v.whole(at + "clients_per_node"),
		Concurrency: v.whole(at + "concurrency"), TargetRPS: v.num(at + "target_rps"),
		RequestDistribution: v.text(at + "request_distribution"), ThinkTimeS: v.seconds(at + "think_time"),
		PromptLen: v.whole(at + "prompt_len"), GenTokens: v.whole(at + "gen_tokens"), Batch: v.whole(at + "batch"),
		Temperature: v.num(at + "temperature"), IgnoreEOS: v.yes(at + "ignore_eos"),
	}
	for _, metric := range []string{"ttft", "tpot", "itl", "e2el"} {
		if v.node(at+"slo."+metric) == nil {
			continue
		}
		if w.SLO == nil {
			w.SLO = map[string]float64{}
		}
		w.SLO[metric] = v.seconds(at + "slo." + metric)
	}
	return w
}

func (v *values) servers() Servers {
	s := Servers{
		Port: v.whole("servers.port"),
		HealthCheck: HealthCheck{
			Enabled:   v.yes("servers.health_check.enabled"),
			TimeoutS:  v.seconds("servers.health_check.timeout"),
			IntervalS: v.seconds("servers.health_check.interval"),
			Endpoint:  v.text("servers.health_check.endpoint"),
		},
		ServiceConfig: map[string]any{},
	}
	if config := v.node("servers.service_config"); config != nil && config.kind == mapping {
		s.ServiceConfig = v.tree("servers.service_config", config).(map[string]any)
	}
	return s
}

func (v *values) artifacts() Artifacts {
	a := Artifacts{ContainersDir: v.text("artifacts.containers_dir"), Image: v.text("artifacts.service.path"), Remote: v.text("artifacts.service.remote")}
	if a.Image != "" && !path.IsAbs(a.Image) {
		a.Image = path.Join(a.ContainersDir, a.Image)
	}
	return a
}

package recipe

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"hpcbench/agent/workload"
)

// values is one point of a file: the index of its full tree with the alternatives of the point in their places.
type values struct {
	file *File
	*variation
	parsed map[any]float64 // durations by their text, for sweeps read the same ones thousands of times
	last   *Recipe         // of another point
}

// node is what the point has at a path, nil where the recipe is silent.
func (v *values) node(path string) *node {
	if n := v.base[path]; n != nil && !n.absent {
		return n
	}
	return nil
}

// values are the swept values of the point.
func (v *values) values() []Value {
	list := make([]Value, len(v.paths))
	for i, path := range v.paths {
		list[i] = Value{path, v.base[path].short()}
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

func (v *values) share(path string) float64 {
	n := v.node(path)
	if n == nil {
		return 0
	}
	s, _ := share(n.value)
	return s
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
	n := v.base[path]
	if n == nil {
		return nil
	}
	table := make(map[string]string, len(n.fields))
	for _, f := range n.fields {
		if value := v.node(join(path, f.name)); value != nil {
			table[f.name] = value.word()
		}
	}
	return table
}

// word is a scalar as written.
func (n *node) word() string { return cmp.Or(n.text, fmt.Sprint(n.value)) }

// tree is a section as plain values with this point's alternatives.
func (v *values) tree(path string, n *node) any {
	if n.kind == mapping {
		m := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			p := join(path, f.name)
			child := v.base[p]
			if child == nil || child.absent && child.kind != mapping {
				continue
			}
			value := v.tree(p, child)
			if inner, section := value.(map[string]any); !child.absent || section && len(inner) > 0 {
				m[f.name] = value
			}
		}
		return m
	}
	if n.kind == list {
		items := make([]any, len(n.items))
		for i, item := range n.items {
			items[i] = item.plainNumbers()
		}
		return items
	}
	return n.scalar()
}

// plainNumbers is the node as plain values, whole numbers as int.
func (n *node) plainNumbers() any {
	switch n.kind {
	case mapping:
		m := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			m[f.name] = f.plainNumbers()
		}
		return m
	case list:
		items := make([]any, len(n.items))
		for i, item := range n.items {
			items[i] = item.plainNumbers()
		}
		return items
	}
	return n.scalar()
}

// recipe decodes the point. What no point changes is decoded once, and copied: a large sweep changes a value or two.
func (v *values) recipe() *Recipe {
	if v.last == nil {
		v.last = v.constant()
	}
	r := *v.last
	r.Modules, r.Binds, r.Metadata.Tags = v.list("modules"), v.list("binds"), slices.Clone(r.Metadata.Tags)
	r.Environment, r.Secrets = v.table("environment"), v.table("secrets")
	r.Job.Directives, r.Reporting.Percentiles = slices.Clone(r.Job.Directives), slices.Clone(r.Reporting.Percentiles)
	r.Workload = v.workload()
	if config := v.base["servers.service_config"]; config != nil && config.kind == mapping {
		r.Servers.ServiceConfig = v.tree("servers.service_config", config).(map[string]any)
	} else {
		r.Servers.ServiceConfig = map[string]any{}
	}
	if v.moves("orchestration") || v.moves("workload.endpoints") {
		r.Orchestration, r.Job = v.orchestration(), v.job()
	}
	r.Orchestration.Mapping = v.mapping()
	if v.moves("resources") || v.moves("workload.endpoints") {
		r.Resources = v.roles()
	}
	if v.moves("servers.health_check") {
		r.Servers.HealthCheck = v.health()
	}
	if v.moves("artifacts") {
		r.Artifacts = v.artifacts()
	}
	if v.moves("workload.seed") {
		r.Seed = int64(v.num("workload.seed"))
	}
	if e := v.node(suite); e != nil && e.kind == mapping {
		r.named(e)
	}
	return &r
}

// constant decodes what most recipes have alike in all points.
func (v *values) constant() *Recipe {
	r := &Recipe{
		Scenario: v.text("scenario"), Partition: v.text("partition"), Account: v.text("account"), QOS: v.text("qos"),
		Cluster: v.text("cluster"), Seed: int64(v.num("workload.seed")),
		Metadata:      Metadata{GitCommit: v.text("metadata.git_commit"), Notes: v.text("metadata.notes"), Tags: v.list("metadata.tags")},
		Orchestration: v.orchestration(),
		Job:           v.job(),
		Resources:     v.roles(),
		Servers:       Servers{Port: v.whole("servers.port"), HealthCheck: v.health()},
		Clients:       Clients{Port: v.whole("clients.port")},
		Artifacts:     v.artifacts(),
		Monitoring:    v.monitoring(),
		Logging:       v.logging(),
		Reporting:     Reporting{Percentiles: v.numbers("reporting.percentiles")},
	}
	r.Repetitions, r.Restarts = v.repetitions()
	return r
}

// moves tells whether anything at a path or below it changes from point to point.
func (v *values) moves(path string) bool {
	return slices.ContainsFunc(v.paths, func(p string) bool { return within(p, path) })
}

func (v *values) job() JobConfig {
	const at = "orchestration.job_config."
	j := JobConfig{Exclusive: v.yes(at + "exclusive"), Reservation: v.text(at + "reservation"), Directives: v.list(at + "sbatch")}
	if n := v.node(at + "time_limit"); n != nil {
		j.TimeLimitS, _ = timeLimit(n.value)
	}
	return j
}

// repetitions are trials on one start of a server, and its starts.
func (v *values) repetitions() (trials, restarts int) {
	n := v.node("repetitions")
	if n == nil || n.kind != mapping {
		return v.whole("repetitions"), 1
	}
	return max(1, v.whole("repetitions.trials")), max(1, v.whole("repetitions.restarts"))
}

// numbers are those of a list.
func (v *values) numbers(path string) []float64 {
	n := v.node(path)
	if n == nil {
		return nil
	}
	var all []float64
	for _, item := range n.items {
		if f, ok := number(item.value); ok {
			all = append(all, f)
		}
	}
	return all
}

// named puts the entry of a benchmark_suite into the workload; the pause and the threads are of each client node.
func (r *Recipe) named(e *node) {
	r.Workload.Suite, _ = e.get("name").str()
	if n := e.get("duration"); n != nil {
		r.Workload.DurationS, _ = seconds(n.value)
	}
	if n := e.get("sleep_seconds"); n != nil {
		r.Workload.ThinkTimeS, _ = seconds(n.value)
		r.Workload.ThinkLaw = ""
	}
	if n := e.get("num_threads"); n != nil {
		threads, _ := number(n.value)
		r.Workload.Concurrency = int(threads) * r.Orchestration.Senders()
	}
}

// roles are the resources of each. Servers that nobody starts need none.
func (v *values) roles() Roles[Resources] {
	all := Roles[Resources]{v.resources("servers"), v.resources("clients"), v.resources("monitors")}
	if v.has("workload.endpoints") {
		all.Servers = Resources{}
	}
	return all
}

func (v *values) resources(role string) Resources {
	at := "resources." + role + "."
	return Resources{GPUs: v.whole(at + "gpus"), CPUsPerTask: v.whole(at + "cpus_per_task"), MemGB: v.whole(at + "mem_gb")}
}

func (v *values) workload() Workload {
	const at = "workload."
	w := Workload{
		Component: v.text(at + "component"), Service: v.text(at + "service"), Model: v.text(at + "model"),
		Dialect: v.text(at + "dialect"), Stream: v.yes(at + "stream"), Endpoints: v.list(at + "endpoints"),
		DurationS: v.seconds(at + "duration"), WarmupS: v.seconds(at + "warmup"), TimeoutS: v.seconds(at + "timeout"),
		RampUpS: v.seconds(at + "ramp_up"), CooldownS: v.seconds(at + "cooldown"),
		Requests: v.whole(at + "requests"), ClientsPerNode: v.whole(at + "clients_per_node"),
		Concurrency: v.whole(at + "concurrency"), TargetRPS: v.num(at + "target_rps"),
		Trace: v.text(at + "trace"), Dataset: v.text(at + "dataset"), Tokenizer: v.text(at + "tokenizer"), Batch: v.whole(at + "batch"), Turns: v.whole(at + "turns"),
		CancelShare: v.share(at + "cancel_share"), Temperature: v.num(at + "temperature"), IgnoreEOS: v.yes(at + "ignore_eos"),
		Headers: v.table(at + "headers"), APIKeyFile: v.text(at + "api_key_file"),
		ConnRequests: v.whole(at + "requests_per_connection"), KernelStamps: v.yes(at + "kernel_stamps"),
	}
	if v.node(at+"warmup") == nil {
		w.WarmupS = -1
	}
	w.PromptLen, w.PromptLaw = v.length(at + "prompt_len")
	w.GenTokens, w.GenLaw = v.length(at + "gen_tokens")
	w.ThinkTimeS, w.ThinkLaw = v.pause(at + "think_time")
	if v.has(at + "token_ids") {
		w.TokenIDs = &workload.IDs{First: v.whole(at + "token_ids.first"), Last: v.whole(at + "token_ids.last")}
	}
	if v.has(at + "prefix") {
		w.Prefix = &workload.Prefix{Share: v.share(at + "prefix.share"), Tokens: v.whole(at + "prefix.tokens")}
	}
	if body := v.base[at+"extra_body"]; body != nil && body.kind == mapping {
		w.ExtraBody = v.tree(at+"extra_body", body).(map[string]any)
	}
	v.arrivals(&w)
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

func (v *values) health() HealthCheck {
	const at = "servers.health_check."
	return HealthCheck{Enabled: v.yes(at + "enabled"), TimeoutS: v.seconds(at + "timeout"), IntervalS: v.seconds(at + "interval"), Endpoint: v.text(at + "endpoint")}
}

// pushEvery is monitoring.push_interval where a recipe is silent, in seconds.
const pushEvery = 15

func (v *values) monitoring() Monitoring {
	return Monitoring{
		Enabled: v.yes("monitoring.enabled"), IntervalS: v.seconds("monitoring.interval"), Metrics: v.metrics(), Exporter: v.yes("monitoring.exporter"),
		Collectors: v.collectors(), OutputFile: v.text("monitoring.output_file"),
		Push: Push{
			URL: v.text("monitoring.pushgateway_url"), IntervalS: cmp.Or(v.seconds("monitoring.push_interval"), pushEvery),
			RetentionS: v.seconds("monitoring.retention"),
		},
		Pushgateway: v.store("pushgateway"), Prometheus: v.store("prometheus"), ScrapeS: v.seconds("monitoring.prometheus.interval"),
	}
}

func (v *values) artifacts() Artifacts {
	return Artifacts{ContainersDir: v.text("artifacts.containers_dir"), Image: v.contained("artifacts.service.path"), Remote: v.text("artifacts.service.remote")}
}

// contained is the path of an image: what the recipe says is in the directory of the images unless it is a whole path.
func (v *values) contained(at string) string {
	image := v.text(at)
	if image == "" || path.IsAbs(image) {
		return image
	}
	return path.Join(v.text("artifacts.containers_dir"), image)
}

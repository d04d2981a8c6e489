package wizard

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
)

// steps of the specification's interactive recipe creation, §10.3.
var steps = []string{"Service", "Scenario", "Nodes", "Resources of a node", "Workload", "Containers and binds"}

// question is one that may be asked, as things stand.
type question struct {
	step       int
	path, text string
	def        string
	choices    []string
	fixed      bool // nothing but the choices
	optional   bool
	intro      string // of the step that it begins
}

// questions are all of them, for the answers so far, in order. Those of a later step are not known before the service is.
func (w *Wizard) questions() ([]question, error) {
	all := w.first()
	if w.service == nil || w.cluster == nil {
		return all, nil
	}
	all = slices.Concat(all, w.scenario(), w.nodes(), w.resources(), w.workload(), w.containers())
	own, err := w.service.Questions(w.sofar())
	if err != nil {
		return nil, err
	}
	for _, q := range own {
		all = merge(all, q)
	}
	slices.SortStableFunc(all, func(a, b question) int { return cmp.Compare(a.step, b.step) })
	return all, nil
}

// merge puts a service's own question among the others, or its words over theirs.
func merge(all []question, q service.Question) []question {
	at := slices.IndexFunc(all, func(o question) bool { return o.path == q.Path })
	if at < 0 {
		step := 5
		if under(q.Path, "artifacts", "binds", "environment", "secrets") {
			step = 6
		}
		if under(q.Path, "resources") || q.Path == "artifacts.containers_dir" || q.Path == "binds" {
			return all // the step does not ask for it here, such as resources on this machine
		}
		return append(all, question{step: step, path: q.Path, text: cmp.Or(q.Text, last(q.Path)), def: q.Default, optional: q.Optional})
	}
	all[at].text = cmp.Or(q.Text, all[at].text)
	all[at].def = cmp.Or(q.Default, all[at].def)
	return all
}

// under tells whether a path lies in one of the sections.
func under(p string, sections ...string) bool {
	first, _, _ := strings.Cut(p, ".")
	return slices.Contains(sections, first)
}

// last is a path's last name.
func last(p string) string { return p[strings.LastIndex(p, ".")+1:] }

// first are the questions on which all others hang.
func (w *Wizard) first() []question {
	var intro strings.Builder
	for _, s := range w.Services {
		fmt.Fprintf(&intro, "    %-10s %s\n", s.Name, s.Description)
	}
	fmt.Fprintf(&intro, "    on %s\n", strings.Join(w.clusterNames(), ", "))
	return []question{
		{step: 1, path: "cluster", text: "cluster", def: "generic", choices: w.clusterNames(), fixed: true, intro: intro.String()},
		{step: 1, path: "workload.service", text: "service", def: w.serviceNames()[0], choices: w.serviceNames(), fixed: true, intro: intro.String()},
	}
}

// local tells whether it all runs on this machine.
func (w *Wizard) local() bool { return w.cluster.Mode == "local" }

// external tells whether the servers run already, and nobody starts them: no nodes, resources and images are theirs.
func (w *Wizard) external() bool { return w.service != nil && w.service.External() }

func (w *Wizard) scenario() []question {
	all := []question{{step: 2, path: "scenario", text: "name of the experiment", def: w.service.Name + "-concurrency"}}
	if w.local() {
		return all
	}
	c := w.cluster
	partition := ""
	if len(c.Partitions) > 0 {
		partition = c.Partitions[max(0, slices.IndexFunc(c.Partitions, func(p string) bool { return strings.Contains(p, "gpu") }))]
	}
	qos := ""
	if len(c.QOS) > 0 {
		qos = c.QOS[max(0, slices.Index(c.QOS, "default"))]
	}
	all = append(all,
		question{step: 2, path: "partition", text: "partition", def: partition, choices: c.Partitions},
		question{step: 2, path: "account", text: "account that pays", optional: !c.AccountRequired})
	if c.QOSRequired || len(c.QOS) > 0 {
		all = append(all, question{step: 2, path: "qos", text: "quality of service", def: qos, choices: c.QOS, optional: !c.QOSRequired})
	}
	return append(all, question{step: 2, path: "orchestration.job_config.time_limit", text: "time limit (none: from the plan)", optional: true})
}

const nodesOf = "orchestration.node_allocation."

func (w *Wizard) nodes() []question {
	clients := "0"
	if w.local() || w.external() {
		clients = "1"
	}
	if w.external() {
		return []question{{step: 3, path: nodesOf + "clients.nodes", text: "client nodes", def: clients}}
	}
	return []question{
		{step: 3, path: nodesOf + "servers.nodes", text: "server nodes", def: "1"},
		{step: 3, path: nodesOf + "clients.nodes", text: "client nodes (0: the load comes from the first server's node)", def: clients},
		{step: 3, path: nodesOf + "monitors.nodes", text: "monitor nodes (every node is watched without one, too)", def: "0"},
	}
}

// clientCPUs is what a client has where nobody says otherwise: its load threads seldom use more.
const clientCPUs = 8

func (w *Wizard) resources() []question {
	client := question{step: 4, path: "resources.clients.cpus_per_task", text: "CPUs of a client", def: strconv.Itoa(clientCPUs)}
	switch {
	case w.local():
		return nil
	case w.external():
		return []question{client}
	}
	c := w.cluster
	gpus := strconv.Itoa(cmp.Or(c.GPUsPerNode, 1))
	if strings.Contains(w.value("partition"), "cpu") {
		gpus = "0"
	}
	shared := 0
	if w.number(nodesOf+"clients.nodes") == 0 {
		shared = clientCPUs
	}
	cpus := 16
	switch asked := w.number("resources.servers.gpus"); {
	case c.CPUsPerGPU > 0 && asked > 0:
		cpus = max(1, c.CPUsPerGPU*asked-shared)
	case c.CPUsPerNode > 0:
		cpus = max(1, c.CPUsPerNode-shared)
	}
	all := []question{
		{step: 4, path: "resources.servers.gpus", text: "GPUs of a server node", def: gpus},
		{step: 4, path: "resources.servers.cpus_per_task", text: "CPUs of a server node", def: strconv.Itoa(cpus)},
	}
	if c.Memory {
		all = append(all, question{step: 4, path: "resources.servers.mem_gb", text: "its memory in GB (none: what the partition gives)", optional: true})
	}
	return append(all, client)
}

func (w *Wizard) workload() []question {
	var all []question
	if w.external() {
		all = append(all, question{step: 5, path: "workload.endpoints", text: "addresses of the servers, commas between", def: "http://10.0.0.5:8000"})
	}
	return append(all, []question{
		{step: 5, path: "workload.model", text: "model", def: w.service.Model},
		{step: 5, path: "workload.dialect", text: "dialect", def: w.service.Dialects[0], choices: w.service.Dialects, fixed: true},
		{step: 5, path: "workload.concurrency", text: "requests in flight, one number or a list", def: "[1, 8, 32]"},
		{step: 5, path: "workload.prompt_len", text: "tokens of a prompt", def: "256"},
		{step: 5, path: "workload.gen_tokens", text: "tokens of an answer", def: "128"},
		{step: 5, path: "workload.warmup", text: "warm-up of a trial", def: "10s"},
		{step: 5, path: "workload.duration", text: "measured window of a trial", def: "1m"},
	}...)
}

func (w *Wizard) containers() []question {
	if w.local() || w.external() || w.service.Image == "" {
		return nil
	}
	all := []question{{step: 6, path: "artifacts.service.path", text: "image file (-: no container)", def: imageFile(w.service.Image), optional: !w.service.NeedsImage}}
	if file := w.value("artifacts.service.path"); file != "" {
		if !path.IsAbs(file) {
			all = append(all, question{step: 6, path: "artifacts.containers_dir", text: "directory of the images", def: "/project/containers"})
		}
		all = append(all,
			question{step: 6, path: "artifacts.service.remote", text: "where the image comes from", def: w.service.Image, optional: true},
			question{step: 6, path: "binds", text: "binds, source:destination[:ro|rw], commas between", optional: true})
	}
	return all
}

// imageFile is the name that apptainer pull gives an image.
func imageFile(remote string) string {
	name := remote[strings.LastIndex(remote, "/")+1:]
	return strings.ReplaceAll(name, ":", "_") + ".sif"
}

// number is an answer as a whole number; 0 where it is none.
func (w *Wizard) number(path string) int {
	n, err := strconv.Atoi(w.value(path))
	if err != nil {
		return 0
	}
	return n
}

// sofar is what a service's own questions see of the answers.
func (w *Wizard) sofar() service.Known {
	k := service.Known{
		Slurm: !w.local(), Container: w.value("artifacts.service.path") != "", Nodes: w.number(nodesOf + "servers.nodes"),
		GPUs: w.number("resources.servers.gpus"), Account: cmp.Or(w.value("account"), "myproject"), Model: w.value("workload.model"),
		Config: map[string]any{},
	}
	for _, s := range w.answers {
		names := strings.Split(s.Path, ".")
		var value any
		if len(names) < 3 || names[1] != "service_config" || yaml.Unmarshal([]byte(s.Value), &value) != nil {
			continue
		}
		section := k.Config
		for _, name := range names[2 : len(names)-1] {
			inner, ok := section[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				section[name] = inner
			}
			section = inner
		}
		section[names[len(names)-1]] = value
	}
	return k
}

// sets are the answers, and what follows from them.
func (w *Wizard) sets() []recipe.Set {
	all := slices.Clone(w.answers)
	mode := "slurm"
	for _, c := range w.Clusters {
		if c.Name == w.value("cluster") && c.Mode != "" {
			mode = c.Mode
		}
	}
	add := func(path, value string) {
		if w.value(path) == "" {
			all = append(all, recipe.Set{Path: path, Value: value})
		}
	}
	add("orchestration.mode", mode)
	add("workload.component", "inference")
	total := 0
	roles := []string{"servers", "clients", "monitors"}
	if w.external() {
		if roles = roles[1:2]; w.value("workload.endpoints") == "" {
			return all
		}
	}
	for _, role := range roles {
		if w.value(nodesOf+role+".nodes") == "" {
			return all // the sum is not known yet
		}
		total += w.number(nodesOf + role + ".nodes")
	}
	if mode == "slurm" && total > 0 {
		add("orchestration.total_nodes", strconv.Itoa(total))
	}
	return all
}

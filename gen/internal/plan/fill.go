package plan

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/service"
)

// fill gives a deployment what it is started with.
func (m *maker) fill(d *Deployment) {
	r := d.recipe
	d.Model, d.Image, d.Remote = r.Workload.Model, r.Artifacts.Image, r.Artifacts.Remote
	d.StartupS = int(math.Ceil(m.svc.StartupS))
	if d.Remote == "" && d.Image != "" {
		d.Remote = m.svc.Image
	}
	share := max(1, r.Orchestration.Replicas)
	start := service.Start{
		Model: d.Model, Config: r.Servers.ServiceConfig, Environment: m.environment(r.Environment), Nodes: r.Orchestration.Nodes.Servers,
		GPUs: r.Resources.Servers.GPUs / share, CPUs: r.Resources.Servers.CPUsPerTask / share, MemGB: r.Resources.Servers.MemGB / share, Image: d.Image,
	}
	var err error
	if start.Launcher, err = m.svc.LauncherOf(start); err != nil {
		m.bad("servers.service_config", err)
		return
	}
	if start.Launcher == "tasks" {
		start.Tasks = max(1, start.GPUs)
		d.Tasks = start.Tasks
	}
	m.endpoints(d, start)
	d.tell()
	for _, pt := range d.points {
		start.Context = max(start.Context, context(pt.Recipe.Workload))
		start.Concurrency = max(start.Concurrency, inFlight(m.load(pt.Recipe), pt.Recipe.Orchestration.Senders(), d.Endpoints))
	}
	d.InFlight = start.Concurrency
	if start.Launcher == "none" {
		return
	}
	m.gpusOf(d, start)
	m.complain(start)
	m.words(d, start)
	m.variables(d, start)
}

// endpoints counts the servers that a deployment's requests go to.
func (m *maker) endpoints(d *Deployment, start service.Start) {
	d.Launcher, d.Endpoints = start.Launcher, 1
	switch n := d.recipe.Orchestration.Replicas; d.Launcher {
	case "none":
		d.External = d.recipe.Workload.Endpoints
		d.Endpoints = len(d.External)
		if d.Endpoints == 0 {
			m.bad("workload.endpoints", fmt.Errorf("%s servers are not started by the job: name their addresses", m.svc.Name))
			d.Endpoints = 1
		}
	case "single":
		d.Endpoints = start.Nodes * max(1, n)
		if n > 1 {
			d.Replicas = n
		}
	default:
		if n > 1 {
			m.bad(nodesOf+"servers.replicas_per_node", fmt.Errorf("one server over several nodes has no replicas on a node"))
		}
	}
}

// tell writes into a deployment's trials what their servers run on.
func (d *Deployment) tell() {
	r := d.recipe.Resources.Servers
	server := workload.Server{Nodes: d.recipe.Orchestration.Nodes.Servers, Replicas: d.Replicas, Launcher: d.Launcher,
		GPUs: r.GPUs, CPUs: r.CPUsPerTask, MemGB: r.MemGB, Endpoints: d.External}
	for _, t := range d.trials {
		t.Server = server
	}
}

// gpusOf counts the GPUs that a deployment uses.
func (m *maker) gpusOf(d *Deployment, start service.Start) {
	has := start.GPUs * start.Nodes * max(1, d.Replicas)
	d.GPUs = has
	each, said := 1, false
	for _, name := range m.svc.Parallel {
		n := parallel(start.Config, name)
		each, said = each*max(1, n), said || n > 0
	}
	tasks := d.Tasks * start.Nodes
	switch {
	case len(m.svc.Parallel) == 0, tasks > 0 && !said: // all of them
	case tasks > 0 && each != tasks:
		m.bad("servers.service_config", fmt.Errorf("%s is %d, and the job starts %s, one on each GPU: they must be as many",
			strings.Join(m.svc.Parallel, " × "), each, diag.Several(tasks, "task")))
	default:
		d.GPUs = min(has, each*d.Endpoints)
	}
}

// parallel is a setting's whole number, directly or under distributed, and 0 where the recipe is silent.
func parallel(config map[string]any, name string) int {
	inner, _ := config["distributed"].(map[string]any)
	for _, section := range []map[string]any{inner, config} {
		if n, ok := section[name].(int); ok && n > 0 {
			return n
		}
	}
	return 0
}

// environment is the site's variables for servers, under the recipe's own.
func (m *maker) environment(own map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, m.cl.ServerEnv)
	maps.Copy(all, own)
	return all
}

// complain finds what no server can be started from.
func (m *maker) complain(start service.Start) {
	if m.svc.NeedsImage && start.Image == "" {
		m.bad("artifacts.service.path", fmt.Errorf("%s runs in a container only: name its image", m.svc.Name))
	}
	if strings.HasPrefix(start.Model, "-") {
		m.bad("workload.model", fmt.Errorf("model %q begins with a dash, as an option does", start.Model))
	}
	if m.local && start.Launcher != "single" {
		m.bad("orchestration.mode", fmt.Errorf("one server over several nodes needs Slurm"))
	}
}

// words fills Argv: a file a rank, and with Ray two more that every rank but the first, and the first, start Ray by.
func (m *maker) words(d *Deployment, start service.Start) {
	files := map[string]service.Start{}
	switch d.Launcher {
	case "ray":
		files["0"], files["head"], files["worker"] = start, start, start
	default:
		for start.Rank = range start.Nodes * max(1, d.Replicas) * max(1, d.Tasks) {
			files[strconv.Itoa(start.Rank)] = start
		}
	}
	d.Argv = map[string][]string{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		template := "argv"
		if file == "head" || file == "worker" {
			template = "ray-" + file
		}
		argv, err := m.svc.Words(template, files[file])
		if err != nil {
			m.bad("servers.service_config", err)
		}
		d.Argv[file] = argv
	}
	var err error
	if d.Prefetch, err = m.svc.Words("prefetch", start); err != nil {
		m.bad("workload.model", err)
	}
	if d.Prepare, err = m.svc.Words("prepare", start); err != nil {
		m.bad("servers.service_config", err)
	}
	if d.Pages, err = m.svc.PagesOf(start); err != nil {
		m.bad("servers.service_config", err)
	}
	if d.Files, err = m.svc.Words("files", start); err != nil {
		m.bad("servers.service_config", err)
	}
}

// taken are the names that the node scripts use for themselves (templates/lib/node.sh and node/*.tmpl).
var taken = regexp.MustCompile(`^(AGENT|ARGV|BASH_REMATCH|BINDS|BLOCK|BUNDLE|CONTAINED|COUNT|DEPLOYMENT|GPU_FLAG|HEAD_IP|` +
	`HEAD_PORT|HOSTS|IFS|IMAGE|INTERFACE|IP|LISTENS|NODE|PATH|PLACED|PORT|RANK|RANKS|REPLICA|RAY_ADDRESS_PORT|RUN|RUNTIME|SECRETS|TASK|TMP|` +
	`BASH_.*|BASHOPTS|SHELLOPTS|ENV|UID|EUID|PPID|SLURM_.*|name|value)$`)

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (m *maker) variables(d *Deployment, start service.Start) {
	var err error
	if d.Env, err = m.svc.Variables(start); err != nil {
		m.bad("servers.service_config", err)
	}
	for _, line := range d.Env {
		name, value, _ := strings.Cut(line, "=")
		switch {
		case !variable.MatchString(name):
			m.bad("environment", fmt.Errorf("%q can't be the name of a variable", name))
		case taken.MatchString(name):
			m.bad("environment."+name, fmt.Errorf("variable %s is one that the job's own scripts use", name))
		case strings.ContainsAny(value, "\n\r\x00"):
			m.bad("environment."+name, fmt.Errorf("variable %s has a line break or NUL in it", name))
		}
	}
}

// bad reports an error about a value of the recipe.
func (m *maker) bad(path string, err error) {
	m.found.Errorf(m.place(path), "deployment", "", "%s: %v", path, err)
}

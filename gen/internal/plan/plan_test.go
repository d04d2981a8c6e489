package plan

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
	"hpcbench/templates"
)

func TestSweepsShareServersAndJobs(t *testing.T) {
	for _, c := range []struct {
		name                      string
		axes                      []axis
		trials, deployments, jobs int
	}{
		{"nothing swept", nil, 1, 1, 1},
		{"workload values share a server", []axis{batches, concurrencies}, 9, 1, 1},
		{"a model needs a server", []axis{models, concurrencies}, 6, 2, 1},
		{"whatever the order of the sweep", []axis{concurrencies, models}, 6, 2, 1},
		{"resources need a server, and share the job", []axis{gpus}, 2, 2, 1},
		{"node counts need a job", []axis{concurrencies, servers}, 6, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := planned(t, points(listing3(), c.axes...))
			if len(p.Trials) != c.trials || len(p.Deployments) != c.deployments || len(p.Jobs) != c.jobs {
				t.Errorf("%d trials, %d deployments, %d jobs", len(p.Trials), len(p.Deployments), len(p.Jobs))
			}
			started := []string{}
			for _, tr := range p.Trials {
				if !slices.Contains(started, tr.Deployment) {
					started = append(started, tr.Deployment)
				} else if started[len(started)-1] != tr.Deployment {
					t.Errorf("trial %s goes back to %s", tr.ID, tr.Deployment)
				}
			}
		})
	}
}

func TestWhatCannotWorkIsSaid(t *testing.T) {
	place := func(path string) diag.Pos { return diag.Pos{File: path} }
	for _, c := range []struct {
		name string
		edit func(*recipe.Recipe)
		axes []axis
		want string
	}{
		{"a slug of nothing", func(r *recipe.Recipe) { r.Scenario = "///" }, nil, `scenario: error: scenario "///" has nothing that a directory could be named by`},
		{"a sweep of the clients' step", nil, []axis{clientCPUs}, "resources.clients.cpus_per_task can't be swept"},
		{"a sweep of the bundle's values", nil, []axis{timeouts}, "servers.health_check.timeout: error: servers.health_check.timeout can't be swept"},
		{"a variable of the scripts", func(r *recipe.Recipe) { r.Environment = map[string]string{"PORT": "1"} }, nil, "environment.PORT: error: environment.PORT: variable PORT is one that the job's own scripts use"},
		{"a line break in a variable", func(r *recipe.Recipe) { r.Environment = map[string]string{"A": "x\ny"} }, nil, "variable A has a line break"},
		{"a dash before a model", func(r *recipe.Recipe) { r.Workload.Model = "--help" }, nil, `workload.model: error: workload.model: model "--help" begins with a dash`},
		{"a quote in an account", func(r *recipe.Recipe) { r.Account = `a"b` }, nil, "can't stand in an #SBATCH line"},
		{"idle GPUs", nil, nil, "warning: 3 nodes without a server hold 2 GPUs each"},
		{"eleven nodes of this machine", func(r *recipe.Recipe) { r.Orchestration.Mode, r.Orchestration.TotalNodes = "local", 11 }, nil, "11 nodes: this machine plays ten at most"},
		{"one port for a server and the client beside it", func(r *recipe.Recipe) {
			r.Orchestration.Nodes.Clients, r.Servers.Port, r.Clients.Port = 0, 8000, 8000
		}, nil, "clients.port: error: clients.port: 8000 is the server's port too"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := listing3()
			if c.edit != nil {
				c.edit(&base)
			}
			s, cl := with(t, "ollama", "generic")
			p, found := New(points(base, c.axes...), s, cl, place)
			var all []string
			for _, d := range found {
				all = append(all, d.String())
			}
			if !strings.Contains(strings.Join(all, "\n"), c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
			if found.Failed() != (p == nil) {
				t.Errorf("errors: %v, and the plan is %v", found.Failed(), p)
			}
		})
	}
}

func TestOneServerOverNodes(t *testing.T) {
	base := listing3()
	base.Workload.Service, base.Workload.Dialect = "vllm", "openai-chat"
	base.Servers.ServiceConfig = map[string]any{"distributed": map[string]any{"enabled": true, "backend": "mp", "tensor_parallel_size": 4}}
	p := planned(t, points(base))
	d := p.Deployments[0]
	if d.Endpoints != 1 || d.InFlight != 20 || len(d.Argv) != 2 {
		t.Errorf("%d endpoints, %d in flight, %d ranks", d.Endpoints, d.InFlight, len(d.Argv))
	}
	if slices.Contains(d.Argv["0"], "--headless") || !slices.Contains(d.Argv["1"], "--headless") {
		t.Errorf("argv: %q and %q", d.Argv["0"], d.Argv["1"])
	}
}

func ExamplePlan_Text() {
	services, _ := service.Open(nil)
	svc, _ := service.Load(services, "ollama")
	clusters, _ := fs.Sub(templates.FS, "clusters")
	cl, _ := cluster.Load(clusters, "meluxina")
	p, _ := New(points(listing3()), svc, cl, nil)
	fmt.Print(p.Text())
	// Output:
	// experiment-name  meluxina gpu/default · 5 nodes × 2 A100-40GB · 2 servers, 2 clients, 1 monitor
	// 1 job, 1 deployment, 1 trial   d1 5 min
	// bill about 0.46 node-hours, at most 10.0 of p200981 (whole nodes) · 60 % of GPU time idle · time limit 02:00:00 · start-up 60 s (a guess)
}

// On one node a client and a server get cores of their own, unless an odd count of CPUs could leave one of them waiting.
func TestClientBesideAServer(t *testing.T) {
	for _, c := range []struct {
		name            string
		servers, client int
		exclusive       bool
		want            bool // of --overlap
	}{
		{"even", 16, 4, false, false},
		{"odd", 15, 4, false, true},
		{"odd, a whole node", 15, 4, true, false},
	} {
		base := listing3()
		base.Orchestration.Nodes.Clients = 0
		base.Resources.Servers.CPUsPerTask, base.Resources.Clients.CPUsPerTask, base.Job.Exclusive = c.servers, c.client, c.exclusive
		p := planned(t, points(base))
		if got := slices.Contains(p.Setting.ClientStep, "--overlap"); got != c.want || slices.Contains(p.Deployments[0].Step, "--overlap") {
			t.Errorf("%s: the client's step is %q, the server's %q", c.name, p.Setting.ClientStep, p.Deployments[0].Step)
		}
	}
}

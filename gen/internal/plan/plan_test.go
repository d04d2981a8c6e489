package plan

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
	"hpcbench/templates"
)

// listing3 is one point of the specification's recipe.
func listing3() recipe.Recipe {
	return recipe.Recipe{
		Scenario: "experiment-name", Partition: "gpu", Account: "p200981", QOS: "default", Cluster: "generic", Repetitions: 1, Seed: 1,
		Binds: []string{"/project/.ollama:/root/.ollama:rw"},
		Orchestration: recipe.Orchestration{Mode: "slurm", TotalNodes: 5,
			Nodes: recipe.Roles[int]{Servers: 2, Clients: 2, Monitors: 1}},
		Job: recipe.JobConfig{TimeLimitS: 7200, Exclusive: true},
		Resources: recipe.Roles[recipe.Resources]{
			Servers: recipe.Resources{GPUs: 2, CPUsPerTask: 1, MemGB: 32}, Clients: recipe.Resources{CPUsPerTask: 2, MemGB: 16}},
		Workload: recipe.Workload{Component: "inference", Service: "ollama", Model: "llama2", Dialect: "ollama-generate", Stream: true,
			DurationS: 120, WarmupS: 60, TimeoutS: 300, ClientsPerNode: 10, PromptLen: 128, GenTokens: 128, Batch: 1},
		Servers: recipe.Servers{HealthCheck: recipe.HealthCheck{Enabled: true, TimeoutS: 300, IntervalS: 5, Endpoint: "/api/tags"},
			ServiceConfig: map[string]any{"gpu_layers": 0}},
		Artifacts:  recipe.Artifacts{Image: "/path/to/containers/ollama_latest.sif"},
		Monitoring: recipe.Monitoring{Enabled: true, IntervalS: 1},
	}
}

// axis is one swept key: its values, and how a value gets into the recipe.
type axis struct {
	path   string
	values []any
	set    func(*recipe.Recipe, any)
}

// points are the product of the axes over a recipe, the first the slowest.
func points(base recipe.Recipe, axes ...axis) []recipe.Point {
	all := []recipe.Point{{Recipe: &base}}
	for _, a := range axes {
		var next []recipe.Point
		for _, pt := range all {
			for _, v := range a.values {
				r := *pt.Recipe
				a.set(&r, v)
				next = append(next, recipe.Point{Values: append(slices.Clone(pt.Values), recipe.Value{Path: a.path, V: v}), Recipe: &r})
			}
		}
		all = next
	}
	return all
}

var (
	concurrencies = axis{"workload.concurrency", []any{1, 8, 32}, func(r *recipe.Recipe, v any) { r.Workload.Concurrency = v.(int) }}
	dialects      = axis{"workload.dialect", []any{"openai-chat", "ollama-generate"}, func(r *recipe.Recipe, v any) { r.Workload.Dialect = v.(string) }}
	batches       = axis{"workload.batch", []any{1, 4, 8}, func(r *recipe.Recipe, v any) { r.Workload.Batch = v.(int) }}
	models        = axis{"workload.model", []any{"llama2", "org/b"}, func(r *recipe.Recipe, v any) { r.Workload.Model = v.(string) }}
	gpus          = axis{"resources.servers.gpus", []any{1, 2}, func(r *recipe.Recipe, v any) { r.Resources.Servers.GPUs = v.(int) }}
	servers       = axis{"orchestration.node_allocation.servers.nodes", []any{1, 2}, func(r *recipe.Recipe, v any) {
		r.Orchestration.Nodes.Servers = v.(int)
		r.Orchestration.TotalNodes = 0
	}}
	clientCPUs = axis{"resources.clients.cpus_per_task", []any{2, 4}, func(r *recipe.Recipe, v any) { r.Resources.Clients.CPUsPerTask = v.(int) }}
	timeouts   = axis{"servers.health_check.timeout", []any{60, 90}, func(r *recipe.Recipe, v any) { r.Servers.HealthCheck.TimeoutS = float64(v.(int)) }}
)

// with are the service and the profile of these names.
func with(t *testing.T, svc, cl string) (*service.Service, *cluster.Profile) {
	t.Helper()
	services, err := service.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := service.Load(services, svc)
	if err != nil {
		t.Fatal(err)
	}
	clusters, err := fs.Sub(templates.FS, "clusters")
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Load(clusters, cl)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// planned is the plan of points that must have one.
func planned(t *testing.T, pts []recipe.Point) *Plan {
	t.Helper()
	s, c := with(t, pts[0].Recipe.Workload.Service, pts[0].Recipe.Cluster)
	p, found := New(pts, s, c, nil)
	if p == nil {
		t.Fatalf("no plan: %v", found)
	}
	return p
}

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

func TestNames(t *testing.T) {
	base := listing3()
	base.Repetitions = 2
	p := planned(t, points(base, dialects, axis{"workload.concurrency", []any{1, 8}, concurrencies.set}))
	var got []string
	for _, tr := range p.Trials {
		got = append(got, tr.ID+" "+tr.Name)
	}
	want := []string{
		"0001 c1-openai-chat-r1", "0002 c8-openai-chat-r1", "0003 c1-ollama-generate-r1", "0004 c8-ollama-generate-r1",
		"0005 c1-openai-chat-r2", "0006 c8-openai-chat-r2", "0007 c1-ollama-generate-r2", "0008 c8-ollama-generate-r2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := planned(t, points(listing3())).Trials[0].Name; got != "c20" {
		t.Errorf("a single trial is called %q", got)
	}
}

func TestNamesAreUnique(t *testing.T) {
	same := axis{"workload.model", []any{"a b", "a/b"}, models.set}
	p := planned(t, points(listing3(), same))
	if p.Trials[0].Name != "a-b-0001" || p.Trials[1].Name != "a-b-0002" {
		t.Errorf("names are %q and %q", p.Trials[0].Name, p.Trials[1].Name)
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{
		"experiment-name": "experiment-name", "x; rm -rf ~": "x-rm--rf-", "../..": "", "..hidden": "hidden", "日本": "", "naïve": "na-ve",
		"a\nb": "a-b", "-n": "n", strings.Repeat("a", 70): strings.Repeat("a", 64), "A_1.b": "A_1.b",
	} {
		if got := Slug(in); got != want {
			t.Errorf("Slug(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestConcurrencyOfARecipe(t *testing.T) {
	for _, c := range []struct {
		name             string
		concurrency, cpn int
		rps              float64
		clients, want    int
	}{
		{"as written", 7, 0, 0, 2, 7},
		{"wins over clients per node", 7, 10, 0, 2, 7},
		{"clients per node on every client node", 0, 10, 0, 2, 20},
		{"clients per node without a client node", 0, 10, 0, 0, 10},
		{"neither", 0, 0, 0, 2, 1},
		{"an open loop has no cap", 0, 10, 5, 2, 0},
		{"unless one is given", 9, 0, 5, 2, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := listing3()
			r.Workload.Concurrency, r.Workload.ClientsPerNode = c.concurrency, c.cpn
			r.Workload.TargetRPS, r.Orchestration.Nodes.Clients = c.rps, c.clients
			if got := r.InFlight(); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestInFlightAtOneEndpoint(t *testing.T) {
	for _, c := range []struct {
		w                workload.Workload
		nodes, endpoints int
		want             int
	}{
		{workload.Workload{Concurrency: 20}, 2, 2, 10},
		{workload.Workload{Concurrency: 1}, 2, 2, 1},
		{workload.Workload{Concurrency: 5}, 1, 2, 3},
		{workload.Workload{Concurrency: 32, Batch: 8}, 2, 2, 16},
		{workload.Workload{Concurrency: 1, Batch: 8}, 2, 2, 8},
		{workload.Workload{Rate: 2, Concurrency: 9}, 2, 2, 5},
		{workload.Workload{Rate: 2}, 2, 2, 10},
		{workload.Workload{Rate: 0.01}, 2, 2, 1},
		{workload.Workload{Rate: 1e6}, 2, 2, 256},
		{workload.Workload{Arrival: "replay"}, 2, 2, 32},
		{workload.Workload{Arrival: "replay", Concurrency: 9}, 2, 2, 5},
	} {
		if got := inFlight(c.w, c.nodes, c.endpoints); got != c.want {
			t.Errorf("%+v on %d nodes and %d endpoints: %d, want %d", c.w, c.nodes, c.endpoints, got, c.want)
		}
	}
}

func TestServerKnowsTheMostOfItsTrials(t *testing.T) {
	p := planned(t, points(listing3(), concurrencies))
	if got := p.Deployments[0].Env; !slices.Contains(got, "OLLAMA_NUM_PARALLEL=16") {
		t.Errorf("32 in flight on 2 endpoints, and the server is told %q", got)
	}
}

// Trials of one server never share a prompt; servers under comparison get the same ones.
func TestPromptSeeds(t *testing.T) {
	base := listing3()
	base.Repetitions = 2
	p := planned(t, points(base, models, concurrencies))
	seeds := map[string]uint64{}
	for _, tr := range p.Trials {
		key := fmt.Sprint(tr.Point["workload.concurrency"], tr.Repetition)
		if other, seen := seeds[key]; seen && other != tr.Workload.PromptSeed {
			t.Errorf("%s: the two models get different prompts", key)
		}
		seeds[key] = tr.Workload.PromptSeed
	}
	distinct := map[uint64]bool{}
	for _, s := range seeds {
		distinct[s] = true
	}
	if len(seeds) != 6 || len(distinct) != 6 {
		t.Errorf("%d loads have %d seeds", len(seeds), len(distinct))
	}
}

func TestTimeLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit float64
		want  string // of the diagnostics
	}{
		{"holds", 7200, ""},
		{"none: from the plan", 0, ""},
		{"too short for one trial", 120, "job.sbatch: the limit of 00:02:00 can't hold a server's start and its longest trial: 60 s + 213 s, and 15 s to end in good order, are 00:04:48"},
		{"too short for all", 600, "job.sbatch: the plan takes about 00:12:39, and the limit is 00:10:00: submit.sh queues 3 jobs, each after the one before and running what is left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := listing3()
			base.Job.TimeLimitS = c.limit
			base.Resources.Servers.GPUs = 0
			s, cl := with(t, "ollama", "generic")
			p, found := New(points(base, concurrencies), s, cl, nil)
			var got []string
			for _, d := range found {
				got = append(got, d.Message)
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if c.limit == 0 && p.Jobs[0].LimitS != 1020 { // (60 + 60 + 3·213) · 1.3 = 986.7 s, in whole minutes
				t.Errorf("limit is %d s", p.Jobs[0].LimitS)
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

func TestIdentityFollowsEveryValue(t *testing.T) {
	id := planned(t, points(listing3())).ID
	if len(id) != 16 || planned(t, points(listing3())).ID != id {
		t.Fatalf("id %q is not that of the same plan", id)
	}
	for name, edit := range map[string]func(*recipe.Recipe){
		"model": func(r *recipe.Recipe) { r.Workload.Model = "x" }, "bind": func(r *recipe.Recipe) { r.Binds = nil },
		"seed": func(r *recipe.Recipe) { r.Seed = 2 }, "account": func(r *recipe.Recipe) { r.Account = "x" },
		"health": func(r *recipe.Recipe) { r.Servers.HealthCheck.TimeoutS = 1 },
	} {
		r := listing3()
		edit(&r)
		if planned(t, points(r)).ID == id {
			t.Errorf("another %s, and the same plan", name)
		}
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

// A search is planned for all probes that it may take, each with the whole warm-up, window and drain; its server has room for the
// highest rate, and its short form tries the first one only.
func TestSearchesArePlannedToTheirLastProbe(t *testing.T) {
	r := listing3()
	r.Workload.ClientsPerNode, r.Workload.TargetRPS, r.Workload.RequestDistribution = 0, 2, "poisson"
	r.Workload.SLO = map[string]float64{"ttft": 0.5}
	one := planned(t, points(r)).Trials[0]
	r.Workload.Search = &workload.Search{Low: 2, High: 16, Precision: 0.05, Attain: 0.99, Confidence: 0.95, Probes: 9}
	p := planned(t, points(r))
	trial := p.Trials[0]
	if want := 9 * one.Seconds; trial.Seconds != want || trial.Name != "search" || trial.Workload.Rate != 2 || *trial.Workload.Search != *r.Workload.Search {
		t.Errorf("%s of %d s, want %d: %+v", trial.Name, trial.Seconds, want, trial.Workload)
	}
	if smoke := p.SmokeTrials()[0]; smoke.Workload.Search != nil || smoke.Workload.Rate != 2 || smoke.Seconds > one.Seconds {
		t.Errorf("the short form is %+v", smoke)
	}
	if got := p.Deployments[0].InFlight; got != 16*openS/2 {
		t.Errorf("a place for %d in flight at each of two endpoints", got)
	}
	for _, want := range []string{
		"the highest rate, from 2 to 16 requests/s (poisson), at which 99 % hold the SLO, to 5 %, in 9 probes at most",
		"a search ends after 9 probes at the latest", "1 trial is a search", "measured 18 min",
	} {
		if !strings.Contains(p.Full(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, p.Full())
		}
	}
}

// A dataset stands in the place of made-up prompts and of what they are made by, but for a tokenizer: it counts the replies of
// recorded conversations.
func TestDatasetsLeaveTheTokenizer(t *testing.T) {
	r := listing3()
	r.Workload.Tokenizer, r.Workload.TokenIDs, r.Workload.Dataset = "/m/tokenizer.json", &workload.IDs{Last: 9}, "/d/sharegpt.json"
	p := planned(t, points(r))
	if w := p.Trials[0].Workload; w.Dataset == "" || w.Tokenizer == "" || w.TokenIDs != nil || w.InputTokens != 0 {
		t.Errorf("got %+v", w)
	}
	if want := []string{"/d/sharegpt.json", "/m/tokenizer.json"}; !slices.Equal(p.Setting.Files, want) {
		t.Errorf("the client nodes need %q, want %q", p.Setting.Files, want)
	}
}

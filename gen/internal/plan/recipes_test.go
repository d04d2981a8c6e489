package plan

import (
	"io/fs"
	"slices"
	"testing"

	"hpcbench/gen/internal/cluster"
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

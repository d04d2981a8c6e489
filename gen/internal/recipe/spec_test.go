package recipe

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/service"
)

// Service folders and profiles as the tests need them: literal, so that no other package's files matter here.
var (
	ollama = &service.Service{Name: "ollama", NeedsImage: true, SingleNode: true,
		Dialects: []string{"ollama-generate", "ollama-chat", "openai-chat"}, Health: service.Health{Path: "/api/tags", TimeoutS: 300},
		Config: map[string]any{"type": "object", "properties": map[string]any{
			"gpu_layers": map[string]any{"type": "integer", "minimum": 0}}}}
	vllm = &service.Service{Name: "vllm", NeedsImage: true, Flags: true, Dialects: []string{"openai-chat", "openai-completions"},
		Health: service.Health{Path: "/health", TimeoutS: 1200},
		Config: map[string]any{"type": "object", "properties": map[string]any{
			"max_model_len":          map[string]any{"type": "integer", "minimum": 1},
			"gpu_memory_utilization": map[string]any{"type": "number"},
			"tensor_parallel_size":   map[string]any{"type": "integer", "minimum": 1, "default": 1},
			"stop":                   map[string]any{"type": "array", "items": map[string]any{"type": "string"}},
			"distributed": map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{
				"enabled":                map[string]any{"type": "boolean"},
				"backend":                map[string]any{"type": "string", "enum": []any{"ray", "mp"}},
				"tensor_parallel_size":   map[string]any{"type": "integer", "minimum": 1},
				"pipeline_parallel_size": map[string]any{"type": "integer", "minimum": 1},
				"ray": map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{
					"dashboard_port": map[string]any{"type": "integer"}, "object_manager_port": map[string]any{"type": "integer"},
					"node_manager_port": map[string]any{"type": "integer"}, "num_cpus_per_node": map[string]any{"type": "integer"},
					"num_gpus_per_node": map[string]any{"type": "integer"}}}}}}}}
	dummy = &service.Service{Name: "dummy", Model: "dummy", SingleNode: true, Dialects: []string{"openai-chat", "ollama-generate"},
		Health: service.Health{Path: "/health", TimeoutS: 30}, Config: map[string]any{"type": "object", "properties": map[string]any{
			"ttft": map[string]any{"type": "string"}}}}
	meluxina = &cluster.Profile{Name: "meluxina", AccountRequired: true, Partitions: []string{"cpu", "gpu"}, QOS: []string{"default", "short"}, GPUsPerNode: 4}
	local    = &cluster.Profile{Name: "local", Mode: "local"}
)

// listing is a recipe of the spec's report, as printed there.
func listing(t testing.TB, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// load reads and checks; the diagnostics come as lines.
func load(src string, svc *service.Service, cl *cluster.Profile) (*File, string) {
	f, diags := Load("r.yaml", []byte(src), Options{})
	diags = append(diags, f.Check(svc, cl)...)
	return f, lines(diags.Sorted())
}

func lines(l diag.List) string {
	var b strings.Builder
	for _, d := range l {
		b.WriteString(d.String() + "\n")
	}
	return b.String()
}

func TestListing3CompilesAsPrinted(t *testing.T) {
	f, diags := load(listing(t, "listing3.yaml"), ollama, meluxina)
	t.Log(diags)
	if strings.Contains(diags, "error:") || strings.Contains(diags, "warning:") {
		t.Errorf("Listing 3 is refused or warned of:\n%s", diags)
	}
	points := f.Points()
	if len(points) != 1 {
		t.Fatalf("%d points, want 1", len(points))
	}
	r := points[0].Recipe
	t.Logf("%+v", *r)
	if r.Job.TimeLimitS != 7200 || !r.Job.Exclusive || r.Workload.ClientsPerNode != 10 || r.Workload.DurationS != 120 ||
		r.Artifacts.Image != "/path/to/containers/ollama_latest.sif" || r.Orchestration.Nodes != (Roles[int]{2, 2, 1}) ||
		r.Servers.ServiceConfig["gpu_layers"] != 0 {
		t.Errorf("decoded %+v", *r)
	}
}

func TestListing4SweepsEighteenPoints(t *testing.T) {
	f, diags := load(listing(t, "listing4.yaml"), ollama, meluxina)
	if strings.Contains(diags, "error:") {
		t.Fatalf("refused:\n%s", diags)
	}
	points := f.Points()
	if len(points) != 18 {
		t.Fatalf("%d points, want 18", len(points))
	}
	second := points[1]
	want := []Value{{"workload.batch", 1}, {"workload.concurrency", 1}, {"workload.prompt_len", 512}}
	if !slices.Equal(second.Values, want) {
		t.Errorf("the second point is %v, want %v: the last key changes fastest", second.Values, want)
	}
	if w := second.Recipe.Workload; w.Batch != 1 || w.Concurrency != 1 || w.PromptLen != 512 {
		t.Errorf("its recipe has %+v", w)
	}
	t.Log(diags)
}

func TestListing6MovesWhatIsNotRaysUp(t *testing.T) {
	f, diags := load(listing(t, "listing6.yaml"), vllm, meluxina)
	t.Log(diags)
	if strings.Contains(diags, "error:") {
		t.Fatalf("refused:\n%s", diags)
	}
	config := f.Points()[0].Recipe.Servers.ServiceConfig
	ray := config["distributed"].(map[string]any)["ray"].(map[string]any)
	if config["max_model_len"] != 2048 || config["gpu_memory_utilization"] != 0.7 || ray["max_model_len"] != nil {
		t.Errorf("service_config is %v", config)
	}
	if strings.Count(diags, "hint: m")+strings.Count(diags, "hint: g") != 2 {
		t.Errorf("want a hint for each moved key:\n%s", diags)
	}
	if again := lines(f.Check(vllm, meluxina)); !strings.Contains(diags, again) || again == "" {
		t.Errorf("a second Check says something else:\n%s", again)
	}
}

func TestResolvedSaysTheSame(t *testing.T) {
	for _, c := range []struct {
		file string
		svc  *service.Service
	}{{"listing3.yaml", ollama}, {"listing4.yaml", ollama}, {"listing6.yaml", vllm}} {
		f, _ := load(listing(t, c.file), c.svc, meluxina)
		resolved := string(f.Resolved())
		g, diags := load(resolved, c.svc, meluxina)
		if strings.Contains(diags, "error:") {
			t.Fatalf("%s: resolved is refused:\n%s\n%s", c.file, diags, resolved)
		}
		if !reflect.DeepEqual(f.Points(), g.Points()) {
			t.Errorf("%s: resolved has other points:\n%s", c.file, resolved)
		}
	}
}

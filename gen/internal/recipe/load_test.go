package recipe

import (
	"maps"
	"strings"
	"testing"

	"hpcbench/gen/internal/service"
)

const demo = "scenario: demo\norchestration: {mode: local}\nworkload: {service: dummy}\n"

func TestLocalModeNeedsLittle(t *testing.T) {
	f, diags := load(demo, dummy, local)
	if diags != "" {
		t.Fatalf("diagnostics:\n%s", diags)
	}
	r := f.Points()[0].Recipe
	if r.Cluster != "local" || r.Orchestration.TotalNodes != 1 || r.Orchestration.Nodes != (Roles[int]{1, 0, 0}) || r.Orchestration.Placement != "same-node" ||
		r.Workload.Dialect != "openai-chat" || r.Workload.DurationS != 0 || r.Workload.WarmupS != -1 || !r.Workload.Stream || r.Servers.HealthCheck.Endpoint != "/health" {
		t.Errorf("defaults are %+v", *r)
	}
}

func TestPositionsAreThoseOfTheFile(t *testing.T) {
	f, _ := load("scenario: x\nworkload:\n  service: dummy\n  ünï: 1\n", dummy, local)
	for path, want := range map[string]string{
		"workload.service": "r.yaml:3:12",
		"workload.model":   "r.yaml:2:1", // the section where it would stand
		"partition":        "r.yaml:1:1",
		"a.b.c":            "r.yaml:1:1",
	} {
		if got := f.Pos(path).String(); got != want {
			t.Errorf("Pos(%q) = %s, want %s", path, got, want)
		}
	}
}

func TestColumnsCountCharacters(t *testing.T) {
	_, diags := load(strings.Replace(demo, "{service: dummy}", `{model: "äöü", service: dummy, dialect: x}`, 1), dummy, local)
	if !strings.HasPrefix(diags, "r.yaml:3:51: error") {
		t.Errorf("got %s", diags)
	}
}

func TestByteOrderMarkAndCRLFAreRead(t *testing.T) {
	f, diags := load("\ufeff"+strings.ReplaceAll(demo, "\n", "\r\n"), dummy, local)
	if diags != "" || f.Points()[0].Recipe.Scenario != "demo" {
		t.Errorf("diagnostics:\n%s", diags)
	}
}

func TestAnchorsAndMergesAreFollowed(t *testing.T) {
	src := `scenario: &name demo
orchestration:
  mode: local
resources:
  servers: &r {cpus_per_task: 4, mem_gb: 8}
  clients: {<<: *r, mem_gb: 2}
workload:
  service: dummy
  model: *name
`
	f, diags := load(src, dummy, local)
	if diags != "" {
		t.Fatalf("diagnostics:\n%s", diags)
	}
	r := f.Points()[0].Recipe
	if r.Workload.Model != "demo" || r.Resources.Clients != (Resources{CPUsPerTask: 4, MemGB: 2}) {
		t.Errorf("got %+v and %q", r.Resources.Clients, r.Workload.Model)
	}
}

func TestEnvironmentIsTextAsWritten(t *testing.T) {
	f, diags := load(demo+"environment: {A: 1.10, B: on, C: \"\", D: true}\n", dummy, local)
	if diags != "" {
		t.Fatalf("diagnostics:\n%s", diags)
	}
	want := map[string]string{"A": "1.10", "B": "on", "C": "", "D": "true"}
	if got := f.Points()[0].Recipe.Environment; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSettingsOfTheServiceAreSwept(t *testing.T) {
	src := listing(t, "listing6.yaml")
	src = strings.Replace(src, "max_model_len: 2048", "max_model_len: [2048, 4096]", 1)
	src = strings.Replace(src, "    distributed:", "    stop: [a, b]\n    seed: [1, 2]\n    distributed:", 1)
	f, diags := load(src, vllm, meluxina)
	if strings.Contains(diags, "error:") {
		t.Fatalf("refused:\n%s", diags)
	}
	var paths []string
	for _, s := range f.Sweeps() {
		paths = append(paths, s.Path)
	}
	want := "servers.service_config.seed servers.service_config.max_model_len"
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("swept: %s, want %s: stop is a list by nature", got, want)
	}
	points := f.Points()
	if len(points) != 4 || points[3].Recipe.Servers.ServiceConfig["max_model_len"] != 4096 || points[3].Recipe.Servers.ServiceConfig["seed"] != 2 {
		t.Errorf("%d points, the last with %v", len(points), points[len(points)-1].Recipe.Servers.ServiceConfig)
	}
}

func TestPointsShareNothing(t *testing.T) {
	f, _ := load(strings.Replace(demo, "{service: dummy}", "{service: dummy, concurrency: [1, 2]}", 1)+
		"environment: {A: 1}\nbinds: [/a:/b]\nservers: {service_config: {ttft: 1ms}}\n", dummy, local)
	points := f.Points()
	a, b := points[0].Recipe, points[1].Recipe
	a.Environment["A"], a.Binds[0], a.Servers.ServiceConfig["ttft"] = "changed", "changed", "changed"
	if b.Environment["A"] != "1" || b.Binds[0] != "/a:/b" || b.Servers.ServiceConfig["ttft"] != "1ms" {
		t.Errorf("a change of one point shows in another: %+v", *b)
	}
}

func TestCheckKnowsNothingOfAnUnknownService(t *testing.T) {
	f, diags := load(strings.Replace(demo, "dummy", "nobody", 1), nil, nil)
	if diags != "" {
		t.Errorf("diagnostics:\n%s", diags)
	}
	d := f.Unknown("workload.service", "service", "nobody", []string{"dummy", "vllm"})
	if d.String() != `r.yaml:3:21: error: unknown service "nobody" (there are dummy, vllm)` {
		t.Errorf("got %s", d)
	}
}

func TestServiceWithABrokenSchemaIsNamed(t *testing.T) {
	broken := &service.Service{Name: "broken", Dialects: []string{"openai-chat"}, Config: map[string]any{"type": 7}}
	if _, diags := load(demo, broken, local); !strings.Contains(diags, "broken") {
		t.Errorf("diagnostics:\n%s", diags)
	}
}

func TestSchemaDocumentsEveryKey(t *testing.T) {
	var walk func(path string, s *schema)
	walk = func(path string, s *schema) {
		if s.doc == "" {
			t.Errorf("%s has no description", label(path))
		}
		for _, f := range s.fields {
			walk(join(path, f.name), f)
		}
	}
	walk("", recipeSchema())
}

func TestSchemaNeedsWhatTheReferenceSays(t *testing.T) {
	_, diags := Load("r.yaml", []byte("scenario: x\npartition: p\norchestration: {node_allocation: {servers: {}, clients: {}}}\nresources: {}\nworkload: {service: x}\n"), Options{})
	missing := map[string]bool{}
	for _, d := range diags {
		missing[strings.Split(d.Message, `"`)[1]] = true
	}
	_, empty := Load("r.yaml", []byte("scenario: x\nworkload: {service: x}\n"), Options{})
	for _, d := range empty {
		missing[strings.Split(d.Message, `"`)[1]] = true
	}
	for path := range neededWithSlurm {
		if parent := path[:max(strings.LastIndex(path, "."), 0)]; !missing[path] && !strings.HasPrefix(path, "orchestration.node_allocation") {
			t.Errorf("the reference says %s is needed, and the schema does not ask for it (in %q)", path, parent)
		}
	}
}

package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// editor is what an editor makes of gen schema: an error for a recipe that it would mark.
func editor(t *testing.T) func(text string) error {
	t.Helper()
	status, stdout, stderr := gen("", "schema")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d: %s", status, stderr)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///recipe", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("mem:///recipe")
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
}

// The schema in the repository, which the examples' first lines name, is the one that gen prints.
func TestSchemaIsCurrent(t *testing.T) {
	_, stdout, _ := gen("", "schema")
	golden(t, "../../../schemas/recipe.schema.json", []byte(stdout))
}

func TestEditorAcceptsTheExamples(t *testing.T) {
	marks := editor(t)
	for _, pattern := range []string{"../../../recipes/*.yaml", compileCases + "/*/recipe.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 7 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// Listing 6 has settings below distributed.ray, which gen moves up with a hint: an editor may mark them.
			if err := marks(string(text)); err != nil && !strings.Contains(file, "listing6") {
				t.Errorf("%s: %v", file, err)
			}
			if strings.Contains(file, "/recipes/") && !strings.HasPrefix(string(text), "# yaml-language-server: $schema=../schemas/recipe.schema.json\n") {
				t.Errorf("%s does not name its schema on the first line", file)
			}
		}
	}
}

func TestEditorMarksMistakes(t *testing.T) {
	marks := editor(t)
	const recipe = "scenario: x\norchestration: {mode: local}\nworkload: {service: vllm, concurrency: [1, 8]}\nservers: {service_config: {max_model_len: [1024, 2048]}}\n"
	for _, c := range []struct {
		name, old, new string
		bad            bool
	}{
		{"a good recipe", "", "", false},
		{"an unknown key", "concurrency", "concurency", true},
		{"text for a number", "[1, 8]", "many", true},
		{"text in a sweep", "[1, 8]", "[1, many]", true},
		{"an empty sweep", "[1, 8]", "[]", true},
		{"a sweep of what can't be swept", "scenario: x", "scenario: [x, y]", true},
		{"a setting of the service", "[1024, 2048]", "long", true},
		{"another option of the server", "max_model_len", "some_option", false},
		{"what the job decides", "max_model_len", "host", true},
		{"Slurm without its keys", "{mode: local}", "{mode: slurm}", true},
		{"Slurm with a parent, which may have them", "scenario: x\norchestration: {mode: local}", "extends: base.yaml\norchestration: {mode: slurm}", false},
		{"a distribution", "concurrency: [1, 8]", "prompt_len: [128, {uniform: [1, 5]}], gen_tokens: {normal: [5, 2]}", false},
		{"no distribution", "concurrency: [1, 8]", "prompt_len: {gauss: [1, 5]}", true},
		{"laws of arrival", "concurrency: [1, 8]", "burst: {on: [5s, 10s], off: 5s}, target_rps: 5, request_distribution: [burst]", false},
		{"steps", "concurrency: [1, 8]", "steps: [{rate: 1, duration: 5s}]", false},
		{"a step without its length", "concurrency: [1, 8]", "steps: [{rate: 1}]", true},
		{"a list in a body is no sweep", "concurrency: [1, 8]", "extra_body: {stop: [a, {b: []}]}", false},
		{"a suite", "concurrency: [1, 8]", "benchmark_suite: [{name: a, num_threads: 5, sleep_seconds: 0.5}]", false},
		{"points", "scenario: x", "scenario: x\nsweep: {mode: list, points: [{workload.concurrency: 5}, {workload: {batch: 2}}]}\nrepetitions: {trials: 2, restarts: 2}", false},
		{"a mode of sweeps that is none", "scenario: x", "scenario: x\nsweep: {mode: all}", true},
		{"nodes by name", "{mode: local}", "{mode: local, node_allocation: {servers: {node_range: 'n[1-2]'}, clients: {placement: same-node, target_mapping: [{client_group: 0-1, server_endpoints: [0]}]}}}", false},
	} {
		text := strings.Replace(recipe, c.old, c.new, 1)
		if err := marks(text); (err != nil) != c.bad {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSchemaKnowsServicesOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	text := "name: mine\ndialects: [openai-chat]\nhealth: {path: /up, timeout_s: 10}\nargv: |\n  x\nconfig: {properties: {depth: {type: integer, description: how deep}}}\n"
	if err := os.WriteFile(filepath.Join(dir, "service.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(filepath.Dir(dir), "mine")
	if err := os.Rename(dir, named); err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := gen("", "schema", "--services", named); status != 0 || !strings.Contains(stdout, "how deep") {
		t.Errorf("status %d: %s", status, stderr)
	}
	if status, _, _ := gen("", "schema", "x"); status != 2 {
		t.Errorf("an operand: status %d", status)
	}
}

package service

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// known loads one of gen's own services.
func known(t *testing.T, name string) *Service {
	t.Helper()
	fsys, err := Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOwnServicesLoadAndTheirSchemasCompile(t *testing.T) {
	fsys, err := Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	names, err := List(fsys)
	if err != nil || !slices.Equal(names, []string{"dummy", "external", "llamacpp", "ollama", "sglang", "tensorrt-llm", "triton", "vllm"}) {
		t.Fatalf("services: %q, %v", names, err)
	}
	for _, name := range names {
		s := known(t, name)
		// Through JSON, as the library wants numbers.
		text, err := json.Marshal(s.Config)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("config.json", doc); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Compile("config.json"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownServiceListsTheKnownOnes(t *testing.T) {
	fsys, err := Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"olama", "../etc", "a/b", ""} {
		_, err := Load(fsys, name)
		if err == nil || !strings.Contains(err.Error(), "there are dummy, external, llamacpp, ollama, sglang, tensorrt-llm, triton, vllm") {
			t.Errorf("Load(%q): %v", name, err)
		}
	}
}

// A service is a folder: one YAML file makes a new one, and is refused with file and line when it is wrong.
func TestUsersServiceIsOneFile(t *testing.T) {
	const good = "name: mine\ndialects: [openai-chat]\nhealth: {path: /health}\nargv: |\n  serve\n  {{arg .Model}}\n"
	for _, c := range []struct{ name, src, want string }{
		{"good", good, ""},
		{"unknown key", good + "imge: x\n", `mine/service.yaml:7: unknown key "imge" (did you mean "image"?)`},
		{"another's name", strings.Replace(good, "mine", "other", 1), `mine/service.yaml:1: name is "other", and must be that of its folder, "mine"`},
		{"no dialect", strings.Replace(good, "[openai-chat]", "[]", 1), "mine/service.yaml:2: dialects is empty: nothing could talk to it"},
		{"no argv", good[:strings.Index(good, "argv")], "mine/service.yaml: there is no argv.tmpl, and no argv in service.yaml"},
		{"bad pattern", good + "causes: [{pattern: '(', cause: x}]\n", "mine/service.yaml:7: causes[0]: error parsing regexp: missing closing ): `(`"},
		{"bad launcher", good + "launchers: [mpi]\n", `mine/service.yaml:7: launchers has "mpi", and knows ["single" "spmd" "ray" "mp" "tasks" "none"] only`},
		{"mpi without tasks", good + "mpi: pmix\n", `mine/service.yaml:7: mpi is "pmix", and only the launcher tasks has one`},
		{"mpi of two words", good + "launchers: [tasks]\nmpi: pmix --x\n", `mine/service.yaml:8: mpi is "pmix --x", and must be one of srun --mpi=list`},
		{"metrics elsewhere", good + "metrics: {path: metrics}\n", `mine/service.yaml:7: metrics.path is "metrics", and must begin with /`},
		{"metrics far away", good + "metrics: {path: /m, port_offset: 10}\n", "mine/service.yaml:7: metrics.port_offset is 10: of a server's ten ports it has 0 to 5"},
		{"broken argv", strings.Replace(good, "{{arg .Model}}", "{{arg .Model", 1), "mine/service.yaml:6: unclosed action"},
		{"a field that is none", strings.Replace(good, ".Model", ".Modell", 1), "mine/service.yaml:6: <.Modell>: can't evaluate field Modell of a deployment (docs/services.md has those that there are)"},
		{"a function that is none", strings.Replace(good, "arg .Model", "quoted .Model", 1), `mine/service.yaml:6: function "quoted" not defined`},
		{"an environment that is none", good + "env: |\n  A=1\n  B {{.Nodes}}\n", `mine/service.yaml:7: env gives "B 2", which is not NAME=value`},
		{"unknown dialect", strings.Replace(good, "[openai-chat]", "[openai-chat, openai]", 1), `mine/service.yaml:2: dialects[1]: there is no dialect "openai", only llamacpp-completion, ollama-chat, ollama-generate, openai-chat, openai-completions, sglang-generate, tgi-generate, triton-generate`},
		{"config of no type", good + "config: {type: objec}\n", "mine/service.yaml:7: config.type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'"},
		{"a setting of no type", good + "config:\n  properties:\n    size: {type: number, minimum: low}\n", "mine/service.yaml:9: config.properties.size.minimum: got string, want number"},
		{"the third cause", good + "causes:\n  - {pattern: a, cause: b}\n  - {pattern: a, cause: b}\n  - {pattern: a}\n", `mine/service.yaml:10: causes[2]: "a": "" needs a pattern and a cause, without tabs and newlines`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			folder := filepath.Join(dir, "mine")
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "service.yaml"), []byte(c.src), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, given := range []string{dir, folder} {
				fsys, err := Open([]string{given})
				if err != nil {
					t.Fatal(err)
				}
				s, err := Load(fsys, "mine")
				if got := strings.TrimPrefix(message(err), dir+"/"); got != c.want {
					t.Fatalf("got %q, want %q", got, c.want)
				}
				if err != nil {
					continue
				}
				words, err := s.Words("argv", Start{Model: "m"})
				if err != nil || !slices.Equal(words, []string{"serve", "m"}) {
					t.Errorf("argv: %q, %v", words, err)
				}
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// inline makes a service of one template.
func inline(argv string) *Service {
	return &Service{Name: "test", Launchers: []string{"single"}, Argv: argv, Files: fstest.MapFS{}}
}

func TestValuesArriveAsOneArgumentEach(t *testing.T) {
	s := inline("  serve\n\n  {{arg .Model}}\n  {{- if .Image}}\n  --image\n  {{- end}}\n{{flags .Config \"skipped\"}}\n")
	for _, model := range []string{"plain", "", "  both ends  ", `quotes ' " and $(touch x); rm -rf ~`, "-dash", "ünïcode ✓", "@RUN@", "{{.Model}}", "\ttab"} {
		words, err := s.Words("argv", Start{Model: model, Config: map[string]any{"skipped": 1}})
		if err != nil || !slices.Equal(words, []string{"serve", model}) {
			t.Errorf("%q gave %q, %v", model, words, err)
		}
	}
	for _, model := range []string{"two\nlines", "nul\x00", "cr\r"} {
		if _, err := s.Words("argv", Start{Model: model}); err == nil || !strings.Contains(err.Error(), "line break or NUL") {
			t.Errorf("%q: %v", model, err)
		}
	}
}

// Each function's own way with what the others leave alone.
func TestOptionsOfOtherKinds(t *testing.T) {
	config := map[string]any{"on": true, "off": false, "n": 1, "inner": map[string]any{"given": 1}}
	for _, c := range []struct{ argv, want string }{
		{`{{switches .Config "inner"}}`, "--n | 1 | --on"},
		{`{{switches .Config "inner" "n" "on"}}`, ""},
		{`{{arg (filled (get .Config "inner") "given" 2 "more" false)}}`, `{"given":1,"more":false}`},
		{`{{arg (filled (get .Config "absent") "more" 2)}}`, `{"more":2}`},
	} {
		words, err := inline(c.argv).Words("argv", Start{Config: config})
		if got := strings.Join(words, " | "); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.argv, got, err, c.want)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		name   string
		config map[string]any
		want   string // words joined by " | "
	}{
		{"numbers", map[string]any{"max_model_len": 2048, "gpu_memory_utilization": 0.7, "big": 1e9}, "--big | 1000000000 | --gpu-memory-utilization | 0.7 | --max-model-len | 2048"},
		{"booleans", map[string]any{"enforce_eager": true, "enable_prefix_caching": false}, "--no-enable-prefix-caching | --enforce-eager"},
		{"nothing", map[string]any{"x": nil}, ""},
		{"JSON", map[string]any{"c": map[string]any{"b": "<&'", "a": []any{1, true}}, "l": []any{"a", "b"}}, `--c | {"a":[1,true],"b":"<&'"} | --l | ["a","b"]`},
		{"empty text", map[string]any{"x": ""}, "--x | "},
		{"dotted", map[string]any{"compilation_config.mode": 3}, "--compilation-config.mode | 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			words, err := inline("{{flags .Config}}").Words("argv", Start{Config: c.config})
			if got := strings.Join(words, " | "); err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	for _, key := range []string{"two words", "-x", "a=b", "", "a\nb"} {
		_, err := inline("{{flags .Config}}").Words("argv", Start{Config: map[string]any{key: 1}})
		if err == nil || !strings.Contains(err.Error(), "can't be the name of an option") {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestRecipesEnvironmentWins(t *testing.T) {
	s := inline("x")
	s.Env, s.ConcurrencyEnv = "A=1\nB=2\nSLOTS=9\n", "SLOTS"
	got, err := s.Variables(Start{Concurrency: 4, Environment: map[string]string{"B": "mine", "Z": "last"}})
	if want := []string{"A=1", "SLOTS=9", "B=mine", "Z=last"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestServerIsToldTheConcurrency(t *testing.T) {
	s := inline("x")
	s.Env, s.ConcurrencyEnv = "A=1", "SLOTS"
	for in, want := range map[int][]string{4: {"A=1", "SLOTS=4"}, 0: {"A=1"}} {
		if got, err := s.Variables(Start{Concurrency: in}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestLauncherFollowsTheConfig(t *testing.T) {
	s := known(t, "vllm")
	for _, c := range []struct {
		config map[string]any
		want   string
	}{
		{nil, "single"},
		{map[string]any{"distributed": map[string]any{"enabled": false, "backend": "ray"}}, "single"},
		{map[string]any{"distributed": map[string]any{"enabled": true}}, "mp"},
		{map[string]any{"distributed": map[string]any{"enabled": true, "backend": "ray"}}, "ray"},
	} {
		if got, err := s.LauncherOf(Start{Config: c.config}); err != nil || got != c.want {
			t.Errorf("%v: %q, %v, want %q", c.config, got, err, c.want)
		}
	}
	if _, err := s.LauncherOf(Start{Config: map[string]any{"distributed": map[string]any{"enabled": true, "backend": "mpi"}}}); err == nil {
		t.Error("backend mpi was taken")
	}
}

func TestEveryTemplateOfEveryServiceRuns(t *testing.T) {
	fsys, err := Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	names, err := List(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		s := known(t, name)
		files, err := fs.Glob(s.Files, "*.tmpl")
		if err != nil {
			t.Fatal(err)
		}
		for _, launcher := range s.Launchers {
			for _, file := range files {
				start := Start{Model: "o/m", Launcher: launcher, Nodes: 2, Rank: 1, Concurrency: 4, Context: 4096}
				if _, err := s.Words(strings.TrimSuffix(file, ".tmpl"), start); err != nil {
					t.Errorf("%s/%s: %v", name, file, err)
				}
			}
		}
	}
}

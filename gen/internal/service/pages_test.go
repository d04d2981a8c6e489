package service

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"hpcbench/agent/workload"
)

// A page is held to its comparison only where the deployment is one that it is meant for; its proof is kept everywhere.
func TestPagesOfADeployment(t *testing.T) {
	s, err := with(`pages:
  - {path: /ps, items: models, wrong: size_vram < size, when: "{{gt .GPUs 0}}", cause: on the CPU, cure: look, proof: [size]}
  - {path: /version, proof: [version]}
  - {path: /n, wrong: a.b < c-d, cause: too few}
`)
	if err != nil {
		t.Fatal(err)
	}
	quiet := workload.Page{Path: "/ps", Items: "models", Proof: []string{"size"}}
	strict := quiet
	strict.Less, strict.Than, strict.Cause, strict.Cure = "size_vram", "size", "on the CPU", "look"
	rest := []workload.Page{{Path: "/version", Proof: []string{"version"}}, {Path: "/n", Less: "a.b", Than: "c-d", Cause: "too few"}}
	for gpus, first := range map[int]workload.Page{0: quiet, 4: strict} {
		got, err := s.PagesOf(Start{GPUs: gpus})
		if want := slices.Concat([]workload.Page{first}, rest); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("with %d GPUs: %+v, %v, want %+v", gpus, got, err, want)
		}
	}
}

// Ollama's own page is held to GPU memory where GPUs are asked for, unless the recipe means the CPU.
func TestOllamaIsHeldToTheGPUsThatWereAskedFor(t *testing.T) {
	s := known(t, "ollama")
	for _, c := range []struct {
		gpus   int
		config map[string]any
		held   bool
	}{{0, nil, false}, {1, nil, true}, {1, map[string]any{"gpu_layers": 0}, false}, {1, map[string]any{"gpu_layers": 20}, true}} {
		pages, err := s.PagesOf(Start{Model: "m", GPUs: c.gpus, Config: c.config})
		if err != nil || len(pages) != 1 || (pages[0].Less == "size_vram") != c.held || !slices.Contains(pages[0].Proof, "size_vram") {
			t.Errorf("%d GPUs, %v: %+v, %v", c.gpus, c.config, pages, err)
		}
	}
}

func TestPagesThatCouldNotBeLookedAt(t *testing.T) {
	for page, want := range map[string]string{
		"{path: ps, proof: [x]}":                        `path is "ps", and must begin with /`,
		"{path: /ps}":                                   "/ps has neither wrong nor proof",
		"{path: /ps, wrong: a > b, cause: x}":           `wrong is "a > b", and must be KEY < KEY, with a cause`,
		"{path: /ps, wrong: a < b}":                     "with a cause",
		`{path: /ps, proof: [x], when: "{{gt .GPUs 0"}`: "unclosed action",
		`{path: /ps, proof: [x], when: "{{.GPUz}}"}`:    "GPUz",
		"{path: /ps, proof: [x], because: y}":           "because",
	} {
		if _, err := with("pages: [" + page + "]\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", page, err, want)
		}
	}
}

// What a folder brings to the bundle beside its templates is its scripts, and nothing else.
func TestScriptsOfAService(t *testing.T) {
	s := inline("serve")
	s.Files = fstest.MapFS{"b.sh": {}, "a.sh": {}, "argv.tmpl": {}, "README.md": {}, "sub/c.sh": {}}
	if got, err := s.Scripts(); err != nil || !slices.Equal(got, []string{"a.sh", "b.sh"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// What is run beside each of Ollama's servers follows from the recipe, argument by argument.
func TestPrepareOfOllama(t *testing.T) {
	for _, c := range []struct {
		config    map[string]any
		gguf, how string
	}{
		{nil, "", "check"},
		{map[string]any{"pull": true}, "", "pull"},
		{map[string]any{"pull": false, "gguf": "/models/my model.gguf"}, "/models/my model.gguf", "check"},
	} {
		got, err := known(t, "ollama").Words("prepare", Start{Model: "m:1b", Config: c.config})
		want := []string{"bash", "@SERVICE@/prepare.sh", "ollama", "m:1b", c.gguf, c.how, "@TMP@", "@RANK@", "@RUN@/prepared"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %q, %v, want %q", c.config, got, err, want)
		}
	}
}

// What must be there before weights are loaded: a path in the container, and no name that stands for a download.
func TestFilesOfAService(t *testing.T) {
	for _, c := range []struct {
		service, model string
		config         map[string]any
		environment    map[string]string
		want           []string
	}{
		{"llamacpp", "/models/a b.gguf", nil, nil, []string{"/models/a b.gguf"}},
		{"llamacpp", "m", map[string]any{"model_path": "/models/x.gguf"}, nil, []string{"/models/x.gguf"}},
		{"llamacpp", "m", nil, nil, nil},
		{"vllm", "m", map[string]any{"model_path": "/models/x"}, nil, []string{"/models/x"}},
		{"vllm", "org/m", nil, map[string]string{"HF_HOME": "/hf"}, []string{"/hf/hub/models--org--m"}},
	} {
		got, err := known(t, c.service).Words("files", Start{Model: c.model, Config: c.config, Environment: c.environment})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s, %s, %v: %q, %v, want %q", c.service, c.model, c.config, got, err, c.want)
		}
	}
}

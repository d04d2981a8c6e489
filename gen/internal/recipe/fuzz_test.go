package recipe

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/service"
)

// services are those that the rules tell apart: one that says all that a folder may, one that nobody starts, none.
var services = []*service.Service{vllm, ollama, dummy, nil,
	{Name: "external", Launchers: []string{"none"}, Dialects: []string{"openai-chat"}, Health: service.Health{Path: "/health"}},
	{Name: "full", Image: "docker://a/b:latest", Dialects: []string{"openai-chat"}, ConcurrencyEnv: "SLOTS", ParallelSetting: "slots", ContextLimit: "max_model_len",
		ModelTag: ":", Models: []string{"llama3.2", "qwen3"}, Config: vllm.Config},
}

// FuzzLoad holds any bytes against everything that reads a recipe: the text, one that it may extend, and a setting. It must not
// panic, must place every diagnostic in a file, and what it accepts must say the same when it is spelled out, and when
// it is read again out of its bundle.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "../../testdata/*/*/recipe.yaml", "../../../recipes/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for i, file := range found {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src, []byte("extends: base.yaml\n"+demo), "workload.concurrency", "[1, 8]", uint8(i))
			f.Add([]byte("extends: base.yaml\nworkload: {dataset: base.yaml}\n"), src, []string{"sweep.mode", "sweep.points", "workload.prompt_len"}[i%3],
				[]string{"zip", "[{workload.burst.on: 5s}, {workload: {ramp: {from: 1, to: 2}}}]", "{uniform: [1, 5]}"}[i%3], uint8(i))
		}
	}
	for i, text := range features {
		f.Add([]byte(localRecipe(text.load, text.section)), []byte("a: 1"), "metadata.seed", "3", uint8(i))
	}
	f.Fuzz(func(t *testing.T, src, base []byte, path, value string, kind uint8) {
		svc, site := services[int(kind)%len(services)], []*cluster.Profile{meluxina, local, nil}[int(kind)/len(services)%3]
		bundle := map[string]string{"base.yaml": string(base)}
		options := Options{Read: readFiles(bundle), Sets: []Set{{path, value}}}
		file, diags := Load("r.yaml", src, options)
		file.Service()
		file.Cluster()
		diags = append(diags, file.Check(svc, site)...)
		for _, d := range diags {
			placed := (d.Pos.File == "r.yaml" || d.Pos.File == "base.yaml") && d.Pos.Line >= 1 && d.Pos.Col >= 1
			if !placed && !strings.HasPrefix(d.Pos.File, "--set ") || d.Message == "" {
				t.Errorf("a diagnostic without a place or text: %+v", d)
			}
		}
		if diag.List(diags).Failed() {
			return
		}
		if n, _ := file.Count(); n > 100 {
			return
		}
		for _, in := range file.Inputs() {
			bundle[in.Path] = string(in.Data)
		}
		points := file.Points()
		same := func(name string, src []byte, options Options) {
			again, diags := Load(name, src, options)
			diags = append(diags, again.Check(svc, site)...)
			if diags.Failed() || !reflect.DeepEqual(again.Points(), points) {
				t.Errorf("%d points, as %s %d:\n%s\n%s", len(points), name, len(again.Points()), src, lines(diags))
			}
		}
		same("resolved.yaml", file.Resolved(), Options{Read: readFiles(bundle)})
		options.Bundle = true
		same("recipe.yaml", src, options)
	})
}

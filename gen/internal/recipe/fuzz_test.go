package recipe

import (
	"os"
	"path/filepath"
	"testing"

	"hpcbench/gen/internal/diag"
)

// FuzzLoad holds any bytes against everything that reads a recipe. It must not panic, must place every diagnostic in the
// file, and what it accepts must say the same when it is spelled out.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "../../testdata/*/*/recipe.yaml", "../../../recipes/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, diags := Load("r.yaml", src, Options{})
		file.Service()
		file.Cluster()
		diags = append(diags, file.Check(vllm, meluxina)...)
		for _, d := range diags {
			if d.Pos.File != "r.yaml" || d.Pos.Line < 1 || d.Pos.Col < 1 || d.Message == "" {
				t.Errorf("a diagnostic without a place or text: %+v", d)
			}
		}
		if diag.List(diags).Failed() {
			return
		}
		if n, _ := file.Count(); n > 1000 {
			return
		}
		points := file.Points()
		resolved := file.Resolved()
		again, diags := Load("resolved.yaml", resolved, Options{})
		diags = append(diags, again.Check(vllm, meluxina)...)
		if diags.Failed() || len(again.Points()) != len(points) {
			t.Errorf("%d points, spelled out %d:\n%s\n%s", len(points), len(again.Points()), resolved, lines(diags))
		}
	})
}

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each directory of gen/testdata/diff is two recipes, and what gen diff says first about them. The files that follow
// are those of the bundles, which have goldens of their own.
func TestDiff(t *testing.T) {
	cases, err := filepath.Glob("../../testdata/diff/*/a.yaml")
	if err != nil || len(cases) < 5 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, file := range cases {
		dir, err := filepath.Abs(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			status, stdout, stderr := gen("", "diff", "a.yaml", "b.yaml")
			meaning, files, _ := strings.Cut("\n"+stdout, "\n--- ")
			if status != 1 || stderr != "" || !strings.Contains(files, "+++ b.yaml/recipe.yaml\n") {
				t.Errorf("status %d\n%s%s", status, stderr, files)
			}
			golden(t, "stdout.txt", []byte(strings.TrimPrefix(meaning+"\n", "\n")))
			if status, stdout, stderr := gen("", "diff", "a.yaml", "a.yaml"); status != 0 || stdout+stderr != "" {
				t.Errorf("a recipe and itself: status %d\n%s%s", status, stdout, stderr)
			}
		})
	}
}

func TestDiffOfBundles(t *testing.T) {
	inBundle(t)
	if status, stdout, stderr := gen("", "diff", "out/small", "a.yaml"); status != 0 || stdout+stderr != "" {
		t.Errorf("a bundle and its recipe: status %d\n%s%s", status, stdout, stderr)
	}
	if status, _, stderr := gen("", "a.yaml", "-o", "other"); status != 0 {
		t.Fatal(stderr)
	}
	if err := os.MkdirAll("out/small/results/1", 0o755); err != nil {
		t.Fatal(err)
	}
	recipeFile(t, "out/small/results/1/job.json", "{}")
	if status, stdout, stderr := gen("", "diff", "out/small/", "other/small"); status != 0 || stdout+stderr != "" {
		t.Errorf("a bundle made twice: status %d\n%s%s", status, stdout, stderr)
	}
	recipeFile(t, "other/small/argv/d1.0", "sleep\n")
	recipeFile(t, "other/small/bin/agent", "\x00")
	status, stdout, _ := gen("", "diff", "out/small/", "other/small")
	for _, want := range []string{"deployments\n  argv/d1.0: ", "+++ other/small/argv/d1.0\n", "Binary files out/small/bin/agent and other/small/bin/agent differ\n"} {
		if status != 1 || !strings.Contains(stdout, want) {
			t.Errorf("status %d, no %q in\n%s", status, want, stdout)
		}
	}
	status, stdout, _ = gen("", "diff", "out/small/", "other/small", "--json")
	var report struct {
		Trials struct{ Added, Removed []string }
		Files  []struct{ File, Change, Diff string }
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || status != 1 || len(report.Files) != 2 || report.Files[0].Change != "changed" {
		t.Errorf("status %d, %v\n%s", status, err, stdout)
	}
	if strings.Contains(stdout, "null,") && !strings.Contains(stdout, `"to": null`) {
		t.Errorf("a list is null:\n%s", stdout)
	}
}

func TestDiffRefuses(t *testing.T) {
	inBundle(t)
	recipeFile(t, "bad.yaml", "scenario: x\n")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"a.yaml"}, 2, "two job directories"},
		{[]string{"a.yaml", "nowhere"}, 2, "no such file"},
		{[]string{"a.yaml", "."}, 1, ". is no bundle"},
		{[]string{"a.yaml", "bad.yaml"}, 1, "bad.yaml:1:1: error: missing field"},
	} {
		if status, stdout, stderr := gen("", append([]string{"diff"}, c.args...)...); status != c.status || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: status %d, want %d\n%s%s", c.args, status, c.status, stdout, stderr)
		}
	}
}

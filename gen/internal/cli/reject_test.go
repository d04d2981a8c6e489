package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each directory of gen/testdata/reject is a mistake: a recipe, and what gen check says about it.
func TestReject(t *testing.T) {
	cases, err := filepath.Glob("../../testdata/reject/*/recipe.yaml")
	if err != nil || len(cases) < 25 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, file := range cases {
		dir, err := filepath.Abs(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			status, _, stderr := gen("", "check", "recipe.yaml")
			golden(t, "stderr.txt", []byte(stderr))
			if failed := strings.Contains(stderr, " error: "); failed != (status == 1) {
				t.Errorf("status %d with\n%s", status, stderr)
			}
			if !strings.Contains(stderr, "recipe.yaml:") {
				t.Errorf("nothing is said about a mistake:\n%s", stderr)
			}
			if strings.Contains(stderr, "hunter2") {
				t.Errorf("a secret is printed:\n%s", stderr)
			}
			if _, err := os.Stat("out"); err == nil {
				t.Error("check wrote something")
			}
		})
	}
}

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// lineOfSlurm is what an #SBATCH line may look like: sbatch knows no quotes, and would take a word too many for the script's.
var lineOfSlurm = regexp.MustCompile(`^#SBATCH (hetjob|--[a-z-]+(=[^\s'"\\]+)?)$`)

// FuzzRender holds any bytes against all of gen, up to the files of a bundle in memory. It must not panic; what it accepts
// has a bundle, the same each time, whose job scripts have #SBATCH lines that sbatch takes as meant, and whose texts have
// no control characters, for which a shell or a terminal could have a use.
func FuzzRender(f *testing.F) {
	for _, pattern := range []string{"../../testdata/*/*/recipe.yaml", "../../../recipes/*.yaml", "../../../testbed/recipes/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var all [2]map[string][]byte
		for i := range all {
			src, err := env{}.examine("fuzz/recipe.yaml", text, surroundings{})
			if err != nil || src.Plan == nil {
				return
			}
			if len(src.Plan.Trials) > 500 {
				t.Skip("large, and nothing new")
			}
			b, err := src.bundle(nil, surroundings{})
			if err != nil {
				t.Fatalf("a plan without a bundle: %v", err)
			}
			all[i] = map[string][]byte{}
			for _, file := range b.Files {
				all[i][file.Path] = file.Data
			}
		}
		for name, data := range all[0] {
			if !bytes.Equal(data, all[1][name]) {
				t.Errorf("%s differs from one compile to the next", name)
			}
			checkScript(t, name, data)
		}
	})
}

func checkScript(t *testing.T, name string, data []byte) {
	t.Helper()
	if filepath.IsAbs(name) || strings.Contains(name, "..") {
		t.Errorf("a file at %q", name)
	}
	if !strings.HasSuffix(name, ".sbatch") {
		return
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#SBATCH") && !lineOfSlurm.MatchString(line) {
			t.Errorf("%s: sbatch would not take %q as meant", name, line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			t.Errorf("%s: a control character in %q", name, line)
		}
	}
}

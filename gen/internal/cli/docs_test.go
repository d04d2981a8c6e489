package cli

import (
	"strings"
	"testing"

	"hpcbench/gen/internal/recipe"
)

// docs/recipe.md is made from the schema; a change of the one without the other fails here.
func TestRecipeReferenceIsCurrent(t *testing.T) {
	golden(t, "../../../docs/recipe.md", recipe.Reference())
}

// docs/gen.md is what -h prints, of gen and of each command in the order of the help text.
func TestHelp(t *testing.T) {
	page := "# gen's commands\n\nWhat `gen COMMAND -h` prints. This file is written by `go test ./gen/internal/cli -update`.\n"
	page += "\n```\n" + helpOf(t, "-h") + "```\n"
	for _, c := range commands() {
		text := helpOf(t, c.name, "-h")
		if !strings.Contains(text, "\nexample:\n  $ gen "+c.name) && c.name != "compile" {
			t.Errorf("gen %s -h has no example", c.name)
		}
		page += "\n## " + c.name + "\n\n```\n" + text + "```\n"
	}
	golden(t, "../../../docs/gen.md", []byte(page))
}

func helpOf(t *testing.T, words ...string) string {
	t.Helper()
	status, stdout, stderr := gen("", words...)
	if status != 0 || stderr != "" {
		t.Errorf("gen %v: status %d, stderr %q", words, status, stderr)
	}
	return stdout
}

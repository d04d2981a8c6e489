package cli

import (
	"testing"

	"hpcbench/gen/internal/recipe"
)

// docs/recipe.md is made from the schema; a change of the one without the other fails here.
func TestRecipeReferenceIsCurrent(t *testing.T) {
	golden(t, "../../../docs/recipe.md", recipe.Reference())
}

func TestHelp(t *testing.T) {
	for _, words := range [][]string{{"-h"}, {"compile", "-h"}, {"check", "-h"}, {"verify", "-h"}, {"why", "-h"}, {"diff", "-h"}, {"list", "-h"}, {"schema", "-h"}, {"version", "-h"}} {
		status, stdout, stderr := gen("", words...)
		if status != 0 || stderr != "" {
			t.Errorf("gen %v: status %d, stderr %q", words, status, stderr)
		}
		name := words[0]
		if name == "-h" {
			name = "gen"
		}
		golden(t, "testdata/help/"+name+".txt", []byte(stdout))
	}
}

package service

import (
	"strings"
	"testing"
)

// Whoever writes a template finds each of its functions on the page.
func TestEveryFunctionIsOnThePage(t *testing.T) {
	_, templates, found := strings.Cut(referenceHead, "\n## Templates\n")
	if !found {
		t.Fatal("reference.md has no section Templates")
	}
	templates = strings.Join(strings.Fields(templates), " ")
	for name := range functions {
		if !strings.Contains(templates, "`"+name+"`") && !strings.Contains(templates, "{{"+name+" ") {
			t.Errorf("reference.md does not tell of the function %s", name)
		}
	}
}

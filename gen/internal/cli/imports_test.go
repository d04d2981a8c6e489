package cli

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Imports    []string
}

// layers are our packages from the bottom to the top (DESIGN §4): one imports only what is in a layer below its own. A
// package that is not named here is held to the other rules alone.
var layers = [][]string{
	{"agent/workload", "agent/metric", "agent/internal/hist", "agent/internal/record",
		"schemas", "templates", "gen/internal/diag", "gen/internal/diff", "gen/internal/trace", "gen/internal/ask", "gen/internal/shell"},
	{"gen/internal/strict", "gen/internal/mend", "gen/internal/dashboard", "agent/internal/arrival", "agent/internal/dataset", "agent/internal/prompt"},
	{"agent/internal/wire"},
	{"agent/internal/load", "agent/internal/summary", "gen/internal/service", "gen/internal/cluster", "gen/internal/bundle", "gen/internal/probe"},
	{"agent/internal/loop", "agent/internal/report", "gen/internal/recipe", "gen/internal/submit"},
	{"agent/internal/executor", "gen/internal/plan"},
	{"gen/internal/render", "agent/internal/live"},
	{"gen/internal/why", "gen/internal/wizard"},
	{"agent/internal/cli", "gen/internal/cli"},
	{"agent", "gen"},
}

// layer is a package's place in layers, -1 where it has none.
func layer(path string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, strings.TrimPrefix(path, "hpcbench/")) })
}

// Imports point one way (DESIGN §4): cli → render, plan, recipe, diag; agent never imports gen; gen imports from agent
// workload and metric alone; nothing but main imports a cli; and what has no business with files or processes has none of their
// packages.
func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			checkImport(t, p.ImportPath, imported)
		}
	}
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "hpcbench/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// pure packages take values and return values: no clock, no file, no network, no process.
var pure = []string{"hpcbench/gen/internal/recipe", "hpcbench/gen/internal/plan", "hpcbench/gen/internal/render",
	"hpcbench/gen/internal/diff", "hpcbench/gen/internal/trace", "hpcbench/gen/internal/why", "hpcbench/gen/internal/mend", "hpcbench/gen/internal/probe", "hpcbench/gen/internal/shell",
	"hpcbench/agent/workload", "hpcbench/agent/metric", "hpcbench/agent/internal/load", "hpcbench/agent/internal/arrival", "hpcbench/agent/internal/hist"}

func checkImport(t *testing.T, from, to string) {
	if slices.Contains(pure, from) && slices.Contains([]string{"os", "net", "net/http", "os/exec", "os/user"}, to) {
		t.Errorf("%s imports %s, and is to be pure", from, to)
	}
	if !strings.HasPrefix(to, "hpcbench/") {
		return
	}
	switch {
	case strings.HasPrefix(from, "hpcbench/agent") && strings.HasPrefix(to, "hpcbench/gen"):
		t.Errorf("%s imports %s: the agent never imports gen", from, to)
	case strings.HasPrefix(from, "hpcbench/gen") && strings.HasPrefix(to, "hpcbench/agent") && to != "hpcbench/agent/workload" && to != "hpcbench/agent/metric":
		t.Errorf("%s imports %s: gen shares agent/workload and agent/metric alone", from, to)
	case strings.HasSuffix(to, "/internal/cli") && strings.Count(from, "/") > 1:
		t.Errorf("%s imports %s: nothing but main imports a command line", from, to)
	}
	if a, b := layer(from), layer(to); a >= 0 && b >= a {
		t.Errorf("%s imports %s, which is not below it (layers in this file, DESIGN §4)", from, to)
	}
}

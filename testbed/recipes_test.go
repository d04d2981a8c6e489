//go:build e2e

package testbed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small is what the small version of a recipe comes to. Starts are its servers in the order in which they start, equal
// letters being equal servers.
type small struct {
	name     string
	nodes    int // of its largest job
	jobs     int
	trials   int
	starts   string
	restarts int // of each server
}

var smallRecipes = []small{
	{"max-rate-slo", 1, 1, 1, "A", 1},
	{"ollama-nodes", 4, 3, 6, "AAA", 1},
	{"prefix-cache-ab", 1, 1, 12, "ABBA", 2},
	{"sharegpt-poisson", 1, 1, 4, "A", 1},
	{"vllm-concurrency", 1, 1, 6, "A", 1},
	{"vllm-pp-vs-tp", 2, 1, 8, "ABBA", 2},
	{"vllm-tp-strong", 1, 1, 12, "ABAABA", 2},
	{"weak-scaling", 4, 3, 6, "AAA", 1},
}

// Recipes that everybody needs run to their ends in small: each of recipes/ has a version for the mock server and this
// cluster, testbed/recipes/smoke-NAME.yaml, with the same words. All trials are complete, over all jobs and starts.
func TestRecipesInSmall(t *testing.T) {
	for _, c := range smallRecipes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := compileSmall(t, c)
			if got := b.starts(); got != c.starts {
				t.Errorf("servers start as %s, want %s", got, c.starts)
			}
			jobs := b.submitAll(b.elsewhere())
			if len(jobs) != c.jobs {
				t.Errorf("%d jobs are submitted, want %d", len(jobs), c.jobs)
			}
			for _, j := range jobs {
				j.end(completed)
			}
			wantEmpty(t, b.nodes)
			rows := table(t, filepath.Join(outside(b.dir), "results/summary.csv"))
			if got, want := column(rows, "trial"), trials(c.trials); !slices.Equal(got, want) {
				t.Errorf("summary.csv has the trials %q, want %q", got, want)
			}
			wantReport(t, filepath.Join(outside(b.dir), "results"), c.trials)
			if c.name == "max-rate-slo" {
				wantSearch(t, outside(b.dir)+"/results")
			}
			if c.restarts > 1 {
				wantSpreadOverStarts(t, outside(b.dir)+"/results", rows, c)
			}
		})
	}
}

// probe is a rate that a search tried, and how many requests were due.
type probe struct {
	Rate float64
	N    int64
}

// wantSearch wants the trial to have tried several rates, from the recipe's on, and to have the numbers of one of them.
func wantSearch(t *testing.T, dir string) {
	t.Helper()
	var s struct {
		Requests struct{ Scheduled int64 }
		Search   struct {
			Probes   []probe
			WhyEnded string `json:"why_ended"`
		}
	}
	files, err := filepath.Glob(dir + "/*/0001/summary.json")
	if err != nil || len(files) != 1 {
		t.Fatalf("summaries %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	own := slices.ContainsFunc(s.Search.Probes, func(p probe) bool { return p.N == s.Requests.Scheduled })
	if len(s.Search.Probes) < 2 || s.Search.Probes[0].Rate != 20 || s.Search.WhyEnded == "" || !own {
		t.Errorf("%d requests of the search %+v", s.Requests.Scheduled, s.Search)
	}
}

// wantSpreadOverStarts wants the trials of each start to be told apart, in the table and in the report.
func wantSpreadOverStarts(t *testing.T, dir string, rows []map[string]string, c small) {
	t.Helper()
	each := map[string]int{}
	for _, row := range rows {
		each[row["restart"]]++
	}
	for k := range c.restarts {
		if got := each[fmt.Sprint(k+1)]; got != c.trials/c.restarts {
			t.Errorf("summary.csv has %d trials of start %d, want %d", got, k+1, c.trials/c.restarts)
		}
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.txt"))
	if words := strings.Join(strings.Fields(string(report)), " "); err != nil || !strings.Contains(words, "between server starts (of their means)") {
		t.Errorf("report.txt does not tell the spread over starts (%v):\n%s", err, report)
	}
}

// Every recipe of the list has a small version in the table, and every small version is in it.
func TestEveryRecipeHasSmallVersion(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("recipes/smoke-*.yaml")
	if err != nil || len(files) != len(smallRecipes) {
		t.Errorf("%d small versions, and %d in the table (%v)", len(files), len(smallRecipes), err)
	}
	for _, c := range smallRecipes {
		if _, err := os.Stat("../recipes/" + c.name + ".yaml"); err != nil {
			t.Error(err)
		}
	}
}

// compileSmall makes the bundle of a small version, with the data that recipes name beside them.
func compileSmall(t *testing.T, c small) *bundle {
	t.Helper()
	nodes := take(t, c.nodes)
	text, err := os.ReadFile("recipes/smoke-" + c.name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../recipes/data/sharegpt-sample.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := workspace(t)
	shell(t, "mkdir '"+dir+"/data'")
	writeFile(t, dir+"/recipe.yaml", string(text))
	writeFile(t, dir+"/data/sharegpt-sample.json", string(data))
	shell(t, "cd '"+dir+"' && /opt/hpcbench/bin/gen recipe.yaml -o .")
	return bundleIn(t, dir, nodes)
}

// starts are the deployments in order, by what their servers are started with: their words and how many there are.
func (b *bundle) starts() string {
	index, err := os.ReadFile(outside(b.dir + "/trials/index.tsv"))
	if err != nil {
		b.t.Fatal(err)
	}
	var order, kinds []string
	for line := range strings.Lines(string(index)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) > 1 && !strings.HasPrefix(line, "#") && !slices.Contains(order, f[1]) {
			order = append(order, f[1])
		}
	}
	var letters strings.Builder
	for _, id := range order {
		kind := b.kind(id)
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		letters.WriteByte(byte('A' + slices.Index(kinds, kind)))
	}
	return letters.String()
}

// kind is what makes a deployment's servers: the words of each.
func (b *bundle) kind(id string) string {
	files, err := filepath.Glob(outside(b.dir) + "/argv/" + id + ".*")
	if err != nil || len(files) == 0 {
		b.t.Fatalf("no words of %s: %v", id, err)
	}
	words, err := os.ReadFile(files[0])
	if err != nil {
		b.t.Fatal(err)
	}
	return string(words)
}

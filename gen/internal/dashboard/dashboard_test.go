package dashboard

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hpcbench/agent/metric"
)

var update = flag.Bool("update", false, "write the goldens anew")

// subjects are a service whose servers tell all, and one whose tell nothing, under a name that Prometheus would not take.
var subjects = map[string]Subject{
	"told": {"my-vllm", []string{"running", "waiting", "kv_usage", "preemptions", "prompt_tokens", "gen_tokens", "prefix_queries", "prefix_hits"}},
	"mute": {"ollama", nil},
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(want, got) {
		t.Errorf("%s is stale (go test ./gen/internal/dashboard -update writes it): %v", file, err)
	}
}

func all() map[string]Dashboard {
	return map[string]Dashboard{"told": Service(subjects["told"]), "mute": Service(subjects["mute"]), "nodes": Nodes()}
}

func TestGoldens(t *testing.T) {
	for name, d := range all() {
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", text)
	}
	for name, s := range subjects {
		golden(t, name+"-alerts.yml", Rules(s))
	}
}

// The dashboards are as Grafana's published schema has them, as far as testdata/dashboard.schema.json repeats it.
func TestDashboardsFollowGrafanasSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/dashboard.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range all() {
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No two panels have one number or lie on each other, and all of them within the page.
func TestPanelsStandApart(t *testing.T) {
	for name, d := range all() {
		taken, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range d.Panels {
			if ids[p.ID] || p.Grid.X+p.Grid.W > page {
				t.Errorf("%s: %q has number %d and place %+v", name, p.Title, p.ID, p.Grid)
			}
			ids[p.ID] = true
			for x := p.Grid.X; x < p.Grid.X+p.Grid.W; x++ {
				for y := p.Grid.Y; y < p.Grid.Y+p.Grid.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %q lies on %q", name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// The panels of the spec (§7.5 and 7.6), in its words: thirteen for each service, and two more.
func TestThePanelsOfTheSpec(t *testing.T) {
	kinds := map[string]string{
		"Workload Status": "gauge", "Requests Total": "stat", "Throughput by Host": "timeseries", "Total Throughput": "stat", "Request Latency": "timeseries",
		"Success vs Failed Requests": "barchart", "Error Rate Over Time": "timeseries", "CPU": "timeseries", "Memory": "timeseries", "GPU": "timeseries",
		"GPU memory": "timeseries", "GPU power": "timeseries", "GPU temperature": "timeseries", "Tokens per Request": "timeseries",
	}
	for name, d := range all() {
		if name == "nodes" {
			continue
		}
		found := map[string]string{}
		for _, p := range d.Panels {
			found[p.Title] = p.Type
		}
		for title, kind := range kinds {
			if found[title] != kind {
				t.Errorf("%s: %q is a %q, want a %s", name, title, found[title], kind)
			}
		}
		if _, there := found["Cache Usage"]; there != (name == "told") {
			t.Errorf("%s: cache usage is there: %v", name, there)
		}
	}
}

// Every metric of the table that is there for people is on a dashboard.
func TestEveryMetricIsShown(t *testing.T) {
	var text strings.Builder
	for _, d := range all() {
		one, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		text.Write(one)
	}
	text.Write(Rules(subjects["told"]))
	for _, m := range metric.Table {
		known := m.Source == metric.Client || m.Source == metric.Server || m.Source == metric.Node
		if full := m.Full(subjects["told"].Service); known && !strings.Contains(text.String(), full) && m.Name != "collector_success" {
			t.Errorf("%s is nowhere", full)
		}
	}
}

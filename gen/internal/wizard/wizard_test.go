package wizard

import (
	"bufio"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"hpcbench/gen/internal/ask"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
	"hpcbench/templates"
)

// run answers the wizard's questions with lines, and gives its answers by path and what it said.
func run(t *testing.T, lines ...string) (map[string]string, string, error) {
	t.Helper()
	var out strings.Builder
	w := &Wizard{Asker: &ask.Asker{In: bufio.NewReader(strings.NewReader(strings.Join(lines, "\n") + "\n")), Out: &out, Echo: true}}
	services, profiles := sub(t, "services"), sub(t, "clusters")
	for _, name := range names(t, service.List, services) {
		s, err := service.Load(services, name)
		if err != nil {
			t.Fatal(err)
		}
		w.Services = append(w.Services, s)
	}
	for _, name := range names(t, cluster.List, profiles) {
		c, err := cluster.Load(profiles, name)
		if err != nil {
			t.Fatal(err)
		}
		w.Clusters = append(w.Clusters, c)
	}
	w.Judge = func(sets []recipe.Set) (*recipe.File, diag.List) {
		f, l := recipe.Load("answers", []byte("{}\n"), recipe.Options{Sets: sets})
		return f, append(l, f.Check(w.service, w.cluster)...)
	}
	sets, err := w.Run()
	answers := map[string]string{}
	for _, s := range sets {
		answers[s.Path] = s.Value
	}
	return answers, out.String(), err
}

func sub(t *testing.T, dir string) fs.FS {
	t.Helper()
	fsys, err := fs.Sub(templates.FS, dir)
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func names(t *testing.T, list func(fs.FS) ([]string, error), fsys fs.FS) []string {
	t.Helper()
	all, err := list(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// defaults are empty lines, more than there are questions.
var defaults = make([]string, 40)

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  map[string]string // "": not answered
		says  string
	}{
		{"local", []string{"local", "dummy"}, map[string]string{
			"orchestration.mode": "local", "partition": "", "resources.servers.gpus": "", "servers.service_config.ttft": "20ms", "artifacts.service.path": ""}, "2 of 6  Scenario"},
		{"a site's own words", []string{"meluxina", "ollama", "", "", "p200981"}, map[string]string{
			"orchestration.mode": "slurm", "partition": "gpu", "qos": "default", "resources.servers.gpus": "4", "resources.servers.cpus_per_task": "56",
			"orchestration.total_nodes": "1", "binds": "[/project/home/p200981/ollama:/root/.ollama:rw]", "servers.service_config.distributed.enabled": ""}, "quality of service [default]"},
		{"one server on two nodes", []string{"meluxina", "vllm", "", "", "p1", "", "", "2"}, map[string]string{
			"servers.service_config.distributed.enabled": "true", "servers.service_config.distributed.backend": "mp",
			"servers.service_config.distributed.tensor_parallel_size": "4", "servers.service_config.distributed.pipeline_parallel_size": "2",
			"servers.service_config.tensor_parallel_size": "", "orchestration.total_nodes": "2"}, "one server over all server nodes"},
		{"a server on one node", []string{"meluxina", "vllm", "", "", "p1"}, map[string]string{
			"servers.service_config.distributed.enabled": "", "servers.service_config.tensor_parallel_size": "4"}, "6 of 6  Containers and binds"},
		{"wrong answers", []string{"melluxina", "meluxina", "ollama", "a b", "$x", "gpu", "p 1", "p1", "", "1:30", "", "none", "0", "1", "", "2", "1", "9", "4"}, map[string]string{
			"scenario": "a b", "account": "p1", "resources.servers.gpus": "4", "orchestration.node_allocation.monitors.nodes": "1", "orchestration.total_nodes": "2"},
			"resources.servers.gpus is 9, and a node of meluxina has 4 (write at most 4, and more nodes)"},
		{"text that looks like something else", []string{"local", "dummy", "42"}, map[string]string{"scenario": `"42"`}, ""},
		{"back", []string{"local", "dummy", "first", "2", "<", "<", "second", "3"}, map[string]string{
			"scenario": "second", "orchestration.node_allocation.servers.nodes": "3"}, "name of the experiment [first]"},
		{"back to the service", []string{"local", "dummy", "<", "<", "<", "<", "local", "llamacpp"}, map[string]string{
			"workload.service": "llamacpp", "workload.model": "llama-3.2-1b-instruct"}, ""},
		{"help", []string{"local", "dummy", "", "?"}, nil, "orchestration.node_allocation.servers.nodes: How many."},
		{"nothing in a container", []string{"generic", "ollama", "", "gpu", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "-"}, map[string]string{
			"artifacts.service.path": "", "binds": "", "artifacts.containers_dir": ""}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, out, err := run(t, append(c.lines, defaults...)...)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for path, want := range c.want {
				if got[path] != want {
					t.Errorf("%s is %q, want %q", path, got[path], want)
				}
			}
			if !strings.Contains(out, c.says) {
				t.Errorf("nothing says %q", c.says)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

func TestGivingUp(t *testing.T) {
	if _, out, err := run(t, "local", "dummy"); !errors.Is(err, ask.ErrEnd) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Each service can be asked about on each cluster, by defaults but for what no default can know.
func TestEveryServiceOnEveryCluster(t *testing.T) {
	sites := names(t, cluster.List, sub(t, "clusters"))
	if testing.Short() {
		sites = []string{"generic", "local", "lumi", "meluxina"}
	}
	for _, site := range sites {
		for _, svc := range names(t, service.List, sub(t, "services")) {
			var out strings.Builder
			w := &Wizard{Asker: &ask.Asker{Out: &out}}
			for _, set := range []recipe.Set{{Path: "cluster", Value: site}, {Path: "workload.service", Value: svc}, {Path: "account", Value: "p1"}, {Path: "partition", Value: "gpu"}} {
				if site == "local" && (set.Path == "account" || set.Path == "partition") {
					continue
				}
				w.Given = append(w.Given, set)
			}
			if site == "discoverer" { // it wants a qos, and its profile knows none
				w.Given = append(w.Given, recipe.Set{Path: "qos", Value: "q1"})
			}
			s, err := service.Load(sub(t, "services"), svc)
			if err != nil {
				t.Fatal(err)
			}
			c, err := cluster.Load(sub(t, "clusters"), site)
			if err != nil {
				t.Fatal(err)
			}
			w.Services, w.Clusters = []*service.Service{s}, []*cluster.Profile{c}
			var wrong diag.List
			w.Judge = func(sets []recipe.Set) (*recipe.File, diag.List) {
				f, l := recipe.Load("answers", []byte("{}\n"), recipe.Options{Sets: sets})
				wrong = append(l, f.Check(s, c)...)
				return f, wrong
			}
			if _, err := w.Run(); err != nil || wrong.Failed() {
				t.Errorf("%s on %s: %v %v", svc, site, err, wrong)
			}
		}
	}
}

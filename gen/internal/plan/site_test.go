package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/recipe"
)

// asking is what one job asks of a site whose profile was edited, and what gen says of it.
func asking(t *testing.T, profile func(*cluster.Profile), edit func(*recipe.Recipe)) (p *Plan, directives, said string) {
	t.Helper()
	r := listing3()
	r.Partition, r.Job.Exclusive, r.Resources.Servers = "gpu", false, recipe.Resources{GPUs: 2, CPUsPerTask: 16, MemGB: 32}
	edit(&r)
	s, c := with(t, "ollama", "generic")
	profile(c)
	p, found := New(points(r), s, c, nil)
	if p == nil {
		t.Fatalf("no plan: %v", found)
	}
	for _, d := range p.Jobs[0].Directives {
		directives += "--" + d.Flag + "=" + d.Value + " "
	}
	return p, directives, fmt.Sprint(found)
}

func TestWhatASiteWants(t *testing.T) {
	nothing := func(*recipe.Recipe) {}
	for _, c := range []struct {
		name    string
		profile func(*cluster.Profile)
		edit    func(*recipe.Recipe)
		want    string // in the directives
		said    string
	}{
		{"nothing", func(*cluster.Profile) {}, nothing, "--cpus-per-task=16 --gres=gpu:2 --mem=32G", ""},
		{"CPUs with each GPU", func(p *cluster.Profile) { p.CPUsPerGPU = 20 }, nothing, "--cpus-per-task=40 --gres=gpu:2", "wants 20 CPUs with each GPU, so the job asks for 40 a node"},
		{"which are fewer than asked for", func(p *cluster.Profile) { p.CPUsPerGPU = 4 }, nothing, "--cpus-per-task=16 ", ""},
		{"none without a GPU", func(p *cluster.Profile) { p.CPUsPerGPU = 20 }, func(r *recipe.Recipe) { r.Resources.Servers.GPUs = 0 }, "--cpus-per-task=16 ", ""},
		{"more CPUs than a node has", func(p *cluster.Profile) { p.CPUsPerNode = 8 }, nothing, "--cpus-per-task=16 ", "ask for 16 CPUs, and a node of generic has 8"},
		{"whole nodes in this partition", func(p *cluster.Profile) { p.WholeNodePartitions = []string{"gpu"} }, nothing, "--mem=0 ", ""},
		{"whole nodes in another", func(p *cluster.Profile) { p.WholeNodePartitions = []string{"cpu"} }, nothing, "--mem=32G ", ""},
		{"no memory directive", func(p *cluster.Profile) { p.Memory = false }, nothing, "--gres=gpu:2 --time", ""},
		{"another spelling", func(p *cluster.Profile) { p.GPURequest = "gpus-per-node" }, nothing, "--gpus-per-node=2 ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, directives, said := asking(t, c.profile, c.edit)
			if !strings.Contains(directives, c.want) || !strings.Contains(said, c.said) || c.said == "" && strings.Contains(said, "cpus") {
				t.Errorf("asks %s\nsays %s", directives, said)
			}
		})
	}
}

// The site's variables reach the servers, and the recipe's own win.
func TestSitesVariablesAreForServers(t *testing.T) {
	p, _, _ := asking(t, func(c *cluster.Profile) { c.ServerEnv = map[string]string{"NCCL_A": "site", "NCCL_B": "site"} },
		func(r *recipe.Recipe) { r.Environment = map[string]string{"NCCL_B": "mine"} })
	env := p.Deployments[0].Env
	if !slices.Contains(env, "NCCL_A=site") || !slices.Contains(env, "NCCL_B=mine") || slices.Contains(env, "NCCL_B=site") {
		t.Errorf("%q", env)
	}
}

func TestBillInTheSitesUnit(t *testing.T) {
	nodes := 0.0
	for _, c := range []struct {
		unit string
		each float64
		want float64
	}{{"", 0, 1}, {"gpu-hours", 0, 4}, {"gpu-hours", 2, 2}, {"core-hours", 0, 64}} {
		p, _, _ := asking(t, func(p *cluster.Profile) {
			p.BillUnit, p.BillPerNode, p.GPUsPerNode, p.CPUsPerNode = c.unit, c.each, 4, 64
		}, func(*recipe.Recipe) {})
		if nodes == 0 {
			nodes = p.Jobs[0].Bill
		}
		if got := p.Jobs[0].Bill / nodes; got != c.want {
			t.Errorf("%s %g: a node-hour costs %g, want %g", c.unit, c.each, got, c.want)
		}
	}
}

func TestPrefetchInAnotherQOS(t *testing.T) {
	p, _, _ := asking(t, func(c *cluster.Profile) { c.PrefetchCompute, c.PrefetchQOS = true, "free" }, func(r *recipe.Recipe) { r.QOS = "mine" })
	if !slices.Contains(p.Setting.Prefetch.Directives, Directive{"qos", "free"}) {
		t.Errorf("%v", p.Setting.Prefetch.Directives)
	}
}

package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/recipe"
)

var replicas = axis{nodesOf + "servers.replicas_per_node", []any{1, 2}, func(r *recipe.Recipe, v any) { r.Orchestration.Replicas = v.(int) }}

// fewest is the least number of servers that are started over all orders of the points: one where a point needs another
// server than the point before it.
func fewest(points []recipe.Point) int {
	keys := make([]string, len(points))
	for i, pt := range points {
		keys[i] = text(serverOf(pt.Recipe))
	}
	least := len(keys)
	var permute func(k, starts int)
	permute = func(k, starts int) {
		if k == len(keys) {
			least = min(least, starts)
			return
		}
		for i := k; i < len(keys); i++ {
			keys[k], keys[i] = keys[i], keys[k]
			more := 0
			if k == 0 || keys[k] != keys[k-1] {
				more = 1
			}
			permute(k+1, starts+more)
			keys[k], keys[i] = keys[i], keys[k]
		}
	}
	permute(0, 0)
	return least
}

func TestNoOrderStartsFewerServers(t *testing.T) {
	two := func(a axis) axis { return axis{a.path, a.values[:2], a.set} }
	for _, axes := range [][]axis{
		{concurrencies}, {models, concurrencies}, {concurrencies, models}, {two(concurrencies), models, gpus},
		{gpus, two(concurrencies), two(dialects)}, {models, gpus}, {two(concurrencies), servers}, {replicas, two(batches)},
	} {
		pts := points(listing3(), axes...)
		var names []string
		for _, a := range axes {
			names = append(names, a.path)
		}
		if got, want := len(planned(t, pts).Deployments), fewest(slices.Clone(pts)); got != want {
			t.Errorf("%s: %d servers are started, and %d would do", strings.Join(names, " × "), got, want)
		}
	}
}

func TestRestartsGoBackAndForth(t *testing.T) {
	base := listing3()
	base.Restarts, base.Repetitions = 3, 2
	p := planned(t, points(base, models, axis{"workload.concurrency", []any{1, 8}, concurrencies.set}))
	var order []string
	for _, d := range p.Deployments {
		order = append(order, fmt.Sprint(d.Model, d.Restart))
	}
	if got := strings.Join(order, " "); got != "llama21 org/b1 org/b2 llama22 llama23 org/b3" {
		t.Errorf("servers start in the order %s", got)
	}
	if len(p.Trials) != 2*2*3*2 {
		t.Errorf("%d trials", len(p.Trials))
	}
	seeds := map[string]bool{}
	for _, tr := range p.Trials {
		if tr.Restart == 0 || !strings.Contains(tr.Name, fmt.Sprintf("-s%d-r%d", tr.Restart, tr.Repetition)) {
			t.Errorf("start %d, repetition %d is called %s", tr.Restart, tr.Repetition, tr.Name)
		}
		seeds[fmt.Sprint(tr.Workload.PromptSeed, tr.Workload.Concurrency)] = true
	}
	if len(seeds) != 2*3*2 {
		t.Errorf("%d different prompts and loads, want one for each load, start and repetition, the same for both models", len(seeds))
	}
}

func TestServersThatShareANode(t *testing.T) {
	base := listing3()
	base.Orchestration.Nodes, base.Orchestration.TotalNodes = recipe.Roles[int]{Servers: 2}, 2
	base.Resources.Servers = recipe.Resources{GPUs: 4, CPUsPerTask: 16, MemGB: 64}
	base.Orchestration.Replicas = 4
	p := planned(t, points(base))
	d := p.Deployments[0]
	if d.Endpoints != 8 || d.Replicas != 4 || len(d.Argv) != 8 || d.GPUs != 8 || d.IdleGPUs != 0 {
		t.Errorf("%d endpoints, %d on a node, %d command lines, %d GPUs used and %d idle", d.Endpoints, d.Replicas, len(d.Argv), d.GPUs, d.IdleGPUs)
	}
	if got := strings.Join(d.Step, " "); got != "--exact --cpus-per-task=4 --gres=gpu:1" {
		t.Errorf("each is started with %s", got)
	}
	if len(p.Jobs) != 1 || !slices.Contains(p.Jobs[0].Directives, Directive{"gres", "gpu:4"}) {
		t.Errorf("the job asks for %v", p.Jobs[0].Directives)
	}
}

func TestSeats(t *testing.T) {
	for _, c := range []struct {
		name                       string
		ranges                     recipe.Roles[string]
		monitors, clients, servers string
		idle, nodelist, says       string
	}{
		{"dealt in turn", recipe.Roles[string]{}, "0", "1-2", "3-4", "5", "", ""},
		{"as the recipe says", recipe.Roles[string]{Servers: "0,1", Clients: "4,5", Monitors: "3"}, "3", "4-5", "0-1", "2", "", ""},
		{"around what it says", recipe.Roles[string]{Servers: "0,2"}, "1", "3-4", "0,2", "5", "", ""},
		{"by name", recipe.Roles[string]{Servers: "n7,n8", Clients: "n1,n2", Monitors: "n3"}, "n3", "n1,n2", "n7,n8", "", "n1,n2,n3,n7,n8", ""},
		{"by name, and not all", recipe.Roles[string]{Servers: "n7,n8"}, "", "", "", "", "", "give clients a node_range of names, too"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := listing3()
			r.Orchestration.NodeRange, r.Orchestration.TotalNodes = c.ranges, 6
			s, cl := with(t, "ollama", "generic")
			p, found := New(points(r), s, cl, nil)
			if c.says != "" {
				if p != nil || !strings.Contains(fmt.Sprint(found), c.says) {
					t.Errorf("says %v", found)
				}
				return
			}
			seats := p.Jobs[0].Seats
			got := []string{strings.Join(Spans(seats.Monitors), ","), strings.Join(Spans(seats.Clients), ","), strings.Join(Spans(seats.Servers), ","), strings.Join(Spans(seats.Idle), ",")}
			if want := []string{c.monitors, c.clients, c.servers, c.idle}; !slices.Equal(got, want) {
				t.Errorf("seats are %q, want %q", got, want)
			}
			if has := slices.Contains(p.Jobs[0].Directives, Directive{"nodelist", c.nodelist}); has != (c.nodelist != "") {
				t.Errorf("directives %v", p.Jobs[0].Directives)
			}
		})
	}
}

func TestTwoComponents(t *testing.T) {
	r := listing3()
	r.Orchestration.Placement, r.Orchestration.ClientPartition = "het", "cpu"
	p := planned(t, points(r))
	j := p.Jobs[0]
	front, back := fmt.Sprint(j.Directives), fmt.Sprint(j.ServerPart)
	for _, want := range []string{"{partition cpu}", "{nodes 3}", "{cpus-per-task 2}", "{signal "} {
		if !strings.Contains(front, want) {
			t.Errorf("the first component lacks %s: %s", want, front)
		}
	}
	for _, want := range []string{"{partition gpu}", "{nodes 2}", "{gres gpu:2}", "{time "} {
		if !strings.Contains(back, want) {
			t.Errorf("the servers' component lacks %s: %s", want, back)
		}
	}
	if strings.Contains(front, "gres") || strings.Contains(back, "signal") {
		t.Errorf("front %s\nback %s", front, back)
	}
}

func TestSilentLengths(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*recipe.Workload)
		want string // duration, least, requests; warm-up, its requests
	}{
		{"closed loop", func(*recipe.Workload) {}, "180 60 200 30 40"},
		{"a duration", func(w *recipe.Workload) { w.DurationS = 90 }, "90 0 0 30 40"},
		{"requests", func(w *recipe.Workload) { w.Requests = 7 }, "180 0 7 30 40"},
		{"both", func(w *recipe.Workload) { w.Requests, w.DurationS, w.WarmupS = 7, 20, 0 }, "20 0 7 0 0"},
		{"open loop", func(w *recipe.Workload) { w.TargetRPS = 3 }, "60 0 0 10 0"},
	} {
		r := listing3()
		r.Workload.DurationS, r.Workload.WarmupS = 0, -1
		c.edit(&r.Workload)
		w := planned(t, points(r)).Trials[0].Workload
		if got := fmt.Sprint(w.DurationS, w.MinDurationS, w.Requests, w.WarmupS, w.WarmupRequests); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestPercentilesThatTheRequestsCantCarry(t *testing.T) {
	r := listing3()
	r.Workload.TargetRPS, r.Workload.DurationS, r.Reporting.Percentiles = 2, 60, []float64{50, 90, 99}
	s, c := with(t, "ollama", "generic")
	_, found := New(points(r), s, c, nil)
	if got := fmt.Sprint(found); !strings.Contains(got, "p99 takes 662 requests, and 1 trial of 1 will have fewer (rps2: 120)") || strings.Contains(got, "p90") {
		t.Errorf("says %s", got)
	}
}

func TestSmokeIsShortAndCountsForNothing(t *testing.T) {
	base := listing3()
	base.Restarts = 2
	p := planned(t, points(base, models, concurrencies))
	smoke := p.SmokeTrials()
	if len(smoke) != 2 {
		t.Fatalf("%d smoke trials of two servers that start twice", len(smoke))
	}
	for _, tr := range smoke {
		if tr.Workload.DurationS > 20 || !strings.HasPrefix(tr.ID, "smoke-d") || tr.Workload.Concurrency != p.Trials[0].Workload.Concurrency {
			t.Errorf("%s: %g s, %d in flight", tr.ID, tr.Workload.DurationS, tr.Workload.Concurrency)
		}
	}
	if p.Trials[0].Workload.DurationS != 120 {
		t.Error("the plan's own trials were shortened, too")
	}
	if s := p.Jobs[0].Smoke; s.LimitS > p.Jobs[0].LimitS || s.LimitS < 200 || s.SignalS >= s.LimitS {
		t.Errorf("%+v of a limit of %d s", s, p.Jobs[0].LimitS)
	}
}

// A chain is as long as the jobs that the script would need: each stops before what it could not finish. Here a start takes
// 60 s and each of nine trials 78; of 600 s a job keeps 60 to end in good order and 60 around it, of 340 s 42 and 60.
func TestChainedJobs(t *testing.T) {
	for _, c := range []struct{ limitS, want int }{{7200, 0}, {1200, 0}, {600, 2}, {340, 5}} {
		r := listing3()
		r.Job.TimeLimitS, r.Workload.DurationS, r.Workload.WarmupS = float64(c.limitS), 60, 0
		p := planned(t, points(r, batches, concurrencies))
		if got := p.Jobs[0].Chain; got != c.want {
			t.Errorf("limit %d s: %d jobs, want %d (plan %d s, trial %d s)", c.limitS, got, c.want, p.Jobs[0].EstimateS, p.Trials[0].Seconds)
		}
	}
}

func TestTooManyTrials(t *testing.T) {
	r := listing3()
	r.Repetitions, r.Restarts = 1000, 20
	s, c := with(t, "ollama", "generic")
	p, found := New(points(r, concurrencies), s, c, nil)
	if p != nil || !strings.Contains(fmt.Sprint(found), "asks for 60000 trials, at most 50000") {
		t.Errorf("says %v", found)
	}
}

// What a server runs on is in its trials, and so in the key by which the ledger knows what is done.
func TestTrialsTellWhatTheyRunOn(t *testing.T) {
	p := planned(t, points(listing3(), gpus))
	for i, want := range []int{1, 2} {
		if got := p.Trials[i].Server; got.GPUs != want || got.Nodes != 2 || got.Launcher != "single" || got.MemGB != 32 {
			t.Errorf("trial %s runs on %+v, want %d GPUs a node", p.Trials[i].ID, got, want)
		}
	}
}

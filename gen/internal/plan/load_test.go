package plan

import (
	"fmt"
	"slices"
	"testing"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/recipe"
)

func TestConcurrencyOfARecipe(t *testing.T) {
	for _, c := range []struct {
		name             string
		concurrency, cpn int
		rps              float64
		clients, want    int
	}{
		{"as written", 7, 0, 0, 2, 7},
		{"wins over clients per node", 7, 10, 0, 2, 7},
		{"clients per node on every client node", 0, 10, 0, 2, 20},
		{"clients per node without a client node", 0, 10, 0, 0, 10},
		{"neither", 0, 0, 0, 2, 1},
		{"an open loop has no cap", 0, 10, 5, 2, 0},
		{"unless one is given", 9, 0, 5, 2, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := listing3()
			r.Workload.Concurrency, r.Workload.ClientsPerNode = c.concurrency, c.cpn
			r.Workload.TargetRPS, r.Orchestration.Nodes.Clients = c.rps, c.clients
			if got := r.InFlight(); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestInFlightAtOneEndpoint(t *testing.T) {
	for _, c := range []struct {
		w                workload.Workload
		nodes, endpoints int
		want             int
	}{
		{workload.Workload{Concurrency: 20}, 2, 2, 10},
		{workload.Workload{Concurrency: 1}, 2, 2, 1},
		{workload.Workload{Concurrency: 5}, 1, 2, 3},
		{workload.Workload{Concurrency: 32, Batch: 8}, 2, 2, 16},
		{workload.Workload{Concurrency: 1, Batch: 8}, 2, 2, 8},
		{workload.Workload{Rate: 2, Concurrency: 9}, 2, 2, 5},
		{workload.Workload{Rate: 2}, 2, 2, 10},
		{workload.Workload{Rate: 0.01}, 2, 2, 1},
		{workload.Workload{Rate: 1e6}, 2, 2, 256},
		{workload.Workload{Arrival: "replay"}, 2, 2, 32},
		{workload.Workload{Arrival: "replay", Concurrency: 9}, 2, 2, 5},
	} {
		if got := inFlight(c.w, c.nodes, c.endpoints); got != c.want {
			t.Errorf("%+v on %d nodes and %d endpoints: %d, want %d", c.w, c.nodes, c.endpoints, got, c.want)
		}
	}
}

func TestServerKnowsTheMostOfItsTrials(t *testing.T) {
	p := planned(t, points(listing3(), concurrencies))
	if got := p.Deployments[0].Env; !slices.Contains(got, "OLLAMA_NUM_PARALLEL=16") {
		t.Errorf("32 in flight on 2 endpoints, and the server is told %q", got)
	}
}

// Trials of one server never share a prompt; servers under comparison get the same ones.
func TestPromptSeeds(t *testing.T) {
	base := listing3()
	base.Repetitions = 2
	p := planned(t, points(base, models, concurrencies))
	seeds := map[string]uint64{}
	for _, tr := range p.Trials {
		key := fmt.Sprint(tr.Point["workload.concurrency"], tr.Repetition)
		if other, seen := seeds[key]; seen && other != tr.Workload.PromptSeed {
			t.Errorf("%s: the two models get different prompts", key)
		}
		seeds[key] = tr.Workload.PromptSeed
	}
	distinct := map[uint64]bool{}
	for _, s := range seeds {
		distinct[s] = true
	}
	if len(seeds) != 6 || len(distinct) != 6 {
		t.Errorf("%d loads have %d seeds", len(seeds), len(distinct))
	}
}

func TestIdentityFollowsEveryValue(t *testing.T) {
	id := planned(t, points(listing3())).ID
	if len(id) != 16 || planned(t, points(listing3())).ID != id {
		t.Fatalf("id %q is not that of the same plan", id)
	}
	for name, edit := range map[string]func(*recipe.Recipe){
		"model": func(r *recipe.Recipe) { r.Workload.Model = "x" }, "bind": func(r *recipe.Recipe) { r.Binds = nil },
		"seed": func(r *recipe.Recipe) { r.Seed = 2 }, "account": func(r *recipe.Recipe) { r.Account = "x" },
		"health": func(r *recipe.Recipe) { r.Servers.HealthCheck.TimeoutS = 1 },
	} {
		r := listing3()
		edit(&r)
		if planned(t, points(r)).ID == id {
			t.Errorf("another %s, and the same plan", name)
		}
	}
}

// A dataset stands in the place of made-up prompts and of what they are made by, but for a tokenizer: it counts the replies of
// recorded conversations.
func TestDatasetsLeaveTheTokenizer(t *testing.T) {
	r := listing3()
	r.Workload.Tokenizer, r.Workload.TokenIDs, r.Workload.Dataset = "/m/tokenizer.json", &workload.IDs{Last: 9}, "/d/sharegpt.json"
	p := planned(t, points(r))
	if w := p.Trials[0].Workload; w.Dataset == "" || w.Tokenizer == "" || w.TokenIDs != nil || w.InputTokens != 0 {
		t.Errorf("got %+v", w)
	}
	if want := []string{"/d/sharegpt.json", "/m/tokenizer.json"}; !slices.Equal(p.Setting.Files, want) {
		t.Errorf("the client nodes need %q, want %q", p.Setting.Files, want)
	}
}

package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/recipe"
)

var odd = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// Slug names a bundle's directory and its jobs: the scenario, each run of other characters than A-Z a-z 0-9 . _ - as one
// dash, without leading dots and dashes, at most 64 long. It is empty when nothing is left.
func Slug(scenario string) string {
	s := strings.TrimLeft(odd.ReplaceAllString(scenario, "-"), ".-")
	return s[:min(len(s), 64)]
}

// short are the names that people have for the values that are swept most.
var short = map[string]string{
	"workload.concurrency": "c", "workload.batch": "b", "workload.target_rps": "rps", "workload.prompt_len": "in",
	"workload.gen_tokens": "out", "workload.clients_per_node": "cpn", "workload.dialect": "", "workload.model": "",
	"workload.request_distribution": "", "workload.benchmark_suite": "", "workload.search.low": "from", "workload.search.high": "to",
	settings + "tensor_parallel_size": "tp", settings + "pipeline_parallel_size": "pp", settings + "data_parallel_size": "dp",
	settings + "distributed.tensor_parallel_size": "tp", settings + "distributed.pipeline_parallel_size": "pp",
	nodesOf + "servers.nodes": "n", nodesOf + "servers.replicas_per_node": "x",
}

const (
	settings = "servers.service_config."
	nodesOf  = "orchestration.node_allocation."
)

// name is what one calls a trial: the swept values of its server, then concurrency or rate, then the others; or, where
// nothing is swept, its load.
func name(pt recipe.Point, w workload.Workload) string {
	var server, load, rest []string
	for _, v := range pt.Values {
		switch part := called(v); {
		case part == "", v.V == recipe.Unset, v.Path == "orchestration.total_nodes" && slices.ContainsFunc(pt.Values, byRole): // a sum of what has names of its own
		case v.Path == "workload.concurrency" || v.Path == "workload.target_rps":
			load = append(load, part)
		case makesServer(v.Path):
			server = append(server, part)
		default:
			rest = append(rest, part)
		}
	}
	if all := slices.Concat(server, load, rest); len(all) > 0 {
		return strings.Join(all, "-")
	}
	switch {
	case w.Search != nil:
		return "search"
	case w.Rate > 0:
		return called(recipe.Value{Path: "workload.target_rps", V: w.Rate})
	}
	return called(recipe.Value{Path: "workload.concurrency", V: w.Concurrency})
}

// byRole tells whether a value is about the nodes of a role.
func byRole(v recipe.Value) bool { return strings.HasPrefix(v.Path, nodesOf) }

func called(v recipe.Value) string {
	key := v.Path[strings.LastIndex(v.Path, ".")+1:]
	word := strings.TrimRight(Slug(fmt.Sprint(v.V)), "-")
	if s, ok := short[v.Path]; ok {
		return s + word
	}
	switch v.V {
	case true:
		return Slug(key)
	case false:
		return "no-" + Slug(key)
	}
	return Slug(key) + "-" + word
}

// distinguish adds its id to the name of a trial that another has too.
func distinguish(trials []*Trial) {
	count := map[string]int{}
	for _, t := range trials {
		count[t.Name]++
	}
	for _, t := range trials {
		if count[t.Name] > 1 {
			t.Name += "-" + t.ID
		}
	}
}

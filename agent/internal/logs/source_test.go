package logs

import (
	"testing"

	"hpcbench/agent/internal/nodes"
)

func TestSourcesByTheirNames(t *testing.T) {
	table := nodes.Table{
		{Role: "client", Name: "cn1"}, {Role: "server", Name: "cn2"}, {Role: "server", Name: "cn3.site.org"}, {Role: "server", Name: "cn3.site.org"}, {Role: "server", Name: "cn4.7"},
	}
	for file, want := range map[string]Source{
		"logs/server.d1.2.cn2.log":            {Category: Application, Component: "server", Name: "d1.2", Deployment: "d1", Launch: 2, Node: "cn2", Rank: 0},
		"logs/server.d1.2.cn2.tail.log":       {Category: Application, Component: "server", Name: "d1.2", Deployment: "d1", Launch: 2, Node: "cn2", Rank: 0},
		"logs/server.d1.2.cn3.site.org.1.log": {Category: Application, Component: "server", Name: "d1.2", Deployment: "d1", Launch: 2, Node: "cn3.site.org", Rank: 2},
		"logs/server.d1.2.cn4.7.log":          {Category: Application, Component: "server", Name: "d1.2", Deployment: "d1", Launch: 2, Node: "cn4.7", Rank: 3},
		"logs/server.d2.1.cn2.5.past.log":     {Category: Application, Component: "server", Name: "d2.1", Deployment: "d2", Launch: 1, Node: "cn2", Rank: 5},
		"logs/server.d1.2.log":                {Category: Application, Component: "server", Name: "d1.2", Deployment: "d1", Launch: 2, Rank: -1},
		"logs/prepare-d1-1.cn2.log":           {Category: Application, Component: "server", Name: "d1.1", Deployment: "d1", Launch: 1, Node: "cn2", Rank: 0},
		"logs/client.cn1.log":                 {Category: Application, Component: "client", Node: "cn1", Rank: -1},
		"logs/monitors.cn2.log":               {Category: Infrastructure, Component: "monitor", Node: "cn2", Rank: -1},
		"logs/monitors.log":                   {Category: Infrastructure, Component: "monitor", Rank: -1},
		"logs/monitors.1.log":                 {Category: Infrastructure, Component: "monitor", Rank: -1},
		"logs/trial.0001.log":                 {Category: Benchmark, Component: "trial", Trial: "0001", Rank: -1},
		"logs/ready.d1.2.log":                 {Category: Benchmark, Component: "ready", Name: "d1.2", Deployment: "d1", Launch: 2, Rank: -1},
		"logs/stop.log":                       {Category: Benchmark, Component: "stop", Rank: -1},
		"../../slurm-4711.out":                {Category: Benchmark, Component: "job", Rank: -1},
		"logs/server.log":                     {Category: Application, Component: "server", Rank: -1},
		"logs/store.prometheus.log":           {Category: Infrastructure, Component: "prometheus", Node: "cn1", Rank: -1},
		"logs/store.pushgateway.log":          {Category: Infrastructure, Component: "pushgateway", Node: "cn1", Rank: -1},
	} {
		want.File = file
		if got := SourceOf(file, table); got != want {
			t.Errorf("%s: %+v, want %+v", file, got, want)
		}
	}
}

//go:build e2e

package testbed

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// serverTold is what a test wants of summary.json's server.
type serverTold struct {
	URL          string
	Looks        int64
	Failed       int64
	Running      *struct{ Mean, Max float64 }
	GenTokens    *float64                   `json:"gen_tokens"`
	PromptTokens *float64                   `json:"prompt_tokens"`
	HitShare     *float64                   `json:"prefix_hit_share"`
	TTFT         *struct{ N, Mean float64 } `json:"ttft_s"`
	Custom       map[string]struct{ Mean, Max float64 }
	Endpoints    []serverTold `json:"by_endpoint"`
}

// What the servers tell of themselves is in server.csv, the summary and the report, and so is what the recipe adds, which the
// executor tells Prometheus too; each server is reset before each trial; and job.json has what the servers' logs prove.
func TestServersTellOfThemselves(t *testing.T) {
	t.Parallel()
	b := compile(t, "metrics", 3)
	writeFile(t, b.dir+"/bin/agent-gpu", stubGPU)
	shell(t, "chmod +x "+b.dir+"/bin/agent-gpu")
	j := b.submit()
	j.until("start of the first trial", j.started("0001"))
	client := j.nodesOf("client")[0]
	var servers []string
	for _, s := range j.nodesOf("server") {
		servers = append(servers, "http://"+net.JoinHostPort(s[1], s[2]))
	}
	page := "http://" + net.JoinHostPort(client[1], client[2]) + "/metrics/prometheus"
	want := []string{
		"# HELP resets how often the server was told to forget\n# TYPE resets gauge\n",
		"# HELP stood_at a fan Unit: rpm.\n",
		fmt.Sprintf("stood_at{host=%q} 42.5\n", client[0]),
		fmt.Sprintf("stood_at{host=%q} 42.5\n", j.nodesOf("server")[1][0]),
		fmt.Sprintf("dummy_collector_success{collector=\"broken\",endpoint=\"\",host=%q} 0\n", client[0]),
	}
	for _, s := range servers {
		want = append(want, fmt.Sprintf("resets{endpoint=%q,host=%q} 1\n", s, client[0]),
			fmt.Sprintf("dummy_collector_success{collector=\"resets\",endpoint=%q,host=%q} 1\n", s, client[0]))
	}
	j.until("all that was added at /metrics/prometheus", func() bool {
		_, body := ask(t, "GET", page, "")
		if strings.Contains(body, "\nbroken{") {
			t.Error("a metric that could not be read has a value")
		}
		return !slices.ContainsFunc(want, func(line string) bool { return !strings.Contains(body, line) })
	})
	j.wait(completed)
	for k, trial := range trials(2) {
		j.wantGood(trial)
		j.wantTold(trial, servers, float64(k+1))
	}
	j.wantAdded()
	j.wantProof(servers)
	j.wantCost()
}

// stubGPU stands for agent-gpu, since no node has a GPU: a GPU that draws 200 W, by its power and by its counter.
const stubGPU = `#!/bin/bash
# A stub that stands for agent-gpu in the tests of hpcbench: no node of the testbed has a GPU.
while sleep 0.2; do
  now=$(date +%s%N)
  printf '{"t":%s.%s,"gpu":0,"utilization_ratio":0.5,"memory_used_bytes":1000,"power_watts":200,"energy_joules":%s,"throttle":[]}\n' \
    "${now::-9}" "${now: -9}" "$((now % 10**14 / 5000000))"
done
`

// wantCost wants what the nodes had to do, and the joules of the servers' GPUs, in each summary; each server's own page, as it came;
// and the readings of all nodes in one file in the order of time.
func (j *job) wantCost() {
	j.t.Helper()
	for _, trial := range trials(2) {
		var s struct {
			Duration  float64 `json:"duration_s"`
			Resources *struct {
				Nodes []struct {
					Node, Role string
					Gap        float64 `json:"gap_s"`
					CPU        *struct{ Mean float64 }
				} `json:"by_node"`
			}
			Energy *struct {
				Joules, PerRequest *float64
				Source             string
				GPUs               []struct{ Node string } `json:"by_gpu"`
			}
		}
		readJSON(j.t, j.path(trial, "summary.json"), &s)
		if s.Resources == nil || len(s.Resources.Nodes) != 3 || s.Energy == nil || s.Energy.Joules == nil {
			j.t.Fatalf("trial %s: resources %+v, energy %+v", trial, s.Resources, s.Energy)
		}
		for k, n := range s.Resources.Nodes {
			if (k < 2) != (n.Role == "server") || n.CPU == nil || n.Gap > s.Duration/2 {
				j.t.Errorf("trial %s: node %+v", trial, n)
			}
		}
		// Two GPUs of 200 W. A reading shows up to a reading's interval and a pause of the stub late, at either end.
		if want := 2 * 200 * s.Duration; len(s.Energy.GPUs) != 2 || *s.Energy.Joules < want/2 || *s.Energy.Joules > 1.5*want || s.Energy.Source != "counter" {
			j.t.Errorf("trial %s: energy %+v, want about %g J by counter", trial, s.Energy, want)
		}
		for _, name := range []string{"server.0.first.txt", "server.1.last.txt"} {
			if text, err := os.ReadFile(j.path(trial, name)); err != nil || !strings.Contains(string(text), "# TYPE dummy_") {
				j.t.Errorf("trial %s: %s: %.80q, %v", trial, name, text, err)
			}
		}
	}
	rows, last, seen := table(j.t, j.path("all_nodes.csv")), 0.0, map[string]int{}
	for _, row := range rows {
		at, err := strconv.ParseFloat(row["time_s"], 64)
		if err != nil || at < last {
			j.t.Fatalf("all_nodes.csv: %q after %f", row["time_s"], last)
		}
		last = at
		seen[row["node"]]++
	}
	for _, node := range j.nodes {
		if own := table(j.t, j.path("monitor-"+node+".csv")); seen[node] != len(own) || len(own) == 0 || own[0]["cpu0_busy_ratio"] != "" || own[0]["net_rx_bytes_per_s"] != "" {
			j.t.Errorf("all_nodes.csv has %d rows of %s, whose own file has %d", seen[node], node, len(own))
		}
	}
}

// wantTold wants what two servers told of a trial: as much as the client says, and resets as many as there were trials so far.
func (j *job) wantTold(trial string, servers []string, resets float64) {
	j.t.Helper()
	var s struct {
		Server *serverTold
		Tokens struct{ Output float64 }
		Marks  []string
	}
	readJSON(j.t, j.path(trial, "summary.json"), &s)
	if s.Server == nil || len(s.Server.Endpoints) != 2 {
		j.t.Fatalf("trial %s: the servers told %+v", trial, s.Server)
	}
	all := s.Server
	for k, e := range all.Endpoints {
		if e.URL != servers[k] || e.Failed != 0 || e.Looks < 8 || e.Running == nil || e.Running.Max > 4 || e.Custom["custom_resets"].Mean != resets {
			j.t.Errorf("trial %s: %s told %+v", trial, servers[k], e)
		}
	}
	switch {
	case all.Running == nil || all.Running.Mean < 2 || all.Running.Mean > 4.001:
		j.t.Errorf("trial %s: running %+v, and 4 are in flight", trial, all.Running)
	case all.GenTokens == nil || *all.GenTokens < 0.7*s.Tokens.Output || *all.GenTokens > 1.3*s.Tokens.Output:
		j.t.Errorf("trial %s: the servers made %v tokens, the client counts %v", trial, all.GenTokens, s.Tokens.Output)
	case all.HitShare == nil || *all.HitShare != 0:
		j.t.Errorf("trial %s: prefix hits %v, and no prompt repeats", trial, all.HitShare)
	case all.TTFT == nil || all.TTFT.Mean < 0.05 || all.TTFT.Mean > 1:
		j.t.Errorf("trial %s: TTFT %+v", trial, all.TTFT)
	}
	for _, m := range s.Marks {
		if strings.Contains(m, "prefix") || strings.Contains(m, "reset") {
			j.t.Errorf("trial %s: %s", trial, m)
		}
	}
	rows := table(j.t, j.path(trial, "server.csv"))
	for _, server := range servers {
		n, last := 0, -1.0
		for _, row := range rows {
			tokens, err := strconv.ParseFloat(row["gen_tokens_total"], 64)
			if row["endpoint"] != server {
				continue
			}
			if n++; err != nil || tokens < last || row["kv_usage_ratio"] != "" {
				j.t.Fatalf("trial %s: row %v", trial, row)
			}
			last = tokens
		}
		if n < 8 {
			j.t.Errorf("trial %s: server.csv has %d rows of %s", trial, n, server)
		}
	}
}

// wantAdded wants what the recipe adds in the monitors' files and in the report.
func (j *job) wantAdded() {
	j.t.Helper()
	for _, node := range j.nodes {
		rows := table(j.t, j.path("monitor-"+node+".csv"))
		if cells := column(rows, "custom_stood_at_rpm"); !slices.Contains(cells, "42.5") || slices.ContainsFunc(cells, func(c string) bool { return c != "" && c != "42.5" }) {
			j.t.Errorf("%s: %q", node, cells)
		}
		if cells := column(rows, "custom_broken"); slices.ContainsFunc(cells, func(c string) bool { return c != "" }) {
			j.t.Errorf("%s: a command that fails gives %q", node, cells)
		}
	}
	rows := table(j.t, j.path("summary.csv"))
	if got := column(rows, "server_custom_resets_mean"); !slices.Equal(got, []string{"1", "2"}) {
		j.t.Errorf("summary.csv: resets %q", got)
	}
	for file, words := range map[string][]string{
		"report.txt":  {"Proof", "stood_at_rpm"},
		"report.html": {"tokens made", "resets 2.00 (max 2.00)", "stood_at_rpm", "serving on http://"},
	} {
		text, err := os.ReadFile(j.path(file))
		if err != nil {
			j.t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(string(text), word) {
				j.t.Errorf("%s has no %q", file, word)
			}
		}
	}
}

// wantProof wants each server's address, which differs, by its node.
func (j *job) wantProof(servers []string) {
	j.t.Helper()
	var a struct {
		Deployments []struct {
			Proof []struct{ Name, Value, Node string }
		}
	}
	readJSON(j.t, j.path("job.json"), &a)
	if len(a.Deployments) != 1 || len(a.Deployments[0].Proof) != 2 {
		j.t.Fatalf("job.json: %+v", a)
	}
	for _, p := range a.Deployments[0].Proof {
		k := slices.IndexFunc(j.nodesOf("server"), func(s [3]string) bool { return s[0] == p.Node })
		if k < 0 || p.Name != "address" || p.Value != "serving on "+servers[k] {
			j.t.Errorf("job.json: %+v", p)
		}
	}
}

//go:build e2e

package testbed

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Four servers share a node: each has one of its GPUs and a port, and all get requests; both starts of them count.
func TestServersShareANode(t *testing.T) {
	t.Parallel()
	j := compile(t, "shared", 1).submit()
	j.until("start of the first trial", j.started("0001"))
	var gpus []string
	for line := range strings.Lines(on(t, j.nodes[0], "bash", "-c", `for p in $(pgrep -f 'agent dummy'); do tr '\0' '\n' <"/proc/$p/environ" | grep ^CUDA_VISIBLE_DEVICES=; done; true`)) {
		gpus = append(gpus, strings.TrimSpace(line))
	}
	slices.Sort(gpus)
	if want := []string{"CUDA_VISIBLE_DEVICES=0", "CUDA_VISIBLE_DEVICES=1", "CUDA_VISIBLE_DEVICES=2", "CUDA_VISIBLE_DEVICES=3"}; !slices.Equal(gpus, want) {
		t.Errorf("the servers see %q, want each its own", gpus)
	}
	j.wait(completed)
	if rows := j.nodesOf("server"); len(rows) != 4 || rows[0][2] == rows[1][2] {
		t.Errorf("nodes.tsv has the servers %v, want four with ports of their own", rows)
	}
	if rows := j.nodesOf("client"); len(rows) != 1 || rows[0][0] != j.nodes[0] {
		t.Errorf("the client is on %v", rows)
	}
	sent := map[string]record{}
	for _, trial := range trials(2) {
		j.wantGood(trial)
		j.enter(sent, trial)
	}
	j.wantTruth(sent)
}

// A heterogeneous job has its client and monitor in the first component, and its servers, with the GPUs, in the second.
func TestHeterogeneousJob(t *testing.T) {
	t.Parallel()
	b := compile(t, "het", 4)
	j := b.submitWith(b.elsewhere())
	j.wait(completed)
	for role, want := range map[string]int{"monitor": 1, "client": 1, "server": 2} {
		if got := len(j.nodesOf(role)); got != want {
			t.Errorf("nodes.tsv has %d of role %s, want %d", got, role, want)
		}
	}
	sent := map[string]record{}
	j.wantGood("0001")
	j.enter(sent, "0001")
	j.wantTruth(sent)
	for _, node := range j.nodes {
		if _, err := os.Stat(j.path("monitor-" + node + ".csv")); err != nil {
			t.Errorf("%s was not watched: %v", node, err)
		}
	}
}

// Roles go to the nodes that the recipe names.
func TestNamedNodes(t *testing.T) {
	t.Parallel()
	b := compileText(t, "named", 2, func(text string, nodes []string) string {
		return strings.NewReplacer("SERVER", nodes[1], "CLIENT", nodes[0]).Replace(text)
	})
	j := b.submitWith()
	j.wait(completed)
	if s, c := j.nodesOf("server"), j.nodesOf("client"); len(s) != 1 || len(c) != 1 || s[0][0] != b.nodes[1] || c[0][0] != b.nodes[0] {
		t.Errorf("server on %v and client on %v, want %s and %s", s, c, b.nodes[1], b.nodes[0])
	}
	j.wantGood("0001")
}

// A job's load goes to a server that runs already, and the server still runs when the job is over.
func TestServerThatRunsAlready(t *testing.T) {
	t.Parallel()
	b := compileText(t, "external", 1, func(text string, _ []string) string {
		return strings.ReplaceAll(text, "ADDRESS", "http://login:28123")
	})
	shell(t, "setsid /opt/hpcbench/bin/agent dummy --listen 0.0.0.0:28123 --model tiny --ttft 20ms --itl 5ms --truth '"+b.dir+"/truth.jsonl' >/dev/null 2>&1 & echo $! >'"+b.dir+"/pid'")
	t.Cleanup(func() { shell(t, "kill $(cat '"+b.dir+"/pid')") })
	j := b.submit()
	j.wait(completed)
	for _, trial := range trials(2) {
		j.wantGood(trial)
	}
	if status, _ := ask(t, "GET", "http://10.87.0.11:28123/health", ""); status != 200 {
		t.Errorf("the server says %d after the job", status)
	}
	if truth, err := os.ReadFile(outside(b.dir + "/truth.jsonl")); err != nil || strings.Count(string(truth), "\n") < j.summary("0001").Requests.Sent {
		t.Errorf("the server knows of %d requests (%v)", strings.Count(string(truth), "\n"), err)
	}
}

// Under salloc the script that is run says which bundle it is, whatever lies where salloc was called.
func TestScriptUnderSalloc(t *testing.T) {
	t.Parallel()
	b := compile(t, "short", 2)
	other := b.dir + "-other"
	shell(t, "cp -r '"+b.dir+"' '"+other+"'")
	shell(t, "cd '"+other+"' && salloc --quiet --ntasks-per-node=1 --nodelist="+strings.Join(b.nodes, ",")+" bash -c 'cd \"$1\" && bash job.sbatch --smoke' bash '"+b.dir+"'")
	for dir, want := range map[string]int{b.dir: 1, other: 0} {
		if found, err := filepath.Glob(outside(dir) + "/results/smoke/*/smoke-d1/summary.json"); err != nil || len(found) != want {
			t.Errorf("%s has %d smoke trials (%v), want %d", dir, len(found), err, want)
		}
	}
	wantEmpty(t, b.nodes)
}

// A plan that one job can't hold is queued as several, each after the one before; --smoke before it counts for nothing.
func TestSmokeThenChainedJobs(t *testing.T) {
	t.Parallel()
	b := compile(t, "chain", 1)
	smoke := b.submitWith("--smoke", "--nodelist="+b.nodes[0])
	smoke.wait(completed)
	if _, err := os.Stat(filepath.Join(outside(b.dir), "results/smoke", smoke.id, "smoke-d1/summary.json")); err != nil {
		t.Errorf("the smoke trial left no summary: %v", err)
	}
	jobs := b.submitAll("--nodelist=" + b.nodes[0])
	if len(jobs) != 3 {
		t.Fatalf("%d jobs are queued, want 3", len(jobs))
	}
	for _, j := range jobs {
		j.end(completed)
	}
	for _, row := range table(t, filepath.Join(outside(b.dir), "results/summary.csv")) {
		if row["trial"] == "" || strings.HasPrefix(row["trial"], "smoke") {
			t.Errorf("the report over all jobs has %v", row)
		}
	}
	wantReport(t, filepath.Join(outside(b.dir), "results"), 3)
}

//go:build e2e

package testbed

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A vllmRun is a way in which a real vLLM runs over nodes.
type vllmRun struct {
	name   string
	recipe string   // testbed/recipes/NAME.yaml
	edits  []string // in it, old and new in turn
	ranks  int      // nodes of the server, one rank on each
	place  string   // of a rank %d, as vLLM writes it down
	says   string   // the answers' system_fingerprint has it
	ray    bool
}

const (
	threeNodes = "total_nodes: 4\n  node_allocation:\n    servers: {nodes: 3}"
	twoNodes   = "total_nodes: 3\n  node_allocation:\n    servers: {nodes: 2}"
)

var vllmRuns = []vllmRun{
	{name: "one node", recipe: "vllm", ranks: 1, place: "PP rank %d,", says: "vllm-0.32.0"},
	{name: "ray, a pipeline of two", recipe: "vllm-ray", ranks: 2, place: "PP rank %d,", says: "-pp2-", ray: true},
	{
		name: "ray, tensors cut in two", recipe: "vllm-ray", ranks: 2, place: "TP rank %d,", says: "-tp2-", ray: true,
		edits: []string{"pipeline_parallel_size: 2", "tensor_parallel_size: 2"},
	},
	{
		name: "ray, a pipeline of three", recipe: "vllm-ray", ranks: 3, place: "PP rank %d,", says: "-pp3-", ray: true,
		edits: []string{"pipeline_parallel_size: 2", "pipeline_parallel_size: 3", twoNodes, threeNodes, "/models/tiny-llama", "/models/tiny-llama-3"},
	},
	{
		name: "mp, tensors cut in two, vLLM as it is published", recipe: "vllm-mp", ranks: 2, place: "TP rank %d,", says: "-tp2-",
		edits: []string{"environment:", "environment:\n  VLLM_PLUGINS: none"},
	},
	{
		name: "mp, a pipeline of two", recipe: "vllm-mp", ranks: 2, place: "PP rank %d,", says: "-pp2-",
		edits: []string{"tensor_parallel_size: 2", "pipeline_parallel_size: 2"},
	},
}

// A real vLLM on one node, and over nodes by either of its back ends, is started, fed and ended by its bundle: every rank
// takes part, every answer has the tokens that were asked for, and nothing stays on any node.
func TestVLLM(t *testing.T) {
	for _, r := range vllmRuns {
		t.Run(strings.NewReplacer(" ", "-", ",", "").Replace(r.name), func(t *testing.T) {
			t.Parallel()
			needVLLM(t)
			began := time.Now()
			j := edited(t, r.recipe, 1+r.ranks, r.edits...).submit()
			j.wantFingerprint(r.says)
			j.wait(completed)
			j.wantRanks(r)
			j.wantTokens(50)
			j.wantVLLMTold()
			j.wantProven(r)
			wantReport(t, j.path(), len(j.account().Trials))
			t.Logf("took %.0f s", time.Since(began).Seconds())
		})
	}
}

// The recipes that the project ships for vLLM end in a report as they are but for the sizes of this cluster and for time: their
// image and their models are where they look for them (testbed/vllm).
func TestVLLMRecipes(t *testing.T) {
	here := []string{"workload.concurrency=[1,4]", "workload.warmup=5s", "workload.duration=30s", "resources.servers.cpus_per_task=6",
		"resources.servers.mem_gb=16", "resources.clients.cpus_per_task=2", "resources.clients.mem_gb=4"}
	one := append(slices.Clip(here), "resources.servers.gpus=1")
	for _, c := range []struct {
		name  string
		nodes int
		set   []string
	}{
		{"vllm", 1, append(slices.Clip(one), "servers.service_config.tensor_parallel_size=1")},
		{"vllm-ray", 2, append(slices.Clip(one), "servers.service_config.distributed.tensor_parallel_size=1",
			"servers.service_config.distributed.ray.num_gpus_per_node=1")},
		{"vllm-mp", 2, append(slices.Clip(one), "servers.service_config.distributed.tensor_parallel_size=1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			needVLLM(t)
			nodes := take(t, c.nodes)
			dir := recipeFrom(t, "../recipes/"+c.name+".yaml")
			line := "cd '" + dir + "' && /opt/hpcbench/bin/gen run recipe.yaml -o . --every 1s --cluster testbed --set '" +
				strings.Join(c.set, "' --set '") + "' -- --nodelist=" + strings.Join(nodes, ",")
			stdout, stderr, status := try(t, line)
			if status != 0 || !strings.Contains(stdout, "2 trials planned") || !strings.Contains(stdout, "0 failed, 0 missing") {
				t.Fatalf("status %d\n%s%s", status, stdout, stderr)
			}
			j := submittedFrom(t, bundleIn(t, dir, nodes))
			j.wait(completed)
			j.wantTokens(256)
		})
	}
}

// vllmTurn is held by the one test that has a real vLLM: the machine has memory and cores for one.
var vllmTurn sync.Mutex

// placed is done once: the image and the models in their places.
var placed = sync.OnceValue(func() error {
	out, err := exec.Command("./vllm").CombinedOutput()
	if err != nil {
		return fmt.Errorf("testbed/vllm: %w\n%s", err, out)
	}
	return nil
})

// needVLLM waits for the test's turn. It is skipped where not all is to be run, or VLLM=no is set:
// its image takes minutes to make, and each test some.
func needVLLM(t *testing.T) {
	t.Helper()
	if !full || os.Getenv("VLLM") == "no" {
		t.Skip("the real vLLM: make e2e-full, or FULL=1 testbed/e2e -run " + t.Name())
	}
	vllmTurn.Lock()
	t.Cleanup(vllmTurn.Unlock)
	if err := placed(); err != nil {
		t.Fatal(err)
	}
}

// recipeFrom is a fresh directory of the user's with a recipe from anywhere.
func recipeFrom(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := workspace(t)
	writeFile(t, dir+"/recipe.yaml", string(text))
	return dir
}

// wantFingerprint asks the running server, as anyone could, and wants to hear how its model is cut.
func (j *job) wantFingerprint(says string) {
	j.t.Helper()
	j.until("start of the first trial", j.started("0001"))
	server := j.nodesOf("server")[0]
	status, body := ask(j.t, "POST", "http://"+net.JoinHostPort(server[1], server[2])+"/v1/chat/completions",
		`{"model":"tiny","max_tokens":3,"messages":[{"role":"user","content":"go on"}]}`, "Content-Type", "application/json")
	var answer struct {
		SystemFingerprint string `json:"system_fingerprint"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || !strings.Contains(answer.SystemFingerprint, says) {
		j.t.Errorf("the server answered %d %s (%v), want %q in its system_fingerprint", status, body, err, says)
	}
}

// wantRanks wants each node of the server to have its log, and each rank to have said, in a log and of its own node, which
// part is its.
func (j *job) wantRanks(r vllmRun) {
	j.t.Helper()
	servers, all := j.nodesOf("server"), ""
	for _, s := range servers {
		text, err := os.ReadFile(j.path("logs", "server.d1.1."+s[0]+".log"))
		if err != nil || len(text) == 0 {
			j.t.Errorf("the rank on %s has no log: %v", s[0], err)
		}
		all += string(text)
	}
	if len(servers) != r.ranks {
		j.t.Errorf("nodes.tsv has %d nodes of the server, want %d", len(servers), r.ranks)
	}
	for rank := range r.ranks {
		if want := fmt.Sprintf(r.place, rank); !strings.Contains(all, want) {
			j.t.Errorf("no rank of the server is %q", want)
		}
		if ip := servers[rank][1]; r.ray && rank > 0 && !regexp.MustCompile(`ip=`+regexp.QuoteMeta(ip)+`\).* rank \d+ in world size`).MatchString(all) {
			j.t.Errorf("no rank is on %s", ip)
		}
	}
	if want := fmt.Sprintf("ray counts %d nodes with 1 GPUs each", r.ranks); r.ray && !strings.Contains(all, want) {
		j.t.Errorf("the first rank's log does not say %q", want)
	}
}

// wantTokens wants trials of good requests alone, each with this many tokens by the server's count.
func (j *job) wantTokens(want int) {
	j.t.Helper()
	files, err := filepath.Glob(j.path("[0-9]*", "summary.json"))
	if err != nil || len(files) == 0 {
		j.t.Fatalf("the job has no results: %v", err)
	}
	for _, file := range files {
		trial := filepath.Base(filepath.Dir(file))
		if s := j.summary(trial); s.Requests.OK == 0 || s.Requests.Failed != 0 {
			j.t.Errorf("trial %s: %d requests ok, %d failed", trial, s.Requests.OK, s.Requests.Failed)
		}
		for _, r := range j.records(trial) {
			if r.Outcome == "ok" && (r.OutputTokens == nil || *r.OutputTokens != want || r.TokenSource != "usage") {
				j.t.Errorf("trial %s, request %d: %+v, want %d tokens by usage", trial, r.ID, r, want)
			}
		}
	}
}

// wantVLLMTold wants vLLM's own numbers of each trial, of the one server that all its ranks are, near the client's. They are read
// once a second, and in a window that vLLM knows nothing of.
func (j *job) wantVLLMTold() {
	j.t.Helper()
	for _, trial := range j.account().Trials {
		var s struct{ Server *serverTold }
		readJSON(j.t, j.path(trial.Trial, "summary.json"), &s)
		ours := float64(j.summary(trial.Trial).Tokens.Output)
		switch t := s.Server; {
		case t == nil || len(t.Endpoints) != 1 || t.Looks < 4 || t.Running == nil || t.TTFT == nil || t.GenTokens == nil || t.HitShare == nil:
			j.t.Errorf("trial %s: vLLM told %+v", trial.Trial, t)
		case *t.GenTokens < 0.5*ours || *t.GenTokens > 1.5*ours || *t.HitShare > 0.1:
			j.t.Errorf("trial %s: vLLM told of %v tokens and a share of %v of the prompts cached, and the client counts %v tokens, no prompt twice",
				trial.Trial, *t.GenTokens, *t.HitShare, ours)
		}
		if rows := table(j.t, j.path(trial.Trial, "server.csv")); len(rows) < 4 || rows[0]["kv_usage_ratio"] == "" {
			j.t.Errorf("trial %s: server.csv has %d rows: %v", trial.Trial, len(rows), rows)
		}
	}
}

// wantProven wants job.json to have what vLLM's log says of its KV cache, and of how its ranks are together.
func (j *job) wantProven(r vllmRun) {
	j.t.Helper()
	want := []string{"kv_cache: CPU KV cache size: ", "concurrency: Maximum concurrency for 512 tokens per request: ", "layout: ",
		fmt.Sprintf("world: world_size=%d ", r.ranks)}
	if r.ray {
		want = append(want, fmt.Sprintf("ranks: ray counts %d nodes", r.ranks))
	}
	var a struct {
		Deployments []struct {
			Proof []struct{ Name, Value string }
		}
	}
	readJSON(j.t, j.path("job.json"), &a)
	got := ""
	for _, d := range a.Deployments {
		for _, p := range d.Proof {
			got += p.Name + ": " + p.Value + "\n"
		}
	}
	for _, words := range want {
		if !strings.Contains(got, words) {
			j.t.Errorf("job.json does not have %q of\n%s", words, got)
		}
	}
}

//go:build e2e

package testbed

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vllmFaults are what happens to a real vLLM over nodes. Each takes minutes, but for the first.
var vllmFaults = []fault{
	{
		name: "the image has no Ray", class: loading, quick: true,
		exit: "FAILED 1", line: []string{"d1", "the image has no Ray", "ackend: mp"}, trials: "missing missing",
		run: func(t *testing.T) seen {
			return edited(t, "vllm-ray", 3, "path: vllm.sif", "path: dummy.sif", "/models/tiny-llama", "/models").submit().seen(time.Time{})
		},
	},
	{
		name: "the model is missing (vLLM)", class: loading, within: loads,
		exit: "FAILED 1", line: []string{"files: /models/none is not there", "check the path"}, trials: "missing",
		run: func(t *testing.T) seen {
			return vllm(t, "vllm", 2, "/models/tiny-llama", "/models/none").submit().seen(time.Time{})
		},
	},
	{
		name: "the KV cache is too small for one request (vLLM)", class: loading, within: loads,
		exit: "FAILED 1", line: []string{"d1", "max_model_len", "KV needs", "free", "ry max_model_len"}, trials: "missing",
		run: func(t *testing.T) seen {
			return vllm(t, "vllm", 2, "max_model_len: 512", "max_model_len: 8192", "67108864", "1048576").submit().seen(time.Time{})
		},
	},
	{
		name: "the node's memory is too small (vLLM on a CPU)", class: loading, within: loads,
		exit: "FAILED 1", line: []string{"d1", "memory is too small", "GiB free"}, trials: "missing",
		run: func(t *testing.T) seen {
			return vllm(t, "vllm", 2, "environment:", "environment:\n  VLLM_PLUGINS: none", "kv_cache_memory_bytes: 67108864", "gpu_memory_utilization: 1.0").submit().seen(time.Time{})
		},
	},
	{
		name: "a Ray worker never joins", class: loading, within: 40*time.Second + loads, // RAY_JOIN_SECONDS
		exit: "FAILED 1", line: []string{"d1", "never joined Ray", "40 s"}, trials: "missing",
		run: func(t *testing.T) seen {
			b := vllm(t, "vllm-ray", 3, "environment:", "environment:\n  RAY_JOIN_SECONDS: 40")
			wall(t, b.nodes[2], b.nodes[1], "20000-31999")
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "the head's port is another program's (Ray): others are tried", class: loading,
		exit: "COMPLETED 0", line: []string{"trying other ports"}, trials: "complete",
		run: func(t *testing.T) seen {
			b := vllm(t, "vllm-ray", 3)
			j := b.submitWith("-H", "--nodelist="+strings.Join(b.nodes, ","))
			b.takePort(strconv.Itoa(j.block() + 10))
			shell(t, "scontrol release "+j.id)
			s := j.seen(time.Time{})
			s.line, s.noticed = j.words("trying other ports"), 0 // no failure: the job goes on
			return s
		},
	},
	{
		name: "a rank is never placed", class: loading, within: 30*time.Second + busy, // Slurm's MessageTimeout here
		exit: "FAILED 233", line: []string{"d1", "Slurm could not start", "cn"}, trials: "missing",
		run: func(t *testing.T) seen {
			b := vllm(t, "vllm-mp", 3)
			shell(t, `cd '`+b.dir+`' && sed -i 's/^    start_servers /    until [[ -e "$RUN\/go" ]]; do pause; done\n&/' job.sbatch`)
			j := b.submit()
			j.until("servers that are to start", func() bool { return strings.Contains(j.output(), "── deploy") })
			j.cutOff(b.nodes[2])
			at := time.Now()
			writeFile(t, strings.TrimPrefix(j.path("go"), root), "")
			j.until("failure", j.failed)
			run(t, "mend", b.nodes[2])
			return j.seen(at)
		},
	},
	{
		name: "a Ray worker's node is cut off in a trial", class: serving, within: 15 * time.Second, // Ray's health check: env.tmpl
		exit: "FAILED 1", line: []string{"d1", "Ray lost cn"}, trials: "failed missing",
		run: func(t *testing.T) seen {
			j := vllm(t, "vllm-ray", 3, "concurrency: 1", "concurrency: [1, 4]", "duration: 8s", "duration: 30s").submit()
			j.until("start of the first trial", j.started("0001"))
			at := time.Now()
			j.cutOff(j.nodesOf("server")[1][0])
			j.until("failure", j.failed)
			run(t, "mend", j.nodesOf("server")[1][0])
			return j.seen(at)
		},
	},
	{
		name: "a Ray worker dies in a trial", class: serving,
		exit: "FAILED 1", line: []string{"d1", "worker"}, trials: "failed complete",
		run: func(t *testing.T) seen { return killedWorker(t, "vllm-ray", "ray::RayWorkerProc") },
	},
	{
		name: "a rank of mp dies in a trial", class: serving,
		exit: "FAILED 1", line: []string{"d1", "worker"}, trials: "failed complete",
		run: func(t *testing.T) seen { return killedWorker(t, "vllm-mp", "VLLM::Worker") },
	},
}

// loads is how long vLLM may take to say that it can't, from the job's start on: it imports Python for a long time on a
// machine that does other things.
const loads = 4 * time.Minute

// vllm is edited of a recipe for a real vLLM, with one trial.
func vllm(t *testing.T, name string, n int, oldnew ...string) *bundle {
	t.Helper()
	needVLLM(t)
	one := []string{"concurrency: [1, 4]", "concurrency: 1"}
	if name == "vllm" {
		one = append(one, "[openai-chat, openai-completions]", "openai-chat")
	}
	return edited(t, name, n, append(one, oldnew...)...)
}

// killedWorker kills the process of the second rank in the first of two trials.
func killedWorker(t *testing.T, recipe, process string) seen {
	t.Helper()
	j := vllm(t, recipe, 3, "concurrency: 1", "concurrency: [1, 4]", "duration: 8s", "duration: 30s").submit()
	j.until("start of the first trial", j.started("0001"))
	at := time.Now()
	on(t, j.nodesOf("server")[1][0], "pkill", "-KILL", "-u", "bench", "-f", process)
	return j.seen(at)
}

// cutOff pulls a node's cable, until the test's end or before.
func (j *job) cutOff(node string) {
	j.t.Helper()
	j.t.Cleanup(func() { run(j.t, "mend", node) })
	run(j.t, "cut", node)
}

// failed says whether the job has a first failure.
func (j *job) failed() bool { return strings.Contains(j.output(), " FAILED: ") }

// words is the first line of the job's output that has these words, without its time.
func (j *job) words(words string) string {
	for line := range strings.Lines(j.output()) {
		if strings.Contains(line, words) {
			_, after, _ := strings.Cut(strings.TrimSpace(line), " ")
			return after
		}
	}
	return ""
}

// wall has a node reach none of these TCP ports of another, as behind a firewall, until the test's end.
func wall(t *testing.T, from, to, ports string) {
	t.Helper()
	hosts, err := os.ReadFile(outside("/etc/hosts"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(hosts)) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == to {
			rule := []string{"pref", "0", "to", f[0], "ipproto", "tcp", "dport", ports, "blackhole"}
			on(t, from, append([]string{"ip", "rule", "add"}, rule...)...)
			t.Cleanup(func() { on(t, from, append([]string{"ip", "rule", "del"}, rule...)...) })
			return
		}
	}
	t.Fatal(fmt.Errorf("/etc/hosts has no %s", to))
}

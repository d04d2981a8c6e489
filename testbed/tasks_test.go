//go:build e2e

package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// compileTasks makes a bundle of the recipe tasks, whose service is a folder of the user's beside it.
func compileTasks(t *testing.T, config string) *bundle {
	t.Helper()
	nodes := take(t, 3)
	dir := workspace(t)
	shell(t, "mkdir -p '"+dir+"/services/tasks'")
	for from, to := range map[string]string{"recipes/tasks.yaml": "recipe.yaml", "services/tasks/service.yaml": "services/tasks/service.yaml"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir+"/"+to, strings.Replace(string(text), "servers:\n  health_check", "servers:\n"+config+"  health_check", 1))
	}
	shell(t, "cd '"+dir+"' && /opt/hpcbench/bin/gen recipe.yaml --services services -o .")
	return bundleIn(t, dir, nodes)
}

// said is what a task of testbed/services/tasks says of itself: its number, how many there are, its rank by PMIx, and the GPUs it sees.
var said = regexp.MustCompile(`(?m)^task (\d+) of (\d+), pmix rank (\d+) of \S+ in (/\S+), GPUs (\S+)$`)

// A server of one task per GPU: srun starts them with Slurm's own PMIx, each is a rank with a log and a sign of its own, what
// MPI needs reaches the container, and all of them are one endpoint. The server itself is stubbed: no GPU is here, and so no
// TensorRT-LLM.
func TestATaskOnEachGPUIsOneServer(t *testing.T) {
	t.Parallel()
	j := compileTasks(t, "").submit()
	j.wait(completed)
	j.wantGood("0001")

	if rows := j.nodesOf("server"); len(rows) != 2 || rows[0][2] == "-" || rows[1][2] != "-" {
		t.Errorf("server rows %v, want two, of which the first listens", rows)
	}
	for rank := range 4 {
		node := j.nodesOf("server")[rank/2][0]
		placed, err := os.ReadFile(j.path("placed", "server.d1.1", fmt.Sprint(rank)))
		if err != nil || !strings.HasPrefix(string(placed), node+" ") {
			t.Errorf("rank %d was placed as %q (%v), want it on %s", rank, placed, err, node)
		}
		log, err := os.ReadFile(j.path("logs", fmt.Sprintf("server.d1.1.%s.%d.log", node, rank)))
		want := fmt.Sprintf("rank %d of 4 on %s ", rank, node)
		if err != nil || !strings.HasPrefix(string(log), want) {
			t.Errorf("the log of rank %d does not begin with %q (%v):\n%s", rank, want, err, log)
		}
		word := said.FindStringSubmatch(string(log))
		if word == nil || word[1] != fmt.Sprint(rank) || word[2] != "4" || word[3] != word[1] || word[5] != "0,1" {
			t.Errorf("rank %d heard this from Slurm and PMIx in its container: %q, want its number and both GPUs of its node", rank, word)
		}
	}
	if logs, err := filepath.Glob(j.path("logs", "server.d1.1.*.log")); err != nil || len(logs) != 4 {
		t.Errorf("%d logs of ranks, want four: %v", len(logs), logs)
	}
}

// A task that ends takes the server with it: the job fails with the server's name, and no task is left on any node.
func TestATaskThatEndsFailsTheServer(t *testing.T) {
	t.Parallel()
	j := compileTasks(t, "  service_config: {sleep: 2}\n").submit()
	if !within(patience, j.over) || j.status().State != "FAILED" {
		t.Errorf("the job is %v, want failed", j.status())
	}
	wantEmpty(t, j.nodes)
	if a := j.account(); a.Cause == nil || !strings.Contains(fmt.Sprint(*a.Cause), "server.d1") {
		t.Errorf("the cause is %v, want server.d1's end", a.Cause)
	}
}

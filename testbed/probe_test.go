//go:build e2e

package testbed

import (
	"os"
	"strings"
	"testing"
)

// What a user of a new cluster does: writes the probe, runs it on the login node, makes a profile of what it found, and
// runs a recipe by that profile.
func TestProbeMakesProfileThatRuns(t *testing.T) {
	t.Parallel()
	nodes := take(t, 3)
	text, err := os.ReadFile("../recipes/dummy-slurm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := workspace(t)
	writeFile(t, dir+"/recipe.yaml", string(text))
	shell(t, "cd "+dir+" && /opt/hpcbench/bin/gen probe -o . --partition gpu")
	asked := shell(t, "cd / && bash "+dir+"/probe/probe.sbatch --wait --nodelist="+nodes[0])
	if !strings.HasPrefix(asked, "job ") || !strings.Contains(asked, dir+"/probe/answers.txt") {
		t.Errorf("probe.sbatch says %q", asked)
	}
	wantEmpty(t, nodes[:1])

	profile := shell(t, "cd "+dir+" && /opt/hpcbench/bin/gen probe probe/answers.txt 2>blanks | tee mine.yaml; exit ${PIPESTATUS[0]}")
	for _, want := range []string{
		"name: testbed\n", "partitions: [gpu, cpu] ", "account_required: false ", "gpu_request: gres             # a job with --gres=gpu:1 was given one\n", "gpus_per_node: 4 ",
		"cpus_per_node: 8 ", "architecture: amd64 ", "runtime: apptainer ", "interfaces: hsn[0-9]+ ", "internet_compute: false ", "max_time_s: 172800 ", "ssh_host:                     # not known",
	} {
		if !strings.Contains(profile, want) {
			t.Errorf("no %q in the profile:\n%s", want, profile)
		}
	}
	const smaller = " --set account=bench --set qos=normal --set orchestration.total_nodes=3 --set orchestration.node_allocation.servers.nodes=1 --set orchestration.node_allocation.clients.nodes=1" +
		" --set resources.servers.cpus_per_task=2 --set resources.clients.cpus_per_task=2 --set workload.duration=2s --set workload.concurrency=4"
	shell(t, "cd "+dir+" && /opt/hpcbench/bin/gen recipe.yaml --cluster ./mine.yaml -o out"+smaller)
	j := bundleIn(t, dir+"/out", nodes).submit()
	j.wait(completed)
	for _, trial := range trials(2) {
		j.wantGood(trial)
	}
}

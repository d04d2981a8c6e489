//go:build e2e

package testbed

import (
	"os"
	"strings"
	"testing"
	"time"
)

// What node/ray.sh does with Ray, against one that is played (testbed/vllmparts/played), so that it takes seconds: a job over
// Ray's nodes runs, and a node that never joins, one that Ray loses and a worker that dies are named. The real ones are in
// TestVLLM and the faults of vLLM.
func TestRayIsWatched(t *testing.T) {
	t.Run("runs", func(t *testing.T) {
		t.Parallel()
		j := played(t, "")
		j.wait(completed)
		wantReport(t, j.path(), 2)
	})
	t.Run("never joins", func(t *testing.T) {
		t.Parallel()
		j := played(t, "1")
		j.wait(status{"FAILED", "1:0"})
		j.wantLine(j.rankNode(1)[0]+" (", ") never joined Ray", "others waited 5 s")
	})
	t.Run("is lost", func(t *testing.T) {
		t.Parallel()
		j := played(t, "")
		j.until("start of the first trial", j.started("0001"))
		lost := j.rankNode(1)
		at := time.Now()
		// as Ray 2.60 writes it
		j.atHead("/tmp/hpcbench-"+j.id+"/ray/session_latest/logs/gcs_server.out", "The node with node id: ae9c and address: "+lost[1]+
			" and node name: "+lost[1]+" has been marked dead because the detector has missed too many heartbeats from it.")
		j.wait(status{"FAILED", "1:0"})
		j.wantLine("Ray lost " + lost[0] + " (" + lost[1] + ")")
		if took := j.noticed(at); took > soon+busy {
			t.Errorf("it was noticed after %v", took)
		}
		if got := j.account().states(); got["0001"] != "failed" || got["0002"] != "missing" {
			t.Errorf("the trials are %v, want the second to be left", got)
		}
	})
	t.Run("loses a worker", func(t *testing.T) {
		t.Parallel()
		j := played(t, "")
		j.until("start of the first trial", j.started("0001"))
		// as vLLM 0.32 writes it
		j.atHead(j.dir+"/results/"+j.id+"/logs/server.d1.1."+j.rankNode(0)[0]+".log",
			"(EngineCore pid=1) ERROR 11-26 07:48:03 [ray_executor_v2.py:523] RayWorkerProc rank=[1] died unexpectedly, shutting down executor.")
		j.wait(status{"FAILED", "1:0"})
		j.wantLine("a worker process of the server died")
	})
	t.Run("outlives no script", func(t *testing.T) {
		t.Parallel()
		j := played(t, "")
		j.until("start of the first trial", j.started("0001"))
		on(t, j.rankNode(0)[0], "pkill", "-KILL", "-u", "bench", "-f", "^/bin/bash .*/node/ray.sh")
		shell(t, "scancel "+j.id) // so that no step of the job's can tidy up
		if !within(patience, j.over) {
			t.Fatalf("job %s does not end", j.id)
		}
		wantEmpty(t, j.nodes)
	})
}

// played submits the Ray recipe with the played Ray, of which this rank never joins.
func played(t *testing.T, absent string) *job {
	t.Helper()
	dir := "/srv/jobs/" + strings.ReplaceAll(t.Name(), "/", "-") // as workspace makes it
	b := edited(t, "vllm-ray", 3, "vllm.sif", "dummy.sif", "concurrency: [1, 4]", "concurrency: [1, 2]", "duration: 8s", "duration: 6s",
		"/models/tiny-llama", dir+"/played", `["/srv/models:/models:ro"]`, `["`+dir+`:`+dir+`:rw", "`+dir+`/played:/usr/local/bin:ro", "/opt/hpcbench/bin:/mnt:ro"]`,
		"environment:", "environment:\n  RAY_JOIN_SECONDS: 5\n  PLAYED: "+dir+"/joined\n  PLAYED_ABSENT: '"+absent+"'")
	shell(t, "mkdir '"+dir+"/played'")
	for _, name := range []string{"ray", "vllm"} {
		text, err := os.ReadFile("vllmparts/played/" + name)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir+"/played/"+name, string(text))
		shell(t, "chmod +x '"+dir+"/played/"+name+"'")
	}
	return b.submit()
}

// rankNode is the server's node of this rank: its name, address and port.
func (j *job) rankNode(rank int) [3]string {
	j.t.Helper()
	nodes := j.nodesOf("server")
	if rank >= len(nodes) {
		j.t.Fatalf("nodes.tsv has the server nodes %q, and none of rank %d", nodes, rank)
	}
	return nodes[rank]
}

// atHead adds a line to a file on the first node of the server.
func (j *job) atHead(file, line string) {
	j.t.Helper()
	run(j.t, "as", "bench", j.rankNode(0)[0], "bash", "-c", `printf '%s\n' "$2" >>"$1"`, "bash", file, line)
}

// wantLine wants these words in the line that says why the job failed, in this order.
func (j *job) wantLine(words ...string) {
	j.t.Helper()
	if line := j.lastLine(); !inOrder(line, words) {
		j.t.Errorf("the line is %q, want %q in it", line, words)
	}
}

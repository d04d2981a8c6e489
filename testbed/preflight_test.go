//go:build e2e

package testbed

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// check is what the tests read of job.json's preflight.
type check struct{ Node, Check, State, Words string }

// checks are those of the job that came to this state.
func (j *job) checks(state string) []check {
	j.t.Helper()
	var a struct {
		Preflight []check
		Edited    []string
	}
	readJSON(j.t, j.path("job.json"), &a)
	return slices.DeleteFunc(a.Preflight, func(c check) bool { return c.State != state })
}

// wantStopped wants a job that ended before anything was started on a node, because of this.
func (j *job) wantStopped(words ...string) {
	j.t.Helper()
	j.wait(status{"FAILED", "1:0"})
	for _, w := range words {
		j.wantCause("preflight", 1, w)
	}
	for _, p := range j.account().Phases {
		if p.Name == "deploy" {
			j.t.Error("a server was started")
		}
	}
	if logs, _ := filepath.Glob(j.path("logs", "server*")); len(logs) > 0 {
		j.t.Errorf("servers left logs: %q", logs)
	}
}

// Every node is looked at, and what was found is in job.json.
func TestPreflightOfEveryNode(t *testing.T) {
	t.Parallel()
	j := compile(t, "short", 2).submit()
	j.wait(completed)
	for _, node := range j.nodes {
		for _, name := range []string{"shared", "interface", "clock", "shm", "tmp", "results"} {
			if !slices.ContainsFunc(append(j.checks("ok"), j.checks("warn")...), func(c check) bool { return c.Node == node && c.Check == name && c.Words != "" }) {
				t.Errorf("%s: no word on %s", node, name)
			}
		}
	}
	if bad := j.checks("fail"); len(bad) > 0 {
		t.Errorf("healthy nodes failed: %v", bad)
	}
}

// A node whose clock is off by minutes: clocks of this cluster's nodes can't differ, so the agent is told by its flag.
func TestClockOff(t *testing.T) {
	t.Parallel()
	b := compile(t, "short", 2)
	b.edit("node/preflight.sh", `^words=(--results`, `[[ $NODE == `+b.nodes[1]+` ]] \&\& OFF=5m; words=(--clock-offset "${OFF:-0s}" --results`)
	j := b.submit()
	j.wantStopped(b.nodes[1]+": clock: ", "300.0", "tell the site")
	if !strings.Contains(read(t, j.path("blamed.tsv")), b.nodes[1]+"\tclock") {
		t.Errorf("blamed: %s", read(t, j.path("blamed.tsv")))
	}
}

// edit changes a file of the bundle as a person would, by a pattern of sed.
func (b *bundle) edit(file, from, to string) {
	b.t.Helper()
	before := read(b.t, filepath.Join(outside(b.dir), file))
	shell(b.t, "cd '"+b.dir+"' && sed -i 's|"+from+"|"+to+"|' "+file)
	if read(b.t, filepath.Join(outside(b.dir), file)) == before {
		b.t.Fatalf("%s has no %q", file, from)
	}
}

// The model's file is not where the container looks for it: found in seconds, not by the server after its start.
func TestModelFileMissing(t *testing.T) {
	t.Parallel()
	j := compileText(t, "llama", 2, func(text string, _ []string) string {
		return strings.ReplaceAll(text, "[/models/loop.gguf, /models/chain.gguf]", "/models/nowhere/mine.gguf")
	}).submit()
	j.wantStopped("files: /models/nowhere/mine.gguf is not there, /models is (check the path and the binds)")
}

// An image that one node can't run, for it reads another file there: that node is named, and the others are not.
func TestImageNotExecutableOnANode(t *testing.T) {
	t.Parallel()
	image := ""
	b := compileText(t, "llama", 2, func(text string, _ []string) string {
		image = "/srv/jobs/" + t.Name() + "/llama.sif"
		return strings.ReplaceAll(text, "containers_dir: /srv/images", "containers_dir: /srv/jobs/"+t.Name())
	})
	shell(t, "cp /srv/images/llama.sif "+image)
	server := b.nodes[1]
	on(t, server, "mount", "--bind", "/etc/services", image)
	t.Cleanup(func() { on(t, server, "umount", image) })
	j := b.submit()
	j.wantStopped(server+": image: ", "llama.sif does not run here: ")
	if err := os.Remove(j.path("control.token")); err == nil {
		t.Error("the job's token was left")
	}
}

// An agent of another architecture, as a bundle compiled for another cluster has it: said with both names.
func TestAgentOfAnotherArchitecture(t *testing.T) {
	t.Parallel()
	b := compile(t, "short", 2)
	node := b.nodes[1]
	path := filepath.Join(outside(b.dir), "bin/agent")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[18] = 183 // e_machine of its ELF header: EM_AARCH64
	writeFile(t, b.dir+"/agent-aarch64", string(text))
	shell(t, "chmod +x '"+b.dir+"/agent-aarch64'")
	on(t, node, "mount", "--bind", b.dir+"/agent-aarch64", b.dir+"/bin/agent")
	t.Cleanup(func() { on(t, node, "umount", b.dir+"/bin/agent") })
	j := b.submit()
	j.wantStopped(node+": agent: bin/agent does not run here: it is for aarch64, this node is x86_64")
}

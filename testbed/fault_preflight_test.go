//go:build e2e

package testbed

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// preflightFaults are found on the nodes before a server is started there.
var preflightFaults = []fault{
	{
		// clocks of this cluster's nodes can't differ, so the agent is told by its flag
		name: "a node's clock is off by minutes", class: starting, quick: true,
		exit: "FAILED 1", line: []string{": clock: this node's clock is ", "300.", "tell the site"}, trials: "missing",
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			b.edit("node/preflight.sh", `^words=(--results`, `[[ $NODE == `+b.nodes[1]+` ]] \&\& OFF=5m; words=(--clock-offset "${OFF:-0s}" --results`)
			return b.submit().stopped(b.nodes[1])
		},
	},
	{
		name: "the model's file is a pointer of Git LFS", class: starting,
		exit: "FAILED 1", line: []string{"files: /mine/model.gguf is a pointer of Git LFS instead of the file (git lfs pull)"}, trials: "missing missing",
		run: func(t *testing.T) seen {
			dir := workspace(t) + "-models"
			shell(t, "mkdir -p '"+dir+"'")
			writeFile(t, dir+"/model.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n")
			return edited(t, "llama", 2, "[/models/loop.gguf, /models/chain.gguf]", "/mine/model.gguf", `"/srv/models:/models:ro"`, `"`+dir+`:/mine:ro"`).submit().stopped("")
		},
	},
	{
		name: "one node can't run the image", class: starting,
		exit: "FAILED 1", line: []string{": image: ", "mine.sif does not run here: ", "apptainer exec"}, trials: "missing",
		run: func(t *testing.T) seen {
			b := withImage(t, "mine.sif")
			image := filepath.Dir(b.dir) + "/mine.sif"
			shell(t, "cp /srv/images/dummy.sif '"+image+"'")
			b.mount(b.nodes[1], "/etc/services", image)
			return b.submit().stopped(b.nodes[1])
		},
	},
	{
		name: "the agent can't be run on one node", class: starting, within: 20 * time.Second, // the others wait for its clock
		exit: "FAILED 1", line: []string{": agent: bin/agent does not run here: it is for aarch64, this node is x86_64"}, trials: "missing",
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			agent := []byte(read(t, outside(b.dir)+"/bin/agent"))
			agent[18] = 183 // EM_AARCH64, the machine in an ELF header
			if err := os.WriteFile(outside(b.dir)+".foreign", agent, 0o755); err != nil {
				t.Fatal(err)
			}
			b.mount(b.nodes[1], b.dir+".foreign", b.dir+"/bin/agent")
			return b.submit().stopped(b.nodes[1])
		},
	},
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

// mount has one node see another file at a path, until the test's end.
func (b *bundle) mount(node, file, path string) {
	b.t.Helper()
	on(b.t, node, "mount", "--bind", file, path)
	b.t.Cleanup(func() { on(b.t, node, "umount", path) })
}

// stopped is seen of a job that must have ended before anything was started on its nodes; the node, where one is named, must
// be the one that was blamed.
func (j *job) stopped(node string) seen {
	j.t.Helper()
	s := j.seen(time.Time{})
	if logs, _ := filepath.Glob(j.path("logs", "server*")); len(logs) > 0 {
		j.t.Errorf("a server was started: %q", logs)
	}
	blamed := textOf(j.path("blamed.tsv"))
	if node != "" && (!strings.HasPrefix(s.line, node+": ") || !strings.HasPrefix(blamed, node+"\t")) || node == "" && blamed != "" {
		j.t.Errorf("blamed is %q and the line %q, want node %q", blamed, s.line, node)
	}
	return s
}

// Every node is looked at, and what was found is in job.json.
func TestPreflightOfEveryNode(t *testing.T) {
	t.Parallel()
	j := compile(t, "short", 2).submit()
	j.wait(completed)
	type check struct{ Node, Check, State, Words string }
	var a struct{ Preflight []check }
	readJSON(t, j.path("job.json"), &a)
	for _, node := range j.nodes {
		for _, name := range []string{"shared", "interface", "clock", "shm", "tmp", "results"} {
			if !slices.ContainsFunc(a.Preflight, func(c check) bool { return c.Node == node && c.Check == name && c.Words != "" }) {
				t.Errorf("%s: no word on %s in %v", node, name, a.Preflight)
			}
		}
	}
	if k := slices.IndexFunc(a.Preflight, func(c check) bool { return c.State == "fail" }); k >= 0 {
		t.Errorf("a healthy node failed: %v", a.Preflight[k])
	}
}

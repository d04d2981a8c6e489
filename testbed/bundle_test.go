//go:build e2e

package testbed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long anything of a healthy job may take, on a machine that is busy with other things.
const patience = 8 * time.Minute

// A bundle is what gen made of a recipe, in a directory of the user's.
type bundle struct {
	t     *testing.T
	dir   string   // as the nodes know it
	nodes []string // for its jobs
}

// compile has gen make a bundle of testbed/recipes/NAME.yaml, on the login node, in a fresh directory of the test; its
// jobs get n nodes that are the test's own.
func compile(t *testing.T, name string, n int) *bundle {
	t.Helper()
	return compileText(t, name, n, func(text string, _ []string) string { return text })
}

// compileText is compile of a recipe whose text the test edits, for what it learns only now.
func compileText(t *testing.T, name string, n int, edit func(text string, nodes []string) string) *bundle {
	t.Helper()
	nodes := take(t, n)
	text, err := os.ReadFile(filepath.Join("recipes", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := workspace(t)
	writeFile(t, dir+"/recipe.yaml", edit(string(text), nodes))
	shell(t, "cd "+dir+" && /opt/hpcbench/bin/gen recipe.yaml -o .")
	return bundleIn(t, dir, nodes)
}

// bundleIn is the one bundle below dir.
func bundleIn(t *testing.T, dir string, nodes []string) *bundle {
	t.Helper()
	manifests, err := filepath.Glob(outside(dir) + "/*/MANIFEST")
	if err != nil || len(manifests) != 1 {
		t.Fatalf("there is no one bundle in %s: %v %v", dir, manifests, err)
	}
	return &bundle{t, strings.TrimPrefix(filepath.Dir(manifests[0]), root), nodes}
}

// workspace is a fresh directory of the user's, named after the test.
func workspace(t *testing.T) string {
	t.Helper()
	dir := "/srv/jobs/" + strings.ReplaceAll(t.Name(), "/", "-")
	if err := os.RemoveAll(outside(dir)); err != nil {
		t.Fatal(err)
	}
	shell(t, "mkdir '"+dir+"'")
	return dir
}

// benchID is the user's number, the first that Debian gives.
const benchID = 1000

// writeFile writes a file of the user's at a path of the nodes'.
func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(outside(path), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(outside(path), benchID, benchID); err != nil {
		t.Fatal(err)
	}
}

// A job is one submission of a bundle.
type job struct {
	*bundle
	id string
}

var submitted = regexp.MustCompile(`(?m)^job(?:-\d+)?\.sbatch: job (\d+)$`)

// submit submits the bundle as its README says to, to the test's nodes.
func (b *bundle) submit() *job {
	b.t.Helper()
	return b.submitWith("--nodelist=" + strings.Join(b.nodes, ","))
}

// submitWith submits the bundle with these arguments.
func (b *bundle) submitWith(args ...string) *job {
	b.t.Helper()
	return b.submitAll(args...)[0]
}

// submitAll submits the bundle with these arguments and gives all of its jobs, in the order in which they run. A job that
// is left when the test ends is cancelled.
func (b *bundle) submitAll(args ...string) []*job {
	b.t.Helper()
	out := shell(b.t, "cd '"+b.dir+"' && ./submit.sh "+strings.Join(args, " "))
	var jobs []*job
	for _, m := range submitted.FindAllStringSubmatch(out, -1) {
		j := &job{b, m[1]}
		b.t.Cleanup(j.leave)
		jobs = append(jobs, j)
	}
	if len(jobs) == 0 {
		b.t.Fatalf("submit.sh names no job:\n%s", out)
	}
	return jobs
}

// elsewhere keeps jobs from all nodes but the test's own: for jobs of another size than it has nodes, and for those of two
// components, whose node lists would differ.
func (b *bundle) elsewhere() string {
	others := slices.DeleteFunc(compute(), func(node string) bool { return slices.Contains(b.nodes, node) })
	return "--exclude=" + strings.Join(others, ",")
}

// leave cancels the job and, where the test failed, shows what the job said.
func (j *job) leave() {
	run(j.t, "as", "bench", "login", "scancel", "--quiet", j.id)
	within(time.Minute, j.over)
	if j.t.Failed() {
		j.t.Logf("job %s: %s\n%s", j.id, j.status(), j.output())
	}
}

// status is a job as Slurm knows it.
type status struct {
	State string // COMPLETED, FAILED, CANCELLED, ...
	Exit  string // status:signal
}

func (j *job) status() status {
	j.t.Helper()
	words := map[string]string{}
	for _, word := range strings.Fields(run(j.t, "on", "login", "scontrol", "--oneliner", "show", "job", j.id)) {
		if key, value, ok := strings.Cut(word, "="); ok {
			words[key] = value
		}
	}
	return status{words["JobState"], words["ExitCode"]}
}

func (j *job) over() bool {
	switch j.status().State {
	case "PENDING", "CONFIGURING", "RUNNING", "COMPLETING":
		return false
	}
	return true
}

// wait waits for the job's end, and wants it to have this state and exit status and to leave no process on its nodes.
func (j *job) wait(want status) {
	j.t.Helper()
	j.end(want)
	wantEmpty(j.t, j.nodes)
}

// end waits for the job's end, and wants it to have this state and exit status.
func (j *job) end(want status) {
	j.t.Helper()
	if !within(patience, j.over) {
		j.t.Fatalf("job %s still runs after %v", j.id, patience)
	}
	if got := j.status(); got != want {
		j.t.Errorf("job %s ended as %v, want %v", j.id, got, want)
	}
}

// completed is the good end of a job.
var completed = status{"COMPLETED", "0:0"}

// until waits for something of a running job. When the job ends before, or it does not come, the test is over.
func (j *job) until(what string, yes func() bool) {
	j.t.Helper()
	if !within(patience, func() bool { return yes() || j.over() }) || !yes() {
		j.t.Fatalf("job %s: no %s (%v)", j.id, what, j.status())
	}
}

// started says whether the job's script has noted the start of the trial.
func (j *job) started(trial string) func() bool {
	return func() bool {
		events, _ := os.ReadFile(j.path("events.tsv"))
		return strings.Contains(string(events), "\ttrial\t"+trial+"\tstart")
	}
}

// complete says whether the trial has its key, which is written last.
func (j *job) complete(trial string) func() bool {
	return func() bool { _, err := os.Stat(j.path(trial, "key")); return err == nil }
}

// path is where this process finds a file of the job's results.
func (j *job) path(parts ...string) string {
	return filepath.Join(append([]string{outside(j.dir), "results", j.id}, parts...)...)
}

// output is what the job's script printed.
func (j *job) output() string {
	text, err := os.ReadFile(filepath.Join(outside(j.dir), "slurm-"+j.id+".out"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// account reads the job's job.json.
func (j *job) account() account {
	j.t.Helper()
	var a account
	readJSON(j.t, j.path("job.json"), &a)
	return a
}

// nodesOf are the rows of nodes.tsv with this role, each node, ip and port.
func (j *job) nodesOf(role string) [][3]string {
	text, _ := os.ReadFile(j.path("nodes.tsv"))
	var rows [][3]string
	for line := range strings.Lines(string(text)) {
		if c := strings.Split(strings.TrimSpace(line), "\t"); len(c) == 4 && c[0] == role {
			rows = append(rows, [3]string(c[1:]))
		}
	}
	return rows
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

//go:build e2e

package testbed

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var queued = regexp.MustCompile(`(?m)^job\.sbatch: job (\d+)`)

// submitUntilDone submits the bundle with n successors, to the test's nodes, and gives all jobs in their order.
func (b *bundle) submitUntilDone(n string) []*job {
	b.t.Helper()
	out := shell(b.t, "cd '"+b.dir+"' && ./submit.sh --until-done "+n+" "+b.elsewhere())
	var jobs []*job
	for _, m := range queued.FindAllStringSubmatch(out, -1) {
		j := &job{b, m[1]}
		b.t.Cleanup(j.leave)
		jobs = append(jobs, j)
	}
	return jobs
}

// A node on which every server dies is blamed by the first job, and by the second, which Slurm starts because the first failed;
// the third leaves it out and runs what is left; the one behind it is not needed and goes.
func TestUntilDoneLeavesABlamedNodeOut(t *testing.T) {
	t.Parallel()
	b := compile(t, "pair", 3)
	// the first node that has a server is the bad one: there each is killed after some seconds
	b.edit("node/server.sh", `^read_env `, `[[ -e $BUNDLE/bad ]] \|\| printf "%s" "$NODE" >"$BUNDLE/bad"\n`+
		`[[ $NODE != $(<"$BUNDLE/bad") ]] \|\| (sleep 5; pkill -KILL -P $$ -f "agent dummy") \&\nread_env `)
	jobs := b.submitUntilDone("3")
	if len(jobs) != 4 {
		t.Fatalf("%d jobs, want 4", len(jobs))
	}
	jobs[0].end(status{"FAILED", "137:0"})
	bad := read(t, outside(b.dir)+"/bad")
	if blamed := read(t, jobs[0].path("blamed.tsv")); strings.Count(blamed, bad+"\t") < 2 {
		t.Errorf("blamed:\n%s", blamed)
	}
	jobs[1].end(status{"FAILED", "137:0"}) // a server that died twice in one job may have itself to blame
	jobs[2].end(completed)
	if got := jobs[2].nodesOf("server")[0][0]; got == bad {
		t.Errorf("the third job's server is on %s again", got)
	}
	jobs[3].wantCancelled()
	wantEmpty(t, b.nodes)
	out, _, code := try(t, "'"+b.dir+"/status'")
	if code != 0 || !strings.HasPrefix(out, "3/3 done\n") || !strings.Contains(out, "bundle edited: node/server.sh") {
		t.Errorf("status %d: %s", code, out)
	}
}

// wantCancelled wants a job that never ran.
func (j *job) wantCancelled() {
	j.t.Helper()
	if !within(patience, j.over) || j.status().State != "CANCELLED" {
		j.t.Errorf("job %s is %v, want CANCELLED", j.id, j.status())
	}
	if states := textOf(j.path("events.tsv")); strings.Contains(states, "\ttrial\t") {
		j.t.Errorf("job %s ran a trial:\n%s", j.id, states)
	}
}

// A chain whose running job is cancelled runs no more.
func TestCancelledChainStops(t *testing.T) {
	t.Parallel()
	b := compile(t, "pair", 2)
	jobs := b.submitUntilDone("2")
	jobs[0].until("start of the first trial", jobs[0].started("0001"))
	out, _, code := try(t, "'"+b.dir+"/status'")
	if code != 75 || !strings.Contains(out, "job "+jobs[0].id+" runs trial 0001 ") || !strings.Contains(out, "job "+jobs[1].id+" waits (Dependency)") {
		t.Errorf("status %d: %s", code, out)
	}
	shell(t, "scancel "+jobs[0].id)
	if !within(patience, func() bool { return !slices.ContainsFunc(jobs, func(j *job) bool { return !j.over() }) }) {
		t.Fatal("the chain goes on")
	}
	for _, j := range jobs[1:] {
		if s := j.status().State; s != "CANCELLED" && s != "FAILED" { // where it was too late to cancel, it ends itself
			t.Errorf("job %s is %s", j.id, s)
		}
		if strings.Contains(textOf(j.path("events.tsv")), "\ttrial\t") {
			t.Errorf("job %s ran a trial", j.id)
		}
	}
	wantEmpty(t, b.nodes)
}

// What is said of a bundle by itself, in each state that it can be in, on the cluster and in a copy somewhere else.
func TestStatusOfABundle(t *testing.T) {
	t.Parallel()
	b := compile(t, "pair", 2)
	b.wantStatus(75, "0/3 done, 3 left; next: ./submit.sh\n")
	j := b.submit()
	j.until("start of the second trial", j.started("0002"))
	b.wantStatus(75, "1/3 done, 2 left; job "+j.id+" runs trial 0002 ")
	on(t, j.nodesOf("server")[0][0], "pkill", "-KILL", "-u", "bench", "-f", "agent dummy")
	j.wait(status{"FAILED", "137:0"})
	b.wantStatus(75, "2/3 done, 1 failed (", "signal 9", "; next: ./submit.sh\n")
	copied := &bundle{t, b.dir + "-copy", b.nodes} // as on a laptop: no agent that runs, no Slurm
	shell(t, "cp -r '"+b.dir+"' '"+copied.dir+"' && echo nonsense >'"+copied.dir+"/bin/agent'")
	copied.wantStatus(75, "2/3 done, 1 failed (", "counted by what the jobs wrote: ", "bundle edited: bin/agent\n")
	b.submit().wait(completed)
	b.wantStatus(0, "3/3 done\n", "report: ")
	writeFile(t, copied.dir+"/MANIFEST", "no sums\n")
	copied.wantStatus(75, "bundle edited: MANIFEST (broken: ")
}

// wantStatus wants these words of ./status, and this exit status.
func (b *bundle) wantStatus(want int, words ...string) {
	b.t.Helper()
	out, stderr, got := try(b.t, "'"+b.dir+"/status'")
	for _, w := range words {
		if !strings.Contains(out, w) {
			b.t.Errorf("status has no %q:\n%s%s", w, out, stderr)
		}
	}
	if got != want {
		b.t.Errorf("status ended with %d, want %d:\n%s%s", got, want, out, stderr)
	}
}

// A bundle edited by hand, its agent among it, runs, and everything that comes of it says so.
func TestEditedBundleIsMarkedEverywhere(t *testing.T) {
	t.Parallel()
	b := compile(t, "short", 2)
	shell(t, "cd '"+b.dir+`' && echo "HAND='made'" >>env/d1.env && printf x >>bin/agent`)
	begin := time.Now()
	j := b.submit()
	j.wait(completed)
	t.Logf("it took %v", time.Since(begin).Round(time.Second))
	const mark = "bundle edited: bin/agent, env/d1.env"
	var a struct{ Edited []string }
	readJSON(t, j.path("job.json"), &a)
	if !slices.Equal(a.Edited, []string{"bin/agent", "env/d1.env"}) {
		t.Errorf("job.json: %q", a.Edited)
	}
	if marks := j.summary("0001").Marks; !slices.Contains(marks, mark) {
		t.Errorf("summary.json: %q", marks)
	}
	if rows := table(t, j.path("..", "summary.csv")); !strings.Contains(rows[0]["marks"], mark) {
		t.Errorf("summary.csv: %q", rows[0]["marks"])
	}
	for _, file := range []string{"report.txt", "report.html", "../report.txt", "../report.html"} {
		if !strings.Contains(strings.ReplaceAll(read(t, j.path(file)), "\n", " "), mark) {
			t.Errorf("%s does not say it", file)
		}
	}
	if !strings.Contains(j.output(), "edited since it was compiled: env/d1.env") {
		t.Error("the job's log does not say it")
	}
	b.wantStatus(0, mark+"\n")
}

// textOf is a file's text, nothing where there is no file.
func textOf(path string) string {
	text, _ := os.ReadFile(path) // a job that never ran has none
	return string(text)
}

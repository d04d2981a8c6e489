//go:build e2e

package testbed

import (
	"regexp"
	"strings"
	"testing"
)

// The job script runs inside an interactive allocation as well, where Slurm does not know it and this shell is on no
// node of the job.
func TestInsideSalloc(t *testing.T) {
	t.Parallel()
	b := compile(t, "short", 2)
	stdout, stderr, status := try(t, "cd '"+b.dir+"' && salloc --nodes=2 --ntasks-per-node=1 --time=5 --nodelist="+strings.Join(b.nodes, ",")+" bash job.sbatch")
	granted := regexp.MustCompile(`Granted job allocation (\d+)`).FindStringSubmatch(stderr)
	if granted == nil || status != 0 {
		t.Fatalf("salloc ended with %d\n%s%s", status, stdout, stderr)
	}
	j := &job{b, granted[1]}
	j.wantGood("0001")
	wantEmpty(t, b.nodes)
}

// wantRanNothing wants no trial to have been started by this job, and its output to say so in these words.
func (j *job) wantRanNothing(words string) {
	j.t.Helper()
	for trial, state := range j.account().states() {
		if state != "missing" {
			j.t.Errorf("trial %s is %s, want missing", trial, state)
		}
	}
	if !strings.Contains(j.output(), words) {
		j.t.Errorf("job %s does not say %q:\n%s", j.id, words, j.output())
	}
}

package render

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A claim is void when its job is over, and when it is of this job's run before Slurm requeued it, for that has the same id.
func TestClaims(t *testing.T) {
	for name, c := range map[string]struct{ claim, want string }{
		"none":                           {"", "mine"},
		"of this job's run before":       {"7 1 0", "mine"},
		"of this job's run, and alive":   {"7 $$ 1", "theirs"},
		"of this job's run, and gone":    {"7 999999999 1", "mine"},
		"of a job that runs":             {"8 1 0", "theirs"},
		"of a job that is over":          {"9 1 0", "mine"},
		"of a job that Slurm forgot":     {"10 1 0", "mine"},
		"by a script of before, running": {"8 1", "theirs"},
		"by a script of before, over":    {"9 1", "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "results/claims"), 0o755); err != nil {
				t.Fatal(err)
			}
			got := strings.TrimSpace(bash(t, `set -uo pipefail
say() { :; }; fail() { echo "FAILED: $*"; }; pause() { :; }
`+libs(t, "slurm", "claims")+`
squeue() { case $2 in --jobs=8) echo RUNNING ;; --jobs=10) echo 'Invalid job id specified' >&2; return 1 ;; esac; }
BUNDLE='`+dir+`' PLANNED=trials JOB=7 SLURM_RESTART_COUNT=1
claim="`+c.claim+`"
[[ ! $claim ]] || echo "$claim" >"$BUNDLE/results/claims/d1"
if claim d1; then echo mine; else echo theirs; fi
read -r job process run <"$BUNDLE/results/claims/d1"
[[ "$job $process $run" == "7 $$ 1" ]] && echo kept || echo left`))
			want := c.want + "\nleft"
			if c.want == "mine" || strings.Contains(c.claim, "$$") {
				want = c.want + "\nkept"
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

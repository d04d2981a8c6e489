package submit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// bundleWith makes a bundle whose submit.sh is this.
func bundleWith(t *testing.T, submit string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "submit.sh"), []byte("#!/bin/bash\n"+submit), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSubmitReadsTheJobs(t *testing.T) {
	dir := bundleWith(t, `printf '%s\n' 'edited since it was compiled: argv/d1.0' "job-01.sbatch: job 12" "job-02.sbatch: job 13" "got $*${SBATCH_PARTITION-}${SLURM_JOB_ID-}"`)
	t.Setenv("SBATCH_PARTITION", "leaks")
	t.Setenv("SLURM_JOB_ID", "leaks")
	rows, text, err := Submit(t.Context(), Here{}, dir, "n1", false, []string{"-A", "p 1", "$(x)"})
	if err != nil || !reflect.DeepEqual(rows, []Row{{ID: "12", Script: "job-01.sbatch"}, {ID: "13", Script: "job-02.sbatch"}}) {
		t.Errorf("got %+v, %v", rows, err)
	}
	if text != "edited since it was compiled: argv/d1.0\ngot -A p 1 $(x)\n" {
		t.Errorf("the rest is %q", text)
	}
	again, err := Adopt(t.Context(), Here{}, dir, "n1")
	if err != nil || !reflect.DeepEqual(again, rows) {
		t.Errorf("adopted %+v, %v", again, err)
	}
	if none, err := Adopt(t.Context(), Here{}, dir, "n2"); err != nil || none != nil {
		t.Errorf("adopted %+v, %v from a submission that never was", none, err)
	}
}

func TestARefusedSubmissionSaysWhyAndWhatIsThere(t *testing.T) {
	for script, want := range map[string]string{
		"echo 'submit.sh: no such image: /x.sif' >&2; exit 1":         "nothing was submitted: submit.sh: no such image: /x.sif",
		"echo 'job-01.sbatch: job 12'; echo 'sbatch: no' >&2; exit 1": "not all jobs were submitted: sbatch: no",
		"echo hello": "submit.sh names no job: hello",
	} {
		rows, _, err := Submit(t.Context(), Here{}, bundleWith(t, script), "n", false, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", script, err, want)
		}
		if (len(rows) == 1) != strings.Contains(script, "job 12") {
			t.Errorf("%s: rows %+v", script, rows)
		}
	}
}

func TestALocalJobIsAProcessThatIsFollowed(t *testing.T) {
	dir := bundleWith(t, "echo \"01:02:03 job local-1: results in $PWD/results/smoke/local-1.2\"; read -r _ <fifo; exit 0\n")
	if err := os.WriteFile(filepath.Join(dir, "MANIFEST"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(t.Context(), Here{Whole: true}, dir, "", "mkfifo", "fifo"); err != nil {
		t.Fatal(err)
	}
	rows, _, err := Submit(t.Context(), Here{Whole: true}, dir, "n", true, []string{"--smoke"})
	if err != nil || len(rows) != 1 || rows[0].ID != "smoke/local-1.2" || rows[0].Process == 0 {
		t.Fatalf("got %+v, %v", rows, err)
	}
	f := &Follower{Row: rows[0]}
	look(t, f, dir)
	if f.Over() || !f.Running() {
		t.Errorf("the process is %s", f.state)
	}
	if _, err := Ask(t.Context(), Here{}, dir, "", "bash", "-c", "echo >fifo"); err != nil {
		t.Fatal(err)
	}
	for !ended(f.state) {
		look(t, f, dir)
	}
}

func TestALocalJobThatDoesNotStartIsAnError(t *testing.T) {
	_, _, err := Submit(t.Context(), Here{Whole: true}, bundleWith(t, "echo error: no; exit 2\n"), "n", true, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "nothing was submitted: ") || !strings.Contains(err.Error(), "error: no") {
		t.Errorf("got %v", err)
	}
}

func look(t *testing.T, f *Follower, dir string) []string {
	t.Helper()
	text, err := Look(t.Context(), Here{}, dir, f.ask())
	if err != nil {
		t.Fatal(err)
	}
	return f.See(text)
}

func TestAskTellsWhatFailed(t *testing.T) {
	var refused *Refusal
	out, err := Ask(t.Context(), Here{}, t.TempDir(), "in", "bash", "-c", "cat; echo noise >&2; echo last >&2; exit 3")
	if !errors.As(err, &refused) || refused.Status != 3 || refused.Error() != "last" || refused.Out != "in" || out != "in" {
		t.Errorf("got %q, %#v", out, err)
	}
	if _, err := Ask(t.Context(), Here{}, "/no/such", "", "true"); err == nil || !strings.Contains(err.Error(), "/no/such") {
		t.Errorf("a directory that is not there: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Ask(gone, Here{}, ".", "", "true"); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

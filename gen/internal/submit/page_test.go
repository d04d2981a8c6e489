package submit

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/shell"
)

// program puts a script first on PATH.
func program(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/bash\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestTheBundleOfAJobByItsNumber(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a bundle's Path=x")
	word := shell.Quoted([]string{dir})
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, script, want, wrong string }{
		{"by its script", "printf 'JobId=%s JobName=x\\n   Command=%s/job.sbatch\\n   WorkDir=/\\n' \"$3\" " + word, dir, ""},
		{"by where it was submitted", "printf 'JobId=7\\n   Command=(null)\\n   WorkDir=%s\\n' " + word, dir, ""},
		{"elsewhere", "printf 'JobId=7\\n   Command=/x/train.sh\\n   WorkDir=/x\\n'", "", "where job 7 is from Slurm does not say (it was submitted from no bundle: /x/train.sh)"},
		{"forgotten", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "", "Invalid job id specified"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "MANIFEST"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		program(t, "scontrol", c.script)
		got, err := Bundle(t.Context(), Here{}, "7")
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %q, %v", c.what, got, err)
		}
	}
}

func TestJobsThatHaveBegun(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"results/12/events.tsv", "results/12.2/events.tsv", "results/123/events.tsv", "results/smoke/13/events.tsv"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("1\tphase\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string][]string{"12": {"results/12", "results/12.2"}, "13": {"results/smoke/13"}, "14": nil} {
		if got, err := Begun(t.Context(), Here{}, dir, []string{id}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", id, got, err)
		}
	}
}

// agent is a bundle whose agent is a script.
func agentIs(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/agent"), []byte("#!/bin/bash\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAPageLastsAsLongAsItsInputIsOpen(t *testing.T) {
	dir := agentIs(t, `echo "http://127.0.0.1:4711/#$1-$2-$3"; cat; touch ended`)
	p, err := Open(t.Context(), Here{}, dir, "results/12")
	if err != nil {
		t.Fatal(err)
	}
	if p.URL.Host != "127.0.0.1:4711" || p.URL.Fragment != "watch-results/12---until-eof" {
		t.Errorf("URL %v", p.URL)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ended")); err != nil {
		t.Error("the agent did not end in good order")
	}
}

func TestAPageThatEndsSaysWhy(t *testing.T) {
	for script, want := range map[string]string{
		"echo 'watch: no such directory' >&2; exit 2": "watch: no such directory",
		"exit 1": "the agent showed no page and gave no reason",
		"echo http://127.0.0.1:1/#x; echo 'watch: the disk is gone' >&2; exit 1": "watch: the disk is gone",
	} {
		p, err := Open(t.Context(), Here{}, agentIs(t, script), "results")
		if err == nil {
			err = p.Wait(t.Context())
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", script, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Open(ctx, Here{}, agentIs(t, "echo http://127.0.0.1:1/#x; cat"), "results")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.Wait(ctx); err != nil {
		t.Errorf("at a person's wish: %v", err)
	}
	_ = p.Close() // it may have ended by its context
}

func TestForwardingSpeaksToTheOpenConnectionAlone(t *testing.T) {
	s, err := Over(Where{Host: "login9", User: "u1", Port: 2222}, Keys{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := strings.Join(s.forward(t.Context(), "forward", 8001, 39000).Args, " ")
	if want := "ssh -F none -S " + s.control + " -O forward -L 127.0.0.1:8001:127.0.0.1:39000 -- login9"; got != want {
		t.Errorf("got %s", got)
	}
	program(t, "ssh", "echo 'mux: no' >&2; exit 255")
	if _, err := s.Forward(t.Context(), 0, 39000); err == nil || !strings.Contains(err.Error(), "mux: no") {
		t.Errorf("a connection that is gone: %v", err)
	}
}

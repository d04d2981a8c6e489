package render

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/templates"
)

// libs are these parts of the job script, one after the other.
func libs(t *testing.T, names ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		text, err := templates.FS.ReadFile("lib/" + name + ".sh")
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// judged has judge_nodes look at this log of a preflight over cn01, cn02 and cn03: what was said, and who was blamed for what.
func judged(t *testing.T, rows string) (said, blamed string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "preflight.log"), []byte(rows), 0o644); err != nil {
		t.Fatal(err)
	}
	said = bash(t, fmt.Sprintf(`set -uo pipefail; export LC_ALL=C
%s
RUN='%s' LOGS=$RUN NODES=(cn01 cn02 cn03) LOCAL=0 EVENTS=() CUT= CHATTER='^srun: '
say() { printf '%%s\n' "$*"; }
srun_said() { tail -n 1 "$LOGS/$1.log"; }
fail() { say "FAILED: $3"; }
judge_nodes "$LOGS/preflight.log" && say passed
cat "$RUN/events.tsv" 2>/dev/null | cut -f 2- | tr '\t' ' ' | sed 's/^/noted /'`, libs(t, "say", "preflight", "chain", "slurm"), dir))
	text, err := os.ReadFile(filepath.Join(dir, "blamed.tsv"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return said, string(text)
}

// row is what a node says of itself.
func row(node, check, state, words string) string {
	return node + "\t" + check + "\t" + state + "\t" + words + "\n"
}

// Nodes that agree are named together; who fails what others pass is to blame, and nobody for what no node has.
func TestJudgeNodes(t *testing.T) {
	ok := row("cn01", "shm", "ok", "") + row("cn02", "shm", "ok", "") + row("cn03", "shm", "ok", "")
	for name, c := range map[string]struct {
		rows, blamed string
		said         []string
	}{
		"all is well":     {"srun: job 7 queued\n" + ok, "", []string{"preflight: 3 nodes, 0 warnings", "passed", "noted preflight cn02 shm ok"}},
		"a warning":       {ok + row("cn01", "clock", "warn", "0.3 s off") + row("cn03", "clock", "warn", "0.3 s off"), "", []string{"warning: cn01, cn03: clock: 0.3 s off", "preflight: 3 nodes, 1 warning\n", "passed"}},
		"a bad node":      {ok + row("cn02", "clock", "fail", "300 s off"), "cn02\tclock: 300 s off\n", []string{"FAILED: cn02: clock: 300 s off"}},
		"what all lack":   {row("cn01", "files", "fail", "/m is not there") + row("cn02", "files", "fail", "/m is not there") + row("cn03", "files", "fail", "/m is not there"), "", []string{"FAILED: cn01, cn02, cn03: files: /m is not there"}},
		"what one lacks":  {ok + row("cn01", "files", "ok", "") + row("cn03", "files", "fail", "/m is not there"), "cn03\tfiles: /m is not there\n", []string{"FAILED: cn03: files"}},
		"an image on one": {ok + row("cn03", "image", "fail", "no"), "cn03\timage: no\n", []string{"FAILED: cn03: image: no"}},
		"a silent node":   {row("cn01", "shm", "ok", "") + row("cn03", "shm", "ok", "") + "srun: error: x\nslow file system\n", "cn02\tsilent\n", []string{"FAILED: cn02: nothing was heard of it: slow file system"}},
		"hostile words":   {ok + row("cn01", "gpu", "fail", "$(touch x) `id` ; *"), "cn01\tgpu: $(touch x) `id` ; *\n", []string{"FAILED: cn01: gpu: $(touch x) `id` ; *"}},
	} {
		said, blamed := judged(t, c.rows)
		for _, want := range c.said {
			if !strings.Contains(said+"\n", want) {
				t.Errorf("%s: %q was not said in\n%s", name, want, said)
			}
		}
		if failed := strings.Contains(said, "FAILED"); failed == strings.Contains(said, "passed") {
			t.Errorf("%s: it passed and failed, or neither:\n%s", name, said)
		}
		if blamed != c.blamed {
			t.Errorf("%s: blamed is %q, want %q", name, blamed, c.blamed)
		}
	}
}

// Words that name one node accuse it, by name or address and not by a part of either; words that name several accuse none.
func TestAccuseNamed(t *testing.T) {
	for words, want := range map[string]string{
		"'Ray lost cn1 (10.0.0.1)'":     "cn1",
		"'no answer of 10.0.0.11:8000'": "cn11",
		"'cn11: it ended'":              "cn11",
		"'cn1 and cn2 do not agree'":    "",
		"'cn111, cn1-a and 110.0.0.1'":  "",
		"'the model is gated'":          "",
		"'odd: $(touch x) on cn2, too'": "cn2",
	} {
		dir := t.TempDir()
		got := bash(t, fmt.Sprintf(`set -uo pipefail
%s
RUN='%s' LOCAL=0 NODES=(cn1 cn2 cn11)
mkdir "$RUN/address"
printf 10.0.0.1 >"$RUN/address/cn1"; printf 10.0.0.2 >"$RUN/address/cn2"; printf 10.0.0.11 >"$RUN/address/cn11"
accuse_named %s
cut -f 1 "$RUN/blamed.tsv" 2>/dev/null || :`, libs(t, "chain"), dir, words))
		if strings.TrimSpace(got) != want {
			t.Errorf("%s accuses %q, want %q", words, got, want)
		}
	}
}

// A node that two jobs blame is left out; one that a single job blames, however often, is not.
func TestBlamedTwice(t *testing.T) {
	got := bash(t, fmt.Sprintf(`set -uo pipefail
%s
BUNDLE='%s'
blamed_twice
mkdir -p "$BUNDLE/results/"{7,8,9}
printf 'cn1\twhy\ncn1\twhy\ncn3\twhy\n' >"$BUNDLE/results/7/blamed.tsv"
printf 'cn2\twhy\ncn3\twhy\n' >"$BUNDLE/results/8/blamed.tsv"
blamed_twice`, libs(t, "chain"), t.TempDir()))
	if strings.TrimSpace(got) != "cn3" {
		t.Errorf("left out are %q, want cn3", got)
	}
}

// What a person changed in a bundle is named, and a MANIFEST that can't be trusted is one of these changes.
func TestEditedFiles(t *testing.T) {
	for name, c := range map[string]struct{ edit, want string }{
		"nothing":             {":", ""},
		"a change":            {"echo x >'a file'", "a file\n"},
		"a loss":              {"rm b", "b (missing)\n"},
		"a file beside":       {"echo x >c", ""},
		"a MANIFEST cut off":  {"sed -i '$d' MANIFEST", "MANIFEST (broken: it names 1 of 2 files, and 0 lines are none of its own; what else was edited is not all known)\n"},
		"a MANIFEST of words": {"echo words >MANIFEST", "MANIFEST (broken: it names 0 files, and 1 lines are none of its own; what else was edited is not all known)\n"},
	} {
		got := bash(t, fmt.Sprintf(`set -euo pipefail
%s
cd '%s'
echo a >'a file'; echo b >b
{ echo '# files 2'; sha256sum 'a file' b; } >MANIFEST
%s
edited_files`, libs(t, "edits"), t.TempDir(), c.edit))
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

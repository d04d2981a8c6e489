package shell

import (
	"os/exec"
	"strings"
	"testing"
)

// awkward are words that a shell could take for something else.
var awkward = []string{"", "a b", "$(touch x)", "`id`", "it's", `"`, `\`, "*", "~", "-n", "a;b", "x\ny", "é", "!!", "%h", "'"}

// A login shell hands on what it was given.
func TestQuotedWordsSurviveAShell(t *testing.T) {
	for _, write := range []func([]string) string{Quoted, Shown} {
		line := write(append([]string{"printf", "%s\\0"}, awkward...))
		out, err := exec.Command("sh", "-c", line).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); strings.Join(got, "|") != strings.Join(awkward, "|") {
			t.Errorf("%s\ngave %q, want %q", line, got, awkward)
		}
	}
}

func TestShownQuotesOnlyWhatNeedsIt(t *testing.T) {
	if got, want := Shown([]string{"gen", "run", "out/my test", "--key=/a/b"}), "gen run 'out/my test' --key=/a/b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

package render

import (
	"os/exec"
	"strings"
	"testing"
)

// hostile are texts that a careless script would run, lose or split.
var hostile = []string{
	"", " ", "plain", "two words", "it's", `"`, `\`, `\n`, "a\nb", "\n", "tab\t", "$(touch x)", "`touch x`", "; rm -rf ~", "-n", "--", "$HOME", "*", "~",
	"!!", "#", "a=b", "ünïcode ✓", "\xff\xfe", "'; touch x; '", "''", "\r", "\x1b[2J", "{a,b}", "&", "@IP@", "%s",
}

// bash runs a script and returns what it printed.
func bash(t *testing.T, script string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("bash: %v\n%s\n%s", err, out, script)
	}
	left, err := exec.Command("ls", "-A", cmd.Dir).Output()
	if err != nil || len(left) > 0 {
		t.Fatalf("the script left %q, %v\n%s", left, err, script)
	}
	return string(out)
}

func FuzzQuotedTextIsOneWordOfBash(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := quote(text)
		if strings.ContainsRune(text, 0) {
			if err == nil {
				t.Fatalf("%q became %s", text, quoted)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := bash(t, "set -- "+quoted+"; printf '%s:%s' $# \"$1\""); got != "1:"+text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestArrayKeepsEveryWord(t *testing.T) {
	quoted, err := array(hostile)
	if err != nil {
		t.Fatal(err)
	}
	got := bash(t, "a=("+quoted+"); printf '%s\\0' \"${a[@]}\"")
	if want := strings.Join(hostile, "\x00") + "\x00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if empty, err := array(nil); err != nil || empty != "" {
		t.Errorf("an empty list became %q, %v", empty, err)
	}
}

func TestAssignSetsAndRunsNothing(t *testing.T) {
	for _, text := range hostile {
		line, err := assign("NAME=" + text)
		if err != nil {
			t.Fatal(err)
		}
		if got := bash(t, line+"\nprintf %s \"$NAME\""); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, pair := range []string{"", "=x", "A-B=x", "1=x", "A", "$(x)=y", "A B=c", "\n=x"} {
		if line, err := assign(pair); err == nil {
			t.Errorf("%q became %s", pair, line)
		}
	}
}

func TestWords(t *testing.T) {
	if got, err := words([]string{"--cpus-per-task=8", "--gres=gpu:2"}); err != nil || got != "'--cpus-per-task=8 --gres=gpu:2'" {
		t.Errorf("got %s, %v", got, err)
	}
	for _, text := range []string{"", "two words", "a\tb", `a\b`} {
		if got, err := words([]string{text}); err == nil {
			t.Errorf("%q became %s", text, got)
		}
	}
}

func TestDirectiveRefusesWhatSbatchWouldMisread(t *testing.T) {
	for _, text := range []string{"gpu", "p200981", "B:USR1@300", "gpu:2", "1-00:00:00"} {
		if got, err := directive(text); err != nil || got != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a b", "a\nb", "a'b", `a"b`, `a\b`, "a#b", "\x00", "a\u00a0b"} {
		if got, err := directive(text); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestCommentStaysOnItsLine(t *testing.T) {
	for _, text := range hostile {
		line := "# " + comment(text) + "\nprintf %s done"
		if got := bash(t, line); got != "done" {
			t.Errorf("%q printed %q", text, got)
		}
	}
}

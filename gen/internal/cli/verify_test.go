package cli

import (
	"os"
	"strings"
	"testing"
)

// inBundle compiles the smallest recipe with these flags in a new working directory; out/small is its bundle.
func inBundle(t *testing.T, flags ...string) {
	t.Helper()
	agents(t, "agent")
	t.Chdir(t.TempDir())
	recipeFile(t, "a.yaml", smallest)
	if status, _, stderr := gen("", append([]string{"a.yaml"}, flags...)...); status != 0 {
		t.Fatal(stderr)
	}
}

func TestVerify(t *testing.T) {
	inBundle(t)
	if status, stdout, stderr := gen("", "verify", "out/small"); status != 0 || stderr != "" || !strings.Contains(stdout, "files are as compiled") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	if _, stdout, _ := gen("", "verify", "--json", "out/small"); stdout != "[]\n" {
		t.Errorf("no finding is %q", stdout)
	}
	recipeFile(t, "out/small/argv/d1.0", "mine\n")
	recipeFile(t, "out/small/a note", "")
	if err := os.Remove("out/small/README.md"); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := gen("", "verify", "out/small")
	if want := "README.md: missing\na note: foreign\nargv/d1.0: edited\n"; status != 1 || stdout != want || stderr != "" {
		t.Errorf("status %d\ngot  %s%swant %s", status, stdout, stderr, want)
	}
	status, stdout, _ = gen("", "verify", "out/small", "--json")
	if status != 1 || !strings.Contains(stdout, `"file": "argv/d1.0",`) || !strings.Contains(stdout, `"state": "edited"`) {
		t.Errorf("status %d, %s", status, stdout)
	}
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"."}, 1, ". is no bundle: it has no MANIFEST"},
		{[]string{"nowhere"}, 2, "no such file"},
		{nil, 2, "verify wants one job directory"},
		{[]string{"a", "b"}, 2, "verify wants one job directory"},
	} {
		if got, _, stderr := gen("", append([]string{"verify"}, c.args...)...); got != c.status || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: status %d, want %d: %s", c.args, got, c.status, stderr)
		}
	}
}

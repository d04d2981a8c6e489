package diff

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// apply makes b out of a by the changes, and counts the lines that they touch.
func apply(a, b []string, changes []Change) (made []string, touched int) {
	at := 0
	for _, c := range changes {
		made = append(made, a[at:c.A]...)
		made = append(made, b[c.B:c.BEnd]...)
		at = c.AEnd
		touched += c.AEnd - c.A + c.BEnd - c.B
	}
	return append(made, a[at:]...), touched
}

// common is the length of the longest common subsequence, by the table that everybody knows.
func common(a, b []string) int {
	row := make([]int, len(b)+1)
	for i := range a {
		before := 0
		for j := range b {
			last := row[j+1]
			if a[i] == b[j] {
				row[j+1] = before + 1
			} else {
				row[j+1] = max(row[j+1], row[j])
			}
			before = last
		}
	}
	return row[len(b)]
}

func TestChangesAreRightAndFewest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	some := func() []string {
		lines := make([]string, r.IntN(14))
		for i := range lines {
			lines[i] = string(rune('a' + r.IntN(4)))
		}
		return lines
	}
	for range 20_000 {
		a, b := some(), some()
		changes := Changes(a, b)
		made, touched := apply(a, b, changes)
		if !slices.Equal(made, b) {
			t.Fatalf("%v to %v: %v makes %v", a, b, changes, made)
		}
		if want := len(a) + len(b) - 2*common(a, b); touched != want {
			t.Fatalf("%v to %v: %v touches %d lines, want %d", a, b, changes, touched, want)
		}
	}
}

func TestChangesOfLongTextsThatShareNothing(t *testing.T) {
	a, b := make([]string, 3000), make([]string, 3000)
	for i := range a {
		a[i], b[i] = "a", "b"
	}
	if got := Changes(a, b); len(got) != 1 || got[0] != (Change{0, 3000, 0, 3000}) {
		t.Errorf("got %v", got)
	}
}

func TestUnified(t *testing.T) {
	twelve := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
	for name, c := range map[string]struct{ a, b, want string }{
		"equal": {"x\n", "x\n", ""},
		"one line": {twelve, strings.Replace(twelve, "6", "six", 1),
			"--- A\n+++ B\n@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n"},
		"two far apart": {twelve, "0\n" + strings.Replace(twelve, "12\n", "", 1),
			"--- A\n+++ B\n@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -9,4 +10,3 @@\n 9\n 10\n 11\n-12\n"},
		"no end":      {"x\ny", "x\ny\n", "--- A\n+++ B\n@@ -1,2 +1,2 @@\n x\n-y\n\\ No newline at end of file\n+y\n"},
		"an empty":    {"", "x\n", "--- A\n+++ B\n@@ -0,0 +1 @@\n+x\n"},
		"binary":      {"\x00", "x", "Binary files A and B differ\n"},
		"no longer 8": {"\xff", "x", "Binary files A and B differ\n"},
	} {
		if got := Unified("A", "B", []byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, c.want)
		}
	}
	if got := Unified("A", "B", nil, []byte("x\n")); got != "--- /dev/null\n+++ B\n@@ -0,0 +1 @@\n+x\n" {
		t.Errorf("a new file: got\n%s", got)
	}
	if got := Unified("A", "B", []byte{}, nil); got != "--- A\n+++ /dev/null\n" {
		t.Errorf("an empty file that is gone: got\n%s", got)
	}
}

func TestPatchReadsWhatIsWritten(t *testing.T) {
	if _, err := exec.LookPath("patch"); err != nil {
		t.Skip("no patch on this machine")
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var a, b strings.Builder
		for range 40 {
			line := string(rune('a'+r.IntN(6))) + "\n"
			if r.IntN(8) > 0 {
				a.WriteString(line)
			}
			if r.IntN(8) > 0 {
				b.WriteString(line)
			}
		}
		b.WriteString("end")
		file := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(file, []byte(a.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("patch", "--quiet", "--force", file)
		cmd.Stdin = strings.NewReader(Unified("x", "x", []byte(a.String()), []byte(b.String())))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("patch: %v\n%s", err, out)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != b.String() {
			t.Fatalf("patch made %q, %v, want %q", got, err, b.String())
		}
	}
}

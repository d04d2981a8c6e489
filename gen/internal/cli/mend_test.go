package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mendCase copies a case's recipe to a new directory, runs gen there with the case's answers on it, and holds what was
// said and what became of the recipe against the case's talk.txt and mended.yaml.
func mendCase(t *testing.T, dir string, args ...string) (status int, said string) {
	t.Helper()
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "recipe.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	answers, err := os.ReadFile(filepath.Join(dir, "answers"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("recipe.yaml", text, 0o640); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := gen(string(answers), append(args, "recipe.yaml")...)
	mended, err := os.ReadFile("recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join(dir, "talk.txt"), []byte(stdout+stderr))
	golden(t, filepath.Join(dir, "mended.yaml"), mended)
	if info, err := os.Stat("recipe.yaml"); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is now %v, %v", info.Mode(), err)
	}
	if files, err := filepath.Glob("*"); err != nil || len(files) != 1 {
		t.Errorf("files were left behind: %v, %v", files, err)
	}
	return status, stdout + stderr
}

// Each directory of gen/testdata/mend is a recipe with mistakes, and answers to gen check -i.
func TestMend(t *testing.T) {
	cases, err := filepath.Glob("../../testdata/mend/*")
	if err != nil || len(cases) < 5 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, dir := range cases {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			status, said := mendCase(t, dir, "check", "-i")
			if failed := strings.Contains(said, " errors\n") || strings.Contains(said, " error\n"); failed != (status == 1) {
				t.Errorf("status %d with\n%s", status, said)
			}
		})
	}
}

// Each directory of gen/testdata/migrate is a recipe of an older layout.
func TestMigrate(t *testing.T) {
	cases, err := filepath.Glob("../../testdata/migrate/*")
	if err != nil || len(cases) < 5 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, dir := range cases {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			status, _ := mendCase(t, dir, "check", "--migrate")
			if status != 0 {
				t.Errorf("status %d", status)
			}
			before, err := os.ReadFile("recipe.yaml")
			if err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr := gen("", "check", "--migrate", "recipe.yaml")
			if stdout != "recipe.yaml: nothing to migrate\n" || status != 0 || stderr != "" {
				t.Errorf("a second time: status %d, %s%s", status, stdout, stderr)
			}
			if after, err := os.ReadFile("recipe.yaml"); err != nil || !bytes.Equal(before, after) {
				t.Errorf("a second time the recipe changed: %v", err)
			}
		})
	}
}

// One who makes ten mistakes is told ten times what to write instead, and after as many times yes the recipe compiles.
func TestTenMistakes(t *testing.T) {
	text, err := os.ReadFile("../../testdata/mend/ten-mistakes/recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "ten.yaml", string(text))
	told := map[string]bool{}
	for range 20 { // a mistake may hide another: without a service nothing is known of its settings
		_, _, stderr := gen("", "check", file)
		for line := range strings.Lines(stderr) {
			if strings.HasSuffix(line, ")\n") {
				told[strings.SplitN(line, ": ", 2)[1]] = true
			}
		}
		if status, stdout, stderr := gen("y\n", "check", "-i", file); status == 0 && !strings.Contains(stdout, "mended") {
			if strings.Contains(stdout+stderr, "warning") {
				t.Errorf("not quite right:\n%s%s", stdout, stderr)
			}
			break
		}
	}
	if len(told) < 10 {
		t.Errorf("told of %d mistakes: %v", len(told), told)
	}
	agents(t, "agent")
	if status, stdout, stderr := gen("", "-o", t.TempDir(), file); status != 0 {
		t.Errorf("it does not compile: %s%s", stdout, stderr)
	}
	mended, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, after := strings.Split(string(text), "\n"), strings.Split(string(mended), "\n")
	for _, line := range before {
		if !strings.Contains(line, ": a ") && strings.Contains(line, "this line is right") && !slices.Contains(after, line) {
			t.Errorf("a line that was right is gone: %s", line)
		}
		if _, comment, ok := strings.Cut(line, "#"); ok && !strings.Contains(string(mended), "#"+comment) {
			t.Errorf("a comment is gone: %s", line)
		}
	}
}

func TestMendWithoutAnswers(t *testing.T) {
	file := write(t, "bad.yaml", strings.Replace(demo, "dummy", "dumy", 1))
	if status, _, stderr := gen("", "check", "-i", file); status != 2 || !strings.Contains(stderr, "nobody answers") {
		t.Errorf("status %d: %s", status, stderr)
	}
	for _, args := range [][]string{{"check", "-i", "-"}, {"check", "--migrate", "-"}, {"check", "-i", "--migrate", file}, {"check", "-i", "--json", file}, {"check", "-i", "nowhere.yaml"}} {
		if status, _, stderr := gen("y\n", args...); status != 2 || stderr == "" {
			t.Errorf("%v: status %d: %s", args, status, stderr)
		}
	}
}

func TestMendKeepsLinksAndOthersChanges(t *testing.T) {
	file := write(t, "bad.yaml", strings.Replace(demo, "dummy", "dumy", 1))
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := gen("y\n", "check", "-i", link); status != 0 {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
	if target, err := os.Readlink(link); err != nil || target != file {
		t.Errorf("the link is %q, %v", target, err)
	}
	if err := replaceFile(file, []byte("something else"), []byte("x")); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("another's change: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != demo {
		t.Errorf("got %q, %v", text, err)
	}
}

// Whatever the mistake, answering yes to everything never makes a recipe worse, and a second time there is nothing to do.
func TestMendEveryReject(t *testing.T) {
	cases, err := filepath.Glob("../../testdata/reject/*/recipe.yaml")
	if err != nil || len(cases) < 25 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	yes := strings.Repeat("y\n", 100)
	cured := 0
	for _, file := range cases {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		file = write(t, "recipe.yaml", string(text))
		_, _, before := gen("", "check", file)
		status, stdout, after := gen(yes, "check", "-i", file)
		if strings.Count(after, ": error: ") > strings.Count(before, ": error: ") {
			t.Errorf("%s: more errors than before:\n%s%s", file, stdout, after)
		}
		if status == 0 && strings.Contains(before, ": error: ") {
			cured++
		}
		if _, stdout, stderr := gen(yes, "check", "-i", file); strings.Contains(stdout, "mended") {
			t.Errorf("%s: it goes on and on:\n%s%s", file, stdout, stderr)
		}
		if strings.Contains(stdout+after, "hunter2") {
			t.Errorf("%s: a secret is shown:\n%s%s", file, stdout, after)
		}
	}
	if cured < 20 {
		t.Errorf("%d of %d cases were cured", cured, len(cases))
	}
	t.Logf("%d of %d cases were cured", cured, len(cases))
}

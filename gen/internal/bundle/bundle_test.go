package bundle

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func small(texts ...string) *Bundle {
	b := &Bundle{Slug: "demo", Head: []string{"hpcbench 0.1", "plan 0123"}}
	for k := 0; k < len(texts); k += 2 {
		b.Add(texts[k], 0o644, []byte(texts[k+1]))
	}
	return b
}

func write(t *testing.T, parent string, b *Bundle, force bool) Written {
	t.Helper()
	done, err := Write(parent, b, force)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, text string, parts ...string) {
	t.Helper()
	name := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestManifestIsReadBySha256sum(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, small("job.sbatch", "one\n", "node/server.sh", "two\n"), false)
	check := exec.Command("sha256sum", "--check", "--strict", "MANIFEST")
	check.Dir = filepath.Join(parent, "demo")
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}

func TestEditedFileIsKeptAndTheNewTextStandsBesideIt(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, small("job.sbatch", "one\n"), false)
	put(t, "mine\n", parent, "demo", "job.sbatch")
	done := write(t, parent, small("job.sbatch", "two\n"), false)
	if !slices.Equal(done.Kept, []string{"job.sbatch"}) {
		t.Errorf("kept %v", done.Kept)
	}
	if got := read(t, parent, "demo", "job.sbatch"); got != "mine\n" {
		t.Errorf("the edit became %q", got)
	}
	if got := read(t, parent, "demo", "job.sbatch.new"); got != "two\n" {
		t.Errorf("job.sbatch.new is %q", got)
	}
	again := write(t, parent, small("job.sbatch", "two\n"), false)
	if len(again.Kept) != 1 || read(t, parent, "demo", "job.sbatch") != "mine\n" {
		t.Error("a second compile lost the edit")
	}
}

func TestForceTakesTheNewTextAndNamesWhatItLost(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, small("job.sbatch", "one\n"), false)
	put(t, "mine\n", parent, "demo", "job.sbatch")
	write(t, parent, small("job.sbatch", "two\n"), false)
	done := write(t, parent, small("job.sbatch", "two\n"), true)
	if !slices.Equal(done.Lost, []string{"job.sbatch"}) || read(t, parent, "demo", "job.sbatch") != "two\n" {
		t.Errorf("lost %v", done.Lost)
	}
	if _, err := os.Stat(filepath.Join(parent, "demo", "job.sbatch.new")); err == nil {
		t.Error("job.sbatch.new is still there")
	}
}

func TestStaleFilesGoAndResultsStay(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, small("trials/0001.json", "a", "trials/0002.json", "b", "env/d1.env", "c"), false)
	put(t, "numbers", parent, "demo", "results", "17", "summary.csv")
	put(t, "mine", parent, "demo", "env", "d1.env")
	done := write(t, parent, small("trials/0001.json", "a"), false)
	if _, err := os.Stat(filepath.Join(parent, "demo", "trials", "0002.json")); err == nil {
		t.Error("trials/0002.json is still there")
	}
	if read(t, parent, "demo", "results", "17", "summary.csv") != "numbers" || read(t, parent, "demo", "env", "d1.env") != "mine" {
		t.Error("results or an edit were touched")
	}
	if !slices.Equal(done.Left, []string{"env/d1.env"}) || len(done.Kept) > 0 {
		t.Errorf("left %v, kept %v", done.Left, done.Kept)
	}
}

func TestForceRemovesStaleFilesAndNamesWhatItLost(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, small("trials/0001.json", "a", "env/d1.env", "c"), false)
	put(t, "mine", parent, "demo", "env", "d1.env")
	done := write(t, parent, small("trials/0001.json", "a"), true)
	if _, err := os.Stat(filepath.Join(parent, "demo", "env", "d1.env")); err == nil || !slices.Equal(done.Lost, []string{"env/d1.env"}) {
		t.Errorf("lost %v, %v", done.Lost, err)
	}
}

func TestNothingIsWrittenOutside(t *testing.T) {
	parent := t.TempDir()
	if _, err := Write(parent, small("../evil", "x"), false); err == nil {
		t.Error("../evil was written")
	}
	if _, err := os.Stat(filepath.Join(parent, "evil")); err == nil {
		t.Error("../evil is there")
	}
}

func TestAForeignDirectoryIsRefused(t *testing.T) {
	parent := t.TempDir()
	put(t, "thesis", parent, "demo", "thesis.tex")
	if _, err := Write(parent, small("job.sbatch", "x"), true); err == nil || !strings.Contains(err.Error(), "no bundle") {
		t.Errorf("err = %v", err)
	}
}

func TestALiveClaimIsRefusedAndADeadOneIsNot(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, small("job.sbatch", "one\n"), false)
	put(t, fmt.Sprintf("local-1 %d 0\n", os.Getpid()), parent, "demo", "results", "claims", "d1")
	if _, err := Write(parent, small("job.sbatch", "two\n"), true); err == nil || !strings.Contains(err.Error(), "job local-1 runs") {
		t.Errorf("err = %v", err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	put(t, fmt.Sprintf("local-1 %d\n", gone.Process.Pid), parent, "demo", "results", "claims", "d1")
	write(t, parent, small("job.sbatch", "two\n"), false)
}

package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"as compiled": {func(t *testing.T, dir string) {}, ""},
		"edited":      {func(t *testing.T, dir string) { put(t, "mine", dir, "env/d1.env") }, "env/d1.env edited"},
		"missing":     {func(t *testing.T, dir string) { remove(t, dir, "env/d1.env") }, "env/d1.env missing"},
		"foreign":     {func(t *testing.T, dir string) { put(t, "", dir, "trials/x y") }, "trials/x y foreign"},
		"sorted": {func(t *testing.T, dir string) {
			put(t, "", dir, "z")
			put(t, "mine", dir, "job.sbatch")
			remove(t, dir, "env/d1.env")
			put(t, "", dir, "a")
		}, "a foreign, env/d1.env missing, job.sbatch edited, z foreign"},
		"what jobs leave": {func(t *testing.T, dir string) {
			put(t, "numbers", dir, "results/17/summary.csv")
			put(t, "words", dir, "slurm-17.out")
			put(t, "new", dir, "job.sbatch.new")
		}, ""},
		"only at the top": {func(t *testing.T, dir string) {
			put(t, "", dir, "node/slurm-17.out")
			put(t, "", dir, "node/results/x")
		}, "node/results/x foreign, node/slurm-17.out foreign"},
		"a link with the same text behind it": {func(t *testing.T, dir string) {
			put(t, "one\n", filepath.Dir(dir), "elsewhere")
			remove(t, dir, "job.sbatch")
			if err := os.Symlink("../elsewhere", filepath.Join(dir, "job.sbatch")); err != nil {
				t.Fatal(err)
			}
		}, "job.sbatch edited"},
	} {
		t.Run(name, func(t *testing.T) {
			done := write(t, t.TempDir(), small("job.sbatch", "one\n", "env/d1.env", "A='1'\n"), false)
			c.change(t, done.Dir)
			found, n, err := Verify(done.Dir)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, fmt.Sprint(f.File, " ", f.State))
			}
			if n != 2 || strings.Join(got, ", ") != c.want {
				t.Errorf("%d files, %q, want %q", n, got, c.want)
			}
		})
	}
}

func remove(t *testing.T, parts ...string) {
	t.Helper()
	if err := os.Remove(filepath.Join(parts...)); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyOfWhatIsNoBundle(t *testing.T) {
	if _, _, err := Verify(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is no bundle") {
		t.Errorf("err = %v", err)
	}
	dir := t.TempDir()
	put(t, "rubbish\n", dir, ManifestName)
	if _, _, err := Verify(dir); err == nil || !strings.Contains(err.Error(), "MANIFEST:1: not a line of sha256sum") {
		t.Errorf("err = %v", err)
	}
}

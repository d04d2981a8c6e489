package submit

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sshd is a stand-in for ssh that does what it and the other side's login shell do: it takes options, and hands the words
// behind the host to a shell in the home directory, whose login scripts are noisy. It notes each call.
const sshd = `
while [[ $1 == -* ]]; do case $1 in -[Spliowe]) shift 2 ;; --) shift; break ;; *) shift ;; esac; done
[[ -e $FAR/cut ]] && { echo "ssh: connect to host far: Connection refused" >&2; exit 255; }
shift; cd "$FAR/home" && echo noise && export HOME=$FAR/home && exec sh -c "$*"
`

// quietly is sshd for rsync, whose protocol bears no noise.
var quietly = strings.Replace(sshd, "echo noise && ", "", 1)

// far is a machine that is reached by such an ssh, and a bundle to be copied there.
func far(t *testing.T, ssh, where string) (s *SSH, home, bundle string) {
	t.Helper()
	root := t.TempDir()
	t.Setenv("FAR", root)
	fake(t, map[string]string{"ssh": ssh})
	s, err := Over(Where{Host: "far", Dir: where}, Keys{File: "/k", Only: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	home, bundle = filepath.Join(root, "home"), filepath.Join(root, "my bundle")
	for name, text := range map[string]string{"MANIFEST": "", "job.sbatch": "#!", "trials/0001.json": "{}", "argv/d1.0.new": "n", "results/submitted.tsv": "mine", "slurm-1.out": "o"} {
		put(t, bundle, name, text)
	}
	if err := errors.Join(os.Chmod(filepath.Join(bundle, "job.sbatch"), 0o755), os.Mkdir(home, 0o755)); err != nil {
		t.Fatal(err)
	}
	return s, home, bundle
}

// files are the names below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			name, err = filepath.Rel(dir, name)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// odd is a directory's name that no shell on the way may read.
const odd = `runs of $(touch pwned) "me"/it's`

func TestABundleGoesThereAndResultsComeBack(t *testing.T) {
	for name, ssh := range map[string]string{"pattern": sshd, "noise": sshd, "rsync": quietly} {
		t.Run(name, func(t *testing.T) {
			s, home, bundle := far(t, ssh, odd)
			if _, err := exec.LookPath("rsync"); name == "rsync" && err != nil {
				t.Skip("there is no rsync")
			}
			if name == "pattern" {
				s.Dir += "[1]" // which rsync would read as one, so it is not asked
			}
			if err := s.Send(t.Context(), bundle, false); err != nil {
				t.Fatal(err)
			}
			there := filepath.Join(home, s.Dir)
			if got := files(t, there); !slices.Equal(got, []string{"MANIFEST", "job.sbatch", "trials/0001.json"}) {
				t.Errorf("there is %q", got)
			}
			if info, err := os.Stat(filepath.Join(there, "job.sbatch")); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("job.sbatch: %v, %v", info, err)
			}
			if got := files(t, home); len(got) != 3 {
				t.Errorf("the home directory has %q", got)
			}
			for name, text := range map[string]string{"results/12/job.json": "{}", "results/12/control.token": "secret", "results/claims/d1": "12 1",
				"results/submitted.tsv": "theirs", "results/submit.x.out": "x", "results/12/0001/records.jsonl": "r", "slurm-12.out": "done"} {
				put(t, there, name, text)
			}
			for range 2 {
				if err := s.Fetch(t.Context(), bundle); err != nil {
					t.Fatal(err)
				}
			}
			if got := files(t, filepath.Join(bundle, "results")); !slices.Equal(got, []string{"12/0001/records.jsonl", "12/job.json", "submitted.tsv"}) {
				t.Errorf("fetched %q", got)
			}
			if text, err := os.ReadFile(filepath.Join(bundle, "results/submitted.tsv")); err != nil || string(text) != "mine" {
				t.Errorf("submitted.tsv is %q, %v", text, err)
			}
			if _, err := os.Stat(filepath.Join(bundle, "slurm-12.out")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatStandsThereIsRespected(t *testing.T) {
	for name, c := range map[string]struct {
		there map[string]string
		force bool
		want  string
	}{
		"no bundle":       {map[string]string{"thesis.tex": "x"}, true, "is there and is no bundle"},
		"an edit":         {map[string]string{"MANIFEST": strings.Repeat("0", 64) + "  job.sbatch\n", "job.sbatch": "#! mine"}, false, "job.sbatch was edited in far:x[1]"},
		"the same edit":   {map[string]string{"MANIFEST": strings.Repeat("0", 64) + "  job.sbatch\n", "job.sbatch": "#!"}, false, ""},
		"an edit, forced": {map[string]string{"MANIFEST": strings.Repeat("0", 64) + "  job.sbatch\n", "job.sbatch": "#! mine"}, true, ""},
		"a job runs":      {map[string]string{"MANIFEST": "", "results/claims/d1": fmt.Sprintf("local-1 %d 0\n", os.Getpid())}, true, "job local-1 runs in far:x[1]"},
		"a job ran":       {map[string]string{"MANIFEST": "", "results/claims/d1": "local-1 4194305\n"}, false, ""},
		"an older one":    {map[string]string{"MANIFEST": "", "job.sbatch": "old"}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, home, bundle := far(t, sshd, "x[1]") // which rsync would read as a pattern
			for file, text := range c.there {
				put(t, filepath.Join(home, s.Dir), file, text)
			}
			err := s.Send(t.Context(), bundle, c.force)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			text, _ := os.ReadFile(filepath.Join(home, s.Dir, "job.sbatch")) // may not be there
			if c.want == "" && string(text) != "#!" {
				t.Errorf("job.sbatch there is %q", text)
			}
		})
	}
}

func TestALostConnectionIsToldFromAFailure(t *testing.T) {
	s, home, bundle := far(t, sshd, "x")
	var refused *Refusal
	if _, err := Ask(t.Context(), s, "", "", "false"); !errors.As(err, &refused) || errors.Is(err, ErrLost) {
		t.Errorf("a command that fails: %v", err)
	}
	put(t, filepath.Dir(home), "cut", "")
	if _, err := Ask(t.Context(), s, "", "", "true"); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "Connection refused") {
		t.Errorf("a connection that is cut: %v", err)
	}
	if err := s.Fetch(t.Context(), bundle); !errors.Is(err, ErrLost) {
		t.Errorf("a fetch over it: %v", err)
	}
}

// awkward are words that a shell could take for something else.
var awkward = []string{"", "a b", "$(touch x)", "it's", `\`, "*", "~", "-n", "a;b", "x\ny", "!!", "%h"}

func TestNoWordsOfOursAreReadByAShell(t *testing.T) {
	s, _, _ := far(t, sshd, odd)
	got, err := Ask(t.Context(), s, "", "", append([]string{"printf", "%s\\0"}, awkward...)...)
	if err != nil || strings.TrimSuffix(got, "\x00") != strings.Join(awkward, "\x00") {
		t.Errorf("got %q, %v", got, err)
	}
}

// What another machine sends stays in results/, whatever its names say.
func TestAnArchiveCantLeaveTheBundle(t *testing.T) {
	var text bytes.Buffer
	text.WriteString("motd\n" + begin + "\n")
	zipped := gzip.NewWriter(&text)
	archive := tar.NewWriter(zipped)
	for _, name := range []string{"../x", "/x", "results/../../x", "results/a/../../job.sbatch", "job.sbatch", "submit.sh", "results/1/control.token", "results/good"} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o777, Size: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.WriteHeader(&tar.Header{Name: "results/link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := receive(root, &text); err != nil {
		t.Fatal(err)
	}
	if got := files(t, filepath.Dir(dir)); !slices.Equal(got, []string{"bundle/results/good"}) {
		t.Errorf("written: %q", got)
	}
}

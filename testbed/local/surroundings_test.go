package local

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// runAs is a run of submit.sh that goes on, from a line of bash; its directory is the bundle's.
func (b bundle) runAs(line string) *started {
	b.t.Helper()
	s := &started{Cmd: exec.Command("bash", "-c", line), t: b.t}
	s.Dir, s.Stdout, s.Stderr = b.dir, &s.out, &s.out
	if err := s.Start(); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// Whatever the shell is like that a bundle is submitted from, and wherever it lies, its trials run.
func TestOddSurroundings(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"a Turkish locale, umask 077": "umask 077; export LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8; exec ./submit.sh",
		"no HOME, no stdin":           "unset HOME; exec ./submit.sh <&-",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := compile(t, "")
			long := filepath.Join(filepath.Dir(b.dir), "a name with blanks", strings.Repeat("x", max(1, 200-len(b.dir))))
			if err := os.MkdirAll(filepath.Dir(long), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(b.dir, long); err != nil { // and so it was moved after it was compiled
				t.Fatal(err)
			}
			b.dir = long
			s := b.runAs(line)
			if got := s.status(); got != 0 {
				t.Fatalf("status %d, want 0\n%s", got, s.out.String())
			}
			b.nothingRuns()
			if got := b.job("local-1").trials(); got != "0001 complete, 0002 complete" {
				t.Errorf("trials %s", got)
			}
			if strings.Contains(name, "umask") {
				wantPrivate(t, filepath.Join(b.dir, "results"))
			}
		})
	}
}

// wantPrivate wants no directory below dir to be open to other users, and so no file.
func wantPrivate(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode()&0o077 != 0 {
			return fmt.Errorf("%s: mode %v, %v; want it to be the user's alone", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// With --hold what still runs after a failure stays, the log says how to reach it, and the job ends as it would have.
func TestHoldKeepsWhatStillRuns(t *testing.T) {
	t.Parallel()
	b := compile(t, ", die_after: 6s")
	s := b.runAs("exec ./submit.sh --hold 20m")
	b.wait("local-1", "\theld\t")
	if err := s.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got := s.status(); got != 1 {
		t.Errorf("status %d, want 1, the server's", got)
	}
	b.nothingRuns()
	for _, words := range []string{"held until ", "results/local-1/release'", "http://127.0.0.1:", "agent dummy --listen", "tail -F '"} {
		if !strings.Contains(s.out.String(), words) {
			t.Errorf("there is no %q in\n%s", words, s.out.String())
		}
	}
}

func TestAnUnknownTimeToHoldIsRefused(t *testing.T) {
	t.Parallel()
	b := compile(t, "")
	s := b.runAs("exec ./submit.sh --hold soon")
	if got := s.status(); got != 2 || !strings.Contains(s.out.String(), "such as 20m") {
		t.Errorf("status %d, want 2\n%s", got, s.out.String())
	}
}

// An agent that can't run here, and results that can't be written, are named before anything is started.
func TestWhatCannotWorkIsNamedFirst(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(b bundle) error{
		"bin/agent is for ": func(b bundle) error {
			name := filepath.Join(b.dir, "bin/agent")
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text[18] = map[byte]byte{62: 183, 183: 62}[text[18]] // e_machine of ELF: x86-64, AArch64
			return os.WriteFile(name, text, 0o755)
		},
		"can't be run on ": func(b bundle) error { return os.Remove(filepath.Join(b.dir, "bin/agent")) },
		"results/local-1 can't be made: not a directory": func(b bundle) error {
			return os.WriteFile(filepath.Join(b.dir, "results"), nil, 0o644) // even root can make nothing in it
		},
	} {
		b := compile(t, "")
		if err := spoil(b); err != nil {
			t.Fatal(err)
		}
		s := b.runAs("exec ./submit.sh")
		if got := s.status(); got != 2 || !strings.Contains(s.out.String(), want) {
			t.Errorf("status %d, want 2 and %q\n%s", got, want, s.out.String())
		}
	}
}

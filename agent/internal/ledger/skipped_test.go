package ledger

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A directory in results/ that this user may not read is passed over and named.
func TestDirectoryThatMayNotBeRead(t *testing.T) {
	a := bundle(t)
	rows, err := Make(a)
	if err != nil {
		t.Fatal(err)
	}
	complete(t, a, "4711", rows[0])
	write(t, a.Bundle, "results/lost+found/0001/key", "")
	for dir, mode := range map[string]os.FileMode{filepath.Join(a.Bundle, "results/lost+found"): 0, filepath.Dir(a.Bundle): 0o711} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	}
	var named []string
	a.Skipped = func(err error) { named = append(named, err.Error()) }
	got := asNobody(t, func() ([]Row, error) { return Make(a) })
	if len(got) != 3 || got[0].State != "done:4711" || got[1].State != "missing" {
		t.Errorf("the rows are %v", got)
	}
	if len(named) != 1 || !strings.Contains(named[0], "lost+found") || !strings.Contains(named[0], "permission denied") {
		t.Errorf("named is %q", named)
	}
}

// asNobody does something that root would be let do: the thread's files are another user's, and it ends with its goroutine.
func asNobody(t *testing.T, do func() ([]Row, error)) (rows []Row) {
	t.Helper()
	done := make(chan error)
	go func() {
		var err error
		if os.Getuid() == 0 {
			runtime.LockOSThread()
			err = syscall.Setfsuid(65534)
		}
		if err == nil {
			rows, err = do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return rows
}

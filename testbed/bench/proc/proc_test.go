package proc

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRunCountsTheWholeTree(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	// The work is done by a grandchild.
	u, err := Run(t.Context(), Command{Args: []string{"bash", "-c", "(i=0; while ((i < 100000)); do ((i++)); done; echo $X); true"}, Env: []string{"X=done"}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if u.CPU < 10*time.Millisecond || u.Ended <= u.Began || Tail(log) != "done" {
		t.Errorf("usage %+v, log %q", u, Tail(log))
	}
}

func TestRunTellsWhyAProgramFailed(t *testing.T) {
	_, err := Run(t.Context(), Command{Args: []string{"bash", "-c", "echo the cause; exit 3"}, Log: filepath.Join(t.TempDir(), "log")})
	if err == nil || !strings.Contains(err.Error(), "exit status 3: the cause") {
		t.Errorf("error %v", err)
	}
}

func TestBetweenReadings(t *testing.T) {
	u := Usage{CPU: 9, seen: []sample{{100, 0}, {200, 50}, {300, 50}, {400, 80}}}
	for _, c := range []struct {
		from, to int64
		want     time.Duration
	}{{100, 400, 80}, {150, 200, 25}, {150, 250, 25}, {350, 1000, 15}, {0, 100, 0}} {
		if got := u.Between(c.from, c.to); got != c.want {
			t.Errorf("between %d and %d: %d, want %d", c.from, c.to, got, c.want)
		}
	}
	if got := (&Usage{CPU: 9}).Between(1, 2); got != 9 {
		t.Errorf("without readings: %d", got)
	}
}

func TestReadsTheSystemsFiles(t *testing.T) {
	if got := mounted("tmpfs /run tmpfs rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"); got != "/sys/fs/cgroup/unified" {
		t.Errorf("mounted at %q", got)
	}
	if got, err := usage("usage_usec 1500\nuser_usec 1000\n"); err != nil || got != 1500*time.Microsecond {
		t.Errorf("usage %v, error %v", got, err)
	}
	if _, err := usage("user_usec 1\n"); err == nil {
		t.Error("no usage, and no error")
	}
}

func TestSpin(t *testing.T) {
	if v := Spin(); v <= 0 {
		t.Errorf("a spin of %v", v)
	}
}

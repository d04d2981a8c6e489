// Package proc runs a program and tells what it cost: the CPU time of its whole process tree, and its memory.
package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"hpcbench/testbed/bench/server"
)

// Command is a program to run.
type Command struct {
	Args []string
	Env  []string // beside this process's own
	Dir  string
	Log  string // file that gets its stdout and stderr
}

// Usage is what a run cost.
type Usage struct {
	Began, Ended int64         // ns of CLOCK_MONOTONIC
	CPU          time.Duration // user and system time of the tree
	PeakRSS      int64         // bytes: the highest resident size seen of the first process
	Source       string        // of CPU: "cgroup v2 cpu.stat" or "wait4"
	seen         []sample
}

// sample is the CPU time so far at an instant.
type sample struct {
	at  int64
	cpu time.Duration
}

// Between is the CPU time that the tree took between two instants, by straight lines between the readings. Where there are no
// readings it is all of it.
func (u *Usage) Between(from, to int64) time.Duration {
	if len(u.seen) < 2 {
		return u.CPU
	}
	return u.until(to) - u.until(from)
}

func (u *Usage) until(at int64) time.Duration {
	before := u.seen[0]
	for _, s := range u.seen {
		if s.at >= at {
			if s.at == before.at {
				return s.cpu
			}
			return before.cpu + time.Duration(float64(s.cpu-before.cpu)*float64(at-before.at)/float64(s.at-before.at))
		}
		before = s
	}
	return before.cpu
}

// every is the time between two readings.
const every = 25 * time.Millisecond

// Run runs a program to its end. Its processes are in a control group of their own where the system has cgroup v2 and lets
// us make one: then all of them count, also those that nobody waits for; and all are ended when the first one ends.
func Run(ctx context.Context, c Command) (*Usage, error) {
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir, cmd.Env = log, log, c.Dir, append(os.Environ(), c.Env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	g, err := newGroup()
	if err == nil {
		defer g.close()
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(g.dir.Fd())}
	}
	u := &Usage{Source: "wait4", Began: server.Monotonic()}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Args[0], err)
	}
	stop := u.watch(g, cmd.Process.Pid)
	err = cmd.Wait()
	u.Ended = server.Monotonic()
	stop()
	u.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if g != nil {
		if cpu, bad := g.cpu(); bad == nil {
			u.CPU, u.Source = cpu, "cgroup v2 cpu.stat"
			u.seen = append(u.seen, sample{u.Ended, cpu})
		}
	}
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", strings.Join(c.Args[:min(3, len(c.Args))], " "), err, Tail(c.Log))
	}
	return u, nil
}

// watch takes readings until the function that it returns is called.
func (u *Usage) watch(g *group, pid int) (stop func()) {
	var wg sync.WaitGroup
	over := make(chan struct{})
	wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			u.PeakRSS = max(u.PeakRSS, resident(pid))
			if g != nil {
				if cpu, err := g.cpu(); err == nil {
					u.seen = append(u.seen, sample{server.Monotonic(), cpu})
				}
			}
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
	})
	return func() { close(over); wg.Wait() }
}

// resident is the highest resident size of a process so far, in bytes; 0: not known.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kB int64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		return 0
	}
	return kB << 10
}

// Tail is the last two lines of a log, for an error.
func Tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.FieldsFunc(strings.TrimSpace(string(text)), func(c rune) bool { return c == '\n' || c == '\r' })
	return strings.Join(lines[max(0, len(lines)-2):], " / ")
}

// group is a control group.
type group struct{ dir *os.File }

var errNoCgroup = errors.New("no cgroup v2 here")

func newGroup() (*group, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	root := mounted(string(mounts))
	if root == "" {
		return nil, errNoCgroup
	}
	path, err := os.MkdirTemp(root, "hpcbench-bench-")
	if err != nil {
		return nil, err
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if _, err := (&group{dir}).cpu(); err != nil {
		(&group{dir}).close()
		return nil, err
	}
	return &group{dir}, nil
}

// mounted is where cgroup v2 is, in the words of /proc/self/mounts.
func mounted(mounts string) string {
	for line := range strings.Lines(mounts) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	return ""
}

// cpu is the time that its processes took so far.
func (g *group) cpu() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(g.dir.Name(), "cpu.stat"))
	if err != nil {
		return 0, err
	}
	return usage(string(text))
}

func usage(stat string) (time.Duration, error) {
	for line := range strings.Lines(stat) {
		if text, ok := strings.CutPrefix(line, "usage_usec "); ok {
			us, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return time.Duration(us) * time.Microsecond, err
		}
	}
	return 0, errors.New("cpu.stat has no usage_usec")
}

// close ends what still runs in the group, and removes it. A group that stays is an empty directory, and no harm.
func (g *group) close() {
	_ = os.WriteFile(filepath.Join(g.dir.Name(), "cgroup.kill"), []byte("1"), 0o644)
	for range 100 {
		if os.Remove(g.dir.Name()) == nil {
			break
		}
		time.Sleep(10 * time.Millisecond) // the kernel takes a moment to bury them
	}
	_ = g.dir.Close()
}

package monitor

import (
	"bytes"
	"context"
	"encoding/csv"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

func TestLastLineIsTheNumber(t *testing.T) {
	for text, want := range map[string]float64{"3": 3, "a\n-1.5e3\n\n": -1500, " 7 \r\n": 7, "1\n2\n": 2} {
		if got, err := lastNumber([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"": "wrote nothing", "\n \n": "wrote nothing", "35 W": `"35 W", and no number`, "3\nNaN": "no number", "Inf": "no number"} {
		if got, err := lastNumber([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || !math.IsNaN(got) {
			t.Errorf("%q: %v, %v; want %q", text, got, err, want)
		}
	}
}

func TestCommandsAreNoShell(t *testing.T) {
	for name, c := range map[string]struct {
		argv []string
		want string
	}{
		"an argument is data": {[]string{"printf", "%s\n", "$(echo 3); echo 4"}, "its last line is"},
		"fails":               {[]string{"false"}, "exit status 1"},
		"not there":           {[]string{"/no/such/program"}, "no such file"},
		"says nothing":        {[]string{"true"}, "wrote nothing"},
	} {
		one := &command{metric: workload.Metric{Command: c.argv}, within: time.Minute}
		if v, err := one.ask(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", name, v, err, c.want)
		}
	}
	one := &command{metric: workload.Metric{Command: []string{"echo", "3"}}, within: time.Minute}
	if v, err := one.ask(t.Context()); err != nil || v != 3 {
		t.Errorf("%v, %v", v, err)
	}
}

// What runs out of time is killed with all that it started, and so is what an ended command left behind.
func TestCommandLeavesNothingBehind(t *testing.T) {
	for name, c := range map[string]struct {
		tail   string
		within time.Duration
		want   string
	}{
		"out of time": {"wait", 300 * time.Millisecond, "no end within 300ms"},
		"left behind": {"echo 3", time.Minute, ""},
	} {
		pid := filepath.Join(t.TempDir(), "pid")
		one := &command{metric: workload.Metric{Command: []string{"bash", "-c", "sleep 1000 >/dev/null & echo $! >" + pid + "; " + c.tail}}, within: c.within}
		v, err := one.ask(t.Context())
		if c.want == "" && (err != nil || v != 3) || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
		text, err := os.ReadFile(pid)
		if err != nil {
			continue // it was killed before it started anything
		}
		child, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); syscall.Kill(child, 0) == nil && !zombie(child); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: process %d still runs", name, child)
			}
		}
	}
}

// zombie tells whether a process has ended, and its new parent has not taken note yet.
func zombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// file is a CSV that a test reads while it grows.
type file struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (f *file) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(p)
}

// cells are the column's so far.
func (f *file) cells(t *testing.T, head string) []string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	rows, err := csv.NewReader(bytes.NewReader(f.text.Bytes())).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%v: %q", err, f.text.String())
	}
	at := slices.Index(rows[0], head)
	if at < 0 {
		t.Fatalf("no column %s in %q", head, rows[0])
	}
	var cells []string
	for _, row := range rows[1:] {
		cells = append(cells, row[at])
	}
	return cells
}

func TestRowsHaveTheLastNumberUntilItFails(t *testing.T) {
	dir := t.TempDir()
	number := filepath.Join(dir, "number")
	if err := os.WriteFile(number, []byte("2.5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, log := new(file), new(file)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() {
		over <- Run(ctx, Config{Out: out, Interval: MinInterval, GPU: "none", Log: slog.New(slog.NewTextHandler(log, nil)), Metrics: []workload.Metric{
			{Name: "fan", Unit: "rpm", Command: []string{"cat", number}}, {Name: "page", Metric: "x"}}})
	}()
	until := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if cells := column0(out, t); len(cells) > 0 && cells[len(cells)-1] == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("no %q in a minute", want)
			}
		}
	}
	until("2.5")
	if err := os.Remove(number); err != nil {
		t.Fatal(err)
	}
	until("")
	cancel()
	if err := <-over; err != nil {
		t.Error(err)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if text := log.text.String(); strings.Count(text, "collector=fan") != 1 || !strings.Contains(text, "exit status 1") {
		t.Errorf("the log says %q, want one line of the failure", text)
	}
}

// column0 is the fan's column; nothing before the header is there.
func column0(f *file, t *testing.T) []string {
	f.mu.Lock()
	empty := f.text.Len() == 0
	f.mu.Unlock()
	if empty {
		return nil
	}
	return f.cells(t, "custom_fan_rpm")
}

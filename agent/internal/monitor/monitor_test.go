package monitor

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hpcbench/agent/metric"
	"hpcbench/agent/workload"
)

// fixture is a node whose /proc and /sys lie in testdata: first, and later after later is called.
func fixture(t *testing.T) (cfg Config, later func()) {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	node := filepath.Join(t.TempDir(), "node")
	point := func(at string) {
		if err := os.RemoveAll(node); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(wd, "testdata/node", at), node); err != nil {
			t.Fatal(err)
		}
	}
	point("first")
	cfg = Config{Proc: filepath.Join(node, "proc"), Sys: filepath.Join(node, "sys"), GPU: "none", Log: quiet()}
	return cfg, func() { point("later") }
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// table is the CSV by column name, a map a row.
func table(t *testing.T, text string) (rows []map[string]string) {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// TestReadings: 2 s pass between the two fixtures. Of 200 ticks the CPU spent 50 in user, 20 in system, 10 waiting for
// a disk and 120 idle; 2,000,000 bytes came in and 100,000 went out; 2,000 sectors were read and 400 written; the
// InfiniBand counters grew by 250 and 500 words.
func TestReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, later := fixture(t)
		cfg.Interval = 2 * time.Second
		var out bytes.Buffer
		cfg.Out = &out
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		time.AfterFunc(time.Second, later)
		if err := Run(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		rows := table(t, out.String())
		if len(rows) != 2 {
			t.Fatalf("%d rows in 3 s at 2 s:\n%s", len(rows), out.String())
		}
		for column, want := range map[string][2]string{
			"time_s":                    {"946684800.000", "946684802.000"}, // the bubble's clock begins at 2000-01-01
			"cpu_busy_ratio":            {"", "0.3500"},
			"cpu_user_ratio":            {"", "0.2500"},
			"cpu_system_ratio":          {"", "0.1000"},
			"cpu_iowait_ratio":          {"", "0.0500"},
			"procs_running":             {"3", "3"},
			"cpu0_busy_ratio":           {"", "0.3500"},
			"load1":                     {"2.50", "2.50"},
			"mem_total_bytes":           {"25276502016", "25276502016"},
			"mem_available_bytes":       {"24846725120", "24846725120"},
			"mem_used_bytes":            {"429776896", "429776896"},
			"swap_used_bytes":           {"1048576", "1048576"},
			"net_rx_bytes_per_s":        {"", "1000000"},
			"net_tx_bytes_per_s":        {"", "50000"},
			"ib_rx_bytes_per_s":         {"", "500"},
			"ib_tx_bytes_per_s":         {"", "1000"},
			"disk_read_bytes_per_s":     {"", "512000"},
			"disk_write_bytes_per_s":    {"", "102400"},
			"cgroup_cpu_limit_cpus":     {"2.50", "2.50"},
			"cgroup_memory_limit_bytes": {"8589934592", "8589934592"},
		} {
			if got := [2]string{rows[0][column], rows[1][column]}; got != want {
				t.Errorf("%s: got %q, want %q", column, got, want)
			}
		}
		if len(rows[0]) != 20 {
			t.Errorf("%d columns: %s", len(rows[0]), out.String())
		}
	})
}

// The words of a recipe choose what is read; cores are read where they are asked for, or there are few rows.
func TestCollectorsAreChosen(t *testing.T) {
	for asked, want := range map[string]string{
		"":               "cpu_busy_ratio cpu_user_ratio cpu_system_ratio cpu_iowait_ratio procs_running load1 mem_total_bytes mem_available_bytes mem_used_bytes swap_used_bytes net_rx_bytes_per_s net_tx_bytes_per_s ib_rx_bytes_per_s ib_tx_bytes_per_s disk_read_bytes_per_s disk_write_bytes_per_s cgroup_cpu_limit_cpus cgroup_memory_limit_bytes",
		"cores":          "cpu0_busy_ratio",
		"cpu cores":      "cpu_busy_ratio cpu_user_ratio cpu_system_ratio cpu_iowait_ratio procs_running cpu0_busy_ratio load1",
		"cgroup network": "net_rx_bytes_per_s net_tx_bytes_per_s cgroup_cpu_limit_cpus cgroup_memory_limit_bytes",
		"gpu server":     "",
	} {
		cfg, _ := fixture(t)
		cfg.Collectors, cfg.Interval = strings.Fields(asked), 500*time.Millisecond
		collectors, err := node(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range collectors {
			for _, column := range c.columns {
				got = append(got, column.name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: columns %s, want %s", asked, strings.Join(got, " "), want)
		}
	}
	if err := Run(t.Context(), Config{Out: io.Discard, Collectors: []string{"cpus"}}); err == nil || !strings.Contains(err.Error(), `"cpus"; there are cpu, cores`) {
		t.Errorf("cpus: %v", err)
	}
}

func TestCoresAreSharedOutByThemselves(t *testing.T) {
	cfg, later := fixture(t)
	cfg.Collectors = []string{"cores"}
	collectors, err := node(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if first := collectors[0].next(time.Now(), quiet()); first[0] == first[0] {
		t.Errorf("the first reading has a share: %v", first)
	}
	later()
	if second := collectors[0].next(time.Now(), quiet()); len(second) != 1 || math.Abs(second[0]-0.35) > 1e-9 {
		t.Errorf("core 0 was busy %v, want 0.35", second)
	}
}

// The table of agent/metric has each column that the monitor writes, and the monitor writes each that the table has.
func TestColumnsAreThoseOfTheTable(t *testing.T) {
	cfg, _ := fixture(t)
	cfg.Collectors = workload.Collectors
	collectors, err := node(cfg)
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for _, c := range append(collectors, newGPUs(Config{Interval: time.Second}).collector(1)) {
		for _, column := range c.columns {
			written[column.name] = true
		}
	}
	for _, m := range metric.Table {
		if m.Source != metric.Node || m.Column == "" {
			continue
		}
		names := []string{strings.NewReplacer("{gpu}", "0", "{core}", "0").Replace(m.Column)}
		if of, typed := strings.CutSuffix(names[0], "{type}_errors"); typed {
			names = []string{of + "corrected_errors", of + "uncorrected_errors"}
		}
		for _, name := range names {
			if !written[name] {
				t.Errorf("%s: the monitor writes no column %s", m.Name, name)
			}
			delete(written, name)
		}
	}
	for name := range written {
		t.Errorf("the table of metrics has no column %s", name)
	}
}

// Each gets what the CSV gets, and whether each collector's reading came.
func TestRowsAreGivenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := fixture(t)
		var out bytes.Buffer
		var rows []Row
		cfg.Out, cfg.Each, cfg.Collectors = &out, func(r Row) { rows = append(rows, r) }, []string{"memory", "network"}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		time.AfterFunc(500*time.Millisecond, func() { _ = os.Remove(filepath.Dir(cfg.Proc)) }) // the node's /proc is gone
		if err := Run(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		if len(rows) != 2 || strings.Join(rows[0].Columns, " ") != "mem_total_bytes mem_available_bytes mem_used_bytes swap_used_bytes net_rx_bytes_per_s net_tx_bytes_per_s" {
			t.Fatalf("rows %+v", rows)
		}
		if r := rows[0]; !r.Success["memory"] || !r.Success["network"] || r.Values[0] != 25276502016 || r.Values[4] == r.Values[4] {
			t.Errorf("first row %+v", r)
		}
		if r := rows[1]; r.Success["memory"] || r.Success["network"] || r.Values[0] == r.Values[0] || len(r.Words) != 6 {
			t.Errorf("row without /proc %+v", r)
		}
	})
}

func TestRowsAreDueAtStartPlusInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := fixture(t)
		cfg.Interval = 100 * time.Millisecond
		slow := &slowWriter{row: 3, by: 250 * time.Millisecond}
		cfg.Out = slow
		ctx, cancel := context.WithTimeout(t.Context(), 950*time.Millisecond)
		defer cancel()
		if err := Run(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		var at []string
		for _, row := range table(t, slow.String()) {
			at = append(at, strings.TrimPrefix(row["time_s"], "946684800."))
		}
		// The row at 200 ms took till 450 ms: those at 300 and 400 are left out, the next is on the beat again.
		if got, want := strings.Join(at, " "), "000 100 200 500 600 700 800 900"; got != want {
			t.Errorf("rows at %s ms, want %s", got, want)
		}
		if slow.writes != 9 {
			t.Errorf("%d writes for a header and 8 rows", slow.writes)
		}
	})
}

// slowWriter takes its time over one write.
type slowWriter struct {
	bytes.Buffer
	row, writes int
	by          time.Duration
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if w.writes == w.row {
		time.Sleep(w.by)
	}
	w.writes++
	return w.Buffer.Write(p)
}

func TestMissingIsEmptyAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "proc"), 0o777); err != nil {
			t.Fatal(err)
		}
		var out, log bytes.Buffer
		cfg := Config{Out: &out, Proc: filepath.Join(root, "proc"), Sys: root, GPU: "none",
			Log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := Run(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		for _, row := range table(t, out.String()) {
			for column, cell := range row {
				if column != "time_s" && cell != "" {
					t.Errorf("%s is %q on a node without /proc", column, cell)
				}
			}
		}
		if n := strings.Count(log.String(), "collector=cpu"); n != 1 {
			t.Errorf("the failing collector was logged %d times", n)
		}
	})
}

func TestBadConfigAndBrokenOutput(t *testing.T) {
	cfg, _ := fixture(t)
	cfg.Out = io.Discard
	for what, change := range map[string]func(*Config){
		"interval": func(c *Config) { c.Interval = time.Millisecond },
		"gpu":      func(c *Config) { c.GPU = "yes" },
		"procfs":   func(c *Config) { c.Proc = "testdata/nosuch" },
	} {
		broken := cfg
		change(&broken)
		if err := Run(t.Context(), broken); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: Run says %v", what, err)
		}
	}
	full := errors.New("disk full")
	cfg.Out = failing{full}
	if err := Run(t.Context(), cfg); !errors.Is(err, full) {
		t.Errorf("Run says %v of a full disk", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestRates(t *testing.T) {
	var r rates
	sum := func(now map[string]uint64) float64 { return r.sum(now, 2) }
	if got := sum(map[string]uint64{"a": 10}); got == got {
		t.Errorf("a first reading has a rate: %v", got)
	}
	if got := sum(map[string]uint64{"a": 30, "b": 1000}); got != 10 {
		t.Errorf("a counter that appeared was counted: %v", got)
	}
	if got := sum(map[string]uint64{"a": 30, "b": 1010}); got != 5 {
		t.Errorf("both counters: %v", got)
	}
	if got := sum(map[string]uint64{"a": 0, "b": 1020}); got == got {
		t.Errorf("a reset counter has a rate: %v", got)
	}
	if got := sum(map[string]uint64{"a": 4, "b": 1020}); got != 2 {
		t.Errorf("after a reset: %v", got)
	}
}

func TestCgroupVersion1(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"proc/4242/cgroup": "7:memory:/slurm/job_7\n3:cpu,cpuacct:/slurm/job_7\n1:name=systemd:/\n0::/\n",
		"sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes": "4294967296\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes":             "9223372036854771712\n",
		"sys/fs/cgroup/cpu/slurm/job_7/cpu.cfs_quota_us":         "-1\n",
		"sys/fs/cgroup/cpu/slurm/job_7/cpu.cfs_period_us":        "100000\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("4242", filepath.Join(root, "proc/self")); err != nil {
		t.Fatal(err)
	}
	collectors, err := node(Config{Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys")})
	if err != nil {
		t.Fatal(err)
	}
	c := collectors[len(collectors)-1]
	values, err := c.read(missing)
	if err != nil || values[0] == values[0] || values[1] != 4<<30 {
		t.Errorf("limits %v, %v; want none and 4 GiB", values, err)
	}
}

// TestThisNode reads the machine the test runs on: whatever it is, the readings are in their bounds.
func TestThisNode(t *testing.T) {
	collectors, err := node(Config{Proc: "/proc", Sys: "/sys"})
	if err != nil {
		t.Skip("no procfs here")
	}
	for _, c := range collectors {
		for range 2 {
			for i, v := range c.next(time.Now(), quiet()) {
				if v < 0 || strings.HasSuffix(c.columns[i].name, "_ratio") && v > 1 {
					t.Errorf("%s is %v", c.columns[i].name, v)
				}
			}
		}
	}
}

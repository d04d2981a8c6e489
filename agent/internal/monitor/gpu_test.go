package monitor

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseSMI(t *testing.T) {
	text, err := os.ReadFile("testdata/nvidia-smi.csv")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"0 0.37 2278555648 118.52 41",
		"1 0 0 43 28",
		"2 - - - -",
		"3 1 - 300.1 -",
		"4 - 1048576 - 55",
	}
	i := 0
	for line := range strings.Lines(string(text)) {
		r, err := parseSMI([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join([]string{show(float64(r.GPU)), point(r.Utilization), point(r.MemoryUsed), point(r.Power), point(r.Temperature)}, " ")
		if got != want[i] || r.Energy != nil {
			t.Errorf("%s: got %s, want %s", strings.TrimSpace(line), got, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d lines, want %d", i, len(want))
	}
	for _, line := range []string{"No devices were found", "x, 1, 2, 3, 4", "0, 1, 2"} {
		if _, err := parseSMI([]byte(line)); err == nil {
			t.Errorf("%q was taken for a reading", line)
		}
	}
}

func TestParseAgentGPU(t *testing.T) {
	r, err := parseAgentGPU([]byte(`{"t":1795467380.25,"gpu":2,"uuid":"GPU-1","name":"NVIDIA H100","utilization_ratio":0.5,"power_watts":400.5,"throttle":[]}`))
	if err != nil || r.GPU != 2 || point(r.Utilization) != "0.5" || point(r.Power) != "400.5" || r.Energy != nil || r.MemoryUsed != nil {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := parseAgentGPU([]byte(`agent-gpu: oops`)); err == nil {
		t.Error("words were taken for a reading")
	}
}

func point(p *float64) string {
	if p == nil {
		return "-"
	}
	return show(*p)
}

func show(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 3, 64), "0"), ".")
}

// stub puts a script in place of a program and returns its path.
func stub(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	text := "#!/bin/sh\n# A stub that stands for " + name + " in the tests of hpcbench.\n" + script
	if err := os.WriteFile(path, []byte(text), 0o777); err != nil {
		t.Fatal(err)
	}
	return path
}

// watch runs the monitor with the given programs until it has written rows rows.
func watch(t *testing.T, cfg Config, rows int) (out, log string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var buf, logged bytes.Buffer
	cfg.Out = writer(func(p []byte) (int, error) {
		if rows--; rows < 0 {
			cancel()
		}
		return buf.Write(p)
	})
	cfg.GPU, cfg.Interval, cfg.Log = "auto", MinInterval, slog.New(slog.NewTextHandler(&logged, nil))
	if err := Run(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	return buf.String(), logged.String()
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// rounds prints two GPUs' lines again and again.
const rounds = `while sleep 0.02; do
echo '{"gpu":0,"utilization_ratio":0.25,"memory_used_bytes":1024,"energy_joules":12.5}'
echo '{"gpu":1,"power_watts":70,"temperature_celsius":40}'
done
`

func TestAgentGPUIsPreferred(t *testing.T) {
	cfg, _ := fixture(t)
	dir := t.TempDir()
	cfg.AgentGPU = stub(t, dir, "agent-gpu", rounds)
	stub(t, dir, "nvidia-smi", "echo '0, 99, 1, 1, 1'; exec sleep 60\n")
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	out, _ := watch(t, cfg, 1)
	row := table(t, out)[0]
	for column, want := range map[string]string{
		"gpu0_utilization_ratio": "0.25", "gpu0_memory_used_bytes": "1024", "gpu0_power_watts": "",
		"gpu0_temperature_celsius": "", "gpu0_energy_joules": "12.500",
		"gpu1_utilization_ratio": "", "gpu1_power_watts": "70.00", "gpu1_temperature_celsius": "40", "gpu1_energy_joules": "",
	} {
		if got, there := row[column]; got != want || !there {
			t.Errorf("%s: got %q, want %q", column, got, want)
		}
	}
}

func TestNvidiaSMIWhereAgentGPUFails(t *testing.T) {
	cfg, _ := fixture(t)
	dir := t.TempDir()
	cfg.AgentGPU = stub(t, dir, "agent-gpu", "echo 'agent-gpu: no NVIDIA driver' >&2; exit 3\n")
	stub(t, dir, "nvidia-smi", `case "$*" in
*--query-gpu=index,utilization.gpu,memory.used,power.draw,temperature.gpu*--format=csv,noheader,nounits*-lms*100*) ;;
*) echo "wrong arguments: $*" >&2; exit 1 ;;
esac
while sleep 0.02; do echo '0, 37, 2173, [N/A], 41'; done
`)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	out, log := watch(t, cfg, 1)
	row := table(t, out)[0]
	if row["gpu0_utilization_ratio"] != "0.37" || row["gpu0_memory_used_bytes"] != "2278555648" || row["gpu0_power_watts"] != "" {
		t.Errorf("row %v", row)
	}
	if !strings.Contains(log, "no NVIDIA driver") {
		t.Errorf("the log does not say why agent-gpu was not used:\n%s", log)
	}
}

func TestNoGPUSource(t *testing.T) {
	cfg, _ := fixture(t)
	cfg.AgentGPU = filepath.Join(t.TempDir(), "agent-gpu")
	t.Setenv("PATH", t.TempDir())
	out, log := watch(t, cfg, 2)
	if strings.Contains(out, "gpu") {
		t.Errorf("GPU columns without GPUs:\n%s", out)
	}
	if len(table(t, out)) < 2 {
		t.Errorf("rows are missing:\n%s", out)
	}
	for _, name := range []string{"agent-gpu", "nvidia-smi", "no GPU readings"} {
		if !strings.Contains(log, name) {
			t.Errorf("the log does not name %s:\n%s", name, log)
		}
	}
}

func TestStaleReadingsAreMissing(t *testing.T) {
	g := newGPUs(Config{Interval: time.Second})
	half := 0.5
	g.put(reading{GPU: 0, Utilization: &half})
	values, err := g.collector(1).read(missing)
	if err != nil || values[0] != 0.5 {
		t.Errorf("fresh: %v, %v", values, err)
	}
	g.at[0] = g.at[0].Add(-time.Minute)
	if values, _ := g.collector(1).read(missing); values[0] == values[0] {
		t.Errorf("a minute later: %v", values)
	}
}

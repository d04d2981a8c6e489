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
		"0 0.37 2278555648 85520809984 118.52 41 1980000000 2619000000 5 0 sw_power_cap",
		"1 0 0 85520809984 43 28 345000000 1593000000 0 0 none",
		"2 - - - - - - - - - ",
		"3 1 - 85520809984 300.1 - 1410000000 1593000000 - - hw_slowdown;hw_thermal",
		"4 - 1048576 85520809984 - 55 1410000000 1593000000 0 2 ",
	}
	parse := smiParser(smiFields[0])
	i := 0
	for line := range strings.Lines(string(text)) {
		all, err := parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		r := all[0]
		got := strings.Join([]string{show(float64(r.GPU)), point(r.Utilization), point(r.MemoryUsed), point(r.MemoryTotal), point(r.Power), point(r.Temperature),
			point(r.SMClock), point(r.MemoryClock), point(r.ECCCorrected), point(r.ECCUncorrected), r.throttle()}, " ")
		if got != want[i] || r.Energy != nil || r.NVLinkRx != nil || r.PCIeRx != nil || r.Processes != nil {
			t.Errorf("%s: got %s, want %s", strings.TrimSpace(line), got, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d lines, want %d", i, len(want))
	}
	for _, line := range []string{"No devices were found", `Field "clocks_event_reasons.active" is not a valid field to query.`, "x, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10", "0, 1, 2"} {
		if _, err := parse([]byte(line)); err == nil {
			t.Errorf("%q was taken for a reading", line)
		}
	}
}

func TestParseROCm(t *testing.T) {
	for file, want := range map[string]string{
		"mi250":      "0 0.1 - - 89 32 800000000 1600000000 962825096.297 |1 0.2 - - - 32 800000000 1600000000 - ",
		"rx7900xtx":  "0 0 794341376 25753026560 19 49 - - - ",
		"radeon780m": "0 0.19 - - 7.222 31 800000000 400000000 - ",
	} {
		text, err := os.ReadFile("testdata/rocm-smi/" + file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(string(text)) {
			all, err := parseROCm([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				got = append(got, strings.Join([]string{show(float64(r.GPU)), point(r.Utilization), point(r.MemoryUsed), point(r.MemoryTotal), point(r.Power),
					point(r.Temperature), point(r.SMClock), point(r.MemoryClock), point(r.Energy), r.throttle()}, " "))
			}
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: got %s, want %s", file, strings.Join(got, "|"), want)
		}
	}
	if _, err := parseROCm([]byte(`{"card0": `)); err == nil {
		t.Error("half a line was taken for a reading")
	}
}

// Counters of NVLink become rates between two readings of one GPU, by the readings' own clock.
func TestNVLinkRates(t *testing.T) {
	g := newGPUs(Config{Interval: time.Second})
	for _, line := range []string{
		`{"t":100,"gpu":0,"nvlink_rx_bytes":1000,"nvlink_tx_bytes":5}`, `{"t":102,"gpu":0,"nvlink_rx_bytes":5000,"nvlink_tx_bytes":1}`,
	} {
		all, err := parseAgentGPU([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		g.put(all[0])
	}
	if r := g.last[0]; point(r.nvlinkRxRate) != "2000" || r.nvlinkTxRate != nil {
		t.Errorf("rates %s and %s, want 2000 and, of a counter that began anew, none", point(r.nvlinkRxRate), point(r.nvlinkTxRate))
	}
}

func TestParseAgentGPU(t *testing.T) {
	all, err := parseAgentGPU([]byte(`{"t":1795467380.25,"gpu":2,"uuid":"GPU-1","name":"NVIDIA H100","utilization_ratio":0.5,"power_watts":400.5,"throttle":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := all[0]
	if r.throttle() != "none" || r.GPU != 2 || point(r.Utilization) != "0.5" || point(r.Power) != "400.5" || r.Energy != nil || r.MemoryUsed != nil {
		t.Errorf("got %+v", r)
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
	return watchUntil(t, cfg, func(Row) bool { rows--; return rows <= 0 })
}

// watchUntil runs it until a row is the last that is wanted.
func watchUntil(t *testing.T, cfg Config, last func(Row) bool) (out, log string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var buf, logged bytes.Buffer
	cfg.Out = &buf
	cfg.Each = func(r Row) {
		if last(r) {
			cancel()
		}
	}
	cfg.GPU, cfg.Interval, cfg.Log = "auto", MinInterval, slog.New(slog.NewTextHandler(&logged, nil))
	if err := Run(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	return buf.String(), logged.String()
}

// rounds prints two GPUs' lines again and again.
const rounds = `while sleep 0.02; do
echo '{"gpu":0,"utilization_ratio":0.25,"memory_used_bytes":1024,"energy_joules":12.5,"throttle":["hw_thermal","sw_power_cap"]}'
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
		"gpu0_throttle_reasons": "hw_thermal;sw_power_cap", "gpu1_throttle_reasons": "",
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
*clocks_event_reasons*) echo 'Field "clocks_event_reasons.active" is not a valid field to query.'; exit 2 ;;
*--query-gpu=index,utilization.gpu,memory.used,memory.total,power.draw,temperature.gpu,clocks.sm,*--format=csv,noheader,nounits*-lms*100*) ;;
*) echo "wrong arguments: $*" >&2; exit 1 ;;
esac
while sleep 0.02; do echo '0, 37, 2173, 81559, [N/A], 41, 1980, 2619, 0x0000000000000000, 0, 0'; done
`)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	out, log := watch(t, cfg, 1)
	row := table(t, out)[0]
	if row["gpu0_utilization_ratio"] != "0.37" || row["gpu0_memory_used_bytes"] != "2278555648" || row["gpu0_power_watts"] != "" || row["gpu0_sm_clock_hz"] != "1980000000" || row["gpu0_throttle_reasons"] != "none" {
		t.Errorf("row %v", row)
	}
	if !strings.Contains(log, "no NVIDIA driver") {
		t.Errorf("the log does not say why agent-gpu was not used:\n%s", log)
	}
}

// rocm-smi prints once, and is run again and again; where a run fails, the readings before it grow old.
func TestROCmSMIWhereThereIsNoOther(t *testing.T) {
	cfg, _ := fixture(t)
	dir := t.TempDir()
	cfg.AgentGPU = filepath.Join(dir, "agent-gpu")
	stub(t, dir, "rocm-smi", `case "$*" in
"--showuse --showmeminfo vram --showpower --showtemp --showclocks --showenergycounter --json") ;;
*) echo "wrong arguments: $*" >&2; exit 1 ;;
esac
echo run >>`+dir+`/runs
[ "$(wc -l <`+dir+`/runs)" -lt 3 ] || { echo "driver went away" >&2; exit 1; }
cat '`+absolute(t, "testdata/rocm-smi/mi250.json")+`'
`)
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	var gone bool
	out, log := watchUntil(t, cfg, func(r Row) bool {
		gone = gone || !r.Success["gpu"]
		return gone
	})
	first := table(t, out)[0]
	if first["gpu0_power_watts"] != "89.00" || first["gpu1_power_watts"] != "" || first["gpu0_energy_joules"] != "962825096.297" || first["gpu1_utilization_ratio"] != "0.20" {
		t.Errorf("row %v", first)
	}
	rows := table(t, out)
	if last := rows[len(rows)-1]; last["gpu0_power_watts"] != "" {
		t.Errorf("the last row still has %s W", last["gpu0_power_watts"])
	}
	if strings.Count(log, "driver went away") != 1 {
		t.Errorf("the log does not tell of the failure once:\n%s", log)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
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
	if n := strings.Count(log, "no GPU readings from nvidia-smi"); n != 1 {
		t.Errorf("that there is no nvidia-smi is told %d times:\n%s", n, log)
	}
	for _, name := range []string{"agent-gpu", "nvidia-smi", "rocm-smi", "no GPU readings"} {
		if !strings.Contains(log, name) {
			t.Errorf("the log does not name %s:\n%s", name, log)
		}
	}
}

// That nothing can be read of GPUs is a failure where there is a driver, and none where there are no GPUs.
func TestGPUsThatCannotBeRead(t *testing.T) {
	for _, there := range []string{"", "module/nvidia", "class/kfd"} {
		cfg, _ := fixture(t)
		sys := t.TempDir()
		if err := os.MkdirAll(filepath.Join(sys, there), 0o777); err != nil {
			t.Fatal(err)
		}
		cfg.Sys, cfg.AgentGPU = sys, filepath.Join(t.TempDir(), "agent-gpu")
		t.Setenv("PATH", t.TempDir())
		var last Row
		out, _ := watchUntil(t, cfg, func(r Row) bool { last = r; return true })
		if success, told := last.Success["gpu"]; success || told != (there != "") || strings.Contains(out, "gpu") {
			t.Errorf("with %q: told %v, success %v, in\n%s", there, told, success, out)
		}
	}
}

func TestStaleReadingsAreMissing(t *testing.T) {
	g := newGPUs(Config{Interval: time.Second})
	half := 0.5
	g.put(reading{GPU: 0, Utilization: &half, Throttle: []string{}})
	c := g.collector(1)
	values, err := c.read(missing)
	if err != nil || values[0] != 0.5 || c.columns[len(c.columns)-1].words() != "none" {
		t.Errorf("fresh: %v, %v", values, err)
	}
	g.at[0] = g.at[0].Add(-time.Minute)
	values, err = c.read(missing)
	if values[0] == values[0] || err == nil || err.Error() != "no reading of GPU 0 for 4s" || c.columns[len(c.columns)-1].words() != "" {
		t.Errorf("a minute later: %v, %v", values, err)
	}
}

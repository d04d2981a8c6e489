//go:build gpu && cgo

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
)

// dgx is a mock of a DGX H100 whose GPUs answer to everything that is asked.
func dgx() *server.Server {
	lib := dgxh100.New()
	for i, d := range lib.Devices {
		g := d.(*server.Device)
		g.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{Gpu: 37}, nvml.SUCCESS }
		g.GetMemoryInfo_v2Func = func() (nvml.Memory_v2, nvml.Return) {
			return nvml.Memory_v2{Used: uint64(i+1) << 30, Total: 80 << 30, Reserved: 1 << 29}, nvml.SUCCESS
		}
		g.GetPowerUsageFunc = func() (uint32, nvml.Return) { return 118_520, nvml.SUCCESS }
		g.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 5_000_250, nvml.SUCCESS }
		g.GetTemperatureFunc = func(nvml.TemperatureSensors) (uint32, nvml.Return) { return 41, nvml.SUCCESS }
		g.GetClockInfoFunc = func(nvml.ClockType) (uint32, nvml.Return) { return 1980, nvml.SUCCESS }
		g.GetCurrentClocksThrottleReasonsFunc = func() (uint64, nvml.Return) {
			return nvml.ClocksThrottleReasonSwPowerCap | nvml.ClocksThrottleReasonGpuIdle, nvml.SUCCESS
		}
	}
	return lib
}

func TestOnceReadsEveryGPU(t *testing.T) {
	var out, words bytes.Buffer
	if status := run([]string{"--once"}, dgx(), &out, &words); status != exitDone {
		t.Fatalf("status %d: %s", status, words.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 8 {
		t.Fatalf("%d lines for 8 GPUs:\n%s", len(lines), out.String())
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[2]), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"gpu": 2.0, "utilization_ratio": 0.37, "memory_used_bytes": 3.0 * (1 << 30), "memory_total_bytes": 80.0 * (1 << 30),
		"power_watts": 118.52, "energy_joules": 5000.25, "temperature_celsius": 41.0, "sm_clock_hz": 1.98e9,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if reasons, ok := got["throttle"].([]any); !ok || len(reasons) != 1 || reasons[0] != "sw_power_cap" {
		t.Errorf("throttle is %v", got["throttle"])
	}
	if name, _ := got["name"].(string); !strings.Contains(name, "H100") || got["uuid"] == "" || got["t"] == 0.0 {
		t.Errorf("line %s", lines[2])
	}
}

func TestWhatAGPUCannotTellIsAbsent(t *testing.T) {
	lib := dgx()
	g := lib.Devices[0].(*server.Device)
	g.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{}, nvml.ERROR_NOT_SUPPORTED }
	g.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	g.GetMemoryInfo_v2Func = func() (nvml.Memory_v2, nvml.Return) { return nvml.Memory_v2{}, nvml.ERROR_ARGUMENT_VERSION_MISMATCH }
	g.GetCurrentClocksThrottleReasonsFunc = func() (uint64, nvml.Return) { return 0, nvml.SUCCESS }
	var out, words bytes.Buffer
	if status := run([]string{"--once"}, lib, &out, &words); status != exitDone {
		t.Fatalf("status %d: %s", status, words.String())
	}
	first, _, _ := strings.Cut(out.String(), "\n")
	for _, key := range []string{"utilization_ratio", "energy_joules"} {
		if strings.Contains(first, key) {
			t.Errorf("%s in %s", key, first)
		}
	}
	for _, part := range []string{`"memory_total_bytes"`, `"throttle":[]`} {
		if !strings.Contains(first, part) {
			t.Errorf("no %s in %s", part, first)
		}
	}
}

func TestNoDriver(t *testing.T) {
	lib := dgx()
	lib.InitFunc = func() nvml.Return { return nvml.ERROR_LIBRARY_NOT_FOUND }
	var out, words bytes.Buffer
	if status := run(nil, lib, &out, &words); status != exitNoDriver {
		t.Errorf("status %d", status)
	}
	if !strings.Contains(words.String(), "no NVIDIA driver") || out.Len() > 0 {
		t.Errorf("it says %q and prints %q", words.String(), out.String())
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"--interval", "1ms"}, {"--nosuch"}, {"operand"}} {
		if status := run(args, dgx(), &bytes.Buffer{}, &bytes.Buffer{}); status != exitUsage {
			t.Errorf("%v: status %d", args, status)
		}
	}
	var words bytes.Buffer
	if status := run([]string{"-h"}, dgx(), &bytes.Buffer{}, &words); status != exitDone || !strings.Contains(words.String(), "usage:") {
		t.Errorf("-h: status %d, %q", status, words.String())
	}
}

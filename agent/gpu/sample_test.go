//go:build gpu && cgo

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
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
		g.GetClockInfoFunc = func(which nvml.ClockType) (uint32, nvml.Return) {
			return map[nvml.ClockType]uint32{nvml.CLOCK_SM: 1980, nvml.CLOCK_MEM: 2619}[which], nvml.SUCCESS
		}
		g.GetCurrentClocksThrottleReasonsFunc = func() (uint64, nvml.Return) {
			return nvml.ClocksThrottleReasonSwPowerCap | nvml.ClocksThrottleReasonGpuIdle, nvml.SUCCESS
		}
		g.GetPcieThroughputFunc = func(which nvml.PcieUtilCounter) (uint32, nvml.Return) {
			return map[nvml.PcieUtilCounter]uint32{nvml.PCIE_UTIL_RX_BYTES: 12_000, nvml.PCIE_UTIL_TX_BYTES: 3_000}[which], nvml.SUCCESS
		}
		g.GetTotalEccErrorsFunc = func(of nvml.MemoryErrorType, since nvml.EccCounterType) (uint64, nvml.Return) {
			if since != nvml.VOLATILE_ECC {
				return 0, nvml.ERROR_INVALID_ARGUMENT
			}
			return map[nvml.MemoryErrorType]uint64{nvml.MEMORY_ERROR_TYPE_CORRECTED: 5, nvml.MEMORY_ERROR_TYPE_UNCORRECTED: 1}[of], nvml.SUCCESS
		}
		g.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return make([]nvml.ProcessInfo, 2), nvml.SUCCESS }
		g.GetFieldValuesFunc = func(fields []nvml.FieldValue) nvml.Return {
			for i := range fields {
				if fields[i].ScopeId != math.MaxUint32 {
					return nvml.ERROR_INVALID_ARGUMENT
				}
				n := map[uint32]uint64{nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_RX: 3, nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_TX: 7}[fields[i].FieldId]
				fields[i].ValueType = uint32(nvml.VALUE_TYPE_UNSIGNED_LONG_LONG)
				binary.NativeEndian.PutUint64(fields[i].Value[:], n)
			}
			return nvml.SUCCESS
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
		"memory_clock_hz": 2.619e9, "pcie_rx_bytes_per_s": 12e6, "pcie_tx_bytes_per_s": 3e6, "ecc_corrected_errors": 5.0, "ecc_uncorrected_errors": 1.0,
		"nvlink_rx_bytes": 3072.0, "nvlink_tx_bytes": 7168.0, "processes": 2.0,
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
	g.GetPcieThroughputFunc = func(nvml.PcieUtilCounter) (uint32, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	g.GetTotalEccErrorsFunc = func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) {
		return 0, nvml.ERROR_NOT_SUPPORTED
	}
	g.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.ERROR_NO_PERMISSION }
	g.GetFieldValuesFunc = func(fields []nvml.FieldValue) nvml.Return { // a GPU without links answers each field by itself
		for i := range fields {
			fields[i].NvmlReturn = uint32(nvml.ERROR_NOT_SUPPORTED)
		}
		return nvml.SUCCESS
	}
	var out, words bytes.Buffer
	if status := run([]string{"--once"}, lib, &out, &words); status != exitDone {
		t.Fatalf("status %d: %s", status, words.String())
	}
	first, _, _ := strings.Cut(out.String(), "\n")
	for _, key := range []string{"utilization_ratio", "energy_joules", "pcie_", "ecc_", "processes", "nvlink_"} {
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

// A driver that lacks a function is not asked for it: go-nvml would end the process.
func TestFunctionsThatTheDriverLacksAreNotCalled(t *testing.T) {
	lib := dgx()
	lib.ExtensionsFunc = func() nvml.ExtendedInterface {
		return &mock.ExtendedInterface{LookupSymbolFunc: func(string) error { return errors.New("undefined symbol") }}
	}
	g := lib.Devices[0].(*server.Device)
	g.GetMemoryInfo_v2Func, g.GetPcieThroughputFunc, g.GetTotalEccErrorsFunc, g.GetFieldValuesFunc = nil, nil, nil, nil // the mock panics
	g.GetTotalEnergyConsumptionFunc, g.GetCurrentClocksThrottleReasonsFunc = nil, nil
	g.GetMemoryInfoFunc = func() (nvml.Memory, nvml.Return) { return nvml.Memory{Used: 1, Total: 2}, nvml.SUCCESS }
	gpus, err := devices(lib)
	if err != nil {
		t.Fatal(err)
	}
	gpus[0].slowly.keep(gpus[0].slow(), time.Now())
	s := gpus[0].sample(time.Now())
	if *s.MemoryTotal != 2 || s.Energy != nil || s.Throttle != nil || s.PCIeRx != nil || s.ECCCorrected != nil || s.NVLinkRx != nil || *s.Processes != 2 {
		t.Errorf("%+v", s)
	}
}

// The samples keep their pace while a PCIe counter is watched, however long that takes, and have what it said last.
func TestSlowReadingsHoldNothingUp(t *testing.T) {
	lib := dgx()
	release, asked := make(chan struct{}), make(chan struct{}, 100)
	lib.Devices[0].(*server.Device).GetPcieThroughputFunc = func(nvml.PcieUtilCounter) (uint32, nvml.Return) {
		asked <- struct{}{}
		<-release
		return 1, nvml.SUCCESS
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines := make(chan string, 1000)
	done := make(chan error, 1)
	go func() {
		done <- watch(ctx, lib, 100*time.Millisecond, false, writer(func(p []byte) (int, error) {
			lines <- string(p)
			return len(p), nil
		}))
	}()
	<-asked
	for range 3 * 8 { // three rounds come although the counter does not answer
		if line := <-lines; strings.Contains(line, "pcie_rx") {
			t.Fatalf("a counter that has not answered is in %s", line)
		}
	}
	close(release)
	for !strings.Contains(<-lines, `"pcie_rx_bytes_per_s":1000,`) {
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

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

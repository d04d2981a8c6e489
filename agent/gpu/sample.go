//go:build gpu && cgo

package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// sample is one GPU at one instant: a line of output. Nil is left out: the GPU did not tell.
type sample struct {
	T           float64  `json:"t"`   // Unix time, seconds
	GPU         int      `json:"gpu"` // NVML's index
	UUID        string   `json:"uuid,omitempty"`
	Name        string   `json:"name,omitempty"`
	Utilization *float64 `json:"utilization_ratio,omitempty"` // share of the last sample period with a kernel running
	MemoryUsed  *float64 `json:"memory_used_bytes,omitempty"`
	MemoryTotal *float64 `json:"memory_total_bytes,omitempty"`
	Power       *float64 `json:"power_watts,omitempty"`
	Energy      *float64 `json:"energy_joules,omitempty"` // since the driver was loaded
	Temperature *float64 `json:"temperature_celsius,omitempty"`
	SMClock     *float64 `json:"sm_clock_hz,omitempty"`
	MemoryClock *float64 `json:"memory_clock_hz,omitempty"`
	Throttle    []string `json:"throttle,omitzero"`         // empty: nothing holds the clock down
	NVLinkRx    *float64 `json:"nvlink_rx_bytes,omitempty"` // since the driver was loaded, data without the protocol's own, over all links
	NVLinkTx    *float64 `json:"nvlink_tx_bytes,omitempty"`
	slow
}

// gpu is one device and what never changes about it.
type gpu struct {
	index  int
	device nvml.Device
	uuid   string
	name   string
	has    symbols
	slowly *slowly
}

// symbols are the functions that the installed driver has, of those that came after the first ones: one that it lacks ends the
// process when it is called, so it is looked up before.
type symbols struct{ memoryV2, fields, pcie, ecc, energy, throttle bool }

func look(lib nvml.Interface) symbols {
	has := func(name string) bool { return lib.Extensions().LookupSymbol(name) == nil }
	return symbols{
		memoryV2: has("nvmlDeviceGetMemoryInfo_v2"), fields: has("nvmlDeviceGetFieldValues"), pcie: has("nvmlDeviceGetPcieThroughput"),
		ecc: has("nvmlDeviceGetTotalEccErrors"), energy: has("nvmlDeviceGetTotalEnergyConsumption"), throttle: has("nvmlDeviceGetCurrentClocksThrottleReasons"),
	}
}

// devices opens every GPU this process may see; the cgroup of a job may hide some.
func devices(lib nvml.Interface) ([]gpu, error) {
	n, ret := lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("counting the GPUs: %s", nvml.ErrorString(ret))
	}
	known := look(lib)
	var gpus []gpu
	for i := range n {
		device, ret := lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			return nil, fmt.Errorf("opening GPU %d: %s", i, nvml.ErrorString(ret))
		}
		g := gpu{index: i, device: device, has: known, slowly: &slowly{}}
		if uuid, ret := device.GetUUID(); ret == nvml.SUCCESS {
			g.uuid = uuid
		}
		if name, ret := device.GetName(); ret == nvml.SUCCESS {
			g.name = name
		}
		gpus = append(gpus, g)
	}
	return gpus, nil
}

// sample reads the GPU; now is the reading's time.
func (g *gpu) sample(now time.Time) sample {
	s := sample{T: float64(now.UnixMicro()) / 1e6, GPU: g.index, UUID: g.uuid, Name: g.name}
	if use, ret := g.device.GetUtilizationRates(); ret == nvml.SUCCESS {
		s.Utilization = times(use.Gpu, 0.01)
	}
	s.MemoryUsed, s.MemoryTotal = g.memory()
	if milliwatts, ret := g.device.GetPowerUsage(); ret == nvml.SUCCESS {
		s.Power = times(milliwatts, 1e-3)
	}
	if g.has.energy {
		if millijoules, ret := g.device.GetTotalEnergyConsumption(); ret == nvml.SUCCESS {
			s.Energy = times(millijoules, 1e-3)
		}
	}
	if degrees, ret := g.device.GetTemperature(nvml.TEMPERATURE_GPU); ret == nvml.SUCCESS {
		s.Temperature = times(degrees, 1)
	}
	if megahertz, ret := g.device.GetClockInfo(nvml.CLOCK_SM); ret == nvml.SUCCESS {
		s.SMClock = times(megahertz, 1e6)
	}
	if megahertz, ret := g.device.GetClockInfo(nvml.CLOCK_MEM); ret == nvml.SUCCESS {
		s.MemoryClock = times(megahertz, 1e6)
	}
	if g.has.throttle {
		if mask, ret := g.device.GetCurrentClocksThrottleReasons(); ret == nvml.SUCCESS {
			s.Throttle = reasons(mask)
		}
	}
	s.NVLinkRx, s.NVLinkTx = g.nvlink()
	s.slow = g.slowly.last(now)
	return s
}

// nvlink is the bytes received and sent over all links since the driver was loaded. A scope of all ones is their sum; the
// fields are in KiB (nvml.h, NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX).
func (g *gpu) nvlink() (rx, tx *float64) {
	if !g.has.fields {
		return nil, nil
	}
	fields := []nvml.FieldValue{
		{FieldId: nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_RX, ScopeId: math.MaxUint32},
		{FieldId: nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_TX, ScopeId: math.MaxUint32},
	}
	if ret := g.device.GetFieldValues(fields); ret != nvml.SUCCESS {
		return nil, nil
	}
	return kibibytes(fields[0]), kibibytes(fields[1])
}

// kibibytes is a field's value in bytes; nil where the GPU does not have it.
func kibibytes(f nvml.FieldValue) *float64 {
	if nvml.Return(f.NvmlReturn) != nvml.SUCCESS || nvml.ValueType(f.ValueType) != nvml.VALUE_TYPE_UNSIGNED_LONG_LONG {
		return nil
	}
	return times(binary.NativeEndian.Uint64(f.Value[:]), 1024)
}

// memory is the bytes used and the bytes there are. Version 1 of the call counts what the driver keeps for itself as
// used; version 2, which nvidia-smi shows, does not.
func (g *gpu) memory() (used, total *float64) {
	if g.has.memoryV2 {
		if m, ret := g.device.GetMemoryInfo_v2(); ret == nvml.SUCCESS {
			return times(m.Used, 1), times(m.Total, 1)
		}
	}
	if m, ret := g.device.GetMemoryInfo(); ret == nvml.SUCCESS {
		return times(m.Used, 1), times(m.Total, 1)
	}
	return nil, nil
}

// times is n in another unit.
func times[N uint32 | uint64](n N, unit float64) *float64 {
	v := float64(n) * unit
	return &v
}

// reasons names the bits of NVML's throttle mask, but for idling: an idle GPU is not held down.
func reasons(mask uint64) []string {
	names := []string{}
	for _, r := range []struct {
		bit  uint64
		name string
	}{
		{nvml.ClocksThrottleReasonApplicationsClocksSetting, "applications_clocks"},
		{nvml.ClocksThrottleReasonSwPowerCap, "sw_power_cap"},
		{nvml.ClocksThrottleReasonHwSlowdown, "hw_slowdown"},
		{nvml.ClocksThrottleReasonSyncBoost, "sync_boost"},
		{nvml.ClocksThrottleReasonSwThermalSlowdown, "sw_thermal"},
		{nvml.ClocksThrottleReasonHwThermalSlowdown, "hw_thermal"},
		{nvml.ClocksThrottleReasonHwPowerBrakeSlowdown, "hw_power_brake"},
		{nvml.ClocksThrottleReasonDisplayClockSetting, "display_clock"},
	} {
		if mask&r.bit != 0 {
			names = append(names, r.name)
		}
	}
	return names
}

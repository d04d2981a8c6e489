//go:build gpu && cgo

package main

import (
	"context"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// slow is what takes long to read, or changes seldom. A PCIe counter is watched for 20 ms at each call (nvml.h), which for both
// of eight GPUs is 320 ms: they are read beside the samples, one GPU after the other, and a sample has what came last.
type slow struct {
	PCIeRx         *float64 `json:"pcie_rx_bytes_per_s,omitempty"` // over 20 ms at some time of the last seconds
	PCIeTx         *float64 `json:"pcie_tx_bytes_per_s,omitempty"`
	ECCCorrected   *float64 `json:"ecc_corrected_errors,omitempty"` // since the driver was loaded
	ECCUncorrected *float64 `json:"ecc_uncorrected_errors,omitempty"`
	Processes      *float64 `json:"processes,omitempty"` // that compute on it
}

// slowEvery is the pace of the slow readings, at most; they are no faster than the samples.
const slowEvery = time.Second

// slowly keeps a GPU's slow reading.
type slowly struct {
	mu sync.Mutex
	is slow
	at time.Time
}

// last is the reading, unless it is old: then whatever reads it hangs.
func (s *slowly) last(now time.Time) slow {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.at) > 10*slowEvery {
		return slow{}
	}
	return s.is
}

func (s *slowly) keep(is slow, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.is, s.at = is, at
}

// readSlowly reads what is slow of all GPUs, round after round, until ctx ends.
func readSlowly(ctx context.Context, gpus []gpu, every time.Duration) {
	for {
		began := time.Now()
		for i := range gpus {
			if ctx.Err() != nil {
				return
			}
			gpus[i].slowly.keep(gpus[i].slow(), time.Now())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(began.Add(max(every, slowEvery)))):
		}
	}
}

func (g *gpu) slow() slow {
	var s slow
	if g.has.pcie {
		s.PCIeRx, s.PCIeTx = g.pcie(nvml.PCIE_UTIL_RX_BYTES), g.pcie(nvml.PCIE_UTIL_TX_BYTES)
	}
	if g.has.ecc {
		s.ECCCorrected, s.ECCUncorrected = g.errors(nvml.MEMORY_ERROR_TYPE_CORRECTED), g.errors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED)
	}
	if all, ret := g.device.GetComputeRunningProcesses(); ret == nvml.SUCCESS { // go-nvml takes the version of it that the driver has
		s.Processes = times(uint64(len(all)), 1)
	}
	return s
}

// pcie is a direction's bytes per second; NVML tells thousands of them.
func (g *gpu) pcie(which nvml.PcieUtilCounter) *float64 {
	if kilobytes, ret := g.device.GetPcieThroughput(which); ret == nvml.SUCCESS {
		return times(kilobytes, 1e3)
	}
	return nil
}

// errors are the ECC errors of a type in all of the GPU's memories since the driver was loaded.
func (g *gpu) errors(of nvml.MemoryErrorType) *float64 {
	if n, ret := g.device.GetTotalEccErrors(of, nvml.VOLATILE_ECC); ret == nvml.SUCCESS {
		return times(n, 1)
	}
	return nil
}

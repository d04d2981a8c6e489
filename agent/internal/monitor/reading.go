package monitor

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// reading is one GPU at one instant: a line of agent-gpu's output, whose nil fields were not there. What nvidia-smi and
// rocm-smi tell is put into the same.
type reading struct {
	T              float64  `json:"t"`   // seconds since 1970
	GPU            int      `json:"gpu"` // the driver's index
	Utilization    *float64 `json:"utilization_ratio"`
	MemoryUsed     *float64 `json:"memory_used_bytes"`
	MemoryTotal    *float64 `json:"memory_total_bytes"`
	Power          *float64 `json:"power_watts"`
	Energy         *float64 `json:"energy_joules"` // since the driver was loaded
	Temperature    *float64 `json:"temperature_celsius"`
	SMClock        *float64 `json:"sm_clock_hz"`
	MemoryClock    *float64 `json:"memory_clock_hz"`
	Throttle       []string `json:"throttle"` // why the clock is below its maximum; nil: not known, empty: nothing holds it down
	ECCCorrected   *float64 `json:"ecc_corrected_errors"`
	ECCUncorrected *float64 `json:"ecc_uncorrected_errors"`
	PCIeRx         *float64 `json:"pcie_rx_bytes_per_s"`
	PCIeTx         *float64 `json:"pcie_tx_bytes_per_s"`
	NVLinkRx       *float64 `json:"nvlink_rx_bytes"` // since the driver was loaded, over all links
	NVLinkTx       *float64 `json:"nvlink_tx_bytes"`
	Processes      *float64 `json:"processes"`

	nvlinkRxRate, nvlinkTxRate *float64 // bytes/s, since the reading before
}

// gpuNumbers are the columns of a GPU that hold numbers, behind gpu<k>_; throttle_reasons, which holds words, follows them.
var gpuNumbers = []struct {
	column
	of func(*reading) *float64
}{
	{column{"utilization_ratio", 2, nil}, func(r *reading) *float64 { return r.Utilization }},
	{column{"memory_used_bytes", 0, nil}, func(r *reading) *float64 { return r.MemoryUsed }},
	{column{"memory_total_bytes", 0, nil}, func(r *reading) *float64 { return r.MemoryTotal }},
	{column{"power_watts", 2, nil}, func(r *reading) *float64 { return r.Power }},
	{column{"temperature_celsius", 0, nil}, func(r *reading) *float64 { return r.Temperature }},
	{column{"energy_joules", 3, nil}, func(r *reading) *float64 { return r.Energy }},
	{column{"sm_clock_hz", 0, nil}, func(r *reading) *float64 { return r.SMClock }},
	{column{"memory_clock_hz", 0, nil}, func(r *reading) *float64 { return r.MemoryClock }},
	{column{"ecc_corrected_errors", 0, nil}, func(r *reading) *float64 { return r.ECCCorrected }},
	{column{"ecc_uncorrected_errors", 0, nil}, func(r *reading) *float64 { return r.ECCUncorrected }},
	{column{"pcie_rx_bytes_per_s", 0, nil}, func(r *reading) *float64 { return r.PCIeRx }},
	{column{"pcie_tx_bytes_per_s", 0, nil}, func(r *reading) *float64 { return r.PCIeTx }},
	{column{"nvlink_rx_bytes_per_s", 0, nil}, func(r *reading) *float64 { return r.nvlinkRxRate }},
	{column{"nvlink_tx_bytes_per_s", 0, nil}, func(r *reading) *float64 { return r.nvlinkTxRate }},
	{column{"processes", 0, nil}, func(r *reading) *float64 { return r.Processes }},
}

// NotThrottled is the cell of a GPU whose clock nothing holds down: an empty one is that of a GPU that does not tell.
const NotThrottled = "none"

// throttle is the reasons in one cell.
func (r *reading) throttle() string {
	if r.Throttle == nil {
		return ""
	}
	if len(r.Throttle) == 0 {
		return NotThrottled
	}
	return strings.Join(r.Throttle, ";")
}

// after fills in what takes the reading before to say.
func (r reading) after(before reading) reading {
	elapsed := r.T - before.T
	r.nvlinkRxRate, r.nvlinkTxRate = grown(before.NVLinkRx, r.NVLinkRx, elapsed), grown(before.NVLinkTx, r.NVLinkTx, elapsed)
	return r
}

// grown is a counter's growth per second; nil where it is not known at both ends, or began anew between.
func grown(from, to *float64, elapsed float64) *float64 {
	if from == nil || to == nil || *to < *from || elapsed <= 0 {
		return nil
	}
	return new((*to - *from) / elapsed)
}

// collector gives the last readings of n GPUs. One older than some intervals is missing: its source has stopped.
func (g *gpus) collector(n int) *collector {
	now := make([]reading, n) // of this row; what is missing is nil in them
	c := &collector{name: "gpu"}
	for i := range n {
		name := func(what string) string { return fmt.Sprintf("gpu%d_%s", i, what) }
		for _, one := range gpuNumbers {
			c.columns = append(c.columns, column{name(one.name), one.decimals, nil})
		}
		c.columns = append(c.columns, column{name: name("throttle_reasons"), words: func() string { return now[i].throttle() }})
	}
	c.read = func(float64) ([]float64, error) {
		silent := g.recent(now)
		values := make([]float64, 0, len(c.columns))
		for i := range now {
			for _, one := range gpuNumbers {
				p := one.of(&now[i])
				if p == nil {
					p = &missing
				}
				values = append(values, *p)
			}
			values = append(values, missing) // its words
		}
		if len(silent) > 0 {
			return values, fmt.Errorf("no reading of GPU %s for %v", strings.Join(silent, ", "), g.stale())
		}
		return values, nil
	}
	return c
}

// driver tells whether the kernel has a driver of GPUs that compute: of NVIDIA's, or of AMD's. A node without has nothing to read,
// which is no failure.
func driver(sys string) bool { return exists(sys, "module/nvidia") || exists(sys, "class/kfd") }

// noGPUs has no columns, and says of a node with a driver that there are no readings of its GPUs. Why is in the log.
func noGPUs() *collector {
	return &collector{name: "gpu", failed: true, read: func(float64) ([]float64, error) { return nil, errors.New("no GPU readings") }}
}

// recent fills in the last reading of each GPU, an empty one where that is old, and tells whose are.
func (g *gpus) recent(now []reading) (silent []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range now {
		now[i] = g.last[i]
		if _, known := g.last[i]; known && time.Since(g.at[i]) > g.stale() {
			now[i] = reading{}
			silent = append(silent, fmt.Sprint(i))
		}
	}
	return silent
}

// stale is how old a reading is when its source has stopped.
func (g *gpus) stale() time.Duration { return 3*g.every + time.Second }

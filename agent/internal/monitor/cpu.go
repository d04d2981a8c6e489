package monitor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/procfs"
)

// newCPU shares out the time of all CPUs between two readings, and that of each core where cores are asked for: one look at
// /proc/stat has both. Busy is what was neither idle nor waiting for a disk; it has the time stolen by other virtual machines
// in it, which is in none of the other columns. The cores are those that are online when the monitor begins.
func newCPU(fs procfs.FS, total, cores bool) *collector {
	c := &collector{name: "cpu"}
	if total {
		c.columns = []column{{"cpu_busy_ratio", 4, nil}, {"cpu_user_ratio", 4, nil}, {"cpu_system_ratio", 4, nil}, {"cpu_iowait_ratio", 4, nil},
			{"procs_running", 0, nil}}
	}
	var ids []int64
	if stat, err := fs.Stat(); err == nil && cores {
		ids = slices.Sorted(maps.Keys(stat.CPU))
	}
	for _, id := range ids {
		c.columns = append(c.columns, column{fmt.Sprintf("cpu%d_busy_ratio", id), 4, nil})
	}
	var last *procfs.Stat
	c.read = func(float64) ([]float64, error) {
		stat, err := fs.Stat()
		if err != nil {
			return nil, err
		}
		var values []float64
		if total {
			values = append(cpuRatios(allOf(last), &stat.CPUTotal), float64(stat.ProcessesRunning))
		}
		for _, id := range ids {
			values = append(values, coreBusy(last, &stat, id))
		}
		last = &stat
		return values, nil
	}
	return c
}

// allOf is the time of all CPUs; nil where nothing was read yet.
func allOf(s *procfs.Stat) *procfs.CPUStat {
	if s == nil {
		return nil
	}
	return &s.CPUTotal
}

// coreBusy is the busy share of one core; missing where it was offline at either reading.
func coreBusy(from, to *procfs.Stat, id int64) float64 {
	now, known := to.CPU[id]
	if from == nil || !known {
		return missing
	}
	before, known := from.CPU[id]
	if !known {
		return missing
	}
	return cpuRatios(&before, &now)[0]
}

// cpuRatios is busy, user, system and iowait between two readings. The kernel has guest time in user time already.
func cpuRatios(from, to *procfs.CPUStat) []float64 {
	if from == nil {
		return blank(4)
	}
	user := to.User - from.User + to.Nice - from.Nice
	system := to.System - from.System + to.IRQ - from.IRQ + to.SoftIRQ - from.SoftIRQ
	iowait := max(to.Iowait-from.Iowait, 0) // the kernel lets it shrink
	idle := max(to.Idle-from.Idle, 0)
	total := user + system + iowait + idle + to.Steal - from.Steal
	if total <= 0 {
		return blank(4)
	}
	return []float64{(total - idle - iowait) / total, user / total, system / total, iowait / total}
}

package monitor

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// newCgroup reads what this process's cgroup, and every one above it, allows: what the node has may be more than the job
// gets. The least limit holds; where there is none the cell is empty.
func newCgroup(fs procfs.FS, sys string) *collector {
	columns := []column{{"cgroup_cpu_limit_cpus", 2, nil}, {"cgroup_memory_limit_bytes", 0, nil}}
	return &collector{name: "cgroup", columns: columns, read: func(float64) ([]float64, error) {
		self, err := fs.Self()
		if err != nil {
			return nil, err
		}
		groups, err := self.Cgroups()
		if err != nil {
			return nil, err
		}
		cpus, memory := missing, missing
		for _, g := range groups {
			for _, dir := range hierarchy(filepath.Join(sys, "fs/cgroup"), g) {
				cpus = least(cpus, cpuLimit(dir))
				memory = least(memory, memoryLimit(dir))
			}
		}
		return []float64{cpus, memory}, nil
	}}
}

// hierarchy is the directories of a cgroup and those above it: under root in version 2, under root/<controller> in
// version 1. In a container some of them are out of sight, and then they are not there.
func hierarchy(root string, g procfs.Cgroup) (dirs []string) {
	switch {
	case g.HierarchyID == 0:
	case slices.Contains(g.Controllers, "cpu"):
		root = filepath.Join(root, "cpu")
	case slices.Contains(g.Controllers, "memory"):
		root = filepath.Join(root, "memory")
	default:
		return nil
	}
	for p := path.Clean("/" + g.Path); ; p = path.Dir(p) {
		dirs = append(dirs, filepath.Join(root, p))
		if p == "/" {
			return dirs
		}
	}
}

// cpuLimit is the quota of one cgroup in CPUs: "max 100000" or "250000 100000" (version 2), or two files (version 1).
func cpuLimit(dir string) float64 {
	quota, period, _ := strings.Cut(content(dir, "cpu.max"), " ")
	if quota == "" {
		quota, period = content(dir, "cpu.cfs_quota_us"), content(dir, "cpu.cfs_period_us")
	}
	q, p := number(quota), number(period)
	if !(q > 0 && p > 0) {
		return missing
	}
	return q / p
}

// unlimited is where version 1's memory limits mean none: it writes 2^63 less a page.
const unlimited = 1 << 62

func memoryLimit(dir string) float64 {
	limit := content(dir, "memory.max")
	if limit == "" {
		limit = content(dir, "memory.limit_in_bytes")
	}
	if n := number(limit); n < unlimited {
		return n
	}
	return missing
}

// content is a file's text without the line end; "" where it can't be read: a limit that is out of sight limits nothing
// that we could say.
func content(elem ...string) string {
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// number is the text as a number; missing where it is none, such as "max".
func number(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return missing
	}
	return n
}

// least is the smaller of two readings, or the one that is there.
func least(a, b float64) float64 {
	if b < a || a != a {
		return b
	}
	return a
}

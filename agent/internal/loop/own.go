package loop

import (
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"hpcbench/agent/internal/hist"
)

// This file has what the client can find out about itself, so that its numbers can be doubted. What a kernel does not tell
// is not known, and never 0.

// cpus is how many cores the process may use: those of its affinity mask, or less where a cgroup above it has a quota of CPU
// time (v2: cpu.max; v1: cpu.cfs_quota_us). root is where the file systems lie, "/" but in tests.
func cpus(root string) float64 {
	own := float64(runtime.NumCPU())
	text, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return own
	}
	for line := range strings.Lines(string(text)) {
		number, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		switch {
		case number == "0" && controllers == "":
			own = min(own, quota(filepath.Join(root, "sys/fs/cgroup"), group, max2))
		case strings.Contains(","+controllers+",", ",cpu,"):
			own = min(own, quota(filepath.Join(root, "sys/fs/cgroup", controllers), group, cfs1))
		}
	}
	return own
}

// quota is the least of the quotas of a group and those above it, in cores; +Inf: there is none.
func quota(mount, group string, read func(dir string) (quota, period string)) float64 {
	least := math.Inf(1)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		used, period := read(filepath.Join(mount, dir))
		u, errU := strconv.ParseFloat(used, 64)
		p, errP := strconv.ParseFloat(period, 64)
		if errU == nil && errP == nil && u > 0 && p > 0 {
			least = min(least, u/p)
		}
		if dir == "/" {
			return least
		}
	}
}

// max2 reads a quota of cgroup v2: "max 100000" or "150000 100000".
func max2(dir string) (quota, period string) {
	quota, period, _ = strings.Cut(word(filepath.Join(dir, "cpu.max")), " ")
	return quota, period
}

// cfs1 reads a quota of cgroup v1, -1 where there is none.
func cfs1(dir string) (quota, period string) {
	return word(filepath.Join(dir, "cpu.cfs_quota_us")), word(filepath.Join(dir, "cpu.cfs_period_us"))
}

// word is the content of a small file, empty where there is none.
func word(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// ports is how many local ports connections to one address can have; 0: not known.
func ports(root string) int {
	var first, last int
	text := word(filepath.Join(root, "proc/sys/net/ipv4/ip_local_port_range"))
	if _, err := fmt.Sscan(text, &first, &last); err != nil || last < first {
		return 0
	}
	return last - first + 1
}

// runDelay is how long the threads that a pattern names could have run and waited for a core, from their start on: the second
// number of their schedstat (Documentation/scheduler/sched-stats.rst). ok: the kernel tells.
func runDelay(pattern string) (sum time.Duration, ok bool) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return 0, false
	}
	for _, file := range files {
		var ran, waited int64
		if _, err := fmt.Sscan(word(file), &ran, &waited); err != nil {
			continue // a thread that has ended meanwhile
		}
		sum, ok = sum+time.Duration(waited), true
	}
	return sum, ok
}

const (
	thisThread = "/proc/thread-self/schedstat"
	allThreads = "/proc/self/task/*/schedstat"
)

// pauses are how often and how long Go's collector stopped all threads, since the process began.
type pauses struct{ sample []metrics.Sample }

func newPauses() pauses {
	p := pauses{[]metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}}
	metrics.Read(p.sample)
	return p
}

// since are those that came after earlier ones, in ns, each as long as the longest of its class; nil: this runtime does not
// tell.
func (p pauses) since(earlier pauses) *hist.H {
	if p.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil
	}
	now, before, h := p.sample[0].Value.Float64Histogram(), earlier.sample[0].Value.Float64Histogram(), new(hist.H)
	for i, n := range now.Counts {
		upto := now.Buckets[i+1]
		if math.IsInf(upto, 1) {
			upto = now.Buckets[i]
		}
		for range n - before.Counts[i] {
			h.Record(int64(upto * 1e9))
		}
	}
	return h
}

package energy

import (
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"hpcbench/agent/internal/readings"
	"hpcbench/agent/internal/summary"
)

// around is how much is read before the first and after the last instant that is asked for: the readings next to them are there.
const around = 30

// series is a node's readings of the time around a window, by the node's own clock.
type series struct {
	from, to float64 // the window
	idle     [][2]float64
	at       []float64
	columns  map[string][]float64 // NaN: missing
	gpus     []int                // that have columns
	bound    float64              // readings further apart have a gap between them
}

// series reads those of a node.
func (c Config) series(node string) (*series, error) {
	shift := c.Offsets[node]
	s := &series{from: c.Window[0] + shift, to: c.Window[1] + shift, columns: map[string][]float64{}}
	begin := s.from
	for _, i := range c.Idle {
		s.idle = append(s.idle, [2]float64{i[0] + shift, i[1] + shift})
		begin = min(begin, i[0]+shift)
	}
	f, err := readings.Open(readings.Path(c.Dir, node))
	if err != nil {
		return s, err
	}
	defer f.Close()
	wanted := s.wanted(f.Columns)
	if err := f.Skip(begin - around); err != nil {
		return s, err
	}
	for {
		row, err := f.From(begin - around)
		if errors.Is(err, io.EOF) || err == nil && row.At > s.to+around {
			s.bound = bound(s.at)
			return s, nil
		}
		if err != nil {
			s.bound = bound(s.at)
			return s, err
		}
		if n := len(s.at); n > 0 && row.At <= s.at[n-1] {
			continue // its clock was set back
		}
		s.at = append(s.at, row.At)
		for name, k := range wanted {
			s.columns[name] = append(s.columns[name], row.Number(k))
		}
	}
}

// wanted are the places of the columns that are of use, and takes note of the GPUs.
func (s *series) wanted(heads []string) map[string]int {
	all := map[string]int{}
	for k, name := range heads {
		rest, is := strings.CutPrefix(name, "gpu")
		number, what, _ := strings.Cut(rest, "_")
		gpu, err := strconv.Atoi(number)
		switch {
		case name == "cpu_busy_ratio" || name == "mem_used_bytes":
		case is && err == nil && slices.Contains([]string{"utilization_ratio", "memory_used_bytes", "power_watts", "energy_joules"}, what):
			if !slices.Contains(s.gpus, gpu) {
				s.gpus = append(s.gpus, gpu)
			}
		default:
			continue
		}
		all[name] = k
	}
	return all
}

// bound is two and a half of the usual distance of readings, which is their median, and a second at least.
func bound(at []float64) float64 {
	var steps []float64
	for i := 1; i < len(at); i++ {
		steps = append(steps, at[i]-at[i-1])
	}
	if len(steps) == 0 {
		return 1
	}
	slices.Sort(steps)
	return max(1, 2.5*steps[len(steps)/2])
}

// use fills in what the node did in the window.
func (s *series) use(n *summary.NodeUse) {
	for _, t := range s.at {
		if t >= s.from && t <= s.to {
			n.Readings++
		}
	}
	n.GapS = s.gap(curve{s.at, make([]float64, len(s.at))}, s.from, s.to)
	n.CPU, n.Memory = s.level("cpu_busy_ratio"), s.level("mem_used_bytes")
	for _, k := range s.gpus {
		n.GPUs = append(n.GPUs, summary.GPUUse{GPU: k, Utilization: s.level(gpu(k, "utilization_ratio")),
			Memory: s.level(gpu(k, "memory_used_bytes")), Power: s.level(gpu(k, "power_watts"))})
	}
}

func gpu(k int, what string) string { return "gpu" + strconv.Itoa(k) + "_" + what }

// level is a column's mean and max over the readings in the window; nil where there is none.
func (s *series) level(name string) *summary.Level {
	var l summary.Level
	n := 0
	for i, v := range s.columns[name] {
		if s.at[i] < s.from || s.at[i] > s.to || math.IsNaN(v) {
			continue
		}
		if n++; n == 1 || v > l.Max {
			l.Max = v
		}
		l.Mean += v
	}
	if n == 0 {
		return nil
	}
	return &summary.Level{Mean: l.Mean / float64(n), Max: l.Max}
}

// curve is a column without what is missing.
type curve struct{ at, value []float64 }

func (s *series) curve(name string) (c curve) {
	for i, v := range s.columns[name] {
		if !math.IsNaN(v) {
			c.at, c.value = append(c.at, s.at[i]), append(c.value, v)
		}
	}
	return c
}

// gap is how much of a time no two readings next to each other are around, in seconds and to the millisecond.
func (s *series) gap(c curve, from, to float64) float64 {
	covered := 0.0
	s.stretches(c, from, to, func(a, b, _, _ float64) { covered += b - a })
	return math.Round(1e3*max(0, to-from-covered)) / 1e3
}

// stretches goes through the straight lines of a curve in a time, gaps left out: from a to b, with the values at both.
func (s *series) stretches(c curve, from, to float64, do func(a, b, va, vb float64)) {
	for i := 1; i < len(c.at); i++ {
		t0, t1 := c.at[i-1], c.at[i]
		a, b := max(t0, from), min(t1, to)
		if t1-t0 > s.bound || b <= a {
			continue
		}
		slope := (c.value[i] - c.value[i-1]) / (t1 - t0)
		do(a, b, c.value[i-1]+slope*(a-t0), c.value[i-1]+slope*(b-t0))
	}
}

// energy is what a GPU took in the window.
func (s *series) energy(node string, k int) summary.GPUEnergy {
	counter, power := s.curve(gpu(k, "energy_joules")), s.curve(gpu(k, "power_watts"))
	g := summary.GPUEnergy{Node: node, GPU: k, IdleWatts: s.idleWatts(power, counter)}
	if joules, known := s.counted(counter, s.from, s.to); known {
		g.Joules, g.Source, g.GapS = &joules, summary.ByCounter, s.gap(counter, s.from, s.to)
		return g
	}
	length := s.to - s.from
	if g.GapS = s.gap(power, s.from, s.to); len(power.at) == 0 {
		g.GapS = s.gap(counter, s.from, s.to)
		return g
	}
	if joules := 0.0; g.GapS <= lacking*length {
		s.stretches(power, s.from, s.to, func(a, b, va, vb float64) { joules += (b - a) * (va + vb) / 2 })
		g.Joules, g.Source = new(joules*length/(length-g.GapS)), summary.ByPower
	}
	return g
}

// counted is how much a counter grew over a time; false where it is not known at an end, or began anew.
func (s *series) counted(c curve, from, to float64) (float64, bool) {
	low, high := math.NaN(), math.NaN()
	s.stretches(c, from, to, func(a, b, va, vb float64) {
		if a == from {
			low = va
		}
		if b == to {
			high = vb
		}
	})
	for i := 1; i < len(c.at); i++ {
		if c.value[i] < c.value[i-1] && c.at[i] > from && c.at[i-1] < to {
			return 0, false
		}
	}
	return high - low, !math.IsNaN(high - low)
}

// idleWatts is what a GPU drew while nobody asked its server: the mean of its samples then or, where it shows no power, what its
// counter gained; nil where neither is known.
func (s *series) idleWatts(power, counter curve) *float64 {
	sum, n := 0.0, 0
	for i, t := range power.at {
		if slices.ContainsFunc(s.idle, func(d [2]float64) bool { return t >= d[0] && t <= d[1] }) {
			sum, n = sum+power.value[i], n+1
		}
	}
	if n > 0 {
		return new(sum / float64(n))
	}
	joules, seconds := 0.0, 0.0
	for _, d := range s.idle {
		if j, known := s.counted(counter, d[0], d[1]); known {
			joules, seconds = joules+j, seconds+d[1]-d[0]
		}
	}
	if seconds == 0 {
		return nil
	}
	return new(joules / seconds)
}

// idleTime is how much of the idle times was watched, in seconds.
func (s *series) idleTime() float64 {
	seconds := 0.0
	for _, d := range s.idle {
		seconds += d[1] - d[0] - s.gap(curve{s.at, make([]float64, len(s.at))}, d[0], d[1])
	}
	return seconds
}

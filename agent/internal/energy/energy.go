// Package energy says what a trial's window cost: what its nodes had to do, and the joules of the servers' GPUs, by the readings
// of the nodes' monitors.
//
// Energy is by the GPU's own counter where it has one (NVML's total energy since Volta, rocm-smi's accumulator), between the
// window's ends on straight lines from reading to reading. Else it is by samples of power, a straight line from one to the next
// (the trapezoidal rule). Where readings are further apart than two and a half of their usual distance, and than a second, there
// is a gap: a counter counts on in it, power is taken to be the mean of the rest, and with gaps in more than a tenth of the window
// the energy is not known.
package energy

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/readings"
	"hpcbench/agent/internal/summary"
)

// Config is a window and where it was. Instants are seconds since 1970 by the clock of the job's first node.
type Config struct {
	Dir     string       // a job's results, with monitor-<node>.csv
	Began   float64      // when the trial's load did
	Window  [2]float64   // begin and end of what was measured of it
	Idle    [][2]float64 // when the servers were up and nobody asked them (see Idle)
	Nodes   nodes.Table
	Offsets map[string]float64 // how far the nodes' clocks are ahead, in seconds (see job.Offsets)
}

// lacking is the longest share of a window that power may be made up for.
const lacking = 0.1

// enough is how many seconds of idling say what it takes.
const enough = 1

// Measure says what the window cost; both are nil where no node was watched. The error names nodes whose readings can't be read;
// they count as nodes without.
func Measure(c Config) (*summary.Resources, *summary.Energy, error) {
	watched := readings.Nodes(c.Dir)
	if len(watched) == 0 || !(c.Window[1] > c.Window[0]) {
		return nil, nil, nil
	}
	r := &summary.Resources{Began: c.Began, Window: c.Window, Nodes: []summary.NodeUse{}}
	var e *summary.Energy
	var failures []error
	idle := math.Inf(1)
	for _, n := range c.watched(watched) {
		s, err := c.series(n.Node)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
		s.use(&n)
		r.Late = r.Late || len(s.at) > 0 && s.at[len(s.at)-1] < s.to
		r.Nodes = append(r.Nodes, n)
		if strings.Contains(n.Role, "server") && len(s.gpus) > 0 {
			if e == nil {
				e = &summary.Energy{GPUs: []summary.GPUEnergy{}}
			}
			idle = min(idle, s.idleTime())
			for _, k := range s.gpus {
				e.GPUs = append(e.GPUs, s.energy(n.Node, k))
			}
		}
	}
	if e != nil {
		e.IdleS = idle
		total(e, c.Window[1]-c.Window[0])
	}
	return r, e, errors.Join(failures...)
}

// watched are the job's nodes and those that have a file, servers first, each with its roles.
func (c Config) watched(files []string) []summary.NodeUse {
	roles := map[string][]string{}
	for _, name := range files {
		roles[name] = nil
	}
	for _, n := range c.Nodes {
		if n.Role != "endpoint" && !slices.Contains(roles[n.Name], n.Role) {
			roles[n.Name] = append(roles[n.Name], n.Role)
		}
	}
	order := []string{"server", "client", "monitor", "idle"}
	first := func(n summary.NodeUse) int {
		for i, role := range order {
			if strings.Contains(n.Role, role) {
				return i
			}
		}
		return len(order)
	}
	var all []summary.NodeUse
	for name, r := range roles {
		slices.SortFunc(r, func(a, b string) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
		all = append(all, summary.NodeUse{Node: name, Role: strings.Join(r, ", ")})
	}
	slices.SortFunc(all, func(a, b summary.NodeUse) int {
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(a.Node, b.Node))
	})
	return all
}

// total adds up the GPUs. Without the energy of one there is no sum, and likewise of idling.
func total(e *summary.Energy, length float64) {
	joules, idle, sources := 0.0, 0.0, []string{}
	for _, g := range e.GPUs {
		if g.Joules == nil {
			if e.Why == "" {
				e.Why = fmt.Sprintf("GPU %d of %s has too few readings: none for %.1f s of %.1f s", g.GPU, g.Node, g.GapS, length)
			}
			continue
		}
		joules += *g.Joules
		if !slices.Contains(sources, g.Source) {
			sources = append(sources, g.Source)
		}
		if g.IdleWatts == nil {
			idle = math.NaN()
			continue
		}
		idle += *g.IdleWatts
	}
	slices.Sort(sources)
	e.Source = strings.Join(sources, ", ")
	if slices.Contains(sources, summary.ByPower) {
		e.Sensor = summary.PowerSensor
	}
	if e.Why == "" {
		e.Joules = new(joules)
	}
	if e.Why == "" && !math.IsNaN(idle) && e.IdleS >= enough {
		e.IdleWatts, e.IdleJoules = new(idle), new(idle*length)
		return
	}
	e.IdleS = 0
	for i := range e.GPUs {
		e.GPUs[i].IdleWatts = nil
	}
}

// Wait waits until the readings of all nodes in dir reach an instant of the first node's clock, which is this one's, for so long at
// most. One whose last row is older than that is not waited for: its monitor has ended or is slow, or its rows take their time to
// show on a shared file system, and the job's end looks again.
func Wait(dir string, until float64, offsets map[string]float64, most time.Duration) {
	began := time.Now()
	for _, node := range readings.Nodes(dir) {
		for time.Since(began) < most {
			_, row, known := readings.Last(readings.Path(dir, node))
			last := row.At - offsets[node]
			if age := float64(began.UnixMilli())/1e3 - last; !known || last >= until || age > most.Seconds() {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

package report

import (
	"fmt"
	"slices"
	"strings"

	"hpcbench/agent/internal/summary"
)

// The columns of what a trial cost: of the servers' GPUs alone.
var (
	tokenEnergy = column{title: "J/token", of: func(s *summary.Summary) (float64, bool) { return deref(orZeroOf(s.Energy).PerOutputToken) }}
	busyGPUs    = column{title: "GPU busy", kind: share, of: func(s *summary.Summary) (float64, bool) {
		if s.Resources == nil {
			return 0, false
		}
		l := s.Resources.Use(summary.GPUOf)
		return orZeroOf(l).Mean, l != nil
	}}
)

// energies are the trials whose energy was looked for, a line each, of the text; the page has more of them.
func (r *Report) energies() string {
	return r.eachTrial(func(s *summary.Summary) string {
		if s.Energy == nil {
			return ""
		}
		return s.Energy.String()
	})
}

// gaps are the trials in whose window some node was not watched, a line each.
func (r *Report) gaps() string {
	return r.eachTrial(func(s *summary.Summary) string {
		if s.Resources == nil {
			return ""
		}
		return s.Resources.Gaps()
	})
}

// eachTrial is what there is to say of complete trials, a paragraph each, of the first of many.
func (r *Report) eachTrial(say func(*summary.Summary) string) string {
	const most = 20
	var b strings.Builder
	said := 0
	for _, t := range r.complete() {
		text := say(t.Summary)
		if text == "" {
			continue
		}
		if said++; said <= most {
			b.WriteString(wrap("  "+joinWords(t.ID, t.Name)+"  ", text))
		}
	}
	if said > most {
		b.WriteString(wrap("  ", fmt.Sprintf("and %d more trials: see their summary.json", said-most)))
	}
	return b.String()
}

// costLevels are what summary.csv has of the servers' nodes.
var costLevels = []struct {
	name string
	of   func(summary.NodeUse) *summary.Level
}{
	{"server_node_cpu", summary.CPUOf}, {"server_node_memory_bytes", summary.MemoryOf}, {"gpu_utilization", summary.GPUOf},
	{"gpu_memory_bytes", summary.GPUMemoryOf}, {"gpu_power_watts", summary.GPUPowerOf},
}

// csvCostHeads are the columns of csvCost.
func csvCostHeads() []string {
	heads := []string{"energy_j", "energy_source", "energy_per_request_j", "energy_per_output_token_j", "energy_idle_j", "unwatched_s"}
	for _, l := range costLevels {
		heads = append(heads, l.name+"_mean", l.name+"_max")
	}
	return heads
}

// csvCost are the cells of what a trial's nodes did and its GPUs took; a level is over the nodes with servers.
func csvCost(s *summary.Summary) []string {
	e, unwatched := orZeroOf(s.Energy), ""
	if s.Resources != nil {
		unwatched = decimal(s.Resources.MostGap())
	}
	row := []string{cell64(e.Joules), e.Source, cell64(e.PerRequest), cell64(e.PerOutputToken), cell64(e.IdleJoules), unwatched}
	for _, l := range costLevels {
		var use *summary.Level
		if s.Resources != nil {
			use = s.Resources.Use(l.of)
		}
		if use == nil {
			row = append(row, "", "")
			continue
		}
		row = append(row, decimal(use.Mean), decimal(use.Max))
	}
	return row
}

// nodeTable is a row a node, and a row a GPU of it where they are several; none where no node was watched.
func nodeTable(r *summary.Resources) []splitView {
	if r == nil {
		return nil
	}
	v := splitView{Heads: []string{"node", "role", "readings", "unwatched s", "CPU %", "max", "memory GB", "max", "GPU", "GPU busy %", "max", "GPU memory GB", "max", "GPU power W", "max"}}
	two := func(l *summary.Level, factor float64) []string {
		if l == nil {
			return []string{"–", "–"}
		}
		return []string{number(factor * l.Mean), number(factor * l.Max)}
	}
	for _, n := range r.Nodes {
		row := slices.Concat([]string{n.Node, n.Role, whole64(n.Readings), number(n.GapS)}, two(n.CPU, 100), two(n.Memory, 1e-9))
		if len(n.GPUs) == 0 {
			v.Rows = append(v.Rows, append(row, "–", "–", "–", "–", "–", "–", "–"))
		}
		for _, g := range n.GPUs {
			v.Rows = append(v.Rows, slices.Concat(row, []string{fmt.Sprint(g.GPU)}, two(g.Utilization, 100), two(g.Memory, 1e-9), two(g.Power, 1)))
			row = make([]string, len(row))
		}
	}
	return []splitView{v}
}

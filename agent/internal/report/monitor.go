package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"

	"hpcbench/agent/internal/readings"
)

// usage is how busy a node's CPUs were: a share from 0 to 1 over seconds since 1970.
type usage struct {
	node    string
	at      []float64
	percent []float64
}

// readUsage reads cpu_busy_ratio from monitor-<node>.csv. A row without the reading is a gap.
func readUsage(dir, node string) (usage, error) {
	u := usage{node: node}
	path := readings.Path(dir, node)
	f, err := readings.Open(path)
	if err != nil {
		return u, err
	}
	defer f.Close()
	busy := slices.Index(f.Columns, "cpu_busy_ratio")
	if busy < 0 {
		return u, fmt.Errorf("reading %s: no column cpu_busy_ratio", path)
	}
	for {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return u, err
		}
		u.at, u.percent = append(u.at, row.At), append(u.percent, 100*row.Number(busy))
	}
}

// nodeCharts are the CPUs of the nodes over time, a chart a job, and what could not be read of them.
func (r *Report) nodeCharts() (gallery, []string) {
	g := gallery{Title: "CPU of the nodes"}
	var notes []string
	for _, job := range r.jobs {
		drawn, err := job.usageChart()
		if err != nil {
			notes = append(notes, err.Error())
		}
		if drawn != nil {
			g.Charts = append(g.Charts, *drawn)
		}
	}
	return g, notes
}

// usageChart draws the CPUs of a job's nodes over its time, its trials shaded; nil where nothing was read.
func (r *run) usageChart() (*chart, error) {
	roles := []string{"server", "client", "monitor", "idle", ""}
	members := map[string][]usage{}
	start, end, nodes := math.Inf(1), 0.0, 0
	var failures []error
	for node, role := range r.nodeRoles() {
		u, err := readUsage(r.dir, node)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
		if len(u.at) < 2 {
			continue
		}
		members[role] = append(members[role], u)
		start, end, nodes = min(start, u.at[0]), max(end, u.at[len(u.at)-1]), nodes+1
	}
	if nodes == 0 {
		return nil, errors.Join(failures...)
	}
	unit, name := 1.0, "seconds"
	if end-start > 300 {
		unit, name = 60, "minutes"
	}
	sx := scale{max: (end - start) / unit, from: leftEdge, to: rightEdge}
	sy := scale{max: 100, from: lowEdge, to: topEdge}
	drawn := &chart{Title: "job " + r.id, XTitle: name + " since the first reading", YTitle: "% busy",
		XTicks: sx.ticks(7), YTicks: sy.ticks(5), Bands: r.bands(start, end, unit, sx)}
	if len(drawn.Bands) > 0 {
		drawn.Note = "shaded: a trial runs"
	}
	for color, role := range roles {
		all := members[role]
		slices.SortFunc(all, func(a, b usage) int { return strings.Compare(a.node, b.node) })
		if len(all) > len(dashes) {
			all = []usage{pooled(all)}
		}
		for i, u := range all {
			drawn.add(u, role, color, i, start, unit, sx, sy)
		}
	}
	return drawn, errors.Join(failures...)
}

// add draws a node: its colour by role, its dash by its place among the nodes of that role.
func (c *chart) add(u usage, role string, color, i int, start, unit float64, sx, sy scale) {
	x, y := u.thinned(start, unit)
	l := line{Color: fmt.Sprintf("c%d", color), Dash: dashes[i%len(dashes)], Label: u.node, Path: path(x, y, sx, sy)}
	if role != "" {
		l.Label += " (" + role + ")"
	}
	c.Lines, c.Legend = append(c.Lines, l), append(c.Legend, l)
}

// pooled is the readings of many nodes as if of one: where they are thinned, their mean.
func pooled(all []usage) usage {
	type reading struct{ at, percent float64 }
	var readings []reading
	for _, u := range all {
		for i := range u.at {
			readings = append(readings, reading{u.at[i], u.percent[i]})
		}
	}
	slices.SortFunc(readings, func(a, b reading) int { return cmp.Compare(a.at, b.at) })
	pool := usage{node: fmt.Sprintf("mean of %d nodes", len(all))}
	for _, r := range readings {
		if !math.IsNaN(r.percent) {
			pool.at, pool.percent = append(pool.at, r.at), append(pool.percent, r.percent)
		}
	}
	return pool
}

// thinned is the curve with at most 250 places, each the mean of the readings around it.
func (u usage) thinned(start, unit float64) (x, y []float64) {
	const most = 250
	step := (len(u.at) + most - 1) / most
	for i := 0; i < len(u.at); i += step {
		end := min(i+step, len(u.at))
		x = append(x, (mean(u.at[i:end])-start)/unit)
		y = append(y, mean(u.percent[i:end]))
	}
	return x, y
}

// bands are the job's trials as stretches of the x axis.
func (r *run) bands(start, end, unit float64, sx scale) []band {
	var all []band
	if r.job == nil {
		return nil
	}
	for _, t := range r.job.Trials {
		if t.Start == 0 || t.End <= start || t.Start >= end {
			continue
		}
		from, to := sx.at(max(0, t.Start-start)/unit), sx.at((min(t.End, end)-start)/unit)
		all = append(all, band{X: from, Width: max(1, to-from), Title: t.ID + " " + t.Name})
	}
	return all
}

// nodeRoles are the job's nodes that were monitored, with their role; a node of unknown role has the empty one.
func (r *run) nodeRoles() map[string]string {
	roles := map[string]string{}
	for _, node := range readings.Nodes(r.dir) {
		roles[node] = ""
	}
	if r.job != nil {
		for _, n := range r.job.Nodes {
			if _, monitored := roles[n.Name]; monitored {
				roles[n.Name] = n.Role
			}
		}
	}
	return roles
}

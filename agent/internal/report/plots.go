package report

import (
	"fmt"
	"math"
	"slices"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/summary"
)

// How much a chart can carry.
const (
	maxSeries = 8
	maxPanels = 6
)

// curve is a column drawn in a dash of its own.
type curve struct {
	column
	dash string
}

// sweepCharts are throughput and latency over the swept load.
func (r *Report) sweepCharts() []chart {
	axis, title, ok := r.axis()
	if !ok {
		return nil
	}
	all := r.series(axis)
	note := ""
	if len(all) > maxSeries {
		note = fmt.Sprintf("the first %d of %d series; the table has all", maxSeries, len(all))
		all = all[:maxSeries]
	}
	var charts []chart
	for _, c := range []struct {
		title, note string
		curves      []curve
	}{
		{"Requests per second", "", []curve{{requestRate, "solid"}}},
		{"Output tokens per second", "", []curve{{tokenRate, "solid"}}},
		{"Time to first token", "solid p50, dashed p99", []curve{{ttft50, "solid"}, {ttft99, "dash"}}},
		{"End-to-end latency", "solid p50, dashed p99", []curve{{e2el50, "solid"}, {e2el99, "dash"}}},
	} {
		if drawn := overSweep(all, c.curves, title); drawn != nil {
			drawn.Title, drawn.Note = c.title, joined(c.note, note)
			if r.repeated() {
				drawn.Note = joined(drawn.Note, "bars ± standard deviation")
			}
			charts = append(charts, *drawn)
		}
	}
	return charts
}

// overSweep draws the curves of every series over the load of this title; nil where no point has a value.
func overSweep(all []*series, curves []curve, title string) *chart {
	lowX, highX, low, high := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, s := range all {
		for i, p := range s.points {
			for _, c := range curves {
				if v := p.of(c.column); v.known() && !math.IsInf(v.mean, 0) {
					lowX, highX = min(lowX, s.x[i]), max(highX, s.x[i])
					low, high = min(low, v.mean), max(high, v.mean+orZero(v.sd))
				}
			}
		}
	}
	if math.IsInf(lowX, 1) {
		return nil
	}
	u := unitFor(curves[0].kind, high)
	sx, sy := loads(lowX, highX), vertical(low*u.factor, high*u.factor)
	drawn := &chart{XTitle: axisTitle(title, sx), YTitle: axisTitle(u.name, sy), XTicks: ticksAt(all, sx), YTicks: sy.ticks(6)}
	for i, s := range all {
		for _, c := range curves {
			drawn.Lines = append(drawn.Lines, s.draw(i, c, u, sx, sy))
		}
		if len(all) > 1 {
			drawn.Legend = append(drawn.Legend, line{Color: fmt.Sprintf("c%d", i), Dash: "solid", Label: s.label, Shape: shape(i, 14, 6)})
		}
	}
	return drawn
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// draw is the curve of series i of a chart.
func (s *series) draw(i int, c curve, u unit, sx, sy scale) line {
	l := line{Color: fmt.Sprintf("c%d", i), Dash: c.dash}
	y := make([]float64, len(s.x))
	for k, p := range s.points {
		v := p.of(c.column)
		y[k] = math.NaN()
		if !v.known() || math.IsInf(v.mean, 0) {
			continue
		}
		y[k] = v.mean * u.factor
		l.Bars += whisker(s.x[k], y[k], v.sd*u.factor, sx, sy)
		name := c.heading(unit{})
		l.Marks = append(l.Marks, mark{shape(i, sx.at(s.x[k]), sy.at(y[k])),
			joined(s.label, fmt.Sprintf("at %s: %s %s %s", trim(s.x[k]), name, v.cell(u).String(), u.name))})
	}
	l.Path = path(s.x, y, sx, sy)
	return l
}

// ticksAt are ticks at the swept values themselves, or round ones where those are many or too close to label.
func ticksAt(all []*series, sx scale) []tick {
	const apart = 26 // positions between labels
	var found []tick
	for _, s := range all {
		for _, x := range s.x {
			found = insert(found, tick{sx.at(x), trim(x)})
		}
	}
	for i := 1; i < len(found); i++ {
		if found[i].At-found[i-1].At < apart {
			return sx.ticks(7)
		}
	}
	return found
}

// insert adds a tick in order, once.
func insert(all []tick, t tick) []tick {
	for i, have := range all {
		if have.At == t.At {
			return all
		}
		if have.At > t.At {
			return append(all[:i], append([]tick{t}, all[i:]...)...)
		}
	}
	return append(all, t)
}

// spread is a point's histogram of one latency over its repetitions, and how many of its requests failed.
type spread struct {
	label  string
	h      *hist.H
	failed int64
}

// spreads are those points that still have what their client nodes counted.
func spreads(points []*point, m summary.Metric, name func(*point) string) []spread {
	var found []spread
	for _, p := range points {
		s := spread{label: name(p), h: new(hist.H)}
		for _, t := range p.trials {
			s.h.Merge(t.result.histogram(m))
			s.failed += t.Summary.Requests.Failed
		}
		if s.h.N() > 0 {
			found = append(found, s)
		}
	}
	return found
}

// spreadCharts are the distributions of TTFT, of E2EL where nothing was streamed: a chart for each series of the sweep.
func (r *Report) spreadCharts() []chart {
	m, title := summary.TTFT, "time to first token"
	if !r.has(ttft50) {
		m, title = summary.E2EL, "end-to-end latency"
	}
	axis, _, ok := r.axis()
	if !ok {
		return spreadChart("Distribution of "+title, spreads(r.points, m, func(p *point) string { return r.label(p, -1) }))
	}
	var charts []chart
	all := r.series(axis)
	for _, s := range all[:min(len(all), maxPanels)] {
		heading := "Distribution of " + title
		if s.label != "" {
			heading += ", " + s.label
		}
		name := func(p *point) string { return r.keys[axis].label + " " + say(p.values[axis]) }
		charts = append(charts, spreadChart(heading, spreads(s.points, m, name))...)
	}
	if len(all) > maxPanels && len(charts) > 0 {
		last := &charts[len(charts)-1]
		last.Note = joined(last.Note, fmt.Sprintf("the first %d of %d series", maxPanels, len(all)))
	}
	return charts
}

// has says whether any point has a value in the column.
func (r *Report) has(c column) bool {
	for _, p := range r.points {
		if p.of(c).known() {
			return true
		}
	}
	return false
}

// spreadChart draws the share of requests that took no longer, for each spread; none where there is none. Failed
// requests count: they never end.
func spreadChart(title string, all []spread) []chart {
	if len(all) == 0 {
		return nil
	}
	low, high := math.Inf(1), 0.0
	for _, s := range all {
		low, high = min(low, float64(s.h.Min())/1e9), max(high, float64(s.h.Max())/1e9)
	}
	u := unitFor(duration, high)
	sx := horizontal(low*u.factor, high*u.factor)
	sy := scale{max: 100, from: lowEdge, to: topEdge}
	drawn := chart{Title: title, XTitle: axisTitle(u.name, sx), YTitle: "% of requests", XTicks: sx.ticks(7), YTicks: sy.ticks(5)}
	if slices.ContainsFunc(all, func(s spread) bool { return s.failed > 0 }) {
		drawn.Note = "a curve ends below 100 % where requests failed"
	}
	for i, s := range thin(all, maxSeries) {
		l := line{Color: fmt.Sprintf("q%d", rank(i, min(len(all), maxSeries))), Dash: "solid", Label: s.label, Path: s.curve(u, sx, sy)}
		drawn.Lines, drawn.Legend = append(drawn.Lines, l), append(drawn.Legend, l)
	}
	return []chart{drawn}
}

// rank spreads n lines over the eight steps of the ordered colours.
func rank(i, n int) int {
	if n < 2 {
		return maxSeries / 2
	}
	return i * (maxSeries - 1) / (n - 1)
}

// thin picks n of all at even distances, first and last among them.
func thin[T any](all []T, n int) []T {
	if len(all) <= n {
		return all
	}
	picked := make([]T, n)
	for i := range picked {
		picked[i] = all[i*(len(all)-1)/(n-1)]
	}
	return picked
}

// curve is the share in percent of requests over the latency they took. Steps closer than half a position are left out.
func (s spread) curve(u unit, sx, sy scale) string {
	all := float64(s.h.N() + s.failed)
	x, y := []float64{float64(s.h.Min()) / 1e9 * u.factor}, []float64{0}
	var seen int64
	bars := s.h.Bars()
	for i, bar := range bars {
		seen += bar.Count
		at, share := float64(bar.Upto)/1e9*u.factor, 100*float64(seen)/all
		n := len(x) - 1
		if i < len(bars)-1 && sx.at(at)-sx.at(x[n]) < 0.5 && sy.at(y[n])-sy.at(share) < 0.5 {
			continue
		}
		x, y = append(x, at), append(y, share)
	}
	return path(x, y, sx, sy)
}

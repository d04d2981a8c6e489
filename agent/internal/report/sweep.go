package report

import (
	"fmt"
	"math"
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

// gallery is charts that share a heading and a legend.
type gallery struct {
	Title, Note string
	Legend      []line
	Charts      []chart
}

// sweepCharts are throughput and latency over the swept load.
func (r *Report) sweepCharts() gallery {
	g := gallery{Title: "Over the load"}
	axis, title, ok := r.axis()
	if !ok {
		return g
	}
	all := r.series(axis)
	if len(all) > maxSeries {
		g.Note = fmt.Sprintf("The first %d of %d series; the table has all.", maxSeries, len(all))
		all = all[:maxSeries]
	}
	for i, s := range all {
		if len(all) > 1 {
			g.Legend = append(g.Legend, line{Color: fmt.Sprintf("c%d", i), Dash: "solid", Label: s.label, Shape: shape(i, 14, 6)})
		}
	}
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
			drawn.Title, drawn.Note = c.title, c.note
			if bars := r.bars(); bars != "" {
				drawn.Note = joined(drawn.Note, bars)
			}
			g.Charts = append(g.Charts, *drawn)
		}
	}
	return g
}

// overSweep draws the curves of every series over the load of this title; nil where no point has a value.
func overSweep(all []*series, curves []curve, title string) *chart {
	lowX, highX, low, high := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, s := range all {
		for i, p := range s.points {
			for _, c := range curves {
				if v := p.of(c.column); v.known() && !math.IsInf(v.mean, 0) {
					lowX, highX = min(lowX, s.x[i]), max(highX, s.x[i])
					low, high = min(low, v.mean), max(high, v.mean+orZero(v.bar()))
				}
			}
		}
	}
	if math.IsInf(lowX, 1) {
		return nil
	}
	u := unitFor(curves[0].kind, high)
	sx, sy := loads(lowX, highX), vertical(curves[0].kind, low*u.factor, high*u.factor)
	drawn := &chart{XTitle: axisTitle(title, sx), YTitle: axisTitle(u.name, sy), XTicks: ticksAt(all, sx), YTicks: sy.ticks(6)}
	for i, s := range all {
		for _, c := range curves {
			drawn.Lines = append(drawn.Lines, s.draw(i, c, u, sx, sy))
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
		l.Bars += whisker(s.x[k], y[k], v.bar()*u.factor, sx, sy)
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

package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/summary"
)

// spread is a point's histogram of one latency over its repetitions and server starts, and how many of its requests failed.
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
func (r *Report) spreadCharts() gallery {
	m, g := summary.TTFT, gallery{Title: "Distribution of time to first token"}
	if !r.has(ttft50) {
		m, g.Title = summary.E2EL, "Distribution of end-to-end latency"
	}
	axis, _, ok := r.axis()
	if !ok {
		g.Charts = spreadChart("", spreads(r.points, m, func(p *point) string { return r.label(p, -1) }))
		if r.restarted() {
			g.Title += ", by server start"
			g.Charts = spreadChart("", r.startSpreads(m))
		}
		return g
	}
	all := r.series(axis)
	for _, s := range all[:min(len(all), maxPanels)] {
		name := func(p *point) string { return r.keys[axis].label + " " + say(p.values[axis]) }
		g.Charts = append(g.Charts, spreadChart(s.label, spreads(s.points, m, name))...)
	}
	if len(all) > maxPanels {
		g.Note = fmt.Sprintf("The first %d of %d series.", maxPanels, len(all))
	}
	if slices.ContainsFunc(r.complete(), func(t *Trial) bool { return t.Summary.Requests.Failed > 0 }) {
		g.Note = strings.TrimSpace(g.Note + " A curve ends below 100 % where requests failed.")
	}
	return g
}

// startSpreads are the spreads of each server start of each point.
func (r *Report) startSpreads(m summary.Metric) []spread {
	var all []spread
	for _, p := range r.points {
		all = append(all, spreads(p.starts(), m, func(start *point) string {
			return strings.TrimPrefix(fmt.Sprintf("%s, start %d", r.label(p, -1), start.trials[0].Summary.Restart), ", ")
		})...)
	}
	return all
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
	for i, s := range thin(all, maxSeries) {
		l := line{Color: fmt.Sprintf("q%d", rank(i, min(len(all), maxSeries))), Dash: "solid", Label: s.label, Path: s.curve(u, sx, sy)}
		drawn.Lines = append(drawn.Lines, l)
		if l.Label != "" {
			drawn.Legend = append(drawn.Legend, l)
		}
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

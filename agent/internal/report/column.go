package report

import (
	"fmt"
	"math"

	"hpcbench/agent/internal/summary"
)

// kind is what a column measures, which decides how it is written.
type kind int

const (
	rate kind = iota
	duration
	share
	depth // of a queue
)

// column is a number of a trial that tables and plots show.
type column struct {
	title string
	kind  kind
	low   string // its name in low_n
	of    func(*summary.Summary) (float64, bool)
	span  func(*summary.Summary) summary.Interval // within the run; nil: it has none
}

// The columns of the tables, in order. One that no trial has a value for is left out.
var (
	requestRate = column{title: "requests/s", of: func(s *summary.Summary) (float64, bool) { return deref(s.Throughput.RequestsPerS) },
		span: func(s *summary.Summary) summary.Interval { return orZeroOf(s.Throughput.RequestsPerSCI95) }}
	tokenRate = column{title: "tokens/s", of: func(s *summary.Summary) (float64, bool) { return deref(s.Throughput.OutputTokensPerS) },
		span: func(s *summary.Summary) summary.Interval { return orZeroOf(s.Throughput.OutputTokensPerSCI95) }}
	goodput = column{title: "goodput/s", of: func(s *summary.Summary) (float64, bool) {
		if s.Goodput == nil {
			return 0, false
		}
		return deref(s.Goodput.RequestsPerS)
	}}
	ttft50  = quantile("TTFT", summary.TTFT, "p50")
	ttft99  = quantile("TTFT", summary.TTFT, "p99")
	tpot50  = quantile("TPOT", summary.TPOT, "p50")
	e2el50  = quantile("E2EL", summary.E2EL, "p50")
	e2el99  = quantile("E2EL", summary.E2EL, "p99")
	failing = column{title: "failed", kind: share, of: func(s *summary.Summary) (float64, bool) {
		return float64(s.Requests.Failed) / float64(s.Requests.Scheduled), s.Requests.Scheduled > 0
	}}
	// As from when requests were due: in an open loop, where what comes late must not look early.
	ttftDue = dueOnly(quantile("TTFT from due", summary.TTFTScheduled, "p99"))
	e2elDue = dueOnly(quantile("E2EL from due", summary.E2ELScheduled, "p99"))
	found   = column{title: "highest requests/s", of: func(s *summary.Summary) (float64, bool) {
		if s.Search == nil {
			return 0, false
		}
		return deref(s.Search.Found)
	}}
	accuracy = column{title: "accuracy", kind: share, of: func(s *summary.Summary) (float64, bool) {
		if s.Accuracy == nil {
			return 0, false
		}
		return s.Accuracy.Share, true
	}}
	columns = []column{found, requestRate, tokenRate, goodput, ttft50, ttft99, ttftDue, tpot50, e2el50, e2el99, e2elDue, accuracy, queued, kvUse, prefixHits, busyGPUs, tokenEnergy, failing}
)

// dueOnly is the column of open loops alone.
func dueOnly(c column) column {
	all := c.of
	c.of = func(s *summary.Summary) (float64, bool) {
		v, has := all(s)
		return v, has && (s.Load.Rate > 0 || s.Load.Arrival != "")
	}
	return c
}

func deref(p *float64) (float64, bool) {
	if p == nil {
		return 0, false
	}
	return *p, true
}

// quantile is the column of a latency's quantile over the requests that ended ok.
func quantile(title string, m summary.Metric, name string) column {
	return column{title: title + " " + name, kind: duration, low: fmt.Sprintf("%s_%s", m, name), of: func(s *summary.Summary) (float64, bool) {
		d, has := s.Latency[m.String()]
		for _, q := range summary.Quantiles {
			if q.Name == name {
				return q.Of(d), has
			}
		}
		return 0, false
	}, span: func(s *summary.Summary) summary.Interval { return s.Latency[m.String()].CI95[name] }}
}

// shown are the columns that any of the points has a value for. That nothing failed, or waited, needs no column.
func (r *Report) shown() []column {
	var found []column
	for _, c := range columns {
		for _, p := range r.points {
			if s := p.of(c); s.known() && (c.kind != share && c.kind != depth || s.mean > 0) {
				found = append(found, c)
				break
			}
		}
	}
	return found
}

// unit is how numbers of a kind are written: multiplied and named.
type unit struct {
	factor float64
	name   string
}

// unitFor is the unit in which numbers up to most read well.
func unitFor(k kind, most float64) unit {
	switch {
	case k == share:
		return unit{100, "%"}
	case k == rate || k == depth:
		return unit{1, ""}
	case most >= 10:
		return unit{1, "s"}
	case most >= 1e-3:
		return unit{1e3, "ms"}
	}
	return unit{1e6, "µs"}
}

// unitOf is the unit in which all points' numbers of a column are written.
func (r *Report) unitOf(c column) unit {
	most := 0.0
	for _, p := range r.points {
		if s := p.of(c); s.known() && !math.IsInf(s.mean, 0) {
			most = max(most, s.mean)
		}
	}
	return unitFor(c.kind, most)
}

// heading is the column's title with its unit.
func (c column) heading(u unit) string {
	if u.name == "" {
		return c.title
	}
	return c.title + " " + u.name
}

// decimals is how many digits behind the point give v three significant ones.
func decimals(v float64) int {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return max(0, min(6, 2-int(math.Floor(math.Log10(math.Abs(v))))))
}

// number is v with three significant digits, all of its whole part, and no exponent.
func number(v float64) string { return fmt.Sprintf("%.*f", decimals(v), v) }

// cell is a number in a table: "‡ 12.3" and " ± 0.2", half the 95 % t-interval between repetitions; " ± 0.2 / 0.5" between
// repetitions on one server start and between server starts, where the recipe asks for several of them. Of one repetition a
// quantile has " (12.1–12.6)", its interval within the run, and other numbers have nothing.
type cell struct{ Text, Spread string }

// cell writes the stat in this unit.
func (s stat) cell(u unit) cell {
	if !s.known() {
		return cell{Text: "–"}
	}
	c := cell{Text: number(s.mean * u.factor)}
	deviation := func(v float64) string {
		if math.IsNaN(v) {
			return "–"
		}
		return fmt.Sprintf("%.*f", decimals(s.mean*u.factor), v*u.factor)
	}
	if s.restarted {
		c.Spread = " ± " + deviation(s.repeats()) + " / " + deviation(s.between())
	} else if half := s.repeats(); !math.IsNaN(half) {
		c.Spread = " ± " + deviation(half)
	} else {
		c.Spread = s.ends(u)
	}
	if s.low {
		c.Text = "‡ " + c.Text
	}
	return c
}

// ends is the interval of a lone trial's quantile; an end that its sample can't carry is a question mark.
func (s stat) ends(u unit) string {
	if s.within == (summary.Interval{}) {
		return ""
	}
	end := func(v *summary.Value) string {
		if v == nil {
			return "?"
		}
		return fmt.Sprintf("%.*f", decimals(s.mean*u.factor), float64(*v)*u.factor)
	}
	return " (" + end(s.within.Low) + "–" + end(s.within.High) + ")"
}

// String is the whole cell.
func (c cell) String() string { return c.Text + c.Spread }

// value is a number with its unit, alone in a sentence.
func (c column) value(v float64) string {
	u := unitFor(c.kind, v)
	if u.name == "" {
		return number(v) + " " + c.title
	}
	return number(v*u.factor) + " " + u.name
}

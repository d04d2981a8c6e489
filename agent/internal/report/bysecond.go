package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
)

// How much of the trials one by one a page can carry.
const (
	maxTrials  = 40  // that are drawn
	maxSeconds = 120 // places of a curve
)

// trialView is a trial by itself: its facts, what its endpoints and client nodes have of it, and its time.
type trialView struct {
	Title  string
	Class  Class
	Facts  [][2]string
	Splits []splitView
	Charts []chart
}

// splitView is a table of endpoints, of client nodes, or of the probes of a search.
type splitView struct {
	Heads []string
	Rows  [][]string
}

// oneByOne are the complete trials by themselves, and what is to be said of them.
func (r *Report) oneByOne() (views []trialView, note string, notes []string) {
	all := r.complete()
	if len(all) > maxTrials {
		note = fmt.Sprintf("The first %d of %d trials; each has its summary.json and %s.", maxTrials, len(all), summary.SeriesFile)
		all = all[:maxTrials]
	}
	for _, t := range all {
		v := trialView{Title: joinWords(t.ID, t.Name), Class: t.Class, Facts: t.Summary.Facts()}
		v.Splits = slices.Concat(probeTable(t.Summary.Search), splitTable("endpoint", t.Summary.ByEndpoint), splitTable("client node", t.Summary.ByNode), nodeTable(t.Summary.Resources))
		by, err := readSeconds(filepath.Join(t.result.dir, summary.SeriesFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			notes = append(notes, err.Error())
		}
		v.Charts = by.charts()
		views = append(views, v)
	}
	return views, note, notes
}

// joinWords puts a blank between two words that are not empty.
func joinWords(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// probeTable is a row a probe of a search, in the order they were made; none where there was no search.
func probeTable(s *summary.Search) []splitView {
	if s == nil || len(s.Probes) == 0 {
		return nil
	}
	v := splitView{Heads: []string{"probe", "requests/s", "due", "within the SLO", "% of those due", "verdict", "why"}}
	for i, p := range s.Probes {
		v.Rows = append(v.Rows, []string{strconv.Itoa(i + 1), number(p.Rate), whole64(p.N), whole64(p.Good), scaled(p.ShareGood, 100), p.Verdict, p.Why})
	}
	return []splitView{v}
}

// splitTable is a row an endpoint or node; none where there are none.
func splitTable(what string, splits []summary.Split) []splitView {
	if len(splits) == 0 {
		return nil
	}
	v := splitView{Heads: []string{what, "ok", "failed", "requests/s", "tokens/s", "TTFT p50 ms", "TTFT p99 ms", "E2EL p50 ms", "E2EL p99 ms", "client"}}
	for _, s := range splits {
		row := []string{s.URL + s.Node, whole64(s.Requests.OK), whole64(s.Requests.Failed), scaled(s.RequestsPerS, 1), scaled(s.OutputTokensPerS, 1)}
		for _, b := range []*summary.Brief{s.TTFT, s.E2EL} {
			if b == nil {
				row = append(row, "–", "–")
				continue
			}
			row = append(row, number(1e3*b.P50), number(1e3*b.P99))
		}
		row = append(row, orZeroOf(s.Client).Verdict)
		v.Rows = append(v.Rows, row)
	}
	return []splitView{v}
}

// seconds is a trial's series.csv by column; what is not known is NaN.
type seconds struct {
	at, measured []float64
	columns      map[string][]float64
}

// readSeconds reads series.csv by the names in its header.
func readSeconds(path string) (seconds, error) {
	s := seconds{columns: map[string][]float64{}}
	f, err := whole.Open(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return s, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(rows) == 0 || !slices.Contains(rows[0], "time_s") {
		return s, fmt.Errorf("reading %s: no column time_s", path)
	}
	for _, row := range rows[1:] {
		for i, name := range rows[0] {
			v, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				v = math.NaN()
			}
			s.columns[name] = append(s.columns[name], v)
		}
	}
	s.at, s.measured = s.columns["time_s"], s.columns["measured"]
	return s, nil
}

// curveOf is a column of series.csv as a curve.
type curveOf struct {
	name, label, dash string
	perStep           bool // a count: by the second of it
}

// charts draw a trial over its time; none where nothing was read.
func (s seconds) charts() []chart {
	if len(s.at) < 2 {
		return nil
	}
	latency, title := "ttft_s", "Time to first token"
	if !slices.ContainsFunc(s.columns["ttft_s_p50"], func(v float64) bool { return !math.IsNaN(v) }) {
		latency, title = "e2el_s", "End-to-end latency"
	}
	var all []chart
	for _, c := range []struct {
		title  string
		kind   kind
		curves []curveOf
	}{
		{"Requests per second", rate, []curveOf{{"due", "due", "dash", true}, {"ok", "ended ok", "solid", true}, {"failed", "failed", "dot", true}}},
		{"Output tokens per second", rate, []curveOf{{"output_tokens", "", "solid", true}}},
		{title, duration, []curveOf{{latency + "_p50", "p50", "solid", false}, {latency + "_p99", "p99", "dash", false}}},
		{"Requests in flight", rate, []curveOf{{"in_flight", "", "solid", false}}},
	} {
		if drawn := s.chart(c.title, c.kind, c.curves); drawn != nil {
			all = append(all, *drawn)
		}
	}
	return all
}

// chart draws some columns over time, with the seconds that were measured shaded; nil where there is no value above 0.
func (s seconds) chart(title string, k kind, curves []curveOf) *chart {
	x, step := s.thinned(s.at), s.step()
	for i := range x {
		x[i] += step / 2
	}
	low, high := math.Inf(1), 0.0
	var ys [][]float64
	for _, c := range curves {
		y := s.thinned(s.columns[c.name])
		for i := range y {
			if c.perStep {
				y[i] /= step
			}
			if !math.IsNaN(y[i]) {
				low, high = min(low, y[i]), max(high, y[i])
			}
		}
		ys = append(ys, y)
	}
	if high <= 0 || len(x) < 2 {
		return nil
	}
	u := unitFor(k, high)
	sx, sy := scale{max: s.at[len(s.at)-1] + step, from: leftEdge, to: rightEdge}, vertical(k, low*u.factor, high*u.factor)
	drawn := &chart{Title: title, XTitle: "seconds since the trial's start", YTitle: axisTitle(u.name, sy), XTicks: sx.ticks(7), YTicks: sy.ticks(5), Bands: s.window(step, sx)}
	for i, c := range curves {
		for k := range ys[i] {
			ys[i][k] *= u.factor
		}
		l := line{Color: fmt.Sprintf("c%d", i), Dash: c.dash, Label: c.label, Path: path(x, ys[i], sx, sy)}
		drawn.Lines = append(drawn.Lines, l)
		if c.label != "" {
			drawn.Legend = append(drawn.Legend, l)
		}
	}
	return drawn
}

// step is the length of a row in seconds.
func (s seconds) step() float64 { return s.at[1] - s.at[0] }

// thinned is a column with at most maxSeconds places, each the mean of what is known around it.
func (s seconds) thinned(column []float64) []float64 {
	var means []float64
	every := (len(column) + maxSeconds - 1) / maxSeconds
	for i := 0; i < len(column); i += every {
		known := slices.DeleteFunc(slices.Clone(column[i:min(i+every, len(column))]), math.IsNaN)
		means = append(means, mean(known))
	}
	return means
}

// window is the stretch that was measured.
func (s seconds) window(step float64, sx scale) []band {
	first, last := slices.Index(s.measured, 1), -1
	for i, m := range s.measured {
		if m == 1 {
			last = i
		}
	}
	if first < 0 {
		return nil
	}
	from, to := sx.at(s.at[first]), sx.at(s.at[last]+step)
	return []band{{X: from, Width: to - from, Title: "measured"}}
}

package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
)

func TestNumbersHaveThreeDigitsAndNoExponent(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.00123: "0.00123", 0.0456: "0.0456", 1.5: "1.50", 12.34: "12.3", 123.4: "123", 123456: "123456"} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestACellHasItsSpreadInTheSameDigits(t *testing.T) {
	ms := unit{1e3, "ms"}
	for want, s := range map[string]stat{
		"12.3 ± 1.8":       {n: 2, mean: 0.01234, sd: 0.0002, freedom: 1}, // 12.7 · 0.2/√2
		"12.3 ± 0.5 / –":   {n: 3, mean: 0.01234, sd: 0.0002, freedom: 2, restarted: true, begun: 1},
		"12.3 ± 0.5 / 1.2": {n: 6, mean: 0.01234, sd: 0.0004, freedom: 3, restarted: true, begun: 3, starts: 0.0005},
		"12.3 (12.1–?)":    {n: 1, mean: 0.01234, sd: math.NaN(), within: summary.Interval{Low: new(summary.Value(0.0121))}},
		"‡ 1.23":           {n: 1, mean: 0.001234, sd: math.NaN(), low: true},
		"–":                {},
	} {
		if got := s.cell(ms).String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAPointIsTheMeanAndSampleDeviationOfItsRepetitions(t *testing.T) {
	r := load(t, func(f tree) {
		for repetition := 1; repetition <= 3; repetition++ {
			tr := trialOf("000"+string(rune('0'+repetition)), 2, "openai-chat", repetition)
			f.trial("41", "k", tr, nil)
		}
	})
	s := r.points[0].of(requestRate)
	var sum, squares float64
	for _, t := range r.trials {
		sum += *t.Summary.Throughput.RequestsPerS
	}
	for _, t := range r.trials {
		squares += math.Pow(*t.Summary.Throughput.RequestsPerS-sum/3, 2)
	}
	if s.n != 3 || math.Abs(s.mean-sum/3) > 1e-12 || math.Abs(s.sd-math.Sqrt(squares/2)) > 1e-12 {
		t.Errorf("got %+v, want mean %v and deviation %v", s, sum/3, math.Sqrt(squares/2))
	}
}

// load is the report of a tree.
func load(t *testing.T, fill func(tree)) *Report {
	t.Helper()
	f := newTree(t)
	fill(f)
	r, err := Load([]string{f.dir})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPointsAreSortedByNumber(t *testing.T) {
	r := load(t, func(f tree) {
		for i, concurrency := range []int{32, 4, 16} {
			f.trial("41", "k", trialOf("000"+string(rune('1'+i)), concurrency, "openai-chat", 1), nil)
		}
	})
	var got []string
	for _, p := range r.points {
		got = append(got, r.label(p, -1))
	}
	if want := []string{"concurrency 4", "concurrency 16", "concurrency 32"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAmbiguousKeysGoByTheirWholePath(t *testing.T) {
	r := load(t, func(f tree) {
		for i := range 2 {
			tr := trialOf("000"+string(rune('1'+i)), 1, "openai-chat", 1)
			tr.Point = map[string]any{"workload.model": float64(i), "servers.model": float64(i), "workload.name": float64(i)}
			f.trial("41", "k", tr, nil)
		}
	})
	heads, _, _ := strings.Cut(r.CSV(), "\n")
	if !strings.Contains(heads, "repetition,servers.model,workload.model,workload.name,duration_s") {
		t.Errorf("heads %s", heads)
	}
}

func TestTheFindingNamesThePlateau(t *testing.T) {
	slow := func(r *record.Record, i int) { // what a saturated server does: twice the load, twice the time
		r.LastToken, r.Done = r.LastToken+0.2, r.Done+0.2
	}
	r := load(t, func(f tree) {
		f.trial("41", "k", trialOf("0001", 4, "openai-chat", 1), nil)
		f.trial("41", "k", trialOf("0002", 8, "openai-chat", 1), nil)
		f.trial("41", "k", trialOf("0003", 16, "openai-chat", 1), slow)
	})
	got := r.finding()
	for _, part := range []string{"Throughput is highest at concurrency", "past concurrency 8 throughput grows by less than 5 %", "requests/s and "} {
		if !strings.Contains(got, part) {
			t.Errorf("%q lacks %q", got, part)
		}
	}
}

func TestOneTrialIsFoundWithoutASweep(t *testing.T) {
	r := load(t, func(f tree) { f.trial("41", "k", trialOf("0001", 2, "openai-chat", 1), nil) })
	if got := r.finding(); !strings.HasPrefix(got, "11.3 requests/s and 181 output tokens/s, with p50 TTFT of 24.5 ms (p99 ") {
		t.Errorf("finding %q", got)
	}
	if g := r.sweepCharts(); g.Charts != nil {
		t.Error("charts over a load that was not swept")
	}
	if g := r.spreadCharts(); len(g.Charts) != 1 {
		t.Errorf("%d distributions", len(g.Charts))
	}
}

func TestWhatWasNotStreamedIsReportedByItsEnd(t *testing.T) {
	r := load(t, func(f tree) {
		for i, concurrency := range []int{1, 4} {
			tr := trialOf("000"+string(rune('1'+i)), concurrency, "openai-chat", 1)
			tr.Workload.Stream = false
			f.trial("41", "k", tr, nil)
		}
	})
	if got := r.finding(); !strings.Contains(got, "with p50 E2EL of") {
		t.Errorf("finding %q", got)
	}
	var titles []string
	for _, c := range r.sweepCharts().Charts {
		titles = append(titles, c.Title)
	}
	if want := []string{"Requests per second", "Output tokens per second", "End-to-end latency"}; !slices.Equal(titles, want) {
		t.Errorf("charts %q, want %q", titles, want)
	}
	if got := r.spreadCharts().Title; got != "Distribution of end-to-end latency" {
		t.Errorf("distribution: %q", got)
	}
}

func TestLinesAreWrappedWithinTheWidth(t *testing.T) {
	text := wrap("  0001  ", strings.Repeat("word ", 60)+strings.Repeat("x", 120))
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if width(line) > columnsWide && !strings.Contains(line, "xxx") || i > 0 && !strings.HasPrefix(line, "        ") {
			t.Errorf("line %d: %q", i, line)
		}
	}
	if got := wrap("  a  ", ""); got != "  a\n" {
		t.Errorf("nothing to wrap: %q", got)
	}
}

func TestLongWordsAreCutInTheMiddle(t *testing.T) {
	for s, want := range map[string]string{"short": "short", "meta-llama/Llama-3.1-8B": "meta-…1-8B", "ünïcödé-wörds": "ünïcö…örds"} {
		if got := shorten(s, 10); got != want {
			t.Errorf("%s: got %s, want %s", s, got, want)
		}
	}
}

func TestTablesBreakIntoBlocks(t *testing.T) {
	heads := []string{"k"}
	row := []string{"1"}
	for range 5 {
		heads, row = append(heads, strings.Repeat("h", 30)), append(row, "2")
	}
	blocks := strings.Split(table(heads, [][]string{row}, 1), "\n\n")
	if len(blocks) != 2 || !strings.HasPrefix(blocks[1], "  k  ") {
		t.Errorf("blocks %q", blocks)
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		s    scale
		want string
	}{
		{scale{max: 100, to: 1}, "0 20 40 60 80 100"},
		{scale{max: 0.83, to: 1}, "0 0.2 0.4 0.6 0.8"},
		{scale{min: 0.9, max: 120, to: 1, log: true}, "1 2 5 10 20 50 100"},
		{scale{min: 1, max: 1e6, to: 1, log: true}, "1 10 100 1000 10000 100000 1e+06"},
		{scale{min: 3, max: 3}, "3"},
	} {
		var labels []string
		for _, tick := range c.s.ticks(6) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.s, got, c.want)
		}
	}
}

func TestLogarithmicScalesPlaceFactorsEvenly(t *testing.T) {
	s := scale{min: 1, max: 100, from: 0, to: 10, log: true}
	if s.at(1) != 0 || math.Abs(s.at(10)-5) > 1e-9 || s.at(0.1) != 0 {
		t.Errorf("1 at %v, 10 at %v, below at %v", s.at(1), s.at(10), s.at(0.1))
	}
}

func TestADistributionEndsBelowOneWhereRequestsFailed(t *testing.T) {
	h := new(hist.H)
	for i := range 75 {
		h.Record(int64(i+1) * 1e6)
	}
	s := spread{h: h, failed: 25}
	sx, sy := scale{max: 100, to: 100}, scale{max: 100, from: 100}
	curve := s.curve(unit{1e3, "ms"}, sx, sy)
	if !strings.HasPrefix(curve, "M1.0 100.0") || !strings.HasSuffix(curve, "L75.0 25.0") {
		t.Errorf("curve %s", curve)
	}
}

func TestCurvesHaveGapsWhereNothingIsKnown(t *testing.T) {
	s := scale{max: 10, to: 10}
	if got := path([]float64{1, 2, 3, 4}, []float64{1, math.NaN(), 3, 4}, s, s); got != "M1.0 1.0M3.0 3.0L4.0 4.0" {
		t.Errorf("path %s", got)
	}
}

func TestThinningKeepsTheEnds(t *testing.T) {
	if got := thin([]int{1, 2, 3, 4, 5, 6, 7}, 3); !slices.Equal(got, []int{1, 4, 7}) {
		t.Errorf("got %v", got)
	}
}

func TestManyNodesAreDrawnAsTheirMean(t *testing.T) {
	f := newTree(t)
	f.events("41", "1000\tphase\tinitialise\tstart")
	var nodes strings.Builder
	for i := range 6 {
		name := "n" + string(rune('1'+i))
		nodes.WriteString("server\t" + name + "\t10.0.0.1\t-\n")
		f.write("time_s,load1,cpu_busy_ratio\n1001,,0.25\n1002,,0.75\n1003,,0.5\n", "41", "monitor-"+name+".csv")
	}
	f.write(nodes.String(), "41", "nodes.tsv")
	r, err := Load([]string{f.dir})
	if err != nil {
		t.Fatal(err)
	}
	g, notes := r.nodeCharts()
	if len(notes) > 0 || len(g.Charts) != 1 || len(g.Charts[0].Lines) != 1 || g.Charts[0].Legend[0].Label != "mean of 6 nodes (server)" {
		t.Errorf("%+v, %q", g, notes)
	}
}

func TestTimesAreSaidInTheirUnits(t *testing.T) {
	for s, want := range map[float64]string{0.4: "0 s", 59.4: "59 s", 200: "3 min 20 s", 7500: "2 h 5 min"} {
		if got := clock(s); got != want {
			t.Errorf("%v: got %s, want %s", s, got, want)
		}
	}
}

func TestOneReasonIsSaidOnce(t *testing.T) {
	r := load(t, func(f tree) {
		for i := range 6 {
			f.trial("41", "k", trialOf("000"+string(rune('1'+i)), 1, "openai-chat", i+1), fails)
		}
	})
	all := r.troubles()
	for _, reason := range all {
		if reason.Class != Marked {
			t.Errorf("%+v", reason)
		}
	}
	if len(all) == 0 || len(all) == 6 {
		t.Errorf("%d reasons for six trials of the same fault", len(all))
	}
	if got := who(r.trials); got != "0001, 0002, 0003 and 3 more" {
		t.Errorf("who: %s", got)
	}
}

package summary

import (
	"cmp"
	"maps"
	"slices"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// total is all parts of a trial taken together.
type total struct {
	counts   Counts // due in the window
	window   Window
	due      Due
	lastID   int64 // the highest index of a request; -1: there was none
	prompts  int   // in the dataset; 0: there is none
	latency  map[string]*hist.H
	cold     map[string]*hist.H
	server   map[string]*hist.H
	lateness *hist.H
	series   Series
}

func add(parts []*Part) total {
	t := total{lastID: -1, latency: empty(metricNames[:]), cold: empty(metricNames[:]), server: empty(timingNames[:]), lateness: new(hist.H)}
	t.counts.add(Counts{})
	t.due.add(Due{})
	for _, p := range parts {
		t.counts.add(p.Phases[record.Measure.String()])
		t.window.add(p.Window)
		t.due.add(p.Due)
		t.lastID = max(t.lastID, p.LastID)
		if p.Client != nil {
			t.prompts = max(t.prompts, p.Client.Prompts)
		}
		t.lateness.Merge(p.Lateness)
		for _, name := range metricNames {
			t.latency[name].Merge(p.Latency[name])
			t.cold[name].Merge(p.Cold[name])
		}
		for _, name := range timingNames {
			t.server[name].Merge(p.Server[name])
		}
		t.series.add(p.Series)
	}
	return t
}

// empty are histograms by name.
func empty(names []string) map[string]*hist.H {
	all := map[string]*hist.H{}
	for _, name := range names {
		all[name] = new(hist.H)
	}
	return all
}

// Merge makes the summary of a trial from what its client nodes counted. The order of parts does not matter. A part
// that is missing, or not Complete, marks the summary.
func Merge(trial workload.Trial, parts []*Part) *Summary {
	parts = slices.SortedFunc(slices.Values(parts), func(a, b *Part) int {
		return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Node, b.Node))
	})
	w, t := trial.Workload, add(parts)
	s := &Summary{
		Schema: Schema, Trial: trial.ID, Name: trial.Name, Point: trial.Point, Repetition: trial.Repetition, Restart: trial.Restart,
		Service: trial.Service, Model: w.Model, Dialect: w.Dialect,
		Load:     Load{Concurrency: w.Concurrency, Rate: w.Rate, Arrival: w.Arrival},
		Requests: t.counts, Tokens: tokenSums(t), SLO: w.SLO,
		Drain: drain(w, parts), Client: verdict(w, parts, t.lateness),
	}
	if s.Point == nil {
		s.Point = map[string]any{}
	}
	all := windows(w, parts, t)
	s.DurationS = all.length()
	s.Throughput = throughput(s, all)
	if len(w.SLO) > 0 {
		good := all.perSecond(func(w Window) int64 { return w.Good })
		s.Goodput = &Goodput{RequestsPerS: good, Ratio: ratio(t.due.Good, t.counts.Scheduled-t.counts.GivenUp)}
	}
	s.Latency, s.LatencyAll, s.LowN = latencies(t, all)
	s.ServerTimings, s.Cold, s.Accuracy = describeAll(t.server), coldStarts(t), accuracy(t.due)
	if s.DurationS > 0 && len(parts) > 0 {
		from, to := all.common()
		s.Throughput.rateIntervals(&t.series, from, to)
		if s.Goodput != nil {
			s.Goodput.ratioInterval(&t.series, t.counts.Scheduled-t.counts.GivenUp, from, to)
		}
		s.Steady, s.Little = new(steady(w, &t.series, from, to)), little(w, all)
	}
	s.ByEndpoint, s.ByNode = byEndpoint(all, s.Tokens.Output != nil), byNode(w, parts, all, s.Tokens.Output != nil)
	s.Server = told(parts)
	s.Marks = marks(trial, parts, t, all, s)
	return s
}

// Histogram is a metric's over the requests due in the window that ended ok, of all client nodes; in ns. It writes itself in
// HdrHistogram's text (hist.H.Percentiles).
func Histogram(parts []*Part, m Metric) *hist.H {
	all := new(hist.H)
	for _, p := range parts {
		all.Merge(p.Latency[m.String()])
	}
	return all
}

func tokenSums(t total) TokenSums {
	var sums TokenSums
	if t.counts.OK > 0 && t.due.PromptKnown == t.counts.OK {
		sums.Prompt = &t.due.Prompt
	}
	if t.counts.OK > 0 && t.due.OutputKnown == t.counts.OK {
		sums.Output = &t.due.Output
	}
	switch names := slices.Sorted(maps.Keys(t.due.Sources)); len(names) {
	case 0:
	case 1:
		sums.Source = names[0]
	default:
		sums.Source = "mixed"
	}
	return sums
}

func throughput(s *Summary, all nodeWindows) Throughput {
	rates := Throughput{
		RequestsPerS: all.perSecond(func(w Window) int64 { return w.OK }),
		FailuresPerS: all.perSecond(func(w Window) int64 { return w.Failed }),
	}
	if s.Tokens.Output != nil {
		rates.OutputTokensPerS = all.perSecond(func(w Window) int64 { return w.OutputTokens })
	}
	if s.Tokens.Output != nil && s.Tokens.Prompt != nil {
		rates.TotalTokensPerS = all.perSecond(func(w Window) int64 { return w.OutputTokens + w.PromptTokens })
	}
	return rates
}

// ratio is the share of n in all; nil when there is none.
func ratio(n, all int64) *float64 {
	if all == 0 {
		return nil
	}
	return new(float64(n) / float64(all))
}

// latencies describes every metric, over successes and over all, and names the quantiles over successes that n can't
// carry.
func latencies(t total, windows nodeWindows) (ok, all map[string]Distribution, low []string) {
	ok, all, low = map[string]Distribution{}, map[string]Distribution{}, []string{}
	from, to := windows.common()
	for _, m := range Metrics() {
		if m == TTFTAnswer && t.due.Reasoned == 0 {
			continue // it would be TTFT again
		}
		name := m.String()
		if d, known := describe(t.latency[name], 0); known {
			if m != ITL && m != Lateness {
				d.CI95 = intervals(t.latency[name], d, t.series.within(from, to, m))
			}
			ok[name] = d
			low = append(low, lowN(m, d)...)
		}
		over, infinite := t.latency[name].Clone(), t.counts.Failed
		over.Merge(t.cold[name])
		if m == Lateness {
			over, infinite = t.lateness, t.counts.Scheduled-t.counts.Sent
		}
		if d, known := describe(over, infinite); known {
			all[name] = d
		}
	}
	return ok, all, low
}

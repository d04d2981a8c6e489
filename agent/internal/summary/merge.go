package summary

import (
	"maps"
	"math"
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
	lateness *hist.H
}

func add(parts []*Part) total {
	t := total{lastID: -1, latency: map[string]*hist.H{}, lateness: new(hist.H)}
	t.counts.add(Counts{})
	t.due.add(Due{})
	for _, m := range Metrics() {
		t.latency[m.String()] = new(hist.H)
	}
	for _, p := range parts {
		t.counts.add(p.Phases[record.Measure.String()])
		t.window.add(p.Window)
		t.due.add(p.Due)
		t.lastID = max(t.lastID, p.LastID)
		if p.Client != nil {
			t.prompts = max(t.prompts, p.Client.Prompts)
		}
		t.lateness.Merge(p.Lateness)
		for _, m := range Metrics() {
			t.latency[m.String()].Merge(p.Latency[m.String()])
		}
	}
	return t
}

// Merge makes the summary of a trial from what its client nodes counted. The order of parts does not matter. A part
// that is missing, or not Complete, marks the summary.
func Merge(trial workload.Trial, parts []*Part) *Summary {
	w, t := trial.Workload, add(parts)
	s := &Summary{
		Schema: Schema, Trial: trial.ID, Name: trial.Name, Point: trial.Point, Repetition: trial.Repetition,
		Service: trial.Service, Model: w.Model, Dialect: w.Dialect,
		Load:      Load{Concurrency: w.Concurrency, Rate: w.Rate, Arrival: w.Arrival},
		DurationS: windowLength(w, parts, t), Requests: t.counts, Tokens: tokenSums(t), SLO: w.SLO,
		Client: verdict(w, parts, t),
	}
	if s.Point == nil {
		s.Point = map[string]any{}
	}
	s.Throughput = throughput(s, t)
	if len(w.SLO) > 0 {
		s.Goodput = &Goodput{RequestsPerS: perSecond(t.window.Good, s.DurationS), Ratio: ratio(t.due.Good, t.counts.Scheduled)}
	}
	s.Latency, s.LatencyAll, s.LowN = latencies(t)
	s.Marks = marks(trial, parts, t)
	return s
}

// windowLength is the length of the window in seconds. It is the planned one, but where the trial ended with its last
// request the window ended with it, and where it was cut off it ended then.
func windowLength(w workload.Workload, parts []*Part, t total) float64 {
	length := w.DurationS
	if length <= 0 {
		length = math.Inf(1)
	}
	if w.Requests > 0 && t.counts.Scheduled >= int64(w.Requests) || math.IsInf(length, 1) {
		length = min(length, t.window.LastDoneS-w.WarmupS)
	}
	for _, p := range parts {
		switch {
		case p.State == Complete:
		case p.Client != nil:
			length = min(length, p.Client.WallS-w.WarmupS)
		default:
			length = min(length, t.window.LastDoneS-w.WarmupS)
		}
	}
	return max(0, length)
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

func throughput(s *Summary, t total) Throughput {
	rates := Throughput{
		RequestsPerS: perSecond(t.window.OK, s.DurationS),
		FailuresPerS: perSecond(t.window.Failed, s.DurationS),
	}
	if s.Tokens.Output != nil {
		rates.OutputTokensPerS = perSecond(t.window.OutputTokens, s.DurationS)
	}
	if s.Tokens.Output != nil && s.Tokens.Prompt != nil {
		rates.TotalTokensPerS = perSecond(t.window.OutputTokens+t.window.PromptTokens, s.DurationS)
	}
	return rates
}

// perSecond is n by seconds; nil when there was no time.
func perSecond(n int64, s float64) *float64 {
	if s <= 0 {
		return nil
	}
	return new(float64(n) / s)
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
func latencies(t total) (ok, all map[string]Distribution, low []string) {
	ok, all, low = map[string]Distribution{}, map[string]Distribution{}, []string{}
	for _, m := range Metrics() {
		name := m.String()
		if d, known := describe(t.latency[name], 0); known {
			ok[name] = d
			low = append(low, lowN(m, d)...)
		}
		over, infinite := t.latency[name], t.counts.Failed
		if m == Lateness {
			over, infinite = t.lateness, t.counts.Scheduled-t.counts.Sent
		}
		if d, known := describe(over, infinite); known {
			all[name] = d
		}
	}
	return ok, all, low
}

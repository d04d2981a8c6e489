package recipe

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"hpcbench/agent/workload"
)

// laws are the keys of an open loop that belong to one law of arrivals, and make it where request_distribution is silent.
var laws = []struct{ key, law string }{
	{"workload.burstiness", "gamma"},
	{"workload.burst", "burst"},
	{"workload.ramp", "ramp"},
	{"workload.steps", "step"},
	{"workload.sine", "sine"},
	{"workload.trace", "replay"},
}

// has tells whether the point has a value at a path, or anywhere in the section there.
func (v *values) has(path string) bool {
	n := v.base[path]
	if n == nil || n.kind != mapping {
		return n != nil && !n.absent && n.kind != null
	}
	return slices.ContainsFunc(n.fields, func(f field) bool { return v.has(path + "." + f.name) })
}

// law is how arrivals follow each other: as written, or as the keys of one law say.
func (v *values) law() string {
	written := v.text("workload.request_distribution")
	if written == "" {
		for _, l := range laws {
			if v.has(l.key) {
				return l.law
			}
		}
	}
	return cmp.Or(written, "constant")
}

// arrivals fills what an open loop is made of.
func (v *values) arrivals(w *Workload) {
	const at = "workload."
	w.RequestDistribution = v.law()
	switch w.RequestDistribution {
	case "gamma":
		w.Burstiness = v.num(at + "burstiness")
	case "burst":
		w.Burst = &workload.Burst{OnS: v.seconds(at + "burst.on"), OffS: v.seconds(at + "burst.off"), Size: v.whole(at + "burst.size")}
	case "ramp":
		w.Ramp = &workload.Ramp{From: v.num(at + "ramp.from"), To: v.num(at + "ramp.to")}
		w.TargetRPS = (w.Ramp.From + w.Ramp.To) / 2
	case "step":
		v.steps(w)
	case "sine":
		w.Sine = &workload.Sine{PeriodS: v.seconds(at + "sine.period"), Swing: v.share(at + "sine.swing")}
	}
	if w.Search = v.search(); w.Search != nil {
		w.TargetRPS = w.Search.Low
	}
}

// search is the search for a rate, nil where there is none. A point of a sweep may bring it, and then nobody filled in its
// defaults.
func (v *values) search() *workload.Search {
	const at = "workload.search"
	if !v.has(at) {
		return nil
	}
	usual := recipeSchema().field("workload").field("search")
	of := func(name string) float64 {
		n := v.node(at + "." + name)
		if n == nil {
			n = usual.field(name).def
		}
		value, _ := share(n.value) // 0 where it is wrong, of which Load told
		return value
	}
	s := &workload.Search{
		Low: v.num(at + ".low"), High: v.num(at + ".high"), Precision: of("precision"), Attain: of("attain"),
		Confidence: of("confidence"), Probes: int(of("probes")),
	}
	return s
}

// steps are the rates of a step law. Their mean over time is the workload's rate, their length its window's where the recipe
// is silent.
func (v *values) steps(w *Workload) {
	n := v.node("workload.steps")
	if n == nil {
		return
	}
	requests, length := 0.0, 0.0
	for _, item := range n.items {
		var s workload.Step
		if rate := item.get("rate"); rate != nil {
			s.Rate, _ = number(rate.value)
		}
		if duration := item.get("duration"); duration != nil {
			s.DurationS, _ = seconds(duration.value)
		}
		w.Steps = append(w.Steps, s)
		requests, length = requests+s.Rate*s.DurationS, length+s.DurationS
	}
	if length > 0 {
		w.TargetRPS = requests / length
	}
	if v.node("workload.duration") == nil {
		w.DurationS = length
	}
}

// pause is how long users think, and by which law.
func (v *values) pause(path string) (float64, string) {
	if n := v.node(path); n != nil && n.kind == mapping {
		mean := n.get("exponential")
		if at := path + ".exponential"; v.moves(at) { // the mean itself is swept
			mean = v.node(at)
		}
		if mean == nil {
			return 0, "exponential"
		}
		s, _ := seconds(mean.value) // 0 where it is wrong, of which Load told
		return s, "exponential"
	}
	return v.seconds(path), ""
}

// length is a number of tokens, or a distribution of them and its mean.
func (v *values) length(path string) (int, *workload.Length) {
	n := v.node(path)
	if n == nil || n.kind != mapping {
		return v.whole(path), nil
	}
	if len(n.fields) != 1 || len(n.fields[0].items) != 2 {
		return 0, nil
	}
	law := &workload.Length{Law: n.fields[0].name}
	law.A, _ = number(n.fields[0].items[0].value)
	law.B, _ = number(n.fields[0].items[1].value)
	return max(1, int(math.Round(law.Mean()))), law
}

// longest is the most tokens that a length comes to: of a law without an end, its mean.
func longest(mean int, law *workload.Length) int {
	if law != nil && law.Law == "uniform" {
		return int(law.B)
	}
	return mean
}

// within tells whether a path lies in a section.
func within(path, section string) bool {

	return strings.HasPrefix(path, section) && (len(path) == len(section) || path[len(section)] == '.')

}

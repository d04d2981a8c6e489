package search

import (
	"math"

	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// Probe is the load of a search's probe k, from 1, at a rate. Its arrivals and its prompts are its own, so that two probes
// at one rate are two samples, and no server has a prompt in its cache from the one before.
func Probe(t workload.Trial, k int, rate float64) workload.Trial {
	w := &t.Workload
	w.Rate, w.Search = rate, nil
	w.Seed += int64(k)
	w.PromptSeed += uint64(k) * 0x9e3779b97f4a7c15 // 2⁶⁴ by the golden ratio: far from the seeds of other trials
	return t
}

// Of is the outcome of a probe with a workload, by its summary.
func Of(w workload.Workload, s *summary.Summary) Outcome {
	due := s.Requests.Scheduled - s.Requests.GivenUp
	o := Outcome{Rate: w.Rate, Due: due, Flow: flow(w, s, due)}
	if s.Goodput != nil && s.Goodput.Ratio != nil {
		o.Good = int64(math.Round(*s.Goodput.Ratio * float64(due)))
	}
	if s.Client.Verdict == summary.ClientBound {
		o.Spot = s.Client.Why
	}
	return o
}

// flow is what went in and out. Where requests end the window it waits for the last of them, and nothing is left behind.
func flow(w workload.Workload, s *summary.Summary, due int64) Flow {
	f := Flow{In: due, Out: due, Cold: w.WarmupS == 0}
	if w.Requests > 0 || s.Throughput.RequestsPerS == nil || s.Throughput.FailuresPerS == nil || s.Little == nil {
		return f
	}
	f.Out = int64(math.Round((*s.Throughput.RequestsPerS + *s.Throughput.FailuresPerS) * s.DurationS))
	f.Flying = s.Little.ByRecords
	return f
}

package search

import (
	"fmt"
	"math"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// Probe is the load of a search's probe k, from 1, at a rate. Its arrivals and its prompts are its own, so that two probes
// at one rate are two samples, and no server has a prompt in its cache from the one before: made-up prompts have another
// seed, and those of a dataset go on behind the so many that the probes before have used.
func Probe(t workload.Trial, k int, rate float64, used int64) workload.Trial {
	w := &t.Workload
	w.Rate, w.Search = rate, nil
	w.Seed += int64(k)
	if w.Dataset != "" {
		w.DatasetFrom = used
	} else {
		w.PromptSeed += uint64(k) * 0x9e3779b97f4a7c15 // 2⁶⁴ by the golden ratio: far from the seeds of other trials
	}
	return t
}

// used is how many prompts of the dataset are used up to the end of a probe.
func used(probe workload.Trial, parts []*summary.Part) int64 {
	last := int64(-1)
	for _, p := range parts {
		last = max(last, p.LastID)
	}
	return probe.Workload.DatasetFrom + last + 1
}

// silence is the error of a probe that no rate explains.
type silence struct{ error }

// Silent is why probe k says nothing of its rate, nil where it does: not one request was ok, for the reasons given, and none
// of them is want of time. The server is not there, or it refuses all that is asked; a lower rate would not change that.
func Silent(k int, s *summary.Summary, reasons string) error {
	n := s.Requests
	slow := n.ByOutcome[record.Timeout.String()] + n.ByOutcome[record.Cancelled.String()] + n.ByOutcome[record.NotSent.String()]
	if n.OK > 0 || slow > 0 || n.Scheduled == 0 {
		return nil
	}
	return silence{fmt.Errorf("probe %d: no request was ok%s", k, reasons)}
}

// Of is the outcome of a probe, by its summary and the parts that this was made from.
func Of(probe workload.Trial, s *summary.Summary, parts []*summary.Part) Outcome {
	w, due := probe.Workload, s.Requests.Scheduled-s.Requests.GivenUp
	o := Outcome{Rate: w.Rate, Due: due, Flow: flow(w, s, due), Used: used(probe, parts)}
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

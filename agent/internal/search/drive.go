package search

import "hpcbench/agent/internal/summary"

// Drive makes probe after probe until the search ends or one does not come to its end, whose error it returns. try makes probe
// k, from 1, at a rate, with the number of a dataset's prompts that those before it used; told is called with what became of
// it. What is returned is the probe whose numbers are those of the search: at the highest rate that held, the last one that the
// client was not the limit of; where no rate held, the last one; of a first probe that did not come to its end what try has of
// it, nil if nothing.
func Drive[T any](s *Search, try func(k int, rate float64, used int64) (*T, Outcome, error), told func(k int, p summary.Probe, t *T)) (*T, error) {
	held := map[float64]*T{}
	var last *T
	var used int64
	var err error
	for k := 1; err == nil; k++ {
		rate, more := s.Next()
		if !more {
			break
		}
		var next *T
		var o Outcome
		if next, o, err = try(k, rate, used); err == nil || last == nil {
			last = next
		}
		if err == nil {
			told(k, s.Add(o), next)
			used = o.Used
		}
		if err == nil && o.Spot == "" {
			held[rate] = next
		}
	}
	if r := s.Result(err); r.Holds != nil {
		last = held[*r.Holds]
	}
	return last, err
}

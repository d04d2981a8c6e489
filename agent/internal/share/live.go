package share

import "hpcbench/agent/internal/summary"

// Live is a share for who looks on: how far it is, and some of its rows.
type Live struct {
	Progress   Progress         `json:"progress"`
	Probe      int              `json:"probe,omitempty"` // of a trial that searches: which of its probes, from 1
	StartUnixS float64          `json:"start_unix_s"`    // the trial's time zero by this node's wall clock
	StepS      int64            `json:"step_s"`          // length of a row in seconds: 1, in a trial of more than half an hour 2, 4, …
	ByOutcome  map[string]int64 `json:"by_outcome"`      // what became of all requests so far, of all phases
	Rows       []summary.Second `json:"rows"`
	More       bool             `json:"more,omitempty"` // ask again after the last row: there are more
}

// LiveRows is how many rows an answer has at most.
const LiveRows = 120

// Live tells of the share, with the rows that begin later than the second after; -1: with the first ones. What is held up
// meanwhile is the goroutine that counts records, for some 100 µs; never a load thread.
func (s *Share) Live(after int64) Live {
	p := s.Progress()
	s.mu.Lock()
	t := s.collector.Stretch(after, LiveRows)
	s.mu.Unlock()
	return Live{
		Progress: p, Probe: s.a.Probe, StartUnixS: float64(s.opt.Zero.Add(s.opt.Clock).UnixMilli()) / 1e3,
		StepS: t.StepS, ByOutcome: t.ByOutcome, Rows: t.Rows, More: t.More,
	}
}

package summary

import (
	"fmt"
	"math"
	"slices"

	"hpcbench/agent/workload"
)

// Bounds of Little's law, as shares.
const (
	littleBound = 0.05 // the deviation past which it is said not to hold
	borderBound = 0.20 // what is allowed at most, beside that, for requests that cross the window's borders
)

// Little is a check of the trial's own bookkeeping and of its being steady, by Little's law: the mean number of requests
// in flight is their rate times their mean latency (J. D. C. Little, Operations Research 9(3), 1961). In flight is what was
// sent and is not done. The three numbers are made in three ways:
//
//   - InFlight by a counter in the load threads, which knows nothing of records: its time integral over the window, by the
//     window's length.
//   - ByRecords from the records: what of [sent, done] lies in the window, added up, by its length. This is rate × latency
//     with a request that crosses the window's border counted by the part of it that lies within. It has to equal InFlight;
//     where it does not, records are missing, or counted twice, or an instant of theirs is wrong.
//   - RateLatency as a reader of the summary would reckon it: requests that ended in the window, by its length, times their
//     mean done − sent. It differs from ByRecords by what crosses the borders: in a steady state as much at the end as
//     at the beginning.
type Little struct {
	InFlight    *float64 `json:"in_flight,omitempty"`    // absent: the threads did not count it
	ByRecords   float64  `json:"by_records"`             // as above
	EndedPerS   float64  `json:"ended_per_s"`            // requests/s that ended in the window after they were sent, well or not
	LatencyS    *float64 `json:"latency_s,omitempty"`    // their mean done − sent; absent: none ended
	RateLatency float64  `json:"rate_x_latency"`         // EndedPerS · LatencyS
	Bookkeeping *float64 `json:"bookkeeping,omitempty"`  // ByRecords / InFlight − 1; absent: InFlight is not known, or 0
	Deviation   *float64 `json:"deviation,omitempty"`    // RateLatency / ByRecords − 1; absent: nothing was in flight
	BorderShare *float64 `json:"border_share,omitempty"` // LatencyS / window: what crosses its borders may make of Deviation
	Offered     int      `json:"offered,omitempty"`      // requests in flight that a closed loop asks for; less are while it thinks, connects or ends
}

// little checks a trial; nil when its window has no length.
func little(w workload.Workload, all nodeWindows) *Little {
	ended := all.perSecond(func(w Window) int64 { return w.Ended })
	if ended == nil {
		return nil
	}
	l := &Little{
		EndedPerS:   *ended,
		InFlight:    held(all),
		ByRecords:   *all.perSecond(func(w Window) int64 { return w.OverlapNS }) / 1e9,
		RateLatency: *all.perSecond(func(w Window) int64 { return w.LatencyNS }) / 1e9,
	}
	if !w.Open() {
		l.Offered = w.Concurrency * max(1, w.Batch)
	}
	if l.EndedPerS > 0 {
		l.LatencyS = new(l.RateLatency / l.EndedPerS)
	}
	l.compare(all.length())
	return l
}

// held is the mean of requests in flight as the load threads counted them; nil when some of them did not.
func held(all nodeWindows) *float64 {
	counted := slices.Clone(all)
	for i, n := range all {
		if n.part == nil || n.part.Client == nil || n.part.Client.HeldNS == nil {
			return nil
		}
		counted[i].OverlapNS = *n.part.Client.HeldNS
	}
	mean := counted.perSecond(func(w Window) int64 { return w.OverlapNS })
	*mean /= 1e9
	return mean
}

func (l *Little) compare(window float64) {
	if l.InFlight != nil && *l.InFlight > 0 {
		l.Bookkeeping = new(l.ByRecords / *l.InFlight - 1)
	}
	if l.ByRecords > 0 {
		l.Deviation = new(l.RateLatency/l.ByRecords - 1)
	}
	if l.LatencyS != nil && window > 0 {
		l.BorderShare = new(*l.LatencyS / window)
	}
}

// lost says that records and counter do not tell the same; empty when they do.
func (l *Little) lost() string {
	if l == nil || math.Abs(at(l.Bookkeeping)) <= littleBound {
		return ""
	}
	return fmt.Sprintf("the load threads counted %.4g requests in flight, the records make %.4g: some are missing or wrong", *l.InFlight, l.ByRecords)
}

// unsteady says that rate × latency is not what was in flight by more than what crosses the window's borders explains: the
// load or the server was not in a steady state. Empty when it is.
func (l *Little) unsteady() string {
	if l == nil || l.Deviation == nil || math.Abs(*l.Deviation) <= littleBound+min(borderBound, at(l.BorderShare)) {
		return ""
	}
	return fmt.Sprintf("Little's law is off by %+.0f %%: %.4g requests were in flight, rate × latency is %.4g; the window is no steady state, or short for latencies of %.3g s",
		100**l.Deviation, l.ByRecords, l.RateLatency, at(l.LatencyS))
}

// String is what was in flight in words, and whether Little's law holds.
func (l Little) String() string {
	text := fmt.Sprintf("%.4g in the mean", l.ByRecords)
	if l.Offered > 0 {
		text = fmt.Sprintf("%.4g of %d in the mean", l.ByRecords, l.Offered)
	}
	if l.Deviation != nil {
		text += fmt.Sprintf("; rate × latency is %.4g (%s)", l.RateLatency, percent(*l.Deviation))
	}
	return text
}

package arrival

import (
	"fmt"
	"math"
	"slices"

	"hpcbench/agent/internal/trace"
	"hpcbench/agent/workload"
)

// warped has its requests evenly in the integral of a rate over time: request i is due when i requests have become due
// before it. Where the rate is 0 nothing is due, and the request that would be next comes at the end of that stretch.
type warped []stretch

// stretch is a time in which the rate goes in a straight line; the last one has no end and a rate that stays.
type stretch struct {
	start    float64 // seconds
	before   float64 // requests due before it
	from, by float64 // rate at its start in requests/s, and what it changes by each second
}

// edge is how much of a request may be missing to the end of a stretch: rounding must not put the first request of the
// next one at the end of this, with a pause between them.
const edge = 1e-9

// add makes the last stretch one of so many seconds, and puts a new last one behind it, at the rate it ends with.
func (w *warped) add(length, from, to float64) {
	s := &(*w)[len(*w)-1]
	s.from, s.by = from, (to-from)/length
	*w = append(*w, stretch{start: s.start + length, before: s.before + length*(from+to)/2, from: to})
}

func (w warped) at(i int64) float64 {
	n := float64(i)
	next := slices.IndexFunc(w[1:], func(s stretch) bool { return s.before > n+edge })
	if next < 0 {
		next = len(w) - 1
	}
	s := w[next] // the last one that begins with no more than n requests before it
	n = max(0, n-s.before)
	root := math.Sqrt(max(0, s.from*s.from+2*s.by*n))
	if n == 0 && s.from+s.by > 0 {
		return s.start
	}
	return s.start + 2*n/(s.from+root) // n = from·t + by·t²/2, in a form that does not cancel
}

// sound is the error of a rate that is none.
func sound(what string, rate float64) error {
	if !(rate >= 0) || math.IsInf(rate, 0) {
		return fmt.Errorf("%s %v: want requests per second, 0 or more", what, rate)
	}
	return nil
}

// ramp is From in the warm-up, a straight line to To over the window, and To afterwards.
func ramp(w workload.Workload) (instants, error) {
	if err := sound("ramp from", w.Ramp.From); err != nil {
		return nil, err
	}
	if err := sound("ramp to", w.Ramp.To); err != nil {
		return nil, err
	}
	if w.DurationS <= 0 || w.Ramp.From+w.Ramp.To == 0 {
		return nil, fmt.Errorf("ramp from %v to %v over %v s: want a duration_s above 0 and a rate that is not always 0", w.Ramp.From, w.Ramp.To, w.DurationS)
	}
	all := warped{{}}
	if w.WarmupS > 0 {
		all.add(w.WarmupS, w.Ramp.From, w.Ramp.From)
	}
	all.add(w.DurationS, w.Ramp.From, w.Ramp.To)
	return all, nil
}

// step goes through the steps in order; the warm-up has the rate of the first, and what comes after the last has its.
func step(w workload.Workload) (instants, error) {
	all := warped{{}}
	if w.WarmupS > 0 {
		all.add(w.WarmupS, w.Steps[0].Rate, w.Steps[0].Rate)
	}
	most := 0.0
	for k, s := range w.Steps {
		if err := sound(fmt.Sprintf("step %d: rate", k+1), s.Rate); err != nil {
			return nil, err
		}
		if !(s.DurationS > 0) || math.IsInf(s.DurationS, 0) {
			return nil, fmt.Errorf("step %d: duration_s %v: want more than 0", k+1, s.DurationS)
		}
		all.add(s.DurationS, s.Rate, s.Rate)
		most = max(most, s.Rate)
	}
	if most == 0 {
		return nil, fmt.Errorf("no step has a rate above 0")
	}
	return all, nil
}

// bursts is the law burst: groups of size requests, evenly over on seconds of every cycle.
type bursts struct {
	size  int64
	cycle float64 // seconds
	rate  float64 // while it is on
	each  float64 // requests a cycle
}

func (b bursts) at(i int64) float64 {
	n := float64(i - i%b.size)
	cycles := math.Floor((n + edge) / b.each)
	return cycles*b.cycle + max(0, n-cycles*b.each)/b.rate
}

func burst(w workload.Workload) (instants, error) {
	b := *w.Burst
	for _, v := range []float64{b.OnS, b.OffS} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("burst of on_s %v and off_s %v: want 0 or more", b.OnS, b.OffS)
		}
	}
	if b.OffS > 0 && b.OnS == 0 || b.Size < 0 {
		return nil, fmt.Errorf("burst of on_s %v, off_s %v and size %d: want an on_s above 0 with off_s, and a size of 1 or more", b.OnS, b.OffS, b.Size)
	}
	if b.OffS == 0 {
		b.OnS = 1 // any: what is always on has no cycle
	}
	cycle := b.OnS + b.OffS
	return bursts{size: int64(max(1, b.Size)), cycle: cycle, rate: w.Rate * cycle / b.OnS, each: w.Rate * cycle}, rated(w)
}

// recorded is the law replay.
type recorded struct {
	*trace.Trace
	stretch float64
}

func (r recorded) at(i int64) float64 {
	if i >= int64(r.Len()) {
		return math.Inf(1)
	}
	return r.At(i) * r.stretch
}

// replay issues a trace from time zero on; with a rate its times are stretched so that this is the mean rate from its
// first to its last request.
func replay(w workload.Workload) (instants, error) {
	t, err := trace.Open(w.Trace)
	if err != nil {
		return nil, fmt.Errorf("the trace: %w", err)
	}
	r := recorded{t, 1}
	switch {
	case w.Rate == 0:
	case !positive(w.Rate):
		return nil, rated(w)
	case t.MeanGap() == 0:
		return nil, fmt.Errorf("the trace: %s: all its requests come at once, no stretching makes that a rate of %v", w.Trace, w.Rate)
	default:
		r.stretch = 1 / (w.Rate * t.MeanGap())
	}
	return r, nil
}

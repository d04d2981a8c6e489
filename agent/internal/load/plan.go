package load

import (
	"fmt"
	"slices"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// plan is a share of a trial in the units of this package.
type plan struct {
	first, stride int // this share's slots, or arrivals, are first, first + stride, …
	parts         int
	endpoints     int

	slots  int     // of a closed loop over all parts
	rate   float64 // of an open loop; 0: closed
	room   int     // cap on this share's requests in flight in an open loop; 0: none
	batch  int
	joined bool // a batch is one request to the server
	turns  int  // of a conversation; 1: there are none
	think  time.Duration
	limit  int64 // of an open loop: the arrivals end before this one; 0: never
	quota  int64 // of a closed loop: measured requests of this share; negative: no end

	warmup, end, drained time.Duration // ends of the phases; Never: open
	timeout              time.Duration
	tokens               int // how many gaps to make room for
}

// newPlan finds a thread's share of an assignment.
func newPlan(a workload.Assignment, thread, threads int) (plan, error) {
	w := a.Trial.Workload
	if err := check(a, thread, threads); err != nil {
		return plan{}, err
	}
	p := plan{
		parts: a.Parts, endpoints: len(a.Endpoints), rate: w.Rate, slots: slots(w), batch: w.Batch, turns: max(1, w.Turns), quota: -1,
		think: seconds(w.ThinkTimeS), warmup: seconds(w.WarmupS), end: Never, drained: Never,
		timeout: seconds(w.TimeoutS), tokens: min(w.MaxTokens, 4096),
	}
	if w.DurationS > 0 {
		p.end = p.warmup + seconds(w.DurationS)
		p.drained = p.end + seconds(w.DrainS)
	}
	p.joined = w.Batch > 1 && joins(w)
	p.share(a.Part, thread, threads)
	if w.Rate == 0 && w.Requests > 0 {
		p.quota = int64(dealt(w.Requests, p.first, p.stride))
	}
	if w.Rate > 0 && w.Concurrency > 0 {
		p.room = dealt(p.slots, p.first, p.stride)
	}
	return p, nil
}

// share deals slots and arrivals. A part or thread beyond the number of slots has none and does nothing, so what is
// dealt is dealt to the others.
func (p *plan) share(part, thread, threads int) {
	if p.slots > 0 {
		p.parts = min(p.parts, p.slots)
		threads = min(threads, max(1, p.slots/p.parts))
	}
	p.first, p.stride = part+p.parts*thread, p.parts*threads
	if part >= p.parts || thread >= threads {
		p.first = p.stride // the first that is nobody's
	}
}

// slots is the number of places for requests over all parts: groups of a batch in a closed loop; 0: no limit.
func slots(w workload.Workload) int {
	if w.Rate > 0 {
		return w.Concurrency
	}
	return max(1, w.Concurrency/max(1, w.Batch))
}

// joins reports whether a group of the workload's dialect is one request.
func joins(w workload.Workload) bool {
	d, err := wire.Lookup(w.Dialect)
	return err == nil && d.Groups()
}

// dealt is how many of n things, dealt in turn to stride players, the one at place first gets.
func dealt(n, first, stride int) int {
	if first >= stride {
		return 0
	}
	return max(0, (n-first+stride-1)/stride)
}

// check says what in an assignment makes no sense.
func check(a workload.Assignment, thread, threads int) error {
	w := a.Trial.Workload
	switch {
	case a.Parts < 1 || a.Part < 0 || a.Part >= a.Parts:
		return fmt.Errorf("part %d of %d: want 0 to parts-1", a.Part, a.Parts)
	case thread < 0 || thread >= threads:
		return fmt.Errorf("thread %d of %d", thread, threads)
	case len(a.Endpoints) == 0:
		return fmt.Errorf("no endpoints")
	case !(w.Rate >= 0) || w.Concurrency < 0 || w.Requests < 0 || w.Batch < 0:
		return fmt.Errorf("rate, concurrency, requests and batch: want none below 0")
	case !lengths(w.WarmupS, w.DurationS, w.DrainS, w.TimeoutS, w.ThinkTimeS):
		return fmt.Errorf("warmup_s, duration_s, drain_s, timeout_s and think_time_s: want 0 to %g each", longest)
	case w.DurationS == 0 && w.Requests == 0:
		return fmt.Errorf("neither duration_s nor requests: the load would never end")
	case w.Turns < 0 || w.Turns > 1 && w.Batch > 1:
		return fmt.Errorf("%d turns and batch %d: want one of them, and none below 0", w.Turns, w.Batch)
	case w.Batch > 1 && w.Rate > 0:
		return fmt.Errorf("batch %d with rate %v: groups are sent in a closed loop", w.Batch, w.Rate)
	}
	return nil
}

// longest bounds each length of time, in seconds, so that no sum of them overflows: some 30 years.
const longest = 1e9

func lengths(all ...float64) bool {
	return !slices.ContainsFunc(all, func(s float64) bool { return !(s >= 0 && s <= longest) })
}

// phase is the part of the trial a due time lies in.
func (p *plan) phase(due time.Duration) record.Phase {
	switch {
	case due < p.warmup:
		return record.Warmup
	case due < p.end:
		return record.Measure
	}
	return record.Drain
}

// deadline is when a request that is taken up, or sent, at now runs out of time.
func (p *plan) deadline(now time.Duration) time.Duration {
	if p.timeout == 0 {
		return Never
	}
	return now + p.timeout
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

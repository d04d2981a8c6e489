package load

import (
	"fmt"
	"slices"
	"time"

	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// plan is a share of a trial in the units of this package.
type plan struct {
	first, stride int // this share's slots, or arrivals, are first, first + stride, …
	parts         int
	threads       int
	route         route

	open    bool
	slots   int // of a closed loop over all parts; of an open one the cap over all parts, 0: none
	room    int // cap on this share's requests in flight in an open loop; 0: none
	batch   int
	joined  bool // a batch is one request to the server
	turns   int  // of a conversation; 1: there are none
	think   think
	rampUp  time.Duration // of a closed loop: in which its slots begin
	limited bool          // the window ends early, after so many measured requests
	limit   int64         // of an open loop: the measured arrivals end before this one; 0: never
	quota   int64         // of a closed loop: measured requests of this share; negative: no end
	cancel  float64       // share of requests that are given up

	warmup   time.Duration // its end at the latest
	warming  int           // requests of this client node that end it earlier; 0: none do
	length   time.Duration // of the window; Never: only requests end it
	least    time.Duration // of the window, however many requests it has
	cooldown time.Duration
	drain    time.Duration
	timeout  time.Duration
	tokens   int // how many gaps to make room for
}

// newPlan finds a thread's share of an assignment.
func newPlan(a workload.Assignment, thread, threads int) (plan, error) {
	w := a.Trial.Workload
	if err := check(a, thread, threads); err != nil {
		return plan{}, err
	}
	p := plan{
		parts: a.Parts, threads: threads, open: w.Open(), slots: slots(w), batch: w.Batch, turns: max(1, w.Turns), limited: w.Requests > 0, quota: -1, cancel: w.CancelShare,
		think: newThink(w), rampUp: seconds(w.RampUpS), warmup: seconds(w.WarmupS), length: Never,
		least: seconds(w.MinDurationS), cooldown: seconds(w.CooldownS), drain: seconds(w.DrainS),
		timeout: seconds(w.TimeoutS), tokens: min(w.MaxTokens, 4096),
	}
	if w.DurationS > 0 {
		p.length = seconds(w.DurationS)
	}
	p.joined = w.Batch > 1 && joins(w)
	p.share(a.Part, thread, threads)
	if !p.open && w.Requests > 0 {
		p.quota = int64(dealt(w.Requests, p.first, p.stride))
	}
	if !p.open && w.WarmupRequests > 0 {
		p.warming = max(1, dealt(w.WarmupRequests, a.Part, p.parts)) // a node without one would measure its cold start
	}
	if p.open && w.Concurrency > 0 {
		p.room = dealt(p.slots, p.first, p.stride)
	}
	var err error
	p.route, err = newRoute(a, p.parts)
	return p, err
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
		p.first = max(p.stride, p.slots) // nobody's, of arrivals and of slots
	}
}

// slots is the number of places for requests over all parts: groups of a batch in a closed loop; 0: no limit.
func slots(w workload.Workload) int {
	if w.Open() {
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
	case !(w.Rate >= 0) || w.Concurrency < 0 || w.Requests < 0 || w.Batch < 0 || w.WarmupRequests < 0:
		return fmt.Errorf("rate, concurrency, requests, warmup_requests and batch: want none below 0")
	case !lengths(w.WarmupS, w.DurationS, w.MinDurationS, w.CooldownS, w.DrainS, w.TimeoutS, w.ThinkTimeS, w.RampUpS):
		return fmt.Errorf("warmup_s, duration_s, min_duration_s, cooldown_s, drain_s, timeout_s, think_time_s and ramp_up_s: want 0 to %g each", longest)
	case !slices.Contains(thinkLaws, w.ThinkLaw):
		return fmt.Errorf("unknown think_law %q (known: fixed, exponential)", w.ThinkLaw)
	case w.ThinkLaw == exponentially && w.ThinkTimeS == 0:
		return fmt.Errorf("think_law %s without think_time_s, its mean", w.ThinkLaw)
	case w.DurationS == 0 && w.Requests == 0 && w.Arrival != "replay":
		return fmt.Errorf("neither duration_s nor requests: the load would never end")
	case w.Turns < 0 || w.Turns > 1 && w.Batch > 1:
		return fmt.Errorf("%d turns and batch %d: want one of them, and none below 0", w.Turns, w.Batch)
	case w.DurationS > 0 && w.MinDurationS > w.DurationS:
		return fmt.Errorf("min_duration_s %v: want no more than duration_s, which is %v", w.MinDurationS, w.DurationS)
	case w.Batch > 1 && w.Open():
		return fmt.Errorf("batch %d in an open loop: groups are sent in a closed one", w.Batch)
	case w.RampUpS > 0 && w.Open():
		return fmt.Errorf("ramp_up_s %v in an open loop: it has no slots (arrival ramp is its word)", w.RampUpS)
	case w.WarmupRequests > 0 && w.Open():
		return fmt.Errorf("warmup_requests %d in an open loop: its warm-up has a length, warmup_s", w.WarmupRequests)
	case w.WarmupRequests > 0 && w.WarmupS == 0:
		return fmt.Errorf("warmup_requests %d without warmup_s, which says how long they may take", w.WarmupRequests)
	case !(w.CancelShare >= 0 && w.CancelShare <= 1):
		return fmt.Errorf("cancel_share %v: want 0 to 1", w.CancelShare)
	case w.CancelShare > 0 && !w.Stream:
		return fmt.Errorf("cancel_share %v without a stream: there is no first token to give up at", w.CancelShare)
	case w.CancelShare > 0 && w.Batch > 1 && joins(w):
		return fmt.Errorf("cancel_share %v with batch %d in one request: to give one prompt up is to give up all", w.CancelShare, w.Batch)
	}
	return nil
}

// longest bounds each length of time, in seconds, so that no sum of them overflows: some 30 years.
const longest = 1e9

func lengths(all ...float64) bool {
	return !slices.ContainsFunc(all, func(s float64) bool { return !(s >= 0 && s <= longest) })
}

// deadline is when a request that is taken up, or sent, at now runs out of time.
func (p *plan) deadline(now time.Duration) time.Duration {
	if p.timeout == 0 {
		return Never
	}
	return now + p.timeout
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

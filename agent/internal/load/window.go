package load

import (
	"sync"
	"sync/atomic"
	"time"

	"hpcbench/agent/internal/record"
)

// Window is the stretch of time whose requests a client node measures. Where requests and not the clock decide when it
// begins or ends, the threads of the node agree on it here, each telling what it takes up and what has ended.
//
// The instants that are agreed on lie just behind every instant that was told before, and before every one that counts
// from then on. So who counts a record when it is done, as package summary does, and reads the window then, counts as if
// it had always known it.
type Window struct {
	start, end atomic.Int64 // ns since time zero
	open       atomic.Bool  // something is still to be agreed on

	mu        sync.Mutex
	planned   bool
	warming   int           // warm-up requests that have to end before it starts; 0: the clock decides
	last      time.Duration // the latest instant told
	closes    bool          // its end is that of its last request
	machines  int           // that may still take measured requests
	measuring int           // measured requests that have not ended
	least     time.Duration // it is not shorter
}

// Start is when the window begins, or as far as is known when it begins at the latest; counted from time zero.
func (w *Window) Start() time.Duration { return time.Duration(w.start.Load()) }

// End is when the window ends, or as far as is known when at the latest; Never where nothing is known.
func (w *Window) End() time.Duration { return time.Duration(w.end.Load()) }

// Planned reports whether there is a window yet: a load has been made ready.
func (w *Window) Planned() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.planned
}

// plan is told the plan of each of the node's threads; they agree in what stands here.
func (w *Window) plan(p plan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.machines++
	if w.planned {
		return
	}
	w.planned = true
	w.start.Store(int64(p.warmup))
	w.end.Store(int64(later(p.warmup, p.length)))
	w.warming, w.least = p.warming, p.least
	w.closes = p.cooldown > 0 && p.limited
	w.open.Store(w.warming > 0 || w.closes)
}

// told notes an instant: what is agreed on from now on lies behind it.
func (w *Window) told(at time.Duration) {
	if !w.open.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = max(w.last, at)
}

// taken is told of a request that is taken up, after its due time was.
func (w *Window) taken(p record.Phase) {
	if p != record.Measure || !w.open.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.measuring++
}

// ended is told of a request that has ended.
func (w *Window) ended(p record.Phase, now time.Duration) {
	if !w.open.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = max(w.last, now)
	switch p {
	case record.Warmup:
		w.warm()
	case record.Measure:
		w.measuring--
	}
	w.settle()
}

// warm counts a request of the warm-up. The last of them starts the window, which is as long as it was planned.
func (w *Window) warm() {
	if w.warming == 0 {
		return
	}
	if w.warming--; w.warming > 0 {
		return
	}
	if earlier := w.Start() - (w.last + 1); earlier > 0 {
		w.start.Add(-int64(earlier))
		if w.End() < Never {
			w.end.Add(-int64(earlier))
		}
	}
}

// shut is told by a machine that it takes no measured requests any more.
func (w *Window) shut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.machines--
	w.settle()
}

// settle ends the window with its last request.
func (w *Window) settle() {
	if w.closes && w.machines == 0 && w.measuring == 0 {
		end := max(w.last+1, w.Start()+w.least)
		w.end.Store(int64(min(w.End(), end)))
		w.closes = false
	}
	w.open.Store(w.warming > 0 || w.closes)
}

// later is a time and a length added up, Never where one of them has no end.
func later(at, length time.Duration) time.Duration {
	if at >= Never-length {
		return Never
	}
	return at + length
}

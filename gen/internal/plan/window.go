package plan

import (
	"hpcbench/agent/workload"
	"hpcbench/gen/internal/recipe"
)

// What a recipe gets that says nothing of its length. A closed loop is measured over some requests of each place in flight,
// within bounds in seconds; nobody knows how many requests an open loop has before it has run, so it gets a time.
const (
	windowRequests = 10 // of each place in flight
	windowLeastS   = 60
	windowMostS    = 180
	warmupRequests = 2 // of each place in flight
	warmupMostS    = 30
	openWindowS    = 60
	openWarmupS    = 10
)

// window fills the lengths of a trial: the recipe's, and the defaults where it is silent.
func window(l *workload.Workload, w recipe.Workload) {
	l.DurationS, l.Requests, l.CooldownS = w.DurationS, w.Requests, w.CooldownS
	if w.DurationS == 0 {
		l.DurationS = windowMostS
		switch {
		case w.Requests > 0 || l.Arrival == "replay":
		case l.Open():
			l.DurationS = openWindowS
		default:
			l.MinDurationS, l.Requests = windowLeastS, windowRequests*l.Concurrency
		}
	}
	l.WarmupS = w.WarmupS
	if w.WarmupS < 0 {
		l.WarmupS = openWarmupS
		switch {
		case l.Open():
		case l.RampUpS > 0: // all slots have begun when the window does
			l.WarmupS += l.RampUpS
		default:
			l.WarmupS, l.WarmupRequests = warmupMostS, warmupRequests*l.Concurrency
		}
	}
}

// expected is how many requests a trial measures at least, and false where only the server can tell: in a closed loop that
// ends by time, and in a search, whose rate is what it finds.
func expected(w workload.Workload) (n int, known bool) {
	switch {
	case w.Search != nil:
	case w.Rate > 0:
		n = int(w.Rate * w.DurationS)
		if w.Requests > 0 {
			n = min(n, w.Requests)
		}
		return n, true
	case w.Requests > 0:
		return w.Requests, true
	}
	return 0, false
}

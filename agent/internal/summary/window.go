package summary

import (
	"math"
	"slices"

	"hpcbench/agent/workload"
)

// nodeWindow is what one client node counted in its window, and the window's length in seconds.
type nodeWindow struct {
	Window
	length float64
	part   *Part // nil: there is none
}

// nodeWindows are those of all client nodes. They differ where requests end the warm-up or, with a cool-down, the window:
// a node knows of its own requests only.
type nodeWindows []nodeWindow

// windows finds the length of each node's window: the planned one, unless it ended with its last request or the trial was
// cut off.
func windows(w workload.Workload, parts []*Part, t total) nodeWindows {
	var all, working nodeWindows
	spent := spent(w, parts, t)
	for _, p := range parts {
		n := nodeWindow{Window: p.Window, length: length(w, p, t, spent), part: p}
		all = append(all, n)
		if len(p.Phases) > 0 {
			working = append(working, n)
		}
	}
	switch {
	case len(working) > 0:
		return working // a node without requests has a window of no meaning
	case len(all) > 0:
		return all
	}
	return nodeWindows{{length: max(0, w.DurationS)}}
}

// spent reports whether requests and not the clock ended the window of a load without a cool-down: so many were due in it
// as had to be or, where conversations that failed leave some out, all nodes were done before its time.
func spent(w workload.Workload, parts []*Part, t total) bool {
	switch {
	case w.CooldownS > 0 || w.Requests == 0:
		return false
	case t.counts.Scheduled >= int64(w.Requests):
		return true
	}
	return w.Turns > 1 && !slices.ContainsFunc(parts, func(p *Part) bool {
		return p.State != Complete || p.Client == nil || p.Client.WallS >= p.Window.EndS
	})
}

// length is how long a node's window was. Where requests end it, nodes whose own are all done before those of others wait
// for them: the window is the same for all, to the last request of any.
func length(w workload.Workload, p *Part, t total, spent bool) float64 {
	length := p.Window.EndS - p.Window.StartS
	if p.Window.EndS <= 0 {
		length = math.Inf(1)
	}
	last := t.window.LastDoneS - p.Window.StartS
	if spent || math.IsInf(length, 1) {
		length = min(length, max(last, w.MinDurationS))
	}
	switch {
	case p.State == Complete:
	case p.Client != nil:
		length = min(length, p.Client.WallS-p.Window.StartS)
	default:
		length = min(length, last)
	}
	return max(0, length)
}

// length is the length of the window in seconds, the mean of the nodes' where they differ.
func (all nodeWindows) length() float64 {
	if all.alike() {
		return all[0].length
	}
	sum := 0.0
	for _, n := range all {
		sum += n.length
	}
	return sum / float64(len(all))
}

// apart is how long after the first node's window the last one's begins, in seconds.
func (all nodeWindows) apart() float64 {
	first, last := all[0].StartS, all[0].StartS
	for _, n := range all {
		first, last = min(first, n.StartS), max(last, n.StartS)
	}
	return last - first
}

// alike reports whether all windows have one length, to the nanosecond.
func (all nodeWindows) alike() bool {
	for _, n := range all {
		if math.Abs(n.length-all[0].length) > 1e-9 {
			return false
		}
	}
	return true
}

// perSecond adds up the nodes' rates: what each counted in its window, by its length; nil when there was no time.
func (all nodeWindows) perSecond(count func(Window) int64) *float64 {
	var sum int64
	rate, timed := 0.0, false
	for _, n := range all {
		if n.length > 0 {
			sum += count(n.Window)
			rate += float64(count(n.Window)) / n.length
			timed = true
		}
	}
	switch {
	case !timed:
		return nil
	case all.alike():
		return new(float64(sum) / all[0].length)
	}
	return &rate
}

// common is the stretch that lies in the windows of all nodes, in seconds from the trial's start.
func (all nodeWindows) common() (from, to float64) {
	to = math.Inf(1)
	for _, n := range all {
		from, to = max(from, n.StartS), min(to, n.StartS+n.length)
	}
	return from, max(from, to)
}

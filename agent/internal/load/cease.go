package load

import "time"

// Cease ends the sending at now: nothing more is due, and what is in flight has the workload's drain to end in. What was
// due and still waits, for a cap on requests in flight, is not sent. It reports whether that cuts the load short; where
// all was sent already there is nothing to cut. Only the first call counts.
func (m *Machine) Cease(now time.Duration) (cut bool) {
	if m.ceased < Never || now >= m.closed() || m.plan.open && m.due == Never && m.talks.first == nil {
		return false
	}
	m.ceased = now
	m.live.Window.cut(now)
	m.slots = queue[slot]{}
	m.abandon(now)
	m.due = Never
	return true
}

// cut ends the window early.
func (w *Window) cut(at time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end.Store(min(w.end.Load(), int64(at)))
}

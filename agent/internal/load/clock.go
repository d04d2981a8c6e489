package load

import (
	"time"

	"hpcbench/agent/internal/record"
)

// Wake is when the driver has to ask again if nothing else happens: the next due time, the next time to run out, the
// next end of a phase. It is Never when only an answer can bring news.
func (m *Machine) Wake(now time.Duration) time.Duration {
	at := m.flying.when()
	if m.inFlight > 0 || m.due < Never || m.talks.first != nil {
		at = min(at, m.plan.drained, m.stopped)
	}
	if m.plan.rate == 0 {
		at = min(at, m.slots.when())
	} else if !m.full() {
		at = min(at, m.due, m.talks.when())
	}
	for _, end := range []time.Duration{m.plan.warmup, m.plan.end} {
		if end > now {
			return min(at, end)
		}
	}
	return at
}

// Over reports whether the share has run out: nothing will be due, nothing is in flight, and the window is over.
func (m *Machine) Over(now time.Duration) bool {
	m.enter(now)
	if m.inFlight > 0 || m.due < Never && now < m.stopped || m.slots.first != nil || m.talks.first != nil {
		return false
	}
	return now >= m.plan.end || now >= m.stopped || m.idle()
}

// idle reports whether the share ended before its time: its requests are all done, or it had none to send.
func (m *Machine) idle() bool {
	return m.quota == 0 || m.plan.limit > 0 || m.plan.first >= m.plan.stride
}

// enter tells those who watch which phase it is.
func (m *Machine) enter(now time.Duration) {
	switch {
	case now >= m.plan.end:
		m.live.enter(record.Drain)
	case now >= m.plan.warmup:
		m.live.enter(record.Measure)
	}
}

// Places is how many closed-loop slots this share has at each endpoint: the connections worth opening in advance.
func (m *Machine) Places() []int {
	places := make([]int, m.plan.endpoints)
	for n := m.slots.first; n != nil; n = n.next {
		places[n.item.endpoint]++
	}
	return places
}

package load

import (
	"time"

	"hpcbench/agent/internal/record"
)

// start is when the window begins; until requests have ended the warm-up, when it begins at the latest.
func (m *Machine) start() time.Duration { return m.live.Window.Start() }

// end is when the clock ends the window.
func (m *Machine) end() time.Duration { return later(m.start(), m.plan.length) }

// shut is when this share's requests end its window: those of an earlier due time are measured. Never: they have not yet.
func (m *Machine) shut() time.Duration {
	if m.plan.open {
		return m.limited
	}
	if !m.plan.limited || m.quota > 0 {
		return Never
	}
	return max(m.limited, m.start()+m.plan.least)
}

// closed is when this share sends no more.
func (m *Machine) closed() time.Duration {
	return min(m.stopped, m.ceased, later(min(m.end(), m.shut()), m.plan.cooldown))
}

// Closed is since when this share had sent no more at its end, which is now: the time it closed or, where nothing sets one, as
// at the end of a trace, the last time that it sent.
func (m *Machine) Closed(now time.Duration) time.Duration {
	if at := m.closed(); at <= now {
		return at
	}
	return m.latest
}

// drained is when requests in flight are given up.
func (m *Machine) drained() time.Duration {
	return min(later(m.end(), m.plan.cooldown+m.plan.drain), later(m.ceased, m.plan.drain))
}

// phase is the part of the trial in which a due time lies; of an open loop also the arrival it is of.
func (m *Machine) phase(i int64, due time.Duration) record.Phase {
	over := min(m.end(), m.shut())
	switch {
	case due < m.start():
		return record.Warmup
	case m.plan.open && m.plan.limit > 0 && i < m.plan.limit && due < m.end(): // also where others are due at that instant
		return record.Measure
	case due < over:
		return record.Measure
	case due < later(over, m.plan.cooldown):
		return record.Cooldown
	}
	return record.Drain
}

// agreeing is how soon a thread looks again whether others have ended the warm-up.
const agreeing = 10 * time.Millisecond

// Wake is when the driver has to ask again if nothing else happens: the next due time, the next time to run out, the
// next end of a phase. It is Never when only an answer can bring news.
func (m *Machine) Wake(now time.Duration) time.Duration {
	at := m.flying.when()
	if m.inFlight > 0 || m.due < Never || m.talks.first != nil {
		at = min(at, m.drained(), m.stopped)
	}
	if !m.plan.open {
		at = min(at, m.slots.when())
	} else if !m.full() {
		at = min(at, m.due, m.talks.when())
	}
	if m.plan.warming > 0 && m.plan.threads > 1 && now < m.start() {
		at = min(at, max(0, now)+agreeing)
	}
	for _, end := range []time.Duration{m.start(), m.end()} {
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
	return now >= min(m.end(), m.stopped, m.ceased) || m.idle()
}

// idle reports whether the share ended before its time: its requests are all done, or it had none to send.
func (m *Machine) idle() bool {
	return !m.plan.open && m.plan.limited && m.quota <= 0 || m.plan.limit > 0 || m.plan.first >= m.plan.stride
}

// enter tells those who watch which phase it is, and the other threads when this one measures no more.
func (m *Machine) enter(now time.Duration) {
	switch end := m.end(); {
	case now >= min(later(end, m.plan.cooldown), m.ceased):
		m.live.enter(record.Drain)
	case now >= end:
		m.live.enter(record.Cooldown)
	case now >= m.start():
		m.live.enter(record.Measure)
	}
	if !m.told && m.measured(now) {
		m.told = true
		m.live.Window.shut()
	}
}

// measured reports whether this share has taken up all that is measured: what is due by then may still wait for its turn.
func (m *Machine) measured(now time.Duration) bool {
	over := min(m.end(), m.shut())
	switch {
	case now >= min(m.stopped, m.ceased):
		return true
	case now < over:
		return false
	case m.plan.open && (m.owed > 0 && now < m.end() || m.talks.when() < over):
		return false // conversations go on
	case m.plan.open:
		return m.due == Never || m.phase(m.index, m.due) > record.Measure
	}
	return m.slots.when() >= over
}

// soon is how late a request may begin for which a connection is opened in advance: servers close idle ones after 5 s.
const soon = time.Second

// Places is how many connections to each endpoint are worth opening in advance, so that no request waits for one at the
// begin: one for each slot of a closed loop, or for each of an open loop's arrivals that are due first.
func (m *Machine) Places(endpoints int) []int {
	places := make([]int, endpoints)
	for i, n := m.index, 0; m.due <= soon && m.schedule.Due(i) == m.due && m.sends(i, m.due); i += int64(m.plan.stride) {
		if n++; m.plan.room > 0 && n > m.plan.room {
			break
		}
		places[m.plan.route.endpoint(i*int64(m.plan.turns), int(i), 0)]++
	}
	for n := m.slots.first; n != nil && n.at <= soon; n = n.next {
		places[m.plan.route.endpoint(int64(n.item.index), n.item.index, 0)]++
	}
	return places
}

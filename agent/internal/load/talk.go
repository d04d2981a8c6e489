package load

import (
	"time"

	"hpcbench/agent/internal/record"
)

// Talk is a conversation: requests of which each is due when the one before has ended well, plus the think time. The
// indices of its requests follow one another. It stays at one endpoint, and ends early with a request that fails, for
// what comes after it would lack an answer. In a closed loop a slot has one at a time; in an open loop each arrival
// begins one, so that the rate is that of conversations.
type Talk struct {
	Past []byte // what was said before the request in hand: the driver's own

	turn     int   // of the request in hand, from 0
	next     int64 // index of the request after it
	endpoint int
	owed     bool // the window waits for its end
	place    node[Talk]
}

// Last reports whether a request is the last turn of its conversation, or of none.
func (r *Request) Last(turns int) bool { return r.Talk == nil || r.Talk.turn+1 >= turns }

// First reports whether nothing was said before a request.
func (r *Request) First() bool { return r.Talk == nil || r.Talk.turn == 0 }

// join takes another request into the group of one.
func (r *Request) join(mate *Request) {
	mate.leader, mate.Endpoint = r, r.Endpoint
	r.Mates = append(r.Mates, mate)
}

// nextID is the index of a slot's next request. Each share counts its own, or its own conversations of so many turns.
func (m *Machine) nextID(s *slot) int64 {
	switch {
	case m.plan.turns <= 1:
		return int64(m.plan.first) + m.issued*int64(m.plan.stride)
	case s.talk != nil:
		return s.talk.next
	}
	id := (int64(m.plan.first) + m.talked*int64(m.plan.stride)) * int64(m.plan.turns)
	m.talked++
	return id
}

// hold makes a request of a closed loop the next turn of its slot's conversation, or the first of a new one.
func (m *Machine) hold(s *slot, r *Request) {
	if m.plan.turns <= 1 {
		return
	}
	if s.talk == nil {
		m.begin(r)
		s.talk = r.Talk
		return
	}
	r.Talk, r.Endpoint = s.talk, s.talk.endpoint
	r.Talk.turn++
	r.Talk.next++
}

// begin makes a request the first of a conversation, where there are any.
func (m *Machine) begin(r *Request) {
	if m.plan.turns <= 1 {
		return
	}
	t, rest := pop(m.quiet)
	m.quiet = rest
	*t = Talk{Past: t.Past[:0], next: r.ID + 1, endpoint: r.Endpoint}
	r.Talk = t
	if i := r.ID / int64(m.plan.turns); m.plan.open && i < m.plan.limit {
		t.owed = true
		m.owed++
	}
}

// nextTurn returns the next request of a conversation of an open loop, nil when none is due.
func (m *Machine) nextTurn(now time.Duration) *Request {
	t := m.talks.head()
	if t == nil || t.place.at > now {
		return nil
	}
	due := t.place.at
	m.talks.remove(&t.place)
	r := m.take(t.next, due, now)
	r.Talk, r.Endpoint = t, t.endpoint
	t.turn++
	t.next++
	return r
}

// said ends a turn: the conversation goes on, or makes room for another.
func (m *Machine) said(r *Request, now time.Duration) {
	t := r.Talk
	if t == nil {
		return
	}
	due := later(now, m.plan.think.after(r.ID/int64(m.plan.turns), int64(t.turn)+1))
	over := r.Last(m.plan.turns) || r.Record.Outcome != record.OK
	switch {
	case r.slot != nil && over:
		r.slot.talk = nil
	case r.slot != nil:
		return // the slot is due again, and has it
	case !over && due < m.stopped && m.sends(t.next/int64(m.plan.turns), due):
		m.talks.add(&t.place, t, due)
		return
	}
	m.hush(t)
}

// hush ends a conversation.
func (m *Machine) hush(t *Talk) {
	if t.owed {
		m.owed--
	}
	m.quiet = append(m.quiet, t)
}

// silence records the turns that were due and will never be sent.
func (m *Machine) silence(now time.Duration) {
	for t := m.talks.head(); t != nil; t = m.talks.head() {
		due := t.place.at
		m.talks.remove(&t.place)
		m.hush(t)
		if due > min(now, m.stopped, m.ceased) {
			continue
		}
		rec := m.record()
		rec.ID, rec.Phase, rec.Scheduled, rec.Outcome, rec.Endpoint = t.next, m.phase(t.next/int64(m.plan.turns), due), due.Seconds(), record.NotSent, t.endpoint
		m.finished = append(m.finished, rec)
		m.live.Scheduled.Add(1)
		m.live.count(rec)
	}
}

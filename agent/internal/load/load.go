// Package load decides which requests are sent and when, and keeps what became of them.
//
// A Machine is one thread's share of a trial. Once it is made, which reads the trace of a replay, it does no I/O, and it
// reads no clock: a driver tells it the time, asks what is due, and tells it what was sent, what came and what ended. All
// times are counted from the trial's time zero; so a test can run an hour of load in a second of simulated time. A
// request's life:
//
//	Next → (the driver connects and writes) Sent → Received … → Finish
//	                                        └ or Expired → Finish
//
// Due times come from the schedule alone, never from when the request before was sent: what is sent late is recorded
// as late. Only where a cap on requests in flight holds an open loop back do requests wait, in order.
package load

import (
	"fmt"
	"math"
	"time"

	"hpcbench/agent/internal/arrival"
	"hpcbench/agent/internal/draw"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// Never is later than any time.
const Never = time.Duration(math.MaxInt64)

// A closed-loop slot whose request found no connection rests before it tries again, at first restFirst and each time
// twice as long up to restMax: a server that is gone must not turn the loop into a busy one.
const (
	restFirst = 100 * time.Millisecond
	restMax   = time.Second
)

// Request is a request that was taken up. The driver fills in the fields of the Record that the answer tells; the
// instants are the Machine's.
type Request struct {
	ID       int64
	Endpoint int // index into the assignment's endpoints
	Tag      int // the driver's own
	Record   *record.Record
	Mates    []*Request // the others of a group that is one request to the server; they end with it
	Talk     *Talk      // the conversation it is a turn of; nil: none

	leader *Request // of a mate: the request that it goes with
	slot   *slot    // nil in an open loop
	place  node[Request]
	last   time.Duration // when the last token event came
	giveUp bool          // at its first token
}

// slot is a place in a closed loop: one request at a time, or one group of them.
type slot struct {
	index    int   // over all parts
	requests int   // it has sent
	group    int64 // of the requests it is sending; -1: none
	unsent   int   // of the group
	flying   int   // of the group
	rest     time.Duration
	talk     *Talk // that it holds; nil: the next request begins one, if there are any
	place    node[slot]
}

// Machine is one thread's share of a trial. It is for one goroutine at a time.
type Machine struct {
	plan  plan
	live  *Live
	slots queue[slot] // closed loop: free, by the time they are due

	schedule *arrival.Schedule // open loop
	index    int64             // the next arrival of this share
	due      time.Duration     // its due time

	talks  queue[Talk] // open loop: conversations whose next turn is due, by that time
	quiet  []*Talk     // ended, to be used again
	talked int64       // conversations that a closed loop has begun
	owed   int         // conversations that have not ended, of the arrivals that are measured where these have an end

	flying   queue[Request] // by the time they run out
	inFlight int
	issued   int64 // requests taken up; of a closed loop, also the next id
	groups   int64
	quota    int64         // of a closed loop: measured requests still to be taken up; below 0 where more are, or no end is
	limited  time.Duration // when the last of the quota was due; of an open loop the first arrival past the limit
	stopped  time.Duration // Never while it runs
	ceased   time.Duration // since when it sends no more although it should; Never: it was not told to
	told     bool          // the other threads know that this one measures no more
	latest   time.Duration // when one was sent last
	outside  outstanding   // the requests that were sent and are not done
	cancels  uint64        // seed of which requests are given up

	free     []*Request
	spare    []*record.Record
	finished []*record.Record
}

// New returns the machine of one of so many threads of a client node. The error says what in the assignment makes no
// sense. live is told of what happens; nil: nobody watches.
func New(a workload.Assignment, thread, threads int, live *Live) (*Machine, error) {
	p, err := newPlan(a, thread, threads)
	if err != nil {
		return nil, err
	}
	if live == nil {
		live = new(Live)
	}
	m := &Machine{plan: p, live: live, quota: p.quota, stopped: Never, ceased: Never, due: Never, cancels: uint64(a.Trial.Workload.Seed) ^ cancelSalt}
	live.Window.plan(p)
	if p.open {
		return m, m.open(a.Trial.Workload)
	}
	for i := p.first; i < p.slots; i += p.stride {
		s := &slot{index: i}
		m.regroup(s)
		m.slots.add(&s.place, s, time.Duration(float64(p.rampUp)*float64(i)/float64(p.slots)))
	}
	return m, nil
}

// cancelSalt keeps the draw of which requests are given up apart from every other draw with the workload's seed.
const cancelSalt = 0x63616e63656c

// Next returns a request that is due at now, nil when none is. The driver asks until it gets nil.
func (m *Machine) Next(now time.Duration) *Request {
	if m.plan.open {
		return m.nextArrival(now)
	}
	return m.nextSlot(now)
}

func (m *Machine) nextSlot(now time.Duration) *Request {
	s := m.slots.head()
	if s == nil || s.place.at > now {
		return nil
	}
	due := s.place.at
	if m.closing(due) {
		m.slots = queue[slot]{} // what is free now stays free
		return nil
	}
	r := m.fromSlot(s, due, now)
	for m.plan.joined && s.unsent > 0 {
		r.join(m.fromSlot(s, due, now))
		s.requests-- // the server sees one
	}
	if m.closing(due) {
		m.slots = queue[slot]{}
	}
	return r
}

// fromSlot begins a request of a slot that is due.
func (m *Machine) fromSlot(s *slot, due, now time.Duration) *Request {
	r := m.take(m.nextID(s), due, now)
	r.slot, r.Endpoint = s, m.plan.route.endpoint(r.ID, s.index, s.requests)
	r.Record.Batch = s.group
	m.hold(s, r)
	s.requests++
	s.flying++
	if s.unsent--; s.unsent == 0 || m.closing(due) {
		s.unsent = 0
		m.slots.remove(&s.place)
	}
	return r
}

// closing reports whether a closed loop sends no more at a due time.
func (m *Machine) closing(due time.Duration) bool { return due >= m.closed() }

// regroup gives a free slot its next request or group.
func (m *Machine) regroup(s *slot) {
	s.group, s.unsent = -1, 1
	if m.plan.batch > 1 {
		s.group = int64(m.plan.first) + m.groups*int64(m.plan.stride)
		s.unsent = m.plan.batch
		m.groups++
	}
}

// take begins a request.
func (m *Machine) take(id int64, due, now time.Duration) *Request {
	r := m.request()
	r.ID = id
	rec := r.Record
	m.live.Window.told(due) // first: should another thread end the warm-up now, the window begins behind it
	rec.ID, rec.Phase, rec.Scheduled = id, m.phase(id/int64(m.plan.turns), due), due.Seconds()
	if rec.Phase == record.Measure && m.plan.quota >= 0 {
		if m.quota--; m.quota == 0 {
			m.limited = due
		}
	}
	r.giveUp = m.plan.cancel > 0 && draw.Uniform(m.cancels, id) < m.plan.cancel
	m.issued++
	m.inFlight++
	m.flying.add(&r.place, r, m.plan.deadline(now))
	m.live.taken(rec.Phase)
	m.live.enter(rec.Phase)
	return r
}

// request returns an empty request with an empty record, used ones first.
func (m *Machine) request() *Request {
	r, rest := pop(m.free)
	m.free = rest
	*r = Request{Record: m.record(), Mates: r.Mates[:0]}
	if r.Record.Gaps == nil && m.plan.tokens > 0 {
		r.Record.Gaps = make([]float32, 0, m.plan.tokens)
	}
	return r
}

// textKept bounds the room for an answer's text that a record keeps from one use to the next, in bytes.
const textKept = 1 << 20

// record returns an empty record, used ones first.
func (m *Machine) record() *record.Record {
	rec, rest := pop(m.spare)
	m.spare = rest
	if cap(rec.Text) > textKept {
		rec.Text = nil
	}
	*rec = record.Record{
		Sent: record.Unknown, FirstToken: record.Unknown, FirstAnswer: record.Unknown, LastToken: record.Unknown, Done: record.Unknown,
		PromptTokens: -1, OutputTokens: -1, Batch: -1, Gaps: rec.Gaps[:0], Text: rec.Text[:0],
		ServerLoad: record.Unknown, ServerPrompt: record.Unknown, ServerDecode: record.Unknown,
	}
	return rec
}

// pop takes the last of what is free, or makes a new one.
func pop[T any](free []*T) (item *T, rest []*T) {
	if n := len(free); n > 0 {
		return free[n-1], free[:n-1]
	}
	return new(T), free
}

// Sent says that the driver gives the request to the system now. Its time to answer begins; of a request that has to
// be sent again on a new connection the first time stands, so that what it lost is in its latency.
func (m *Machine) Sent(r *Request, now time.Duration) {
	for _, mate := range r.Mates {
		m.Sent(mate, now)
	}
	if !math.IsNaN(r.Record.Sent) {
		return
	}
	r.Record.Sent, m.latest = now.Seconds(), max(m.latest, now)
	m.outside.change(m, now, 1)
	m.flying.remove(&r.place)
	m.flying.add(&r.place, r, m.plan.deadline(now))
	m.live.Sent.Add(1)
}

// Received says that bytes of the answer came at now, and so many token events in them. It reports whether the request
// is one that the client gives up at its first token, and that was it: the driver closes its connection, whatever else has
// come of the answer, and finishes it as Cancelled, with GivenUp as its error.
func (m *Machine) Received(r *Request, now time.Duration, tokens int) (giveUp bool) {
	m.live.read(now)
	if tokens == 0 {
		return false
	}
	rec := r.Record
	first := math.IsNaN(rec.FirstToken)
	if first {
		rec.FirstToken = now.Seconds()
	} else {
		rec.Gaps = append(rec.Gaps, float32((now - r.last).Seconds()))
	}
	for range tokens - 1 {
		rec.Gaps = append(rec.Gaps, 0)
	}
	rec.Coalesced += tokens - 1
	rec.LastToken, r.last = now.Seconds(), now
	return first && r.giveUp
}

// GivenUp is the error of a request that the client gave up because the workload's cancel_share asked for it.
const GivenUp = "given up at its first token, as cancel_share asks"

// Expired returns a request that must be given up at now, with the outcome and error that it gets; nil when there is
// none. The driver closes its connection and calls Finish, for its mates too.
func (m *Machine) Expired(now time.Duration) (r *Request, o record.Outcome, why string) {
	if r = m.flying.head(); r == nil {
		m.abandon(now)
		return nil, 0, ""
	}
	if r.leader != nil {
		r = r.leader
	}
	unsent := math.IsNaN(r.Record.Sent)
	switch over := now >= min(m.stopped, m.drained()); {
	case over && unsent:
		return r, record.NotSent, "no connection in time"
	case now >= m.stopped:
		return r, record.Cancelled, "stopped"
	case over:
		return r, record.Cancelled, "still in flight at the end of the drain"
	case now < r.place.at:
		return nil, 0, ""
	case unsent:
		return r, record.Refused, fmt.Sprintf("no connection within %v", m.plan.timeout)
	}
	return r, record.Timeout, fmt.Sprintf("not done within %v", m.plan.timeout)
}

// Finish says that a request ended at now. Its Record holds the outcome by then; the request is not to be used again.
func (m *Machine) Finish(r *Request, now time.Duration) {
	rec := r.Record
	rec.Done, rec.Endpoint = now.Seconds(), r.Endpoint
	rec.GivenUp = r.giveUp && rec.Outcome == record.Cancelled && !math.IsNaN(rec.FirstToken)
	if !math.IsNaN(rec.Sent) {
		m.outside.change(m, now, -1)
	}
	m.flying.remove(&r.place)
	m.inFlight--
	m.live.ended(rec, now)
	m.said(r, now)
	if s := r.slot; s != nil {
		m.release(s, now, rec.Outcome)
	}
	m.finished = append(m.finished, rec)
	m.free = append(m.free, r)
	r.Record = nil
}

// release gives a place in a slot back; when the whole group is done, the slot is due again after the think time.
func (m *Machine) release(s *slot, now time.Duration, o record.Outcome) {
	switch {
	case o != record.Refused:
		s.rest = 0
	case s.rest == 0:
		s.rest = restFirst
	default:
		s.rest = min(2*s.rest, restMax)
	}
	if s.flying--; s.flying > 0 || s.unsent > 0 {
		return
	}
	m.regroup(s)
	due := later(now+s.rest, m.plan.think.after(int64(s.index), int64(s.requests)))
	if due == m.start()-1 {
		due++ // the answer that ended the warm-up frees the first slot of the window
	}
	if !m.closing(due) {
		m.slots.add(&s.place, s, due)
	}
}

// Harvest returns the records finished since it was last asked; they are the caller's until it gives them to Recycle.
func (m *Machine) Harvest(into []*record.Record) []*record.Record {
	into = append(into, m.finished...)
	m.finished = m.finished[:0]
	return into
}

// Recycle takes records back, to be used again.
func (m *Machine) Recycle(records []*record.Record) { m.spare = append(m.spare, records...) }

// Stop ends the trial at now: nothing more is due, and everything in flight has expired.
func (m *Machine) Stop(now time.Duration) {
	m.stopped = min(m.stopped, now)
	m.slots = queue[slot]{}
}

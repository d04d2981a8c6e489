package load

import (
	"fmt"
	"time"

	"hpcbench/agent/internal/arrival"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// open makes ready the schedule of an open loop.
func (m *Machine) open(w workload.Workload) (err error) {
	if m.schedule, err = arrival.New(w); err != nil {
		return err
	}
	m.limited = Never
	if w.Requests > 0 || w.DurationS == 0 {
		if err := m.bound(int64((w.Requests + m.plan.turns - 1) / m.plan.turns)); err != nil {
			return err
		}
	}
	m.arrive(int64(m.plan.first))
	return nil
}

// mostArrivals is the most that are reckoned through before the first request: some seconds of work. A rate of 1e308, by a slip
// of the pen or by malice, would keep the client node busy for ever.
const mostArrivals = 200_000_000

// bound finds the arrivals that are measured where there are so many of them; 0: all that the law has. A law that ends
// before has fewer: then the window lasts its time, if it has one.
func (m *Machine) bound(requests int64) error {
	first := int64(0)
	for first < mostArrivals && m.schedule.Due(first) < m.plan.warmup {
		first++
	}
	limit := first
	for limit < mostArrivals && m.schedule.Due(limit) < Never && (requests == 0 || limit < first+requests || m.schedule.Due(limit) < m.plan.warmup+m.plan.least) {
		limit++
	}
	if limit == mostArrivals {
		return fmt.Errorf("more than %d requests are due before the last that is measured: want a lower rate, or fewer requests", int64(mostArrivals))
	}
	if m.plan.length == Never || limit >= first+requests {
		m.plan.limit, m.limited = max(1, limit), m.schedule.Due(limit)
	}
	return nil
}

// arrive goes on to arrival i, if the schedule goes so far.
func (m *Machine) arrive(i int64) {
	m.index, m.due = i, Never
	if m.plan.first >= m.plan.stride {
		return
	}
	if due := m.schedule.Due(i); m.sends(i, due) {
		m.due = due
	}
}

// sends reports whether an open loop sends what arrival i has due at a time.
func (m *Machine) sends(i int64, due time.Duration) bool {
	if due > m.ceased {
		return false
	}
	return m.plan.limit > 0 && i < m.plan.limit && due < m.end() || due < later(min(m.end(), m.limited), m.plan.cooldown)
}

// nextArrival is an open loop's request that is due at now, nil when none is.
func (m *Machine) nextArrival(now time.Duration) *Request {
	if now >= min(m.stopped, m.ceased) || m.full() {
		return nil
	}
	if r := m.nextTurn(now); r != nil || m.due > now {
		return r
	}
	r := m.take(m.index*int64(m.plan.turns), m.due, now)
	r.Endpoint = m.plan.route.endpoint(r.ID, int(m.index), 0)
	m.begin(r)
	m.arrive(m.index + int64(m.plan.stride))
	return r
}

// full reports whether an open loop's cap on requests in flight is reached.
func (m *Machine) full() bool { return m.plan.room > 0 && m.inFlight >= m.plan.room }

// abandon records the arrivals that were due and will never be sent, once the drain is over or the trial is stopped.
func (m *Machine) abandon(now time.Duration) {
	if now < min(m.stopped, m.ceased, m.drained()) {
		return
	}
	m.silence(now)
	for m.due <= min(now, m.stopped, m.ceased) {
		rec := m.record()
		rec.ID, rec.Phase, rec.Scheduled, rec.Outcome = m.index*int64(m.plan.turns), m.phase(m.index, m.due), m.due.Seconds(), record.NotSent
		rec.Endpoint = m.plan.route.endpoint(rec.ID, int(m.index), 0)
		m.finished = append(m.finished, rec)
		m.live.Scheduled.Add(1)
		m.live.count(rec)
		m.arrive(m.index + int64(m.plan.stride))
	}
}

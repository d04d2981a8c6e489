package load

import (
	"math"
	"slices"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// server is how a simulated server treats a request: when its tokens come and when it is done, counted from the send.
type server func(r *Request) answer

type answer struct {
	tokens  []time.Duration
	done    time.Duration // Never: it hangs
	outcome record.Outcome
}

// takes answers each request after d, with one token just then.
func takes(d time.Duration) server {
	return func(*Request) answer { return answer{tokens: []time.Duration{d}, done: d} }
}

// simulation drives a machine in simulated time.
type simulation struct {
	t       *testing.T
	m       *Machine
	now     time.Duration
	flying  []flight
	most    int // in flight at once
	idle    int // steps that led to no later time
	records []record.Record
}

type flight struct {
	request *Request
	sent    time.Duration
	answer  answer
}

// simulate runs the shares of all parts and threads, one after the other, and returns all records by id.
func simulate(t *testing.T, a workload.Assignment, threads int, s server) []record.Record {
	t.Helper()
	var all []record.Record
	for part := range a.Parts {
		for thread := range threads {
			a.Part = part
			all = append(all, share(t, a, thread, threads, s).records...)
		}
	}
	slices.SortFunc(all, func(x, y record.Record) int { return int(x.ID - y.ID) })
	return all
}

func share(t *testing.T, a workload.Assignment, thread, threads int, s server) *simulation {
	t.Helper()
	m, err := New(a, thread, threads, nil)
	if err != nil {
		t.Fatal(err)
	}
	sim := &simulation{t: t, m: m}
	for !sim.step(s) {
	}
	sim.harvest()
	return sim
}

// step does what is due and goes on to the next instant at which something happens.
func (s *simulation) step(server server) (over bool) {
	if s.act(server) {
		return true
	}
	s.advance(s.next())
	return false
}

// act does what is due.
func (s *simulation) act(server server) (over bool) {
	for r := s.m.Next(s.now); r != nil; r = s.m.Next(s.now) {
		a := server(r)
		if a.outcome != record.Refused {
			s.m.Sent(r, s.now)
		}
		s.flying = append(s.flying, flight{r, s.now, a})
		s.most = max(s.most, len(s.flying))
	}
	for r, o, why := s.m.Expired(s.now); r != nil; r, o, why = s.m.Expired(s.now) {
		s.flying = slices.DeleteFunc(s.flying, func(f flight) bool { return f.request == r })
		for _, one := range group(r) {
			one.Record.Outcome, one.Record.Error = o, why
			s.m.Finish(one, s.now)
		}
	}
	s.harvest()
	return s.m.Over(s.now)
}

// next is when something happens.
func (s *simulation) next() time.Duration {
	next := s.m.Wake(s.now)
	for _, f := range s.flying {
		next = min(next, f.next())
	}
	return next
}

func (s *simulation) advance(next time.Duration) {
	if s.idle++; next > s.now {
		s.idle = 0
	}
	if next == Never || s.idle > 100 {
		s.t.Fatalf("at %v the machine waits until %v with %d in flight", s.now, next, len(s.flying))
	}
	s.now = max(s.now, next) // earlier: what ran out of time has made room for what was due before
	s.deliver()
}

func (f *flight) next() time.Duration {
	at := Never
	if f.answer.done < Never {
		at = f.sent + f.answer.done
	}
	if len(f.answer.tokens) > 0 {
		at = min(at, f.sent+f.answer.tokens[0])
	}
	return at
}

func (s *simulation) deliver() {
	for i := 0; i < len(s.flying); i++ {
		f := &s.flying[i]
		n := 0
		for len(f.answer.tokens) > 0 && f.sent+f.answer.tokens[0] <= s.now {
			f.answer.tokens = f.answer.tokens[1:]
			n++
		}
		gave := false
		for _, one := range group(f.request)[:(1+len(f.request.Mates))*min(n, 1)] {
			gave = s.m.Received(one, s.now, n) || gave
		}
		if gave {
			f.answer = answer{outcome: record.Cancelled, done: s.now - f.sent}
		}
		if f.next() <= s.now {
			for _, one := range group(f.request) {
				one.Record.Outcome = f.answer.outcome
				s.m.Finish(one, s.now)
			}
			s.flying = slices.Delete(s.flying, i, i+1)
			i--
		}
	}
}

// group is a request and its mates, itself last, as the drivers finish them.
func group(r *Request) []*Request { return append(slices.Clone(r.Mates), r) }

func (s *simulation) harvest() {
	records := s.m.Harvest(nil)
	for _, r := range records {
		keep := *r
		keep.Gaps = slices.Clone(r.Gaps)
		s.records = append(s.records, keep)
	}
	s.m.Recycle(records)
}

func assign(w workload.Workload, parts int) workload.Assignment {
	if w.TimeoutS == 0 {
		w.TimeoutS = 100
	}
	return workload.Assignment{Trial: workload.Trial{Workload: w}, Parts: parts, Endpoints: []string{"a", "b"}}
}

// near holds what two roundings of a nanosecond may do to seconds.
func near(a, b float64) bool { return math.Abs(a-b) < 5e-9 }

func byPhase(records []record.Record) (n [4]int) {
	for _, r := range records {
		n[r.Phase]++
	}
	return n
}

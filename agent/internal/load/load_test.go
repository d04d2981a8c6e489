package load

import (
	"math"
	"slices"
	"testing"
	"time"

	"hpcbench/agent/internal/arrival"
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

func TestClosedLoopKeepsItsSlotsFull(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 4, WarmupS: 2, DurationS: 8, DrainS: 5}, 1)
	sim := share(t, a, 0, 1, takes(time.Second))
	if sim.most != 4 {
		t.Errorf("%d requests in flight at most, want 4", sim.most)
	}
	if got, want := byPhase(sim.records), [4]int{8, 32, 0, 0}; got != want {
		t.Errorf("records by phase %v, want %v", got, want)
	}
	for _, r := range sim.records {
		if r.Scheduled != math.Floor(r.Scheduled) || r.Sent != r.Scheduled || !near(r.Done, r.Sent+1) || r.Outcome != record.OK {
			t.Errorf("record %+v: want each due when the one before is done, a second apart", r)
		}
	}
}

func TestThinkTimeIsPartOfTheSchedule(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 1, ThinkTimeS: 0.5, DurationS: 6, DrainS: 5}, 1)
	for i, r := range share(t, a, 0, 1, takes(time.Second)).records {
		if want := 1.5 * float64(i); !near(r.Scheduled, want) || !near(r.Sent, want) {
			t.Errorf("request %d scheduled %v, sent %v; want %v", i, r.Scheduled, r.Sent, want)
		}
	}
}

func TestSlotsBelongToPartsAndEndpointsInTurn(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 12, Requests: 12}, 3)
	for part := range 3 {
		a.Part = part
		sim := share(t, a, 0, 1, takes(time.Second))
		perEndpoint := map[int]int{}
		for _, r := range sim.records {
			perEndpoint[r.Endpoint]++
			if r.ID%3 != int64(part) {
				t.Errorf("part %d has request %d", part, r.ID)
			}
		}
		if sim.most != 4 || perEndpoint[0] != 2 || perEndpoint[1] != 2 {
			t.Errorf("part %d: %d at once, by endpoint %v; want 4, two at each", part, sim.most, perEndpoint)
		}
	}
}

func TestSlotsAreWholeOverPartsAndThreads(t *testing.T) {
	for _, c := range []struct{ concurrency, parts, threads int }{{1, 1, 1}, {8, 3, 2}, {2, 5, 1}, {2, 5, 4}, {64, 3, 8}, {3, 1, 8}, {4, 3, 2}} {
		a := assign(workload.Workload{Concurrency: c.concurrency, DurationS: 1, DrainS: 5}, c.parts)
		got := simulate(t, a, c.threads, takes(2*time.Second))
		if len(got) != c.concurrency {
			t.Errorf("%+v: %d requests at the start, want one a slot", c, len(got))
		}
	}
}

func TestRequestsEndALoad(t *testing.T) {
	for _, c := range []struct {
		name           string
		w              workload.Workload
		parts, threads int
		warm, measured int // -1: any
	}{
		{"closed", workload.Workload{Concurrency: 4, Requests: 10}, 1, 1, 0, 10},
		{"closed, more slots than requests", workload.Workload{Concurrency: 16, Requests: 10}, 1, 1, 0, 10},
		{"closed over parts and threads", workload.Workload{Concurrency: 16, Requests: 101}, 3, 2, 0, 101},
		{"closed, parts without a slot", workload.Workload{Concurrency: 2, Requests: 101}, 5, 2, 0, 101},
		{"closed after a warm-up", workload.Workload{Concurrency: 4, Requests: 10, WarmupS: 2.5}, 1, 1, 12, 10},
		{"closed, think time", workload.Workload{Concurrency: 4, Requests: 10, ThinkTimeS: 3}, 2, 1, 0, 10},
		{"closed, duration first", workload.Workload{Concurrency: 1, Requests: 10, DurationS: 3, DrainS: 9}, 1, 1, 0, 3},
		{"closed, fewer requests than parts", workload.Workload{Concurrency: 8, Requests: 2, WarmupS: 1}, 4, 1, 8, 2},
		{"groups", workload.Workload{Concurrency: 8, Batch: 4, Requests: 10}, 1, 1, 0, 10},
		{"constant", workload.Workload{Rate: 7, Requests: 10}, 1, 1, 0, 10},
		{"constant after a warm-up, over parts", workload.Workload{Rate: 10, WarmupS: 2, Requests: 33}, 3, 2, 20, 33},
		{"poisson after a warm-up, over parts", workload.Workload{Rate: 10, Arrival: "poisson", WarmupS: 2, Requests: 33}, 3, 2, -1, 33},
		{"poisson with a cap below the parts", workload.Workload{Rate: 10, Arrival: "poisson", Concurrency: 2, Requests: 33}, 3, 2, 0, 33},
		{"constant, duration first", workload.Workload{Rate: 10, Requests: 100, DurationS: 2, DrainS: 9}, 2, 1, 0, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := simulate(t, assign(c.w, c.parts), c.threads, takes(time.Second))
			n := byPhase(got)
			if n[record.Measure] != c.measured || c.warm >= 0 && n[record.Warmup] != c.warm || n[record.Cooldown]+n[record.Drain] != 0 {
				t.Errorf("records by phase %v, want %d and %d", n, c.warm, c.measured)
			}
			for i := range got[1:] {
				if got[i].ID == got[i+1].ID {
					t.Errorf("id %d twice", got[i].ID)
				}
			}
		})
	}
}

func TestOpenLoopFollowsItsScheduleOverAnyParts(t *testing.T) {
	w := workload.Workload{Rate: 50, Arrival: "poisson", Seed: 3, WarmupS: 2, DurationS: 10, DrainS: 100}
	schedule, err := arrival.New(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ parts, threads int }{{1, 1}, {3, 1}, {3, 4}, {64, 1}} {
		got := simulate(t, assign(w, c.parts), c.threads, takes(3*time.Second))
		for i, r := range got {
			due := schedule.Due(int64(i))
			if r.ID != int64(i) || r.Scheduled != due.Seconds() || r.Sent != r.Scheduled || r.Outcome != record.OK {
				t.Fatalf("%+v: request %d is %+v, want it due and sent at %v", c, i, r, due)
			}
			if _, endpoint := workload.Owner(i, c.parts, 2); r.Endpoint != endpoint || (r.Phase == record.Warmup) != (r.Scheduled < 2) {
				t.Errorf("%+v: request %d at %v goes to endpoint %d in phase %v", c, i, r.Scheduled, r.Endpoint, r.Phase)
			}
		}
		if next := schedule.Due(int64(len(got))); next < 12*time.Second {
			t.Errorf("%+v: %d requests, the next is due at %v", c, len(got), next)
		}
	}
}

func TestCapOnAnOpenLoopShowsAsLateness(t *testing.T) {
	a := assign(workload.Workload{Rate: 10, Concurrency: 2, DurationS: 1, DrainS: 100}, 1)
	sim := share(t, a, 0, 1, takes(time.Second))
	if sim.most != 2 || len(sim.records) != 10 {
		t.Errorf("%d at once, %d records; want 2 and 10", sim.most, len(sim.records))
	}
	for i, r := range sim.records {
		due, sent := float64(i)*0.1, float64(i/2)+0.1*float64(i%2)
		if !near(r.Scheduled, due) || !near(r.Sent, sent) || r.Phase != record.Measure {
			t.Errorf("request %d due %v, sent %v; want %v and %v", i, r.Scheduled, r.Sent, due, sent)
		}
	}
}

func TestWhatWasDueAndNeverSentIsARecord(t *testing.T) {
	a := assign(workload.Workload{Rate: 10, Concurrency: 1, DurationS: 1, DrainS: 2}, 1)
	got := share(t, a, 0, 1, takes(10*time.Second)).records
	if len(got) != 10 || got[0].Outcome != record.Cancelled {
		t.Fatalf("%d records, the first %v; want 10, the first cut off by the end of the drain", len(got), got[0].Outcome)
	}
	for i, r := range got[1:] {
		if r.Outcome != record.NotSent || !math.IsNaN(r.Sent) || !math.IsNaN(r.Done) || !near(r.Scheduled, 0.1*float64(i+1)) {
			t.Errorf("record %+v: want not_sent, scheduled at %v", r, 0.1*float64(i+1))
		}
	}
}

func TestRequestsRunOutOfTime(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 3, DurationS: 5, DrainS: 10, TimeoutS: 2}, 1)
	hangs := func(*Request) answer { return answer{tokens: []time.Duration{time.Second}, done: Never} }
	got := share(t, a, 0, 1, hangs).records
	if len(got) != 9 {
		t.Errorf("%d records, want 9", len(got))
	}
	for _, r := range got {
		if r.Outcome != record.Timeout || !near(r.Done, r.Sent+2) || !near(r.FirstToken, r.Sent+1) || r.Error != "not done within 2s" {
			t.Errorf("record %+v: want a timeout after 2 s that keeps its first token", r)
		}
	}
}

func TestTheDrainIsBounded(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 2, DurationS: 5, DrainS: 3}, 1)
	sim := share(t, a, 0, 1, func(r *Request) answer { return answer{done: Never} })
	for _, r := range sim.records {
		if r.Outcome != record.Cancelled || r.Done != 8 {
			t.Errorf("record %+v: want cancelled at 8 s", r)
		}
	}
	if len(sim.records) != 2 || sim.now != 8*time.Second {
		t.Errorf("%d records, over at %v; want 2 at 8s", len(sim.records), sim.now)
	}
}

func TestALoadWithoutTrafficLastsItsWindow(t *testing.T) {
	a := assign(workload.Workload{Rate: 0.001, Arrival: "poisson", DurationS: 5, DrainS: 3}, 1)
	if sim := share(t, a, 0, 1, takes(0)); sim.now != 5*time.Second || len(sim.records) != 0 {
		t.Errorf("over at %v with %d records, want 5s and none", sim.now, len(sim.records))
	}
}

func TestStopCancelsAndTellsWhatWasDue(t *testing.T) {
	for _, w := range []workload.Workload{
		{Concurrency: 2, DurationS: 100, DrainS: 3},
		{Rate: 10, Concurrency: 2, DurationS: 100, DrainS: 3},
	} {
		m, err := New(assign(w, 1), 0, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &simulation{t: t, m: m}
		for len(s.flying) < 2 {
			s.step(takes(200 * time.Second))
		}
		at := time.Second
		s.now = at
		m.Stop(at)
		for !s.step(takes(0)) {
		}
		cancelled := 0
		for _, r := range s.records {
			if r.Outcome == record.Cancelled && r.Done == at.Seconds() {
				cancelled++
			} else if r.Outcome != record.NotSent || r.Scheduled > at.Seconds() {
				t.Errorf("record %+v: want cancelled at %v, or not sent", r, at)
			}
		}
		if cancelled != 2 || s.now != at {
			t.Errorf("%d cancelled, over at %v; want 2 at %v", cancelled, s.now, at)
		}
	}
}

func TestARefusedSlotRests(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 1, DurationS: 10, DrainS: 3}, 1)
	got := share(t, a, 0, 1, func(r *Request) answer {
		if r.Record.Scheduled > 5 {
			return answer{done: time.Second}
		}
		return answer{outcome: record.Refused}
	}).records
	want := []float64{0, 0.1, 0.3, 0.7, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5}
	for i, r := range got {
		if i >= len(want) || !near(r.Scheduled, want[i]) {
			t.Fatalf("request %d scheduled at %v, want %v", i, r.Scheduled, want)
		}
		if refused := r.Outcome == record.Refused; refused != math.IsNaN(r.Sent) {
			t.Errorf("record %+v: want no send exactly where it was refused", r)
		}
	}
}

func TestAGroupIsSentAtOneInstant(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 8, Batch: 4, DurationS: 10, DrainS: 100}, 2)
	long := func(r *Request) answer { return answer{done: time.Duration(1+r.ID%3) * time.Second} }
	groups := map[int64][]record.Record{}
	for _, r := range simulate(t, a, 1, long) {
		groups[r.Batch] = append(groups[r.Batch], r)
	}
	ends := map[float64]bool{0: true}
	for _, g := range groups {
		end := 0.0
		for _, r := range g {
			end = max(end, r.Done)
		}
		ends[end] = true
	}
	for id, g := range groups {
		if len(g) != 4 {
			t.Errorf("group %d has %d requests, want 4", id, len(g))
		}
		for _, r := range g {
			if r.Sent != g[0].Sent || !ends[r.Scheduled] {
				t.Errorf("group %d: request %d sent at %v beside %v", id, r.ID, r.Sent, g[0].Sent)
			}
		}
	}
}

func TestTokensBecomeInstantsAndGaps(t *testing.T) {
	m, err := New(assign(workload.Workload{Concurrency: 1, Requests: 1}, 1), 0, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	const ms = time.Millisecond
	r := m.Next(0)
	m.Sent(r, 5*ms)
	m.Sent(r, 9*ms) // again, on a new connection
	m.Received(r, 10*ms, 0)
	m.Received(r, 20*ms, 1)
	m.Received(r, 30*ms, 3)
	m.Received(r, 45*ms, 0)
	m.Received(r, 50*ms, 1)
	rec := r.Record
	m.Finish(r, 60*ms)
	if rec.Scheduled != 0 || rec.Sent != 0.005 || rec.FirstToken != 0.020 || rec.LastToken != 0.050 || rec.Done != 0.060 {
		t.Errorf("instants of %+v", rec)
	}
	if want := []float32{0.010, 0, 0, 0.020}; !slices.Equal(rec.Gaps, want) || rec.Coalesced != 2 {
		t.Errorf("gaps %v, %d coalesced; want %v and 2", rec.Gaps, rec.Coalesced, want)
	}
}

func TestLiveCounts(t *testing.T) {
	var live Live
	m, err := New(assign(workload.Workload{Rate: 10, Concurrency: 1, WarmupS: 1, DurationS: 1, DrainS: 1}, 1), 0, 1, &live)
	if err != nil {
		t.Fatal(err)
	}
	s := &simulation{t: t, m: m}
	for !s.step(takes(700 * time.Millisecond)) {
		if live.InFlight.Load() != int64(len(s.flying)) {
			t.Errorf("at %v: %d in flight, want %d", s.now, live.InFlight.Load(), len(s.flying))
		}
	}
	ok, failed := live.OK.Load(), live.Failed.Load()
	if ok+failed != 20 || live.Scheduled.Load() != 20 || live.Done.Load() != live.Sent.Load() || ok != 4 || record.Phase(live.Phase.Load()) != record.Drain {
		t.Errorf("scheduled %d, sent %d, done %d, ok %d, failed %d, phase %d",
			live.Scheduled.Load(), live.Sent.Load(), live.Done.Load(), ok, failed, live.Phase.Load())
	}
	if at := time.Duration(live.LastByte.Load()); at < 2*time.Second || at > 3*time.Second {
		t.Errorf("last byte at %v", at)
	}
}

func TestRefusesWhatMakesNoSense(t *testing.T) {
	good := assign(workload.Workload{Concurrency: 1, DurationS: 1}, 1)
	for name, spoil := range map[string]func(*workload.Assignment){
		"no end":      func(a *workload.Assignment) { a.Trial.Workload.DurationS = 0 },
		"no endpoint": func(a *workload.Assignment) { a.Endpoints = nil },
		"part":        func(a *workload.Assignment) { a.Part = 1 },
		"no parts":    func(a *workload.Assignment) { a.Parts = 0 },
		"rate":        func(a *workload.Assignment) { a.Trial.Workload.Rate = -1 },
		"rate NaN":    func(a *workload.Assignment) { a.Trial.Workload.Rate = math.NaN() },
		"duration":    func(a *workload.Assignment) { a.Trial.Workload.DurationS = -1 },
		"arrival":     func(a *workload.Assignment) { a.Trial.Workload.Rate, a.Trial.Workload.Arrival = 1, "x" },
		"open groups": func(a *workload.Assignment) { a.Trial.Workload.Rate, a.Trial.Workload.Batch = 1, 2 },
		"trace alone": func(a *workload.Assignment) { a.Trial.Workload.Arrival = "replay" },
		"burst unasked": func(a *workload.Assignment) {
			a.Trial.Workload.Rate, a.Trial.Workload.Burst = 1, &workload.Burst{Size: 2}
		},
		"open ramp-up":      func(a *workload.Assignment) { a.Trial.Workload.Rate, a.Trial.Workload.RampUpS = 1, 1 },
		"open warm-up":      func(a *workload.Assignment) { a.Trial.Workload.Rate, a.Trial.Workload.WarmupRequests = 1, 1 },
		"think law":         func(a *workload.Assignment) { a.Trial.Workload.ThinkLaw, a.Trial.Workload.ThinkTimeS = "x", 1 },
		"think law alone":   func(a *workload.Assignment) { a.Trial.Workload.ThinkLaw = "exponential" },
		"endless warm-up":   func(a *workload.Assignment) { a.Trial.Workload.WarmupRequests = 1 },
		"least over most":   func(a *workload.Assignment) { a.Trial.Workload.MinDurationS = 2 },
		"cancel share":      func(a *workload.Assignment) { a.Trial.Workload.CancelShare, a.Trial.Workload.Stream = 1.5, true },
		"cancel unstreamed": func(a *workload.Assignment) { a.Trial.Workload.CancelShare = 0.5 },
		"routing":           func(a *workload.Assignment) { a.Trial.Workload.Routing = "x" },
		"routes unasked":    func(a *workload.Assignment) { a.Trial.Workload.Routes = [][]int{{0}} },
		"no routes":         func(a *workload.Assignment) { a.Trial.Workload.Routing = "static" },
		"routes of others": func(a *workload.Assignment) {
			a.Trial.Workload.Routing, a.Trial.Workload.Routes = "static", [][]int{{0}, {1}}
		},
		"empty route": func(a *workload.Assignment) {
			a.Trial.Workload.Routing, a.Trial.Workload.Routes = "static", [][]int{{}}
		},
		"route to nowhere": func(a *workload.Assignment) {
			a.Trial.Workload.Routing, a.Trial.Workload.Routes = "static", [][]int{{2}}
		},
		"endless drain": func(a *workload.Assignment) { a.Trial.Workload.DrainS = math.NaN() },
	} {
		a := good
		spoil(&a)
		if _, err := New(a, 0, 1, nil); err == nil {
			t.Errorf("%s: accepted %+v", name, a)
		}
	}
	if _, err := New(good, 0, 1, nil); err != nil {
		t.Error(err)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	m, err := New(assign(workload.Workload{Concurrency: 8, DurationS: 1e6, MaxTokens: 16}, 1), 0, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var records []*record.Record
	now := time.Duration(0)
	var flying [8]*Request
	round := func() {
		for i := range flying {
			flying[i] = m.Next(now)
			m.Sent(flying[i], now)
		}
		for k := range 16 {
			now += time.Millisecond
			m.Received(flying[k%8], now, 1)
		}
		for _, r := range flying {
			m.Finish(r, now)
		}
		records = m.Harvest(records[:0])
		m.Recycle(records)
	}
	round()
	if allocs := testing.AllocsPerRun(100, round); allocs != 0 {
		t.Errorf("%v allocations for 8 requests", allocs)
	}
}

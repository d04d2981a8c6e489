package load

import (
	"math"
	"slices"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

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
	if len(sim.records) != 2 || sim.now != 8*time.Second || sim.m.Closed(sim.now) != 5*time.Second {
		t.Errorf("%d records, closed at %v, over at %v; want 2, 5s and 8s", len(sim.records), sim.m.Closed(sim.now), sim.now)
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

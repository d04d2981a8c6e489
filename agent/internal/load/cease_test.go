package load

import (
	"math/rand/v2"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// until drives a load until at.
func until(t *testing.T, a workload.Assignment, at time.Duration, s server) *simulation {
	t.Helper()
	m, err := New(a, 0, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	sim := &simulation{t: t, m: m}
	for !sim.act(s) {
		if sim.next() > at {
			break
		}
		sim.advance(sim.next())
	}
	sim.now = at
	return sim
}

func TestCeaseLetsWhatIsInFlightEnd(t *testing.T) {
	for name, w := range map[string]workload.Workload{
		"closed":        {Concurrency: 2, DurationS: 100, DrainS: 30},
		"open":          {Rate: 0.9, DurationS: 100, DrainS: 30},
		"open, capped":  {Rate: 10, Concurrency: 2, DurationS: 100, DrainS: 30},
		"with requests": {Concurrency: 2, Requests: 1000, DrainS: 30},
		"warm-up":       {Concurrency: 2, WarmupS: 20, DurationS: 100, DrainS: 30},
	} {
		s := until(t, assign(w, 1), 9500*time.Millisecond, takes(2*time.Second))
		if !s.m.Cease(s.now) || s.m.Cease(s.now) {
			t.Errorf("%s: not cut, or twice", name)
		}
		for !s.step(takes(2 * time.Second)) {
		}
		ok, flew := 0, 0
		for _, r := range s.records {
			switch {
			case r.Scheduled > 9.5:
				t.Errorf("%s: a request is due at %v", name, r.Scheduled)
			case r.Outcome == record.NotSent && w.Rate > 0 && w.Concurrency > 0: // waited for the cap
			case r.Outcome != record.OK:
				t.Errorf("%s: %+v", name, r)
			case r.Done > 9.5:
				flew++
			default:
				ok++
			}
		}
		if ok < 6 || flew == 0 || s.now < 9500*time.Millisecond || s.now > 11500*time.Millisecond {
			t.Errorf("%s: %d ended before, %d after, over at %v", name, ok, flew, s.now)
		}
		if end := s.m.live.Window.End(); end != 9500*time.Millisecond {
			t.Errorf("%s: the window ends at %v", name, end)
		}
	}
}

func TestCeaseBoundsItsDrain(t *testing.T) {
	s := until(t, assign(workload.Workload{Concurrency: 2, DurationS: 100, DrainS: 3}, 1), 10*time.Second, takes(time.Hour))
	s.m.Cease(s.now)
	for !s.step(takes(time.Hour)) {
	}
	if s.now != 13*time.Second || len(s.records) != 2 || s.records[0].Outcome != record.Cancelled {
		t.Errorf("over at %v: %+v", s.now, s.records)
	}
}

func TestCeaseInTheDrainCutsNothing(t *testing.T) {
	for _, w := range []workload.Workload{
		{Concurrency: 2, DurationS: 10, DrainS: 30}, {Rate: 1, DurationS: 10, DrainS: 30}, {Concurrency: 2, Requests: 2, DrainS: 30, DurationS: 30},
	} {
		s := until(t, assign(w, 1), 10500*time.Millisecond, takes(10*time.Second+time.Second))
		if s.m.Cease(s.now) {
			t.Errorf("%+v: cut", w)
		}
	}
}

// Whatever the workload and the instant: nothing is due after it, and the load ends within its drain.
func TestCeaseOfAnyLoad(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := anyWorkload(r)
		at := time.Duration(r.Float64() * 8e9)
		answers := func(*Request) answer {
			d := time.Duration(r.ExpFloat64() * 1e9)
			return answer{tokens: []time.Duration{d / 2}, done: d}
		}
		s := until(t, assign(w, 1), at, answers)
		cut := s.m.Cease(at)
		for !s.step(answers) {
		}
		for _, rec := range s.records {
			if cut && rec.Scheduled > at.Seconds() {
				t.Errorf("seed %d: %+v was due after %v", seed, rec, at)
			}
		}
		if end := at + seconds(w.DrainS) + time.Nanosecond; cut && s.now > end {
			t.Errorf("seed %d: over at %v, ceased at %v with a drain of %v s", seed, s.now, at, w.DrainS)
		}
	}
}

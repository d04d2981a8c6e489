package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

var standard = workload.Search{Low: 1, Precision: 0.05, Attain: 0.99, Confidence: 0.95, Probes: 40}

// begin begins a search that makes sense.
func begin(t *testing.T, want workload.Search) *Search {
	t.Helper()
	s, err := New(want)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run searches a server to the end.
func run(t *testing.T, want workload.Search, try func(rate float64) Outcome) *summary.Search {
	t.Helper()
	s := begin(t, want)
	for rate, more := s.Next(); more; rate, more = s.Next() {
		o := try(rate)
		o.Rate = rate
		s.Add(o)
	}
	return s.Result(nil)
}

// step is a server that keeps the SLO of every request up to a rate, and of none above it, as seen by so many requests.
func step(capacity float64, n int64) func(float64) Outcome {
	return func(rate float64) Outcome {
		o := Outcome{Due: n}
		if rate <= capacity {
			o.Good = n
		}
		return o
	}
}

func TestSearchFindsAStep(t *testing.T) {
	for _, capacity := range []float64{0.02, 0.4, 0.99, 1, 1.5, 4.97, 5, 77, 12_345} {
		r := run(t, standard, step(capacity, 1000))
		if r.Found == nil || r.Fails == nil || *r.Found > capacity || *r.Fails <= capacity || *r.Fails > *r.Found*1.0500001 {
			t.Errorf("capacity %v: %v", capacity, r)
			continue
		}
		if most := 7 + 2*int(math.Ceil(math.Abs(math.Log2(capacity)))); len(r.Probes) > most {
			t.Errorf("capacity %v: %d probes", capacity, len(r.Probes))
		}
	}
}

func TestSearchEnds(t *testing.T) {
	high, few := standard, standard
	high.High, few.Probes = 20, 4
	for name, c := range map[string]struct {
		want        workload.Search
		try         func(float64) Outcome
		found       float64 // 0: none
		holds, fail float64 // 0: none
		why         string
		probes      int
	}{
		"the highest rate holds": {high, step(100, 1000), 20, 20, 0, "the highest rate that may be tried holds", 7},
		"the server is dead":     {standard, step(0, 1000), 0, 0, 1.0 / 64, "not even 0.01562 requests/s hold", 7},
		"few probes":             {few, step(6, 1000), 0, 4, 8, "all 4 probes are spent", 4},
		"no request is due":      {few, func(float64) Outcome { return Outcome{} }, 0, 0, 0, "all 4 probes are spent", 4},
		"the client is bound": {standard, func(rate float64) Outcome {
			if rate > 10 {
				return Outcome{Due: 1000, Spot: "p99 of lateness 12 ms is over 10 ms"}
			}
			return Outcome{Due: 1000, Good: 1000}
		}, 0, 8, 0, "the client could not send 16 requests/s as it should (p99 of lateness", 6},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, c.want, c.try)
			at := func(p *float64) float64 {
				if p == nil {
					return 0
				}
				return *p
			}
			if at(r.Found) != c.found || at(r.Holds) != c.holds || at(r.Fails) != c.fail || !strings.HasPrefix(r.WhyEnded, c.why) || len(r.Probes) != c.probes {
				t.Errorf("found %v, holds %v, fails %v: %s after %d probes", at(r.Found), at(r.Holds), at(r.Fails), r.WhyEnded, len(r.Probes))
			}
		})
	}
}

// Low rates have few requests in a window: the search goes on above them, and shows the one that is the answer in several.
func TestSearchAddsUpProbesAtOneRate(t *testing.T) {
	r := run(t, standard, func(rate float64) Outcome { return step(5, int64(30*rate))(rate) })
	last := r.Probes[len(r.Probes)-1]
	if r.Found == nil || *r.Found > 5 || *r.Found < 5/1.0500001 || last.Rate != *r.Found || last.Verdict != summary.ProbeHolds || !strings.HasPrefix(last.Why, "with the probes before at this rate, ") {
		t.Errorf("%+v", r)
	}
}

func TestARateThatIsNeitherIsGivenUp(t *testing.T) {
	r := run(t, standard, func(rate float64) Outcome {
		if rate == 4 {
			return Outcome{Due: 1000, Good: 989}
		}
		return step(10, 1000)(rate)
	})
	if r.Found == nil || *r.Found >= 4 || *r.Found < 4/1.0500001 || r.Fails != nil || !strings.Contains(r.WhyEnded, "4 requests/s neither hold nor fail after 3 probes") {
		t.Errorf("%+v", r)
	}
}

// What holds above a rate that fails is not trusted: one of both is wrong, and the lower is the careful answer.
func TestARateAboveOneThatFailsIsNoAnswer(t *testing.T) {
	s := begin(t, standard)
	s.Add(Outcome{Rate: 1, Due: 1000, Good: 1000})
	s.Add(Outcome{Rate: 4, Due: 1000, Good: 1000})
	s.Add(Outcome{Rate: 2, Due: 1000, Good: 500})
	if rate, more := s.Next(); !more || rate <= 1 || rate >= 2 {
		t.Errorf("next is %v, %v", rate, more)
	}
	if r := s.Result(nil); r.Found != nil || *r.Holds != 1 || *r.Fails != 2 {
		t.Errorf("%+v", r)
	}
}

func TestAGrowingQueueFails(t *testing.T) {
	r := run(t, standard, func(rate float64) Outcome {
		o := Outcome{Due: int64(100 * rate), Good: int64(100 * rate)} // the window is too short for the SLO to tell
		o.Flow = Flow{In: o.Due, Out: int64(100 * min(rate, 6)), Flying: rate}
		return o
	})
	if r.Found == nil || *r.Found > 6.3 || *r.Found < 5.7 {
		t.Errorf("%+v", r)
	}
	k := slices.IndexFunc(r.Probes, func(p summary.Probe) bool { return p.Rate == 8 })
	if k < 0 || r.Probes[k].Verdict != summary.ProbeFails || r.Probes[k].Why != "requests pile up: 800 were due and 600 done in the window" {
		t.Errorf("%+v", r.Probes)
	}
}

func TestFlow(t *testing.T) {
	for _, c := range []struct {
		flow Flow
		bad  bool
	}{
		{Flow{}, false},
		{Flow{In: 1000, Out: 1000, Flying: 10}, false},
		{Flow{In: 1000, Out: 987, Flying: 10}, false},             // chance
		{Flow{In: 1000, Out: 940, Flying: 10}, true},              // no chance
		{Flow{In: 1000, Out: 950, Flying: 50, Cold: true}, false}, // those in flight at the end
		{Flow{In: 100_000, Out: 96_000, Flying: 10}, false},       // less than one can tell
		{Flow{In: 724, Out: 710, Flying: 8}, false},               // a queue near its limit that is long at times
		{Flow{In: 1000, Out: 1100, Flying: 10}, false},            // the queue of the warm-up went
	} {
		if got := c.flow.piled(); (got != "") != c.bad {
			t.Errorf("%+v: %q", c.flow, got)
		}
	}
}

func TestSearchesThatMakeNoSense(t *testing.T) {
	for want, change := range map[string]func(*workload.Search){
		"low 0":        func(s *workload.Search) { s.Low = 0 },
		"low +Inf":     func(s *workload.Search) { s.Low = math.Inf(1) },
		"high 0.5":     func(s *workload.Search) { s.High = 0.5 },
		"precision 0":  func(s *workload.Search) { s.Precision = 0 },
		"attain 1":     func(s *workload.Search) { s.Attain = 1 },
		"confidence 1": func(s *workload.Search) { s.Confidence = 1 },
		"probes 0":     func(s *workload.Search) { s.Probes = 0 },
	} {
		s := standard
		change(&s)
		if _, err := New(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The share of good requests falls from 0.9995 to 0.9 around a capacity; each request is good by chance. What is said to
// hold is to hold, and to fail to fail, but for the confidence; and the rate found is near the one with a share of 0.99.
func TestConfidenceOverManySeeds(t *testing.T) {
	const seeds, window = 400, 60.0
	share := func(rate, capacity float64) float64 { return 0.9995 - 0.0995/(1+math.Exp(-60*math.Log(rate/capacity))) }
	wrong, far, found, probes := 0, 0, 0, 0
	statements := 0
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 1))
		capacity := math.Exp(rng.Float64()*math.Log(100)) * 2 // 2 to 200
		limit := capacity * math.Exp(-math.Log(0.0995/(0.9995-0.99)-1)/60)
		r := run(t, standard, func(rate float64) Outcome {
			o := Outcome{Due: int64(rate * window)}
			for range o.Due {
				if rng.Float64() < share(rate, capacity) {
					o.Good++
				}
			}
			return o
		})
		for _, p := range r.Probes {
			if p.Verdict == summary.ProbeOpen {
				continue
			}
			statements++
			if (p.Verdict == summary.ProbeHolds) != (p.Rate <= limit) {
				wrong++
			}
		}
		probes += len(r.Probes)
		if r.Found == nil {
			continue
		}
		found++
		if *r.Found > limit || *r.Found < limit/1.25 {
			far++
		}
	}
	t.Logf("%d of %d statements wrong, %d of %d found, %d of them far off, %.1f probes each", wrong, statements, found, seeds, far, float64(probes)/seeds)
	if float64(wrong) > 0.05*float64(statements) || float64(far) > 0.05*seeds || found < 0.9*seeds || probes > 20*seeds {
		t.Errorf("%d of %d statements wrong, %d found, %d of them far off, %d probes", wrong, statements, found, far, probes)
	}
}

// queue is a server of so many places that takes service seconds for each request (M/D/c), and the good requests are those
// that waited for less than bound. Its waits are not independent of each other, as those of a real server are not.
func queue(rng *rand.Rand, places int, service, bound, window float64) func(rate float64) Outcome {
	return func(rate float64) Outcome {
		const warm = 20.0
		o := Outcome{}
		free := make([]float64, places)
		flying := 0.0
		for at := rng.ExpFloat64() / rate; at < warm+window; at += rng.ExpFloat64() / rate {
			k := 0
			for j := range free {
				if free[j] < free[k] {
					k = j
				}
			}
			start := max(at, free[k])
			free[k] = start + service
			if free[k] >= warm && free[k] < warm+window {
				o.Flow.Out++
			}
			if at < warm {
				continue
			}
			o.Due++
			flying += free[k] - at
			if start-at <= bound {
				o.Good++
			}
		}
		o.Flow.In, o.Flow.Flying = o.Due, flying/window
		return o
	}
}

func TestSearchOfAQueue(t *testing.T) {
	const places, service, bound = 8, 0.5, 0.3
	capacity := places / service // 16/s, and less with the SLO
	long := queue(rand.New(rand.NewPCG(9, 9)), places, service, bound, 20_000)
	shareAt := func(rate float64) float64 {
		o := long(rate)
		return float64(o.Good) / float64(o.Due)
	}
	lo, hi := 1.0, capacity
	for range 12 {
		if middle := (lo + hi) / 2; shareAt(middle) >= standard.Attain {
			lo = middle
		} else {
			hi = middle
		}
	}
	const seeds = 200
	above, below, probes := 0, 0, 0
	for seed := range uint64(seeds) {
		r := run(t, standard, queue(rand.New(rand.NewPCG(seed, 2)), places, service, bound, 120))
		probes += len(r.Probes)
		switch {
		case r.Found == nil || *r.Found < lo/1.2:
			below++
		case *r.Found > lo*1.03: // within what the long run itself does not know
			above++
		}
	}
	t.Logf("the SLO holds up to %.2f of %.0f requests/s; found above in %d, below in %d of %d, %.1f probes each", lo, capacity, above, below, seeds, float64(probes)/seeds)
	if above > seeds/20 || below > seeds/20 || probes > 20*seeds {
		t.Errorf("found above %.2f in %d, below in %d of %d, with %d probes", lo, above, below, seeds, probes)
	}
}

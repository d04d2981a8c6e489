package summary

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
)

// settling are requests of 4 slots whose latency falls from slow to 0.2 s, with noise, over the first so many seconds of a window of 60 s
// that begins at 2 s.
func settling(seconds, slow float64) (all []*record.Record) {
	draw := rand.New(rand.NewPCG(3, 4))
	for range 4 {
		all = append(all, loop(0, 64, func(at float64) float64 {
			d := 0.2 * (0.9 + 0.2*draw.Float64())
			if at < 2+seconds {
				d *= 1 + (slow-1)*(2+seconds-at)/(2+seconds)
			}
			return d
		})...)
	}
	return all
}

func TestTheBeginningThatIsNotSteadyIsStated(t *testing.T) {
	tr := trial()
	tr.Workload.DurationS = 60
	for name, c := range map[string]struct {
		records []*record.Record
		arrival string
		found   string
		least   float64 // seconds removed
		most    float64
		marked  bool
	}{
		"steady":         {records: settling(0, 1), found: SteadyYes, most: 30},
		"settles":        {records: settling(15, 6), found: SteadyYes, least: 8, most: 20, marked: true},
		"never":          {records: settling(90, 6), found: SteadyNo, marked: true},
		"few":            {records: loop(0, 64, always(1)), found: SteadyUnknown},
		"none":           {records: []*record.Record{answer(70, 70, 0.1)}, found: SteadyUnknown},
		"law of its own": {records: settling(15, 6), arrival: "ramp", found: SteadyUnknown},
	} {
		tr.Workload.Arrival = c.arrival
		s := Merge(tr, []*Part{throughJSON(t, collect(tr, 0, 1, c.records...))})
		if s.Steady.Found != c.found {
			t.Errorf("%s: %+v, want %s", name, s.Steady, c.found)
			continue
		}
		if r := s.Steady.RemovedS; c.found == SteadyYes && (*r < c.least || *r > c.most || *s.Steady.FromS != 2+*r || *s.Steady.ToS != 62) {
			t.Errorf("%s: from %v to %v, %v s removed, want %v to %v", name, *s.Steady.FromS, *s.Steady.ToS, *r, c.least, c.most)
		}
		if marked := strings.Contains(strings.Join(s.Marks, ";"), "stead"); marked != c.marked {
			t.Errorf("%s: marks %q; changes %v, %v", name, s.Marks, at(s.Steady.RateChange), at(s.Steady.E2ELChange))
		}
		if s.Latency["e2el_s"].N != s.Requests.OK {
			t.Errorf("%s: something was left out of the latencies", name)
		}
	}
}

// White's criterion, reckoned plainly.
func TestMSERIsTheLeastMarginalStandardError(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 6))
	for n := 20; n < 60; n++ {
		x := make([]float64, n)
		for i := range x {
			x[i] = draw.Float64() + 5*math.Exp(-float64(i)/5)
		}
		best, want := math.Inf(1), 0
		for d := 0; 2*d <= n; d++ {
			rest, squares := x[d:], 0.0
			for _, v := range rest {
				squares += math.Pow(v-mean(rest), 2)
			}
			if e := squares / float64(len(rest)*len(rest)); e < best {
				best, want = e, d
			}
		}
		if got := mser(x); got != want {
			t.Errorf("%d values: %d left out, want %d", n, got, want)
		}
	}
}

func TestNoiseIsSeldomTakenForABeginning(t *testing.T) {
	draw, marked := rand.New(rand.NewPCG(7, 8)), 0
	for range 2000 {
		x := make([]float64, 30)
		for i := range x {
			for range steadyBatch {
				x[i] += draw.ExpFloat64() / steadyBatch
			}
		}
		if shifts(x, mser(x)) {
			marked++
		}
	}
	if marked > 40 { // 2 %
		t.Errorf("of 2000 series of noise %d are marked", marked)
	}
}

func TestABatchHasFiveRequests(t *testing.T) {
	tr := trial()
	tr.Workload.DurationS = 60
	c := collect(tr, 0, 1, loop(0, 64, always(0.5))...)
	rate, e2el, tokens, step, first := c.Series.batches(2, 62)
	if step != 3 || first != 2 || len(rate) != 20 || len(e2el) != 20 || slices.Max(rate) != 2 || slices.Max(tokens) != 6 || math.Abs(mean(e2el)-0.5) > 1e-9 {
		t.Errorf("batches of %v s from %v on: rates %v, E2EL %v", step, first, rate, e2el)
	}
}

// A rate that swings from second to second has a wide interval, one that does not has none of any width.
func TestRatesHaveIntervalsByBatchMeans(t *testing.T) {
	tr := trial()
	tr.Workload.DurationS = 60
	even := Merge(tr, []*Part{collect(tr, 0, 1, loop(0, 64, always(0.1))...)}).Throughput
	if i := even.RequestsPerSCI95; i == nil || float64(*i.Low) < 9.9 || float64(*i.High) > 10.1 {
		t.Errorf("ten a second: %v", i)
	}
	swing := Merge(tr, []*Part{collect(tr, 0, 1, loop(0, 64, func(at float64) float64 {
		if int(at)%2 == 0 {
			return 0.05
		}
		return 0.2
	})...)}).Throughput
	rate, i := *swing.RequestsPerS, swing.RequestsPerSCI95
	low, high := rate-float64(*i.Low), float64(*i.High)-rate
	if most := 2.001 * 7.5 / math.Sqrt(60); math.Abs(low-high) > 1e-9 || low > most*1.01 || low < most*0.9 { // of 20 and 5 a second in turn the deviation is 7.5
		t.Errorf("%v less %v and more %v, want nearly %v", rate, low, high, most)
	}
	if few := Merge(trial(), []*Part{collect(trial(), 0, 1, loop(0, 14, always(2))...)}).Throughput; few.RequestsPerSCI95 != nil {
		t.Errorf("of five requests: %v", few.RequestsPerSCI95)
	}
}

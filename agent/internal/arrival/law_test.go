package arrival

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

func TestGammaHasItsRateItsSpreadAndItsLaw(t *testing.T) {
	const n, rate = 100_000, 0.02 // so slow that rounding to ns does not show in the shortest gaps
	for _, shape := range []float64{0.25, 0.5, 2, 3.5, 16} {
		for seed := int64(1); seed < 4; seed++ {
			gaps := gapsOf(schedule(t, workload.Workload{Arrival: "gamma", Rate: rate, Burstiness: shape, Seed: seed}), n)
			mean, cv := moments(gaps)
			want := 1 / math.Sqrt(shape)
			if math.Abs(mean*rate-1) > 4*want/math.Sqrt(n) {
				t.Errorf("shape %v, seed %d: mean gap %v s, want %v", shape, seed, mean, 1/rate)
			}
			if math.Abs(cv/want-1) > 0.02 {
				t.Errorf("shape %v, seed %d: coefficient of variation %v, want %v", shape, seed, cv, want)
			}
			d := distance(gaps, func(x float64) float64 { return gammaShare(shape, x*rate*shape) })
			if limit := 1.95 / math.Sqrt(n); d > limit { // one in a thousand
				t.Errorf("shape %v, seed %d: Kolmogorov-Smirnov distance %v, limit %v", shape, seed, d, limit)
			}
			if r := correlation(gaps, mean); math.Abs(r) > 4/math.Sqrt(n) {
				t.Errorf("shape %v, seed %d: neighbouring gaps correlate by %v", shape, seed, r)
			}
		}
	}
}

// gammaShare is the share of the gamma distribution of this shape and scale 1 below x: the series of the incomplete gamma
// function (DLMF 8.7.1), whose terms are all positive.
func gammaShare(shape, x float64) float64 {
	if x <= 0 {
		return 0
	}
	lg, _ := math.Lgamma(shape + 1)
	term := math.Exp(shape*math.Log(x) - x - lg)
	sum := term
	for k := 1.0; term > 1e-16*sum || k < x; k++ {
		term *= x / (shape + k)
		sum += term
	}
	return min(1, sum)
}

// distance is the greatest between the values' distribution and the law's.
func distance(values []float64, law func(float64) float64) (d float64) {
	n := float64(len(values))
	for i, v := range slices.Sorted(slices.Values(values)) {
		f := law(v)
		d = max(d, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
	}
	return d
}

func TestGammaOfShapeOneIsPoisson(t *testing.T) {
	a := union(schedule(t, workload.Workload{Arrival: "gamma", Rate: 7, Burstiness: 1, Seed: 3}), 1000)
	if b := union(schedule(t, workload.Workload{Arrival: "poisson", Rate: 7, Seed: 3}), 1000); !slices.Equal(a, b) {
		t.Error("the due times differ")
	}
}

// counted is how many of the first requests are due in each of the stretches between edges.
func counted(s *Schedule, edges ...time.Duration) []int {
	n := make([]int, len(edges)-1)
	for i := int64(0); s.Due(i) < edges[len(edges)-1]; i++ {
		for k := range n {
			if due := s.Due(i); due >= edges[k] && due < edges[k+1] {
				n[k]++
			}
		}
	}
	return n
}

func TestStepsHaveTheirRates(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		w     workload.Workload
		edges []time.Duration
		want  []int
	}{
		{workload.Workload{WarmupS: 4, Steps: []workload.Step{{Rate: 5, DurationS: 30}, {Rate: 10, DurationS: 20}}},
			[]time.Duration{0, 4 * s, 34 * s, 54 * s, 60 * s}, []int{20, 150, 200, 60}},
		{workload.Workload{Steps: []workload.Step{{Rate: 0.1, DurationS: 30}, {Rate: 0, DurationS: 7}, {Rate: 0.3, DurationS: 10}, {Rate: 0, DurationS: 1}}},
			[]time.Duration{0, 30 * s, 37 * s, 47 * s, 1000 * s}, []int{3, 0, 3, 0}},
		{workload.Workload{WarmupS: 1, Steps: []workload.Step{{Rate: 0, DurationS: 1}, {Rate: 2, DurationS: 1}}},
			[]time.Duration{0, 1 * s, 2 * s, 3 * s, 4 * s}, []int{0, 0, 2, 2}},
	} {
		c.w.Arrival = "step"
		if got := counted(schedule(t, c.w), c.edges...); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v requests in the stretches, want %v", c.w.Steps, got, c.want)
		}
	}
	w := workload.Workload{Arrival: "step", Steps: []workload.Step{{Rate: 4, DurationS: 1.125}, {Rate: 8, DurationS: 9}}}
	// half a request's worth of time is left of the first step, and goes at twice the rate
	if got, want := union(schedule(t, w), 7)[4:], []time.Duration{1000 * time.Millisecond, 1187500 * time.Microsecond, 1312500 * time.Microsecond}; !slices.Equal(got, want) {
		t.Errorf("due at %v, want %v", got, want)
	}
}

func TestRampIsTheInverseOfItsIntegral(t *testing.T) {
	for _, r := range []workload.Ramp{{From: 1, To: 50}, {From: 50, To: 1}, {From: 0, To: 20}, {From: 20, To: 0}, {From: 7, To: 7}} {
		w := workload.Workload{Arrival: "ramp", Ramp: &r, WarmupS: 3, DurationS: 40}
		s := schedule(t, w)
		integral := func(at float64) float64 {
			n := r.From * min(at, 3)
			if u := min(at-3, 40); u > 0 {
				n += r.From*u + (r.To-r.From)/40*u*u/2
			}
			return n + r.To*max(0, at-43)
		}
		for i := int64(0); s.Due(i) < 60*time.Second; i++ {
			if n := integral(s.Due(i).Seconds()); math.Abs(n-float64(i)) > 2e-7 { // a rounded ns at 50/s, and a little
				t.Errorf("%+v: request %d is due at %v, when %.9f were", r, i, s.Due(i), n)
			}
		}
		if got, want := counted(s, 3*time.Second, 43*time.Second)[0], (r.From+r.To)*20; math.Abs(float64(got)-want) > 1 {
			t.Errorf("%+v: %d requests in the window, want %v", r, got, want)
		}
	}
	down := schedule(t, workload.Workload{Arrival: "ramp", Ramp: &workload.Ramp{From: 20}, DurationS: 10})
	if due := down.Due(101); due != Never {
		t.Errorf("after a ramp to nothing a request is due at %v", due)
	}
}

func TestBurstsComeInGroupsWhileTheyAreOn(t *testing.T) {
	w := workload.Workload{Arrival: "burst", Rate: 4, Burst: &workload.Burst{OnS: 5, OffS: 10, Size: 8}}
	due := union(schedule(t, w), 8*15*10) // 60 a cycle: two cycles make 15 groups
	for i, at := range due {
		group := float64(i / 8 * 8)
		cycle := math.Floor(group / 60)
		want := cycle*15 + (group-cycle*60)/12
		if math.Abs(at.Seconds()-want) > 1e-9 {
			t.Fatalf("request %d is due at %v, want %v", i, at, want)
		}
	}
	if edges := []time.Duration{0, 5 * time.Second, 15 * time.Second, 20 * time.Second, 30 * time.Second}; !slices.Equal(counted(schedule(t, w), edges...), []int{64, 0, 56, 0}) {
		t.Errorf("%v requests on and off", counted(schedule(t, w), edges...))
	}
	for _, rate := range []float64{0.1, 0.3, 0.7, 3.3} { // cycles whose request numbers are no whole ones, or nearly so
		s := schedule(t, workload.Workload{Arrival: "burst", Rate: rate, Burst: &workload.Burst{OnS: 1, OffS: 9}})
		for i := range int64(5000) {
			if in := math.Mod(s.Due(i).Seconds()+1e-9, 10); in > 1 {
				t.Fatalf("rate %v: request %d is due %v s into its cycle", rate, i, in)
			}
		}
		if got, want := s.Due(5000).Seconds(), 5000/rate; math.Abs(got-want) > 10 {
			t.Errorf("rate %v: request 5000 is due at %v, want %v or so", rate, got, want)
		}
	}
	always := schedule(t, workload.Workload{Arrival: "burst", Rate: 10, Burst: &workload.Burst{Size: 5}})
	if got := union(always, 15); got[4] != 0 || got[5] != 500*time.Millisecond || got[14] != time.Second {
		t.Errorf("due at %v, want five each half second", got)
	}
}

func TestReplayIssuesItsTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	text := "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n100,m,1,1,2,x\n100.5,m,1,1,2,x\n100.5,m,1,1,2,x\n104,m,1,1,2,x\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	const ms = time.Millisecond
	for rate, want := range map[float64][]time.Duration{
		0: {0, 500 * ms, 500 * ms, 4000 * ms, Never, Never},
		3: {0, 125 * ms, 125 * ms, 1000 * ms, Never, Never}, // three gaps in a second
	} {
		if got := union(schedule(t, workload.Workload{Arrival: "replay", Trace: path, Rate: rate}), 6); !slices.Equal(got, want) {
			t.Errorf("rate %v: due at %v, want %v", rate, got, want)
		}
	}
	if err := os.WriteFile(path, []byte(text[:69]+"1,m,1,1,2,x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(workload.Workload{Arrival: "replay", Trace: path, Rate: 2}); err == nil {
		t.Error("one request was stretched to a rate")
	}
}

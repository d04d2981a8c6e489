package arrival

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

func schedule(t *testing.T, law string, rate float64, seed int64) *Schedule {
	t.Helper()
	s, err := New(law, rate, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func union(s *Schedule, n int64) []time.Duration {
	due := make([]time.Duration, n)
	for i := range n {
		due[i] = s.Due(i)
	}
	return due
}

func TestConstantIsIndexOverRate(t *testing.T) {
	s := schedule(t, "", 200, 9)
	for _, i := range []int64{0, 1, 7, 200, 1_000_000} {
		if got, want := s.Due(i), time.Duration(i)*5*time.Millisecond; got != want {
			t.Errorf("Due(%d) = %v, want %v", i, got, want)
		}
	}
}

func TestPartsIssueTheSameUnion(t *testing.T) {
	const n = 20_000
	for _, law := range Laws() {
		want := union(schedule(t, law, 317, 5), n)
		for _, parts := range []int{1, 3, 64} {
			var got []time.Duration
			for part := range parts {
				s := schedule(t, law, 317, 5)
				for i := range n {
					if owner, _ := workload.Owner(i, parts, 2); owner == part {
						got = append(got, s.Due(int64(i)))
					}
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s over %d parts is not the union of one part", law, parts)
			}
		}
	}
}

func TestAskingBackwardsChangesNothing(t *testing.T) {
	s := schedule(t, "poisson", 50, 1)
	want := union(s, 100)
	for i := int64(99); i >= 0; i-- {
		if got := s.Due(i); got != want[i] {
			t.Fatalf("Due(%d) = %v asked backwards, want %v", i, got, want[i])
		}
	}
}

func TestPoissonHasItsRateAndItsLaw(t *testing.T) {
	const n, rate = 200_000, 200.0
	for seed := range int64(5) {
		gaps := gapsOf(schedule(t, "poisson", rate, seed), n)
		mean, cv := moments(gaps)
		if math.Abs(mean*rate-1) > 0.01 { // four standard errors are 0.009
			t.Errorf("seed %d: mean gap %v s, want %v", seed, mean, 1/rate)
		}
		if math.Abs(cv-1) > 0.01 {
			t.Errorf("seed %d: coefficient of variation %v, want 1", seed, cv)
		}
		if d, limit := kolmogorov(gaps, rate), 1.95/math.Sqrt(n); d > limit { // 1.95: one in a thousand
			t.Errorf("seed %d: Kolmogorov-Smirnov distance %v from the exponential law, limit %v", seed, d, limit)
		}
		if r := correlation(gaps, mean); math.Abs(r) > 4/math.Sqrt(n) {
			t.Errorf("seed %d: neighbouring gaps correlate by %v", seed, r)
		}
	}
}

func TestSeedsAreNotShiftsOfOneAnother(t *testing.T) {
	a, b := gapsOf(schedule(t, "poisson", 1, 1), 1000), gapsOf(schedule(t, "poisson", 1, 2), 1000)
	for _, gap := range a {
		if slices.Contains(b, gap) {
			t.Fatalf("seeds 1 and 2 share the gap %v", gap)
		}
	}
}

func TestRefusesWhatIsNoSchedule(t *testing.T) {
	for _, c := range []struct {
		law  string
		rate float64
		want string
	}{
		{"uniform", 1, `unknown arrival "uniform" (known: constant, poisson)`},
		{"constant", 0, "rate 0"},
		{"constant", -1, "rate -1"},
		{"poisson", math.Inf(1), "rate +Inf"},
		{"poisson", math.NaN(), "rate NaN"},
	} {
		if _, err := New(c.law, c.rate, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q, %v) = %v, want %q", c.law, c.rate, err, c.want)
		}
	}
}

func TestDueSaturates(t *testing.T) {
	if got := schedule(t, "constant", 1e-12, 1).Due(1); got != math.MaxInt64 {
		t.Errorf("Due(1) at 1e-12/s = %v, want the maximum", got)
	}
}

func gapsOf(s *Schedule, n int) []float64 {
	gaps := make([]float64, n)
	before := time.Duration(0)
	for i := range gaps {
		due := s.Due(int64(i))
		gaps[i] = (due - before).Seconds()
		before = due
	}
	return gaps
}

func moments(x []float64) (mean, cv float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	var variance float64
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, math.Sqrt(variance) / mean
}

func kolmogorov(x []float64, rate float64) (d float64) {
	n := float64(len(x))
	for i, v := range slices.Sorted(slices.Values(x)) {
		f := 1 - math.Exp(-rate*v)
		d = max(d, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
	}
	return d
}

func correlation(x []float64, mean float64) float64 {
	var cov, variance float64
	for i := 1; i < len(x); i++ {
		cov += (x[i] - mean) * (x[i-1] - mean)
		variance += (x[i] - mean) * (x[i] - mean)
	}
	return cov / variance
}

func BenchmarkDue(b *testing.B) {
	s, err := New("poisson", 1000, 1)
	if err != nil {
		b.Fatal(err)
	}
	for i := int64(0); b.Loop(); i++ {
		s.Due(i)
	}
}

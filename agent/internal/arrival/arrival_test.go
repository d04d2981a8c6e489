package arrival

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

// of is the schedule of a law at a rate and a seed, with numbers of its own that are not plain.
func of(t *testing.T, law string, rate float64, seed int64) *Schedule {
	t.Helper()
	w := workload.Workload{Arrival: law, Rate: rate, Seed: seed, WarmupS: 3, DurationS: 20}
	switch law {
	case "gamma":
		w.Burstiness = 0.4
	case "burst":
		w.Burst = &workload.Burst{OnS: 2, OffS: 3, Size: 7}
	case "ramp":
		w.Ramp = &workload.Ramp{From: 1, To: 2*rate - 1}
	case "step":
		w.Steps = []workload.Step{{Rate: rate / 2, DurationS: 5}, {Rate: 0, DurationS: 2}, {Rate: rate * 2, DurationS: 5}}
	case "sine":
		w.Sine = &workload.Sine{PeriodS: 7, Swing: 0.9}
	case "replay":
		w.Trace = recording(t, rate)
	}
	return schedule(t, w)
}

// recordings are the traces of a test that have been written, by its name.
var recordings = map[string]string{}

// recording writes a trace of 20,000 requests, some of them at one instant.
func recording(t *testing.T, rate float64) string {
	t.Helper()
	if path := recordings[t.Name()]; path != "" {
		return path
	}
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 3}\n", int(float64(i-i%3)*1000/rate), i+1)
	}
	path := filepath.Join(t.TempDir(), "trace.jsonl")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	recordings[t.Name()] = path
	return path
}

func schedule(t *testing.T, w workload.Workload) *Schedule {
	t.Helper()
	s, err := New(w)
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
	s := of(t, "", 200, 9)
	for _, i := range []int64{0, 1, 7, 200, 1_000_000} {
		if got, want := s.Due(i), time.Duration(i)*5*time.Millisecond; got != want {
			t.Errorf("Due(%d) = %v, want %v", i, got, want)
		}
	}
}

func TestPartsIssueTheSameUnion(t *testing.T) {
	const n = 20_000
	for _, law := range Laws() {
		want := union(of(t, law, 317, 5), n)
		for _, parts := range []int{1, 3, 64} {
			var got []time.Duration
			for part := range parts {
				s := of(t, law, 317, 5)
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
	for _, law := range Laws() {
		s := of(t, law, 50, 1)
		want := union(s, 100)
		for i := int64(99); i >= 0; i-- {
			if got := s.Due(i); got != want[i] {
				t.Fatalf("%s: Due(%d) = %v asked backwards, want %v", law, i, got, want[i])
			}
		}
	}
}

func TestDueTimesNeverGoBack(t *testing.T) {
	for _, law := range Laws() {
		if due := union(of(t, law, 317, 5), 20_000); !slices.IsSorted(due) {
			t.Errorf("%s goes back", law)
		}
	}
}

func TestPoissonHasItsRateAndItsLaw(t *testing.T) {
	const n, rate = 200_000, 200.0
	for seed := range int64(5) {
		gaps := gapsOf(of(t, "poisson", rate, seed), n)
		mean, cv := moments(gaps)
		if math.Abs(mean*rate-1) > 0.01 { // four standard errors are 0.009
			t.Errorf("seed %d: mean gap %v s, want %v", seed, mean, 1/rate)
		}
		if math.Abs(cv-1) > 0.01 {
			t.Errorf("seed %d: coefficient of variation %v, want 1", seed, cv)
		}
		if d, limit := distance(gaps, func(x float64) float64 { return 1 - math.Exp(-rate*x) }), 1.63/math.Sqrt(n); d > limit { // 1.63: one in a hundred, and these five are others
			t.Errorf("seed %d: Kolmogorov-Smirnov distance %v from the exponential law, limit %v", seed, d, limit)
		}
		if r := correlation(gaps, mean); math.Abs(r) > 4/math.Sqrt(n) {
			t.Errorf("seed %d: neighbouring gaps correlate by %v", seed, r)
		}
	}
}

func TestSeedsAreNotShiftsOfOneAnother(t *testing.T) {
	a, b := gapsOf(of(t, "poisson", 1, 1), 1000), gapsOf(of(t, "poisson", 1, 2), 1000)
	for _, gap := range a {
		if slices.Contains(b, gap) {
			t.Fatalf("seeds 1 and 2 share the gap %v", gap)
		}
	}
}

func TestRefusesWhatIsNoSchedule(t *testing.T) {
	for _, c := range []struct {
		w    workload.Workload
		want string
	}{
		{workload.Workload{Arrival: "uniform", Rate: 1}, `unknown arrival "uniform" (known: burst, constant, gamma, poisson, ramp, replay, sine, step)`},
		{workload.Workload{Arrival: "constant"}, "rate 0"},
		{workload.Workload{Rate: -1}, "rate -1"},
		{workload.Workload{Arrival: "poisson", Rate: math.Inf(1)}, "rate +Inf"},
		{workload.Workload{Arrival: "poisson", Rate: math.NaN()}, "rate NaN"},
		{workload.Workload{Arrival: "gamma", Rate: 1}, "arrival gamma without burstiness"},
		{workload.Workload{Arrival: "gamma", Rate: 1, Burstiness: -1}, "burstiness -1"},
		{workload.Workload{Arrival: "poisson", Rate: 1, Burstiness: 2}, "burstiness belongs to arrival gamma, and this one is poisson"},
		{workload.Workload{Rate: 1, Trace: "t"}, "trace belongs to arrival replay, and this one is constant"},
		{workload.Workload{Arrival: "burst", Rate: 1}, "arrival burst without burst"},
		{workload.Workload{Arrival: "burst", Rate: 1, Burst: &workload.Burst{OffS: 1}}, "want an on_s above 0 with off_s"},
		{workload.Workload{Arrival: "burst", Rate: 1, Burst: &workload.Burst{OnS: -1}}, "on_s -1"},
		{workload.Workload{Arrival: "ramp", DurationS: 1, Ramp: &workload.Ramp{From: -1}}, "ramp from -1"},
		{workload.Workload{Arrival: "ramp", Ramp: &workload.Ramp{To: 1}}, "want a duration_s above 0"},
		{workload.Workload{Arrival: "step", Steps: []workload.Step{}}, "arrival step without steps"},
		{workload.Workload{Arrival: "step", Steps: []workload.Step{{Rate: 1}}}, "step 1: duration_s 0"},
		{workload.Workload{Arrival: "step", Steps: []workload.Step{{DurationS: 1}}}, "no step has a rate above 0"},
		{workload.Workload{Arrival: "sine", Rate: 1}, "arrival sine without sine"},
		{workload.Workload{Arrival: "sine", Sine: &workload.Sine{PeriodS: 1}}, "rate 0"},
		{workload.Workload{Arrival: "sine", Rate: 1, Sine: &workload.Sine{Swing: 0.5}}, "period_s 0"},
		{workload.Workload{Arrival: "sine", Rate: 1, Sine: &workload.Sine{PeriodS: 1, Swing: 1.1}}, "swing 1.1"},
		{workload.Workload{Arrival: "sine", Rate: 1, Sine: &workload.Sine{PeriodS: 1, Swing: math.NaN()}}, "swing NaN"},
		{workload.Workload{Rate: 1, Sine: &workload.Sine{PeriodS: 1}}, "sine belongs to arrival sine, and this one is constant"},
		{workload.Workload{Arrival: "replay", Trace: "/none"}, "the trace: stat /none"},
	} {
		if _, err := New(c.w); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%+v) = %v, want %q", c.w, err, c.want)
		}
	}
}

func TestDueSaturates(t *testing.T) {
	if got := of(t, "constant", 1e-12, 1).Due(1); got != math.MaxInt64 {
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

func correlation(x []float64, mean float64) float64 {
	var cov, variance float64
	for i := 1; i < len(x); i++ {
		cov += (x[i] - mean) * (x[i-1] - mean)
		variance += (x[i] - mean) * (x[i] - mean)
	}
	return cov / variance
}

func BenchmarkDue(b *testing.B) {
	for _, w := range []workload.Workload{
		{Arrival: "poisson", Rate: 1000, Seed: 1},
		{Arrival: "gamma", Rate: 1000, Seed: 1, Burstiness: 0.5},
		{Arrival: "ramp", Ramp: &workload.Ramp{From: 1, To: 1000}, DurationS: 1e6},
		{Arrival: "sine", Rate: 1000, Sine: &workload.Sine{PeriodS: 60, Swing: 0.8}},
	} {
		b.Run(w.Arrival, func(b *testing.B) {
			s, err := New(w)
			if err != nil {
				b.Fatal(err)
			}
			for i := int64(0); b.Loop(); i++ {
				s.Due(i)
			}
		})
	}
}

package arrival

import (
	"math"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

func TestSineIsTheInverseOfItsIntegral(t *testing.T) {
	for _, s := range []workload.Sine{{PeriodS: 20, Swing: 0.5}, {PeriodS: 8, Swing: 1}, {PeriodS: 300, Swing: 0.9}, {PeriodS: 3, Swing: 0}} {
		const warmup, rate = 3.0, 40.0
		schedule := schedule(t, workload.Workload{Arrival: "sine", Rate: rate, Sine: &s, WarmupS: warmup})
		integral := func(at float64) float64 {
			u := max(0, at-warmup)
			return rate*at + rate*s.Swing*s.PeriodS/(2*math.Pi)*(1-math.Cos(2*math.Pi*u/s.PeriodS))
		}
		for i := range int64(5000) {
			if n := integral(schedule.Due(i).Seconds()); math.Abs(n-float64(i)) > 1e-6 { // a rounded ns at 80/s, and a little
				t.Fatalf("%+v: request %d is due at %v, when %.9f were", s, i, schedule.Due(i), n)
			}
		}
	}
}

// The quarters of a period that begin where the swing does have rate·(1 ± 2·swing/π) on average, the first two more.
func TestSineHasItsRateInEachQuarter(t *testing.T) {
	const rate, period, swing = 100.0, 40.0, 0.6
	s := schedule(t, workload.Workload{Arrival: "sine", Rate: rate, Sine: &workload.Sine{PeriodS: period, Swing: swing}, WarmupS: 10})
	second := time.Second
	got := counted(s, 0, 10*second, 20*second, 30*second, 40*second, 50*second, 60*second, 70*second)
	more, less := rate*10*(1+2*swing/math.Pi), rate*10*(1-2*swing/math.Pi)
	for k, want := range []float64{rate * 10, more, more, less, less, more, more} {
		if math.Abs(float64(got[k])-want) > 1 {
			t.Errorf("%d requests in stretch %d, want %.1f", got[k], k, want)
		}
	}
}

// At the bottom of a full swing the rate is 0, and where it begins a period anew rounding must leave no hole.
func TestSineGoesOnThroughItsBottom(t *testing.T) {
	for _, rate := range []float64{0.3, 7, 1e5} {
		s := schedule(t, workload.Workload{Arrival: "sine", Rate: rate, Sine: &workload.Sine{PeriodS: 10, Swing: 1}})
		most := math.Cbrt(24 / (rate * math.Pow(2*math.Pi/10, 2))) // 1 = rate·(2π/period)²·gap³/24, the rate being 0 in the gap's middle
		before := time.Duration(0)
		for i := range int64(50 * rate) {
			due := s.Due(i)
			if gap := (due - before).Seconds(); gap < 0 || gap > max(1.01*most, 2/rate) {
				t.Fatalf("rate %v: request %d is due %v s after the one before, at most %v", rate, i, gap, most)
			}
			before = due
		}
		if due, want := s.Due(int64(50*rate)).Seconds(), math.Round(50*rate)/rate; math.Abs(due-want) > 1e-6 {
			t.Errorf("rate %v: five periods end at %v s, want %v", rate, due, want)
		}
	}
}

package arrival

import (
	"fmt"
	"math"

	"hpcbench/agent/workload"
)

// swung is the law sine: requests are due evenly in the integral of a rate that swings around its mean. In the warm-up the
// rate is the mean, so that the swing begins where the window does, and goes up first.
type swung struct {
	rate   float64 // mean, in requests/s
	start  float64 // of the window, in seconds
	before float64 // requests due before it
	period float64 // seconds
	swing  float64 // share of the rate
}

func (s swung) at(i int64) float64 {
	n := float64(i) - s.before
	if n < 0 {
		return float64(i) / s.rate
	}
	whole, part := math.Modf(n / (s.rate * s.period)) // a whole period has as many requests as one without a swing
	return s.start + (whole+s.phase(part))*s.period
}

// phase is when, in periods, a part of a period's requests has become due: the x in [0, 1) with
//
//	x + swing·(1 − cos 2πx)/2π = part
//
// by Newton's method, with the middle of what is left wherever that leaves it: at the bottom of a full swing the rate is 0.
// It depends on part alone, and so a request's due time on its index.
func (s swung) phase(part float64) float64 {
	low, high := 0.0, 1.0
	x := part
	for range 64 {
		sin, cos := math.Sincos(2 * math.Pi * x)
		excess := x + s.swing*(1-cos)/(2*math.Pi) - part
		if excess > 0 {
			high = x
		} else {
			low = x
		}
		next := x - excess/(1+s.swing*sin)
		if math.Abs(next-x) < 1e-14 {
			break
		}
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		x = next
	}
	return x
}

// sine checks a swing; 0 is a constant rate, 1 one that stands still for an instant of each period.
func sine(w workload.Workload) (instants, error) {
	if !positive(w.Sine.PeriodS) || !(w.Sine.Swing >= 0 && w.Sine.Swing <= 1) {
		return nil, fmt.Errorf("sine of period_s %v and swing %v: want a period above 0 s, and a swing of 0 to 1 of the rate", w.Sine.PeriodS, w.Sine.Swing)
	}
	return swung{w.Rate, w.WarmupS, w.Rate * w.WarmupS, w.Sine.PeriodS, w.Sine.Swing}, rated(w)
}

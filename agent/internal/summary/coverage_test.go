package summary

import (
	"math/rand/v2"
	"testing"

	"hpcbench/agent/internal/hist"
)

// coverage is how often, of so many tries, the interval of the quantile p holds it: of values that are uniform up to 1 s and
// of which, in each of 30 seconds, so many hundredths are one and the same, as where a stall or a batch makes them alike.
func coverage(p float64, alike int) float64 {
	draw := rand.New(rand.NewPCG(uint64(1000*p), uint64(alike)))
	q := Quantiles[0]
	for _, of := range Quantiles {
		if of.P == p {
			q = of
		}
	}
	const tries = 150
	held := 0
	for range tries {
		all := new(hist.H)
		var seconds []*hist.Coarse
		for range 30 {
			c, shared := new(hist.Coarse), draw.Float64()
			for i := range 100 {
				v := draw.Float64()
				if i < alike {
					v = shared
				}
				all.Record(nanoseconds(v))
				c.Record(nanoseconds(v))
			}
			seconds = append(seconds, c)
		}
		d, _ := describe(all, 0)
		i := intervals(all, d, seconds)[q.Name]
		if (i.Low == nil || float64(*i.Low) <= p) && (i.High == nil || float64(*i.High) >= p) {
			held++
		}
	}
	return float64(held) / tries
}

// The intervals hold what they say, or nearly, whether or not requests are alike. Without the design effect those of twenty in
// a hundred alike would hold 60 to 70 % of the time.
func TestIntervalsHoldOfClusteredRequests(t *testing.T) {
	for _, p := range []float64{0.5, 0.9, 0.99} {
		for _, alike := range []int{0, 20} {
			if got := coverage(p, alike); got < 0.9 {
				t.Errorf("p%g, %d in a hundred alike: the interval holds %.0f %% of the time", 100*p, alike, 100*got)
			}
		}
	}
}

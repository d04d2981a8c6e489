package figure

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestPercentilesByNearestRank(t *testing.T) {
	var values []float64
	for v := 200; v >= 1; v-- {
		values = append(values, float64(v))
	}
	if got, want := Of(values), (Three{200, 100, 198, 200}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := OfSize([]float64{-3, 1, -2}), (Three{3, 2, 3, 3}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Of(nil); !math.IsNaN(got.P50) || !math.IsNaN(got.Max) || got.N != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestMedian(t *testing.T) {
	near(t, "the median of three", Median([]float64{9, 1, 2}), 2)
	near(t, "the median of four", Median([]float64{9, 1, 2, 4}), 3)
}

func TestDeviationsFromAConstantRate(t *testing.T) {
	off := Deviations([]float64{5, 5.1, 5.25, 5.3}, 10)
	for k, want := range []float64{0, 0, 0.05, 0} {
		near(t, "a deviation", off[k], want)
	}
}

// The middles of n equally likely parts of a law are as near to it as n values can be: at a distance of 1/2n.
func TestDistanceFromTheExponentialLaw(t *testing.T) {
	const n, rate = 500, 40
	var gaps, even []float64
	for i := range n {
		gaps = append(gaps, -math.Log(1-(float64(i)+0.5)/n)/rate)
		even = append(even, 1.0/rate)
	}
	near(t, "the distance of the law itself", Exponential(gaps, rate), 0.5/n)
	near(t, "the distance of equal gaps", Exponential(even, rate), 1-math.Exp(-1))
	if v := Variation(gaps); v < 0.95 || v > 1.05 {
		t.Errorf("the variation of exponential gaps is %v", v)
	}
	near(t, "the variation of equal gaps", Variation(even), 0)
	near(t, "the limit", Limit(10000), 0.0163)
}

func TestGaps(t *testing.T) {
	if got := Gaps([]float64{1}); got != nil {
		t.Errorf("one arrival has gaps %v", got)
	}
	near(t, "a gap", Gaps([]float64{1, 1.5, 4})[1], 2.5)
}

// Package figure makes the numbers of the tables out of what was seen: percentiles, and how far arrivals are from the law
// they were to follow.
package figure

import (
	"math"
	"slices"
)

// Three are the percentiles that a table shows.
type Three struct {
	N             int
	P50, P99, Max float64
}

// Of takes them from values in any order. None have no percentiles: NaN.
func Of(values []float64) Three {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return Three{len(sorted), Percentile(sorted, 0.50), Percentile(sorted, 0.99), Percentile(sorted, 1)}
}

// OfSize takes them from the sizes of values, the sign left away.
func OfSize(values []float64) Three {
	sizes := make([]float64, len(values))
	for i, v := range values {
		sizes[i] = math.Abs(v)
	}
	return Of(sizes)
}

// Percentile is the value at the share p of sorted values by nearest rank, as agent's own summaries have it.
func Percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Median is the middle value, of an even number the mean of the middle two.
func Median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Mean is the arithmetic mean.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// Deviations are how far sorted arrivals, in seconds, are from first + k/rate, the law of a constant rate
// (shared/reference/baselines.md measures the peers so).
func Deviations(arrivals []float64, rate float64) []float64 {
	off := make([]float64, len(arrivals))
	for k, at := range arrivals {
		off[k] = math.Abs(at - arrivals[0] - float64(k)/rate)
	}
	return off
}

// Gaps are the times between sorted arrivals.
func Gaps(arrivals []float64) []float64 {
	if len(arrivals) < 2 {
		return nil
	}
	gaps := make([]float64, len(arrivals)-1)
	for k := range gaps {
		gaps[k] = arrivals[k+1] - arrivals[k]
	}
	return gaps
}

// Variation is the coefficient of variation of gaps: 0 of a constant rate, 1 of Poisson arrivals.
func Variation(gaps []float64) float64 {
	mean, sum := Mean(gaps), 0.0
	for _, g := range gaps {
		sum += (g - mean) * (g - mean)
	}
	return math.Sqrt(sum/float64(len(gaps)-1)) / mean
}

// Exponential is the Kolmogorov–Smirnov distance of gaps from the exponential law of a rate: the largest difference of the
// two distribution functions. Gaps of that law stay below Limit in 99 of 100 samples.
func Exponential(gaps []float64, rate float64) float64 {
	sorted := slices.Clone(gaps)
	slices.Sort(sorted)
	far, n := 0.0, float64(len(sorted))
	for i, g := range sorted {
		f := 1 - math.Exp(-rate*g)
		far = max(far, f-float64(i)/n, float64(i+1)/n-f)
	}
	return far
}

// Limit is the 1 % critical value of the Kolmogorov–Smirnov distance of n values, 1.63/√n (Massey 1951).
func Limit(n int) float64 { return 1.63 / math.Sqrt(float64(n)) }

package workload

import (
	"math"
	"sort"
)

// MinRequests is how many requests it takes to say a percentile (between 0 and 100) with confidence: the least n of which
// at most one value lies beyond the true one in less than 1 % of samples, Pⁿ + n·(1−P)·Pⁿ⁻¹ ≤ 0.01, which is MLPerf's count
// for early stopping (mlcommons endpoints, docs/early_stopping.md, confidence 0.99). Below the median, beyond is below.
// gen warns of trials that will have fewer, and agent marks those that had.
func MinRequests(percentile float64) int {
	p := max(percentile, 100-percentile) / 100
	most := int(min(10/(1-p), 1<<40))
	return sort.Search(most, func(k int) bool {
		n := float64(k)
		return math.Pow(p, n)+n*(1-p)*math.Pow(p, n-1) <= 0.01
	})
}

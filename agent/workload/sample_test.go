package workload

import "testing"

func TestMinRequests(t *testing.T) {
	for percentile, want := range map[float64]int{50: 11, 75: 24, 90: 64, 95: 130, 99: 662, 99.9: 6636, 99.99: 66381, 10: 64, 1: 662} {
		if got := MinRequests(percentile); got != want {
			t.Errorf("p%g takes %d, want %d", percentile, got, want)
		}
	}
}

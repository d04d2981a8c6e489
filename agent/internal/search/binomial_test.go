package search

import (
	"math"
	"testing"
)

// direct is the sum by its definition.
func direct(k, n int64, p float64) float64 {
	sum := 0.0
	for j := int64(0); j <= k; j++ {
		sum += math.Exp(choose(n, j) + float64(j)*math.Log(p) + float64(n-j)*math.Log1p(-p))
	}
	return sum
}

func TestBinomialTails(t *testing.T) {
	for _, n := range []int64{1, 2, 7, 100, 1000} {
		for _, p := range []float64{0.001, 0.01, 0.1, 0.5, 0.9} {
			for _, k := range []int64{-1, 0, 1, n / 10, n / 2, n - 1, n, n + 1} {
				want := 0.0
				if k >= 0 {
					want = min(1, direct(min(k, n), n, p))
				}
				if got := atMost(k, n, p); math.Abs(got-want) > 1e-9 {
					t.Errorf("P(%d or fewer of %d by %v) = %v, want %v", k, n, p, got, want)
				}
			}
		}
	}
	if got := atMost(10_000, 1_000_000, 0.01); math.Abs(got-0.5027) > 0.001 {
		t.Errorf("a million: %v", got)
	}
}

// The least numbers are those of MLPerf's early stopping where no request may be bad (mlcommons/endpoints#417: 459 for
// p99 at a confidence of 0.99).
func TestLeastIsMLPerfs(t *testing.T) {
	whole := func(attain, confidence float64) int64 { // as if one look had all of alpha
		return Least(attain, 1-2*(1-confidence))
	}
	if got := whole(0.99, 0.99); got != 459 {
		t.Errorf("%d requests without a bad one for p99, want 459", got)
	}
	for _, attain := range []float64{0.9, 0.95, 0.99, 0.999} {
		n := Least(attain, 0.95)
		if judge(n, n, attain, 0.025) != holds || judge(n-1, n-1, attain, 0.025) != open {
			t.Errorf("%v: %d is not the least", attain, n)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		good, due int64
		want      verdict
	}{
		{0, 0, open}, {30, 30, open}, {368, 368, holds}, {1000, 1000, holds}, {997, 1000, holds}, {990, 1000, open},
		{0, 30, fails}, {980, 1000, fails}, {984, 1000, open}, {28, 30, open}, {27, 30, fails}, {29, 30, open},
	} {
		if got := judge(c.good, c.due, 0.99, 0.025); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.good, c.due, got, c.want)
		}
	}
}

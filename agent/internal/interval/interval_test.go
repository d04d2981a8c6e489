package interval

import (
	"math"
	"math/rand/v2"
	"testing"
)

// As in the tables of the sign test and in Le Boudec's table A.1.
func TestRanksOfTheMedian(t *testing.T) {
	for _, c := range []struct{ n, low, high int64 }{
		{5, 0, 6}, // none: 0.5⁵ > 2.5 %
		{6, 1, 6}, {10, 2, 9}, {20, 6, 15}, {30, 10, 21}, {50, 18, 33}, {100, 40, 61},
	} {
		if low, high := Ranks(0.5, c.n); low != c.low || high != c.high {
			t.Errorf("n %d: ranks %d and %d, want %d and %d", c.n, low, high, c.low, c.high)
		}
	}
}

func TestATailThatTheSampleCannotCarryHasNoUpperEnd(t *testing.T) {
	if low, high := Ranks(0.99, 100); low == 0 || high != 101 { // 0.99¹⁰⁰ = 37 %
		t.Errorf("p99 of 100: %d to %d", low, high)
	}
	if _, high := Ranks(0.99, 368); high != 368 {
		t.Errorf("p99 of 368: to %d", high)
	}
	if _, high := Ranks(0.99, 367); high != 368 { // 0.99³⁶⁷ = 2.501 %: the greatest of 367 is just not enough
		t.Errorf("p99 of 367: to %d", high)
	}
	for _, p := range []float64{0, 1} {
		if low, high := Ranks(p, 10); low != 0 || high != 11 {
			t.Errorf("p %v: %d to %d", p, low, high)
		}
	}
	if low, high := Ranks(0.5, 0); low != 0 || high != 1 {
		t.Errorf("of nothing: %d to %d", low, high)
	}
}

// The exact sum and the normal approximation meet where one hands over to the other.
func TestLargeSamplesGoOnWhereSmallOnesEnd(t *testing.T) {
	for _, p := range []float64{0.5, 0.9, 0.999} {
		n := int64(normalFrom / (p * (1 - p)))
		small, _ := Ranks(p, n-1)
		large, _ := Ranks(p, n+2)
		if math.Abs(float64(large-small)-3*p) > 3 {
			t.Errorf("p %v: rank %d before, %d after", p, small, large)
		}
	}
}

// The intervals hold what they are said to hold: drawn anew many times, with a fixed seed.
func TestIntervalsCoverWhatTheySay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		p float64
		n int64
	}{{0.5, 30}, {0.9, 200}, {0.99, 2000}} {
		low, high := Ranks(c.p, c.n)
		const times = 2000
		hit := 0
		for range times {
			under := int64(0)
			for range c.n {
				if r.Float64() <= c.p {
					under++
				}
			}
			if under >= low && under < high {
				hit++
			}
		}
		if share := float64(hit) / times; share < 0.94 { // at least 0.95, less four standard errors of 2000 tries
			t.Errorf("p %v of %d: covered in %.3f of all tries", c.p, c.n, share)
		}
	}
}

func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      float64
		low, high float64
	}{
		{0, 0, 0, 1},
		{0, 10, 0, 0.2775},        // Newcombe 1998, table I
		{81, 263, 0.2553, 0.3662}, // likewise
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
	} {
		low, high := Share(c.k/max(1, c.n), c.n)
		if math.Abs(low-c.low) > 6e-5 || math.Abs(high-c.high) > 6e-5 {
			t.Errorf("%v of %v: %.4f to %.4f, want %.4f to %.4f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

func TestStudent(t *testing.T) {
	for freedom, want := range map[int]float64{1: 12.706, 4: 2.776, 30: 2.042, 31: 2.0395, 60: 2.0003, 120: 1.9799, 100000: 1.9600} {
		if got := T(freedom); math.Abs(got-want) > 1e-4 {
			t.Errorf("%d degrees: %.4f, want %.4f", freedom, got, want)
		}
	}
	if !math.IsNaN(T(0)) {
		t.Error("nothing to go by, and an interval")
	}
}

func BenchmarkRanks(b *testing.B) {
	for b.Loop() {
		Ranks(0.5, 3_900_000)
	}
}

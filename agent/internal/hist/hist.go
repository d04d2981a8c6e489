// Package hist counts durations in log-linear buckets that merge exactly.
//
// The buckets are those of HdrHistogram with three significant digits and a lowest value of 1 ns: values below 2048 ns
// have a bucket each; above, every power of two is cut into 1024 buckets of one width, so that a bucket is never wider
// than 1/1024 of its values. Beside the counts a histogram keeps n, sum, sum of squares, least and greatest value
// exactly, as whole numbers: two histograms merged in any order equal one that saw every value.
package hist

import (
	"math"
	"math/big"
	"math/bits"
)

const (
	halfBits = 10            // 1024 buckets a power of two
	half     = 1 << halfBits //
	full     = half << 1     // values below it have a bucket each
)

// H is a histogram of durations in nanoseconds. The zero value is empty and ready. Its sum is exact up to 584 years in
// all. A goroutine uses it alone.
type H struct {
	counts   []uint64 // by bucket; grown to the greatest value seen
	n        int64
	sum      uint64
	sumSqHi  uint64 // sum of squares in 128 bits
	sumSqLo  uint64
	min, max int64
}

// bucket is the index of v's bucket, HdrHistogram's index in its counts array.
func bucket(v int64) int {
	shift := max(0, bits.Len64(uint64(v))-halfBits-1)
	return shift<<halfBits + int(v>>shift)
}

// highest is the greatest value that falls into bucket i.
func highest(i int) int64 {
	if i < full {
		return int64(i)
	}
	shift := i>>halfBits - 1
	first := int64(i&(half-1)+half) << shift
	return first + 1<<shift - 1
}

// Record counts one value. A negative one counts as 0: there are no negative durations, and a clock's jitter is no
// reason to lose a request.
func (h *H) Record(ns int64) {
	v := max(0, ns)
	i := bucket(v)
	if i >= len(h.counts) {
		h.grow(i)
	}
	h.counts[i]++
	if h.n == 0 || v < h.min {
		h.min = v
	}
	h.max = max(h.max, v)
	h.n++
	h.sum += uint64(v)
	hi, lo := bits.Mul64(uint64(v), uint64(v))
	h.addSquares(hi, lo)
}

func (h *H) addSquares(hi, lo uint64) {
	var carry uint64
	h.sumSqLo, carry = bits.Add64(h.sumSqLo, lo, 0)
	h.sumSqHi, _ = bits.Add64(h.sumSqHi, hi, carry)
}

// grow makes room for bucket i and the rest of its power of two.
func (h *H) grow(i int) {
	counts := make([]uint64, (i>>halfBits+1)<<halfBits)
	copy(counts, h.counts)
	h.counts = counts
}

// Merge adds all that other counted. A nil other adds nothing.
func (h *H) Merge(other *H) {
	if other == nil || other.n == 0 {
		return
	}
	if len(other.counts) > len(h.counts) {
		h.grow(len(other.counts) - 1)
	}
	for i, c := range other.counts {
		h.counts[i] += c
	}
	if h.n == 0 || other.min < h.min {
		h.min = other.min
	}
	h.max = max(h.max, other.max)
	h.n += other.n
	h.sum += other.sum
	h.addSquares(other.sumSqHi, other.sumSqLo)
}

// Clone is a copy that shares nothing with h.
func (h *H) Clone() *H {
	c := new(H)
	c.Merge(h)
	return c
}

// N is how many values were counted.
func (h *H) N() int64 { return h.n }

// Min is the least value in ns, exactly; 0 when there is none.
func (h *H) Min() int64 { return h.min }

// Max is the greatest value in ns, exactly; 0 when there is none.
func (h *H) Max() int64 { return h.max }

// Mean is the arithmetic mean in ns; NaN when there is no value.
func (h *H) Mean() float64 {
	if h.n == 0 {
		return math.NaN()
	}
	return float64(h.sum) / float64(h.n)
}

// Stddev is the standard deviation of the population in ns, the root of Σ(v−mean)²/n as numpy and the field's tools
// have it; NaN when there is no value. It is taken from whole numbers, so that nothing cancels.
func (h *H) Stddev() float64 {
	if h.n == 0 {
		return math.NaN()
	}
	n, sum := big.NewInt(h.n), new(big.Int).SetUint64(h.sum)
	spread := new(big.Int).Mul(n, h.sumSq())
	spread.Sub(spread, sum.Mul(sum, sum)) // n·Σv² − (Σv)² = n²·variance
	f, _ := new(big.Float).SetInt(spread).Float64()
	return math.Sqrt(f) / float64(h.n)
}

func (h *H) sumSq() *big.Int {
	s := new(big.Int).SetUint64(h.sumSqHi)
	return s.Lsh(s, 64).Or(s, new(big.Int).SetUint64(h.sumSqLo))
}

// Quantile is the value in ns that the share p, from 0 to 1, of the values does not exceed, by nearest rank: the value
// of rank ⌈p·n⌉, rounded up to its bucket's end (less than 1/1024 too high, never too low) but exact for the first
// and the last rank. It is 0 when there is no value.
func (h *H) Quantile(p float64) int64 { return h.AtRank(Rank(p, h.n)) }

// Rank is the nearest rank of the share p among n values, from 1. What is within a millionth of a whole rank is that
// rank: 0.07·100 is 7.000000000000001 in floating point.
func Rank(p float64, n int64) int64 {
	return max(1, min(n, int64(math.Ceil(p*float64(n)-1e-6))))
}

// AtRank is the value of this rank, from 1, in ns as Quantile gives it.
func (h *H) AtRank(rank int64) int64 {
	if rank <= 1 {
		return h.min
	}
	if rank >= h.n {
		return h.max
	}
	var seen int64
	for i, c := range h.counts {
		if seen += int64(c); seen >= rank {
			return min(highest(i), h.max)
		}
	}
	return h.max
}

// Bar is one bucket that holds values.
type Bar struct {
	Upto  int64 // the greatest value of the bucket, in ns
	Count int64
}

// Bars are the buckets that hold values, in rising order.
func (h *H) Bars() []Bar {
	var bars []Bar
	for i, c := range h.counts {
		if c > 0 {
			bars = append(bars, Bar{Upto: min(highest(i), h.max), Count: int64(c)})
		}
	}
	return bars
}

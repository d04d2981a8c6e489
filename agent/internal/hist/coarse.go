package hist

import (
	"encoding/json"
	"fmt"
	"math/bits"
)

// The buckets of Coarse: eight to a power of two, from 1.024 µs to 2199 s.
const (
	coarseUnit  = 10 // bits: of 1.024 µs
	coarseBits  = 3
	coarseParts = 1 << coarseBits
	coarseMost  = 1<<31 - 1 // units
	coarseLen   = (31-coarseBits-1)<<coarseBits + 2*coarseParts
)

// Coarse is a histogram of durations that takes less than a kilobyte, for places that have thousands of them: a second of a
// trial. A bucket is an eighth of its values wide at most, so that a quantile is off by 1/15 of itself at most; n and sum
// are exact. It merges exactly, in any order. The zero value is empty and ready.
type Coarse struct {
	n      int64
	sum    int64 // ns
	counts [coarseLen]uint32
}

// coarseBucket is the index of the bucket of a duration in ns.
func coarseBucket(ns int64) int {
	u := min(uint64(max(0, ns))>>coarseUnit, coarseMost)
	shift := max(0, bits.Len64(u)-coarseBits-1)
	return shift<<coarseBits + int(u>>shift)
}

// coarseMiddle is the middle of bucket i in ns.
func coarseMiddle(i int) int64 {
	shift, first := 0, int64(i)
	if i >= 2*coarseParts {
		shift = i>>coarseBits - 1
		first = int64(i&(coarseParts-1)+coarseParts) << shift
	}
	return first<<coarseUnit + 1<<(shift+coarseUnit)/2
}

// Record counts one value; a negative one counts as 0.
func (c *Coarse) Record(ns int64) {
	c.counts[coarseBucket(ns)]++
	c.n++
	c.sum += max(0, ns)
}

// Merge adds all that other counted.
func (c *Coarse) Merge(other *Coarse) {
	if other.n == 0 {
		return
	}
	c.n += other.n
	c.sum += other.sum
	for i, n := range other.counts {
		c.counts[i] += n
	}
}

// N is how many values were counted.
func (c *Coarse) N() int64 { return c.n }

// IsZero reports whether nothing was counted; JSON leaves it out then.
func (c *Coarse) IsZero() bool { return c.n == 0 }

// Mean is the mean in ns, exactly; 0 when there is no value.
func (c *Coarse) Mean() float64 {
	if c.n == 0 {
		return 0
	}
	return float64(c.sum) / float64(c.n)
}

// Quantile is the middle of the bucket of rank ⌈p·n⌉, in ns; 0 when there is no value.
func (c *Coarse) Quantile(p float64) int64 {
	if c.n == 0 {
		return 0
	}
	rank, seen := Rank(p, c.n), int64(0)
	for i, n := range c.counts {
		if seen += int64(n); seen >= rank {
			return coarseMiddle(i)
		}
	}
	return 0
}

// Quantiles are the middles of the buckets of several ranks, of rising p, in ns: one walk finds them all.
func (c *Coarse) Quantiles(p ...float64) []int64 {
	found := make([]int64, len(p))
	seen, k := int64(0), 0
	for i, n := range c.counts {
		if n == 0 {
			continue
		}
		for seen += int64(n); k < len(p) && seen >= Rank(p[k], c.n); k++ {
			found[k] = coarseMiddle(i)
		}
	}
	return found
}

// From is how many values lie in the bucket of a duration in ns, or above it, and how many of them above it.
func (c *Coarse) From(ns int64) (from, above int64) {
	i := coarseBucket(ns)
	for _, n := range c.counts[i+1:] {
		above += int64(n)
	}
	return above + int64(c.counts[i]), above
}

// coarseWire is a Coarse in JSON: indices of buckets that hold values, each with its count behind it.
type coarseWire struct {
	Sum    int64    `json:"sum"`
	Counts []uint32 `json:"counts"`
}

// MarshalJSON writes the buckets that hold values, exactly.
func (c *Coarse) MarshalJSON() ([]byte, error) {
	w := coarseWire{Sum: c.sum, Counts: []uint32{}}
	for i, n := range c.counts {
		if n > 0 {
			w.Counts = append(w.Counts, uint32(i), n)
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Coarse) UnmarshalJSON(b []byte) error {
	var w coarseWire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	back := Coarse{sum: w.Sum}
	if len(w.Counts)%2 != 0 {
		return fmt.Errorf("coarse histogram: %d numbers are no pairs of bucket and count", len(w.Counts))
	}
	for k := 0; k < len(w.Counts); k += 2 {
		i := w.Counts[k]
		if i >= coarseLen {
			return fmt.Errorf("coarse histogram: there is no bucket %d", i)
		}
		back.counts[i] += w.Counts[k+1]
		back.n += int64(w.Counts[k+1])
	}
	*c = back
	return nil
}

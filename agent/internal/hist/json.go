package hist

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// wire is a histogram in JSON: only buckets that hold values stand there, as pairs of index and count.
type wire struct {
	N      int64       `json:"n"`
	Sum    uint64      `json:"sum"`
	SumSq  *big.Int    `json:"sum_sq"`
	Min    int64       `json:"min"`
	Max    int64       `json:"max"`
	Counts [][2]uint64 `json:"counts"`
}

// MarshalJSON writes the histogram sparsely and exactly, in whole numbers of ns (sum_sq in ns²).
func (h *H) MarshalJSON() ([]byte, error) {
	w := wire{N: h.n, Sum: h.sum, SumSq: h.sumSq(), Min: h.min, Max: h.max, Counts: [][2]uint64{}}
	for i, c := range h.counts {
		if c > 0 {
			w.Counts = append(w.Counts, [2]uint64{uint64(i), c})
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote, and refuses counts that do not add up.
func (h *H) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	back := H{n: w.N, sum: w.Sum, min: w.Min, max: w.Max}
	if err := back.setSumSq(w.SumSq); err != nil {
		return err
	}
	var n uint64
	for _, c := range w.Counts {
		i := int(min(c[0], 1<<31))
		if w.Max < 0 || i > bucket(w.Max) {
			return fmt.Errorf("histogram: bucket %d lies beyond the greatest value %d", c[0], w.Max)
		}
		if i >= len(back.counts) {
			back.grow(i)
		}
		back.counts[i] += c[1]
		n += c[1]
	}
	if n != uint64(w.N) {
		return fmt.Errorf("histogram: the counts add up to %d, n is %d", n, w.N)
	}
	*h = back
	return nil
}

func (h *H) setSumSq(s *big.Int) error {
	if s == nil {
		s = new(big.Int)
	}
	if s.Sign() < 0 || s.BitLen() > 128 {
		return errors.New("histogram: the sum of squares is out of range")
	}
	h.sumSqLo = new(big.Int).And(s, new(big.Int).SetUint64(1<<64-1)).Uint64()
	h.sumSqHi = new(big.Int).Rsh(s, 64).Uint64()
	return nil
}

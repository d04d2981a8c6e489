package prompt

import (
	"fmt"
	"math/bits"
	"strconv"

	"hpcbench/agent/workload"
)

// numbers are prompts made of token ids, from first on.
type numbers struct {
	first int
	size  uint64 // how many ids there are
	bits  int    // of a prompt's id that a token spells
}

func newNumbers(ids workload.IDs) (*numbers, error) {
	if ids.First < 0 || ids.Last <= ids.First || int64(ids.Last) > 1<<31-1 {
		return nil, fmt.Errorf("token_ids %d to %d: want two ids or more, from 0 to 2147483647, the lesser first", ids.First, ids.Last)
	}
	size := uint64(ids.Last - ids.First + 1)
	return &numbers{first: ids.First, size: size, bits: bits.Len64(size) - 1}, nil
}

// append appends so many ids of prompt n, with commas between. The first of them spell its id, so that no two prompts of a
// seed have the same; all others are drawn from the whole range.
func (v *numbers) append(dst []byte, seed uint64, n int64, tokens int) []byte {
	s := spelling{seed: seed, n: n, size: 32}
	spelled := s.begin()
	var drawn uint64
	for i := range tokens {
		if i > 0 {
			dst = append(dst, ',')
		}
		at := uint64(0)
		if i*v.bits < idBits {
			at = spelled & (1<<v.bits - 1)
			spelled >>= v.bits
			s.left = 0
		} else {
			if s.left <= 0 {
				drawn = s.more()
			}
			at = drawn & 0xffffffff * v.size >> 32
			drawn >>= 32
			s.left -= 32
		}
		dst = strconv.AppendInt(dst, int64(v.first)+int64(at), 10)
	}
	return dst
}

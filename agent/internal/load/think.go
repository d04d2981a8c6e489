package load

import (
	"time"

	"hpcbench/agent/internal/draw"
	"hpcbench/agent/workload"
)

// think is how long a user thinks between an answer and the next request. Each pause is a function of the seed, of who
// thinks, and of how often they did before: a slot of a closed loop has the same pauses whichever thread of whichever client
// node has it, and however quick the answers are.
type think struct {
	mean   float64 // seconds
	random bool
	seed   uint64
}

const exponentially = "exponential"

var thinkLaws = []string{"", "fixed", exponentially}

// thinkSalt keeps the draw of pauses apart from every other draw with the workload's seed.
const thinkSalt = 0x7468696e6b

func newThink(w workload.Workload) think {
	return think{w.ThinkTimeS, w.ThinkLaw == exponentially, uint64(w.Seed) ^ thinkSalt}
}

// after is the pause before the n-th request of a slot, or the n-th turn of an open loop's conversation, n from 1.
func (t think) after(who, n int64) time.Duration {
	if !t.random {
		return seconds(t.mean)
	}
	return seconds(min(longest, t.mean*draw.Exponential(draw.Bits(t.seed, who), n)))
}

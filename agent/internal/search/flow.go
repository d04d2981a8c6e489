package search

import (
	"fmt"
	"math"
)

// Flow is what came into the server in a window and what went out. The zero value says nothing.
type Flow struct {
	In     int64   // requests that were due
	Out    int64   // requests that ended, well or not
	Flying float64 // requests in flight in the mean: rate × mean latency (Little, Operations Research 9, 1961)
	Cold   bool    // nothing was in flight when the window began: there was no warm-up
}

// leastPile is the share of the requests due that has to stay behind before one speaks of a queue that grows. Near its limit a
// queue that doesn't grow is long at times, by far more than Poisson's law says, and a little above it the SLO tells.
const leastPile = 0.05

// piled says that requests pile up: more went in than came out, by more than chance explains. A rate at which that goes
// on holds no SLO for ever, whatever those of a short window show. In flight are, where nothing piles up, some Flying
// requests at the window's end and, but for a cold one, at its begin; both numbers scatter like Poisson's. "": no.
func (f Flow) piled() string {
	more := float64(f.In - f.Out)
	due := 0.0
	if f.Cold {
		due = f.Flying
	}
	if more <= due+3*math.Sqrt(2*f.Flying+1) || more <= leastPile*float64(f.In) {
		return ""
	}
	return fmt.Sprintf("requests pile up: %d were due and %d done in the window", f.In, f.Out)
}

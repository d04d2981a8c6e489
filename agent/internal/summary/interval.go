package summary

import (
	"fmt"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/interval"
)

// Interval is a confidence interval of 95 % within the run: of what requests like these would have, under this load on this
// start of the server. What another repetition or another start would give is not in it. It takes requests for independent
// of each other; those that shared a batch or a queue are not quite, so that it is rather too narrow.
type Interval struct {
	Low  *Value `json:"low,omitempty"`  // absent: the sample can't carry this end
	High *Value `json:"high,omitempty"` // absent: likewise
}

// intervals are those of the quantiles of d, by their names, from order statistics of h and so many infinite values.
func intervals(h *hist.H, d Distribution) map[string]Interval {
	found := map[string]Interval{}
	for _, q := range Quantiles {
		var i Interval
		low, high := interval.Ranks(q.P, d.N)
		if low >= 1 {
			i.Low = new(atRank(h, low))
		}
		if high <= d.N {
			i.High = new(atRank(h, high))
		}
		if i != (Interval{}) {
			found[q.Name] = i
		}
	}
	return found
}

// Accuracy is how many answers of a dataset that knows the right ones are right.
type Accuracy struct {
	N     int64      `json:"n"`     // answers compared; failed requests have none
	Right int64      `json:"right"` //
	Share float64    `json:"share"` // Right / N
	CI95  [2]float64 `json:"ci95"`  // Wilson's score interval of the share, 95 %, within the run
}

// accuracy is that of the requests due in the window; nil where none was graded.
func accuracy(d Due) *Accuracy {
	if d.Graded == 0 {
		return nil
	}
	low, high := interval.Share(d.Right, d.Graded)
	return &Accuracy{N: d.Graded, Right: d.Right, Share: float64(d.Right) / float64(d.Graded), CI95: [2]float64{low, high}}
}

// String is the accuracy in words.
func (a Accuracy) String() string {
	return fmt.Sprintf("%.1f %% of %d answers are right (95 %% interval %.1f to %.1f %%)", 100*a.Share, a.N, 100*a.CI95[0], 100*a.CI95[1])
}

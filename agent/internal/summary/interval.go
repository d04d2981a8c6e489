package summary

import (
	"fmt"
	"iter"
	"math"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/interval"
)

// Interval is a confidence interval of 95 % within the run: of what requests like these would have, under this load on this
// start of the server. What another repetition or another start would give is not in it.
//
// Requests that shared a batch, a queue or a stall are not independent. So the interval is that of fewer ones: n / Deff, where
// Deff is Kish's design effect (Survey Sampling, 1965), the variance that the share of requests above the quantile has from
// one second of the window to the next, by the one it would have of independent requests; and of that share's interval the
// quantile's (Woodruff, JASA 47, 1952). What lasts longer than a second is not in it.
type Interval struct {
	Low  *Value   `json:"low,omitempty"`  // absent: the sample can't carry this end
	High *Value   `json:"high,omitempty"` // absent: likewise
	Deff *float64 `json:"deff,omitempty"` // at least 1; absent: not known, for the window has too few seconds or all values are alike, and taken for 1
}

// clusterRows is how many seconds, or batches of them, the window has at least for a design effect or a rate's interval to be
// taken from.
const clusterRows = 10

// intervals are those of the quantiles of d, by their names, from order statistics of h; seconds are the same requests by
// the second, coarsely.
func intervals(h *hist.H, d Distribution, seconds []*hist.Coarse) map[string]Interval {
	found := map[string]Interval{}
	for _, q := range Quantiles {
		i := Interval{Deff: designEffect(seconds, nanoseconds(q.Of(d)), q.P)}
		n := max(1, int64(float64(d.N)/max(1, at(i.Deff))))
		scale := float64(d.N) / float64(n)
		low, high := interval.Ranks(q.P, n)
		if low >= 1 {
			i.Low = new(atRank(h, max(1, int64(float64(low)*scale))))
		}
		if high <= n {
			i.High = new(atRank(h, min(d.N, int64(math.Ceil(float64(high)*scale)))))
		}
		if i.Low != nil || i.High != nil {
			found[q.Name] = i
		}
	}
	return found
}

// designEffect is that of the share of requests above a quantile p, which is so many ns; nil where it is not known. The
// seconds know values by coarse buckets only: it is taken at that end of the quantile's bucket where the share is closer to
// 1 − p, but not at one beyond which nothing lies.
func designEffect(seconds []*hist.Coarse, ns int64, p float64) *float64 {
	all := make([]hits, len(seconds))
	upper, n := make([]hits, len(seconds)), int64(0)
	var from, above int64
	for i, c := range seconds {
		f, a := c.From(ns)
		all[i], upper[i] = hits{c.N(), f}, hits{c.N(), a}
		n, from, above = n+c.N(), from+f, above+a
	}
	off := func(k int64) float64 { return math.Abs(float64(k)/float64(n) - (1 - p)) }
	if above > 0 && (from == n || off(above) <= off(from)) {
		all = upper
	}
	return clustered(all)
}

// hits are the requests of a second, and how many of them are of some kind.
type hits struct{ n, k int64 }

// clustered is the design effect of the share of such requests: the variance it has from one second to the next, by that of
// independent ones. nil where it is not known: there are too few seconds, or all requests are of one kind.
func clustered(seconds []hits) *float64 {
	n, k := 0.0, 0.0
	for _, s := range seconds {
		n, k = n+float64(s.n), k+float64(s.k)
	}
	if len(seconds) < clusterRows || k == 0 || k == n {
		return nil
	}
	share, squares := k/n, 0.0
	for _, s := range seconds {
		squares += math.Pow(float64(s.k)-share*float64(s.n), 2)
	}
	rows := float64(len(seconds))
	return new(max(1, rows/(rows-1)*squares/(n*share*(1-share))))
}

// ratioInterval gives the share of good requests its interval, of due requests in the window [from, to).
func (g *Goodput) ratioInterval(s *Series, due int64, from, to float64) {
	if g.Ratio == nil {
		return
	}
	var seconds []hits
	for r := range s.rows(from, to) {
		seconds = append(seconds, hits{r.OK + r.Failed, r.Good})
	}
	g.Deff = clustered(seconds)
	low, high := interval.Share(*g.Ratio, float64(due)/max(1, at(g.Deff)))
	g.RatioCI95 = &[2]float64{low, high}
}

// rateIntervals gives the rates of requests and of output tokens their intervals, around themselves: half of one is Student's t
// times the standard error of the batches' mean.
func (r *Throughput) rateIntervals(s *Series, from, to float64) {
	ended, _, tokens, _, _ := s.batches(from, to)
	around := func(rate *float64, batches []float64) *Interval {
		if rate == nil || len(batches) < clusterRows {
			return nil
		}
		n, squares := float64(len(batches)), 0.0
		for _, v := range batches {
			squares += math.Pow(v-mean(batches), 2)
		}
		half := interval.T(len(batches)-1) * math.Sqrt(squares/(n-1)/n)
		return &Interval{Low: new(Value(max(0, *rate-half))), High: new(Value(*rate + half))}
	}
	r.RequestsPerSCI95, r.OutputTokensPerSCI95 = around(r.RequestsPerS, ended), around(r.OutputTokensPerS, tokens)
}

// rows are the series' seconds that lie wholly within [from, to).
func (s *Series) rows(from, to float64) iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		for i := range s.Rows {
			begin := float64(int64(i) * s.StepS)
			if begin >= from && begin+float64(s.StepS) <= to && !yield(&s.Rows[i]) {
				return
			}
		}
	}
}

// within are the latencies of the window's seconds that m goes by: TTFT of the first token, E2EL of the rest.
func (s *Series) within(from, to float64, m Metric) []*hist.Coarse {
	var found []*hist.Coarse
	for r := range s.rows(from, to) {
		if m == TTFT || m == TTFTScheduled {
			found = append(found, &r.TTFT)
		} else {
			found = append(found, &r.E2EL)
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
	low, high := interval.Share(float64(d.Right)/float64(d.Graded), float64(d.Graded))
	return &Accuracy{N: d.Graded, Right: d.Right, Share: float64(d.Right) / float64(d.Graded), CI95: [2]float64{low, high}}
}

// String is the accuracy in words.
func (a Accuracy) String() string {
	return fmt.Sprintf("%.1f %% of %d answers are right (95 %% interval %.1f to %.1f %%)", 100*a.Share, a.N, 100*a.CI95[0], 100*a.CI95[1])
}

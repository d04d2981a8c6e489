package summary

import (
	"math"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
)

// Second is a row of a trial that still runs, for who looks on. A request counts when it has ended, as in series.csv: what is
// due, sent and in flight, and the TTFT, of the latest rows grow while their requests end.
type Second struct {
	At       int64    `json:"at"` // where the row begins, in seconds from the trial's time zero
	Due      int64    `json:"due"`
	Sent     int64    `json:"sent"`
	OK       int64    `json:"ok"`
	Failed   int64    `json:"failed"`
	GivenUp  int64    `json:"given_up,omitempty"`
	Tokens   int64    `json:"output_tokens"` // of those that ended ok
	InFlight float64  `json:"in_flight"`     // mean over the row
	TTFT     *Spread3 `json:"ttft_s,omitempty"`
	TPOT     *Spread3 `json:"tpot_s,omitempty"`
	E2EL     *Spread3 `json:"e2el_s,omitempty"`
}

// Spread3 are three percentiles in seconds, within 7 %.
type Spread3 struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// Stretch is some rows of a running trial's series.
type Stretch struct {
	StepS     int64            // length of a row in seconds
	Rows      []Second         // later than the second that was asked for
	More      bool             // rows follow that it has no room for
	ByOutcome map[string]int64 // what became of all requests so far, of all phases
}

// Stretch takes the rows that begin later than after, most of them at the most.
func (c *Collector) Stretch(after int64, most int) Stretch {
	s, first := &c.series, 0
	t := Stretch{StepS: max(1, s.StepS), ByOutcome: map[string]int64{}}
	for _, counts := range c.byOutcome {
		for outcome, n := range counts {
			if n > 0 {
				t.ByOutcome[record.Outcome(outcome).String()] += n
			}
		}
	}
	if after >= 0 {
		first = int(min(after/t.StepS+1, int64(len(s.Rows))))
	}
	end := min(len(s.Rows), first+most)
	flying := s.inFlight()
	t.More, t.Rows = end < len(s.Rows), make([]Second, 0, end-first)
	for i := first; i < end; i++ {
		t.Rows = append(t.Rows, s.Rows[i].second(int64(i)*t.StepS, flying[i]))
	}
	return t
}

func (r *Row) second(at int64, flying float64) Second {
	return Second{
		At: at, Due: r.Due, Sent: r.Sent, OK: r.OK, Failed: r.Failed, GivenUp: r.GivenUp, Tokens: r.OutputTokens,
		InFlight: math.Round(1e3*flying) / 1e3, TTFT: spread3(&r.TTFT), TPOT: spread3(&r.TPOT), E2EL: spread3(&r.E2EL),
	}
}

// spread3 is nil where nothing was counted.
func spread3(c *hist.Coarse) *Spread3 {
	if c.N() == 0 {
		return nil
	}
	q := c.Quantiles(0.5, 0.95, 0.99)
	return &Spread3{seconds(q[0]), seconds(q[1]), seconds(q[2])}
}

package summary

import (
	"math"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
)

// seriesMost is how many rows a series has at most: half an hour by the second. A longer trial has rows of 2 s, 4 s, ….
const seriesMost = 1800

const second = int64(1e9) // ns

// Series is a node's share of a trial by the second, of all phases. Its rows are counts and sums of whole numbers, so that
// series of threads and nodes add up exactly, in any order; where two have rows of different lengths, the shorter ones are
// joined first.
type Series struct {
	StepS int64 `json:"step_s"` // length of a row in seconds: 1, 2, 4, …
	Rows  []Row `json:"rows"`   // from the trial's time zero on; behind the last one nothing happened
}

// Row is what happened in one second, each thing in the second in which it happened.
type Row struct {
	Due     int64 `json:"due,omitempty"`
	Sent    int64 `json:"sent,omitempty"`
	OK      int64 `json:"ok,omitempty"`       // ended well
	Good    int64 `json:"good,omitempty"`     // of these, those within every bound of the SLO
	Failed  int64 `json:"failed,omitempty"`   // ended otherwise
	GivenUp int64 `json:"given_up,omitempty"` // cancelled as cancel_share asked
	Unsent  int64 `json:"unsent,omitempty"`   // of the failed ones, those that had never been sent

	PromptTokens int64 `json:"prompt_tokens,omitempty"` // of those that ended well
	OutputTokens int64 `json:"output_tokens,omitempty"`

	SentAhead int64 `json:"sent_ahead,omitempty"` // ns from each send to the end of the row, added up
	DoneAhead int64 `json:"done_ahead,omitempty"` // ns from each end of a request that was sent to the end of the row

	TTFT hist.Coarse `json:"ttft,omitzero"` // of requests that ended well, in the row of their first token
	TPOT hist.Coarse `json:"tpot,omitzero"` // likewise, in the row of their end
	E2EL hist.Coarse `json:"e2el,omitzero"` // likewise, in the row of their end
}

func (r *Row) add(o *Row) {
	r.Due += o.Due
	r.Sent += o.Sent
	r.OK += o.OK
	r.Good += o.Good
	r.Failed += o.Failed
	r.GivenUp += o.GivenUp
	r.Unsent += o.Unsent
	r.PromptTokens += o.PromptTokens
	r.OutputTokens += o.OutputTokens
	r.SentAhead += o.SentAhead
	r.DoneAhead += o.DoneAhead
	r.TTFT.Merge(&o.TTFT)
	r.TPOT.Merge(&o.TPOT)
	r.E2EL.Merge(&o.E2EL)
}

// ended is how many requests that had been sent ended in the row.
func (r *Row) ended() int64 { return r.OK + r.Failed + r.GivenUp - r.Unsent }

// at is the row of an instant in ns since time zero, and how many ns lie between the instant and the row's end.
func (s *Series) at(ns int64) (*Row, int64) {
	ns = max(0, ns)
	if s.StepS == 0 {
		s.StepS = 1
	}
	for ns >= seriesMost*s.StepS*second {
		s.double()
	}
	i := int(ns / (s.StepS * second))
	if i >= len(s.Rows) {
		s.grow(i + 1)
	}
	return &s.Rows[i], int64(i+1)*s.StepS*second - ns
}

// grow makes room for n rows, and for as many again.
func (s *Series) grow(n int) {
	if n > cap(s.Rows) {
		rows := make([]Row, len(s.Rows), min(seriesMost, max(16, 2*n)))
		copy(rows, s.Rows)
		s.Rows = rows
	}
	s.Rows = s.Rows[:n]
}

// double joins each two rows.
func (s *Series) double() {
	width := s.StepS * second
	joined := (len(s.Rows) + 1) / 2
	for i := range joined {
		row := s.Rows[2*i]
		row.SentAhead += row.Sent * width // as seen from the end of the second
		row.DoneAhead += row.ended() * width
		if 2*i+1 < len(s.Rows) {
			row.add(&s.Rows[2*i+1])
		}
		s.Rows[i] = row
	}
	clear(s.Rows[joined:])
	s.Rows, s.StepS = s.Rows[:joined], 2*s.StepS
}

// count adds a record.
func (s *Series) count(r *record.Record, at *instants, good bool) {
	due := nanoseconds(r.Scheduled)
	row, _ := s.at(due)
	row.Due++
	sent := !math.IsNaN(r.Sent)
	if sent {
		row, ahead := s.at(nanoseconds(r.Sent))
		row.Sent++
		row.SentAhead += ahead
	}
	done := due
	if !math.IsNaN(r.Done) {
		done = nanoseconds(r.Done)
	}
	row, ahead := s.at(done)
	switch {
	case r.Outcome == record.OK:
		row.OK++
		if good {
			row.Good++
		}
		row.PromptTokens += int64(max(0, r.PromptTokens))
		row.OutputTokens += int64(max(0, r.OutputTokens))
		s.latencies(r, at, row)
	case r.GivenUp:
		row.GivenUp++
	default:
		row.Failed++
	}
	if sent {
		row.DoneAhead += ahead
	} else if r.Outcome != record.OK && !r.GivenUp {
		row.Unsent++
	}
}

// latencies counts those of a request that ended well, in the row done.
func (s *Series) latencies(r *record.Record, at *instants, done *Row) {
	if e2el := at[E2EL]; !math.IsNaN(e2el) {
		done.E2EL.Record(nanoseconds(e2el))
	}
	if tpot := at[TPOT]; !math.IsNaN(tpot) {
		done.TPOT.Record(nanoseconds(tpot))
	}
	if ttft := at[TTFT]; !math.IsNaN(ttft) { // the first token came before the end: there is a row for it
		row, _ := s.at(nanoseconds(r.FirstToken))
		row.TTFT.Record(nanoseconds(ttft))
	}
}

// clone is a copy that shares nothing.
func (s *Series) clone() *Series {
	return &Series{StepS: max(1, s.StepS), Rows: append([]Row{}, s.Rows...)}
}

// add adds up two series.
func (s *Series) add(o *Series) {
	if o == nil || len(o.Rows) == 0 {
		return
	}
	s.StepS = max(1, s.StepS)
	for s.StepS < o.StepS {
		s.double()
	}
	other := o
	if o.StepS < s.StepS {
		other = o.clone()
	}
	for other.StepS < s.StepS {
		other.double()
	}
	if n := len(other.Rows); n > len(s.Rows) {
		s.grow(n)
	}
	for i := range other.Rows {
		s.Rows[i].add(&other.Rows[i])
	}
}

// inFlight is the mean of requests sent and not done in each row.
func (s *Series) inFlight() []float64 {
	mean, flying := make([]float64, len(s.Rows)), int64(0)
	for i := range s.Rows {
		r := &s.Rows[i]
		mean[i] = float64(flying) + float64(r.SentAhead-r.DoneAhead)/float64(s.StepS*second)
		flying += r.Sent - r.ended()
	}
	return mean
}

package summary

import (
	"fmt"
	"math"

	"hpcbench/agent/workload"
)

const (
	steadyBatch   = 5    // requests that a batch has in the mean, at least: the 5 of MSER-5
	steadyBatches = 20   // fewer say nothing
	steadyBound   = 0.05 // what the beginning may change of a mean, as a share, without a mark
	steadySigma   = 4    // and by how many standard errors it has to differ: MSER picks the worst of many beginnings, noise too
)

// Steady is where the load's steady state lies in the window, by MSER-5 (K. P. White, Simulation 69(6), 1997; White, Cobb &
// Spratt, Winter Simulation Conference 2000): of all beginnings to leave out, up to half of the window, the one after which
// the mean of what is left has the least marginal standard error. It looks at batches of whole seconds with at least five
// requests each, at the rate of those that ended and at the mean E2EL of those that ended ok, and takes the later of the
// two. Nothing is left out of any other number of the summary: this says what would have been.
type Steady struct {
	FromS    *float64 `json:"from_s,omitempty"` // seconds from the trial's start; with ToS and RemovedS absent where no steady state was found or looked for
	ToS      *float64 `json:"to_s,omitempty"`
	RemovedS *float64 `json:"removed_s,omitempty"` // what of the window lies before FromS
	// What the means of the window would be without its beginning, by what they are, less 1.
	RateChange *float64 `json:"rate_change,omitempty"`
	E2ELChange *float64 `json:"e2el_change,omitempty"`
	Shifts     bool     `json:"shifts,omitempty"` // one of them is over 5 %, and more than noise
	Found      string   `json:"found"`            // yes; no: rate or latency change up to the middle of the window; not known
	How        string   `json:"how"`              // the method and its batches, or why it was not looked for
}

// The answers of Steady.
const (
	SteadyYes     = "yes"
	SteadyNo      = "no"
	SteadyUnknown = "not known"
)

// steady looks for the steady state of a trial within [from, to), in seconds from its start.
func steady(w workload.Workload, s *Series, from, to float64) Steady {
	switch w.Arrival {
	case "burst", "ramp", "step", "sine", "replay":
		return Steady{Found: SteadyUnknown, How: "not looked for: the load of the law " + w.Arrival + " changes on purpose"}
	}
	rate, e2el, _, step, first := s.batches(from, to)
	if len(rate) < steadyBatches {
		return Steady{Found: SteadyUnknown, How: fmt.Sprintf("not looked for: the window is too short for %d batches of whole seconds with %d requests each", steadyBatches, steadyBatch)}
	}
	found := Steady{Found: SteadyYes, How: fmt.Sprintf("MSER-5 over %d batches of %.0f s, rate and mean E2EL", len(rate), step)}
	cut := max(mser(rate), mser(e2el))
	found.RateChange, found.E2ELChange = change(rate, cut), change(e2el, cut)
	found.Shifts = shifts(rate, cut) || shifts(e2el, cut)
	if found.Shifts && 2*cut >= len(rate)-1 {
		found.Found = SteadyNo
		return found
	}
	at := from
	if cut > 0 {
		at = first + float64(cut)*step
	}
	found.FromS, found.ToS, found.RemovedS = &at, &to, new(at-from)
	return found
}

// batches are the requests that ended per second, the mean E2EL of those that ended ok, in seconds, and their output tokens
// per second, of batches of step seconds, the first of which begins at first. They lie within [from, to). Where nothing ended
// well in a batch it has the mean of the one before it.
func (s *Series) batches(from, to float64) (rate, e2el, tokens []float64, step, first float64) {
	width := float64(s.StepS)
	begin, end := int(math.Ceil(from/width-1e-9)), min(len(s.Rows), int(math.Floor(to/width+1e-9)))
	ended := int64(0)
	for i := begin; i < end; i++ {
		ended += s.Rows[i].ended()
	}
	if ended == 0 {
		return nil, nil, nil, width, from
	}
	rows := max(1, int(math.Ceil(steadyBatch*float64(end-begin)/float64(ended))))
	step, first = float64(rows)*width, float64(begin)*width
	last := math.NaN()
	for i := begin; i+rows <= end; i += rows {
		batch := Row{}
		for k := range rows {
			batch.add(&s.Rows[i+k])
		}
		if batch.E2EL.N() > 0 {
			last = batch.E2EL.Mean() / 1e9
		}
		rate, e2el = append(rate, float64(batch.ended())/step), append(e2el, last)
		tokens = append(tokens, float64(batch.OutputTokens)/step)
	}
	return rate, e2el, tokens, step, first
}

// mser is how many values at the beginning are left out: those after which Σ(x − mean)²/n² is least over the n that are left,
// half of them at most. Values that are not known at the beginning count as left out.
func mser(x []float64) int {
	best, cut := math.Inf(1), 0
	n, sum, squares := 0.0, 0.0, 0.0
	for i := len(x) - 1; i >= 0; i-- {
		if math.IsNaN(x[i]) {
			return max(cut, i+1)
		}
		n++
		delta := x[i] - sum/max(1, n-1)
		if n == 1 {
			delta = 0
		}
		sum += x[i]
		squares += delta * (x[i] - sum/n) // Welford: Σ(x − mean)²
		if error := squares / (n * n); 2*i <= len(x) && error <= best {
			best, cut = error, i
		}
	}
	return cut
}

// change is what the mean of x becomes without its first values, by what it is, less 1; nil where one is not known.
func change(x []float64, cut int) *float64 {
	whole, rest := mean(x), mean(x[cut:])
	if math.IsNaN(rest) || whole == 0 {
		return nil
	}
	return new(rest/whole - 1)
}

// mean is that of the values that are known.
func mean(x []float64) float64 {
	n, sum := 0.0, 0.0
	for _, v := range x {
		if !math.IsNaN(v) {
			n, sum = n+1, sum+v
		}
	}
	return sum / n
}

// shifts reports whether the first values move the mean by more than steadyBound, and differ from the rest by more than noise.
func shifts(x []float64, cut int) bool {
	moved := change(x, cut)
	if cut == 0 || moved == nil || math.Abs(*moved) <= steadyBound {
		return false
	}
	first, rest, squares := mean(x[:cut]), mean(x[cut:]), 0.0
	for _, v := range x[cut:] {
		squares += (v - rest) * (v - rest)
	}
	n := float64(len(x) - cut)
	errors := math.Sqrt(squares / (n - 1) * (1/n + 1/float64(cut)))
	return math.Abs(first-rest) > steadySigma*errors
}

// unsteady says that the window's beginning moves its means; empty when it does not, or is not known to.
func (s Steady) unsteady() string {
	switch {
	case s.Found == SteadyNo:
		return "no steady state: rate or latency still change in the middle of the window (a longer window or warm-up mends it)"
	case s.Shifts:
		return fmt.Sprintf("the first %.0f s of the window are not steady: without them %s (a longer warm-up mends it)", *s.RemovedS, s.changes())
	}
	return ""
}

// changes says what the means would be without the beginning.
func (s Steady) changes() string {
	text := "the rate is " + percent(at(s.RateChange))
	if s.E2ELChange != nil {
		text += " and the mean E2EL " + percent(*s.E2ELChange)
	}
	return text
}

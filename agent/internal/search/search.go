// Package search finds the highest rate of an open loop that holds its SLO, in few probes, each at one rate.
//
// It does nothing but decide: it says which rate comes next, and is told what became of it. A probe's requests are good or
// not, and an exact binomial test says whether the share of good ones is high enough, too low, or not known yet. Rates
// double from the first until one fails, and then the gap between one that holds and one that fails is halved, as
// MLPerf's LoadGen does in its mode FindPeakPerformance; but a probe that is right in number and says nothing with
// confidence is no answer here. Where a rate was too short to tell and looks well, the search goes on above it, and
// comes back only if it turns out to be the answer: low rates take long to show anything.
//
// The test takes requests for independent, and those that wait in one queue are not: a lucky window can make a rate hold
// that does not. So the answer is a rate that held in two windows at least (on a simulated M/D/8 queue near its limit, with
// windows of 1,300 requests, that takes the answers that are too high from 7 in 100 to 1 in 100: TestSearchOfAQueue).
package search

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

const (
	patience  = 3  // looks at a rate that looks as if it failed, before it is taken for one that does not hold
	confirmed = 2  // looks at the answer, and at a rate that the client could not send: once may have been chance
	deepest   = 64 // the search ends when a rate so many times lower than the first fails too
)

// verdict is what a rate has shown.
type verdict string

const (
	holds verdict = summary.ProbeHolds
	fails verdict = summary.ProbeFails
	open  verdict = summary.ProbeOpen
)

// Outcome is what a probe came to.
type Outcome struct {
	Rate float64 // requests/s that were offered
	Due  int64   // requests due in its window, failed ones included
	Good int64   // of these, those that kept every bound of the SLO
	Flow Flow
	Used int64  // prompts of the dataset up to its end, those of the probes before included
	Spot string // why the client and not the server was the limit; "": it was not
}

// Search is a search under way. It is for one goroutine.
type Search struct {
	want   workload.Search
	levels []level // by rate
	probes []summary.Probe
	spots  int    // probes in a row that the client was the limit of
	spot   string // why the client could not send a rate, twice in a row
}

// level is what all probes at one rate have come to.
type level struct {
	rate      float64
	due, good int64
	looks     int
	grew      bool // requests piled up
}

// New begins a search. The error says what in it makes no sense.
func New(want workload.Search) (*Search, error) {
	switch {
	case !(want.Low > 0) || math.IsInf(want.Low, 0):
		return nil, fmt.Errorf("the search's low %v: want requests per second above 0", want.Low)
	case want.High != 0 && !(want.High >= want.Low) || math.IsInf(want.High, 0):
		return nil, fmt.Errorf("the search's high %v: want low, which is %v, or more", want.High, want.Low)
	case !(want.Precision > 0) || math.IsInf(want.Precision, 0):
		return nil, fmt.Errorf("the search's precision %v: want a share above 0, such as 0.05", want.Precision)
	case !(want.Attain > 0 && want.Attain < 1):
		return nil, fmt.Errorf("the search's attain %v: want a share between 0 and 1, such as 0.99; that all requests of all time keep the SLO no number of them can show", want.Attain)
	case !(want.Confidence >= 0.5 && want.Confidence < 1):
		return nil, fmt.Errorf("the search's confidence %v: want 0.5 or more and less than 1, such as 0.95", want.Confidence)
	case want.Probes < 1:
		return nil, fmt.Errorf("the search's probes %d: want 1 or more", want.Probes)
	}
	return &Search{want: want}, nil
}

// Next is the rate of the next probe; false when the search has ended.
func (s *Search) Next() (rate float64, more bool) {
	rate, end := s.step()
	return rate, end == ""
}

// Add takes a probe in, and returns it as the summary shows it.
func (s *Search) Add(o Outcome) summary.Probe {
	p := summary.Probe{Rate: o.Rate, N: o.Due, Good: o.Good, Verdict: summary.ProbeOpen}
	if o.Due > 0 {
		p.ShareGood = new(float64(o.Good) / float64(o.Due))
	}
	if o.Spot != "" {
		p.Why = summary.ClientBound + ": " + o.Spot
		if s.spots++; s.spots == confirmed {
			s.spot = fmt.Sprintf("the client could not send %s requests/s as it should (%s): higher rates would say nothing of the server", Rate(o.Rate), o.Spot)
		}
	} else {
		s.spots = 0
		l := s.at(o.Rate)
		l.due, l.good, l.looks = l.due+o.Due, l.good+o.Good, l.looks+1
		p.Why = l.together()
		if piled := o.Flow.piled(); piled != "" {
			l.grew, p.Why = true, piled
		}
		p.Verdict = string(s.verdict(*l))
	}
	s.probes = append(s.probes, p)
	return p
}

// at is the level of a rate.
func (s *Search) at(rate float64) *level {
	k, found := slices.BinarySearchFunc(s.levels, rate, func(l level, rate float64) int {
		switch {
		case l.rate < rate:
			return -1
		case l.rate > rate:
			return 1
		}
		return 0
	})
	if !found {
		s.levels = slices.Insert(s.levels, k, level{rate: rate})
	}
	return &s.levels[k]
}

// together says that a level's verdict rests on more than its last probe.
func (l level) together() string {
	if l.looks < 2 {
		return ""
	}
	return fmt.Sprintf("with the probes before at this rate, %d of %d", l.good, l.due)
}

// verdict is what a level has shown.
func (s *Search) verdict(l level) verdict {
	if l.grew {
		return fails
	}
	return judge(l.good, l.due, s.want.Attain, spent(1-s.want.Confidence, l.looks))
}

// likely reports whether a level that is open looks as if it held.
func (s *Search) likely(l level) bool { return float64(l.good) >= s.want.Attain*float64(l.due) }

// bracket is the highest rate that holds or is likely to, and the lowest above which nothing is to be tried: it fails, or
// several looks at it did not show that it holds. nil: there is none.
func (s *Search) bracket() (lo, hi *level) {
	for k := range s.levels {
		l := &s.levels[k]
		v := s.verdict(*l)
		switch {
		case v == fails, v == open && !s.likely(*l) && l.looks >= patience:
			return lo, l
		case v == holds, s.likely(*l):
			lo = l
		}
	}
	return lo, nil
}

// undecided is a rate that another look may decide, between those of the bracket; nil when there is none.
func (s *Search) undecided(lo, hi *level) *level {
	for k := range s.levels {
		l := &s.levels[k]
		if (lo == nil || l.rate > lo.rate) && (hi == nil || l.rate < hi.rate) {
			return l
		}
	}
	return nil
}

// step is the rate that comes next, or why none does.
func (s *Search) step() (rate float64, end string) {
	if s.spot != "" {
		return 0, s.spot
	}
	if rate, end = s.plan(); end == "" && len(s.probes) >= s.want.Probes {
		return 0, fmt.Sprintf("%s spent", probes(s.want.Probes))
	}
	return rate, end
}

// probes is a number of them in words.
func probes(n int) string {
	if n == 1 {
		return "the one probe is"
	}
	return fmt.Sprintf("all %d probes are", n)
}

// plan is step where nothing bounds the number of probes.
func (s *Search) plan() (rate float64, end string) {
	if len(s.levels) == 0 {
		return s.want.Low, ""
	}
	lo, hi := s.bracket()
	if l := s.undecided(lo, hi); l != nil {
		return l.rate, ""
	}
	switch {
	case lo == nil && hi.rate*deepest <= s.want.Low:
		return 0, fmt.Sprintf("not even %s requests/s hold", Rate(hi.rate))
	case lo == nil:
		return hi.rate / 2, ""
	case hi == nil && lo.rate < s.highest():
		return min(2*lo.rate, s.highest()), ""
	case hi == nil || hi.rate <= lo.rate*(1+s.want.Precision):
		if s.verdict(*lo) != holds || lo.looks < confirmed {
			return lo.rate, ""
		}
		return 0, s.settled(hi)
	}
	return between(lo.rate, hi.rate), ""
}

// highest is the rate that is not gone beyond.
func (s *Search) highest() float64 {
	if s.want.High > 0 {
		return s.want.High
	}
	return math.Inf(1)
}

// settled is why a search ends that has found its rate.
func (s *Search) settled(hi *level) string {
	switch {
	case hi == nil:
		return "the highest rate that may be tried holds"
	case s.verdict(*hi) == fails:
		return fmt.Sprintf("it is known to %g %%", 100*s.want.Precision)
	}
	return fmt.Sprintf("it is known to %g %%; %s requests/s neither hold nor fail after %d probes", 100*s.want.Precision, Rate(hi.rate), hi.looks)
}

// between is the rate in the middle of two, by their ratio, with as few digits as will do.
func between(lo, hi float64) float64 {
	middle := math.Sqrt(lo * hi)
	for digits := 2; digits < 17; digits++ {
		short, err := strconv.ParseFloat(strconv.FormatFloat(middle, 'g', digits, 64), 64)
		if err == nil && math.Abs(short-middle) < 0.1*min(hi-middle, middle-lo) {
			return short
		}
	}
	return middle
}

// Rate prints a rate.
func Rate(r float64) string { return strconv.FormatFloat(r, 'g', 4, 64) }

// Result is what was found so far. cause is why the search goes no further before its end; nil: nothing keeps it.
func (s *Search) Result(cause error) *summary.Search {
	r := &summary.Search{Attain: s.want.Attain, Confidence: s.want.Confidence, Probes: slices.Clone(s.probes), WhyEnded: "it was stopped"}
	if _, end := s.step(); end != "" {
		r.WhyEnded = end
	} else if errors.As(cause, new(silence)) {
		r.WhyEnded = cause.Error()
	}
	_, hi := s.bracket()
	for _, l := range s.levels {
		v := s.verdict(l)
		if v == fails && r.Fails == nil {
			r.Fails = new(l.rate)
		}
		if v == holds && (hi == nil || l.rate < hi.rate) {
			r.Holds = new(l.rate)
		}
	}
	if _, end := s.plan(); end != "" && s.spot == "" {
		r.Found = r.Holds
	}
	return r
}

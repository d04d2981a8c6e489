package summary

// Search is what a trial found that searched for the highest rate that holds its SLO (workload.Search). All else in its
// summary is of the probe at Holds or, where no rate held, of the last one. Rates are requests/s over all client nodes.
type Search struct {
	Found *float64 `json:"found,omitempty"` // the answer: Holds, once it is as close to Fails as was asked or is the highest that may be tried; absent: there is none
	Holds *float64 `json:"holds,omitempty"` // the highest rate that was shown to hold; absent: none was
	Fails *float64 `json:"fails,omitempty"` // the lowest rate that was shown to fail; absent: none was

	Attain     float64 `json:"attain"`     // share of the requests due that has to keep every bound of the SLO
	Confidence float64 `json:"confidence"` // one-sided, of each probe's verdict
	WhyEnded   string  `json:"why_ended"`  // in words: precise enough, the highest rate holds, too many probes, …
	Probes     []Probe `json:"probes"`     // in the order they were made
}

// Sought makes the summary that of a search, and marks it where the search has no answer.
func (s *Summary) Sought(r *Search) {
	s.Search = r
	switch {
	case r.Holds == nil:
		s.Marks = append([]string{"no rate was shown to hold the SLO: " + r.WhyEnded}, s.Marks...)
	case r.Found == nil:
		s.Marks = append([]string{"the highest rate that holds may be above this one: " + r.WhyEnded}, s.Marks...)
	}
}

// The verdicts on a probe.
const (
	ProbeHolds = "holds" // the share that kept the SLO is at least Attain, with the search's confidence
	ProbeFails = "fails" // it is less, with that confidence
	ProbeOpen  = "open"  // the requests were too few to say either
)

// Probe is one try of a search: its whole warm-up and window at one rate.
type Probe struct {
	Rate      float64  `json:"rate"`                 // requests/s that were offered
	N         int64    `json:"n"`                    // requests due in its window, failed ones included
	Good      int64    `json:"good"`                 // of these, those that kept every bound of the SLO
	ShareGood *float64 `json:"share_good,omitempty"` // Good / N; absent: nothing was due
	Verdict   string   `json:"verdict"`              // holds, fails or open
	Why       string   `json:"why,omitempty"`        // what else spoke for the verdict, such as a client that was the bound
}

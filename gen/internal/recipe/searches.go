package recipe

import (
	"fmt"
	"math"
	"slices"
)

// sought: a search for a rate has limits to hold, arrivals that have a rate to change, and bounds that can be reached.
func (c *check) sought() {
	const at = "workload.search"
	s := c.Workload.Search
	if s == nil || c.node(at).refused() {
		return
	}
	if !c.good(at + ".low") {
		if c.brought(at) && !c.refusedAny(at+".low") {
			c.l.Errorf(c.keyAt(at), "missing-field", "write search: {low: 1}", "workload.search needs low, the rate that is tried first")
		}
		return
	}
	if at := "workload.slo"; len(c.Workload.SLO) == 0 && !c.node(at).refused() && !c.refusedAny(at+".ttft", at+".tpot", at+".itl", at+".e2el") {
		c.l.Errorf(c.keyAt("workload.search"), "missing-field", `write, for example, "slo: {ttft: 500ms}"`, "search needs workload.slo, the limits that a rate is to hold")
	}
	c.rates()
	c.bounds()
	c.provable()
}

// searchable are the laws of arrivals that a rate is all of, but for their shape.
var searchable = []string{"constant", "poisson", "gamma"}

// rates: the search says the rate.
func (c *check) rates() {
	if at := "workload.target_rps"; c.good(at) {
		c.l.Errorf(c.at(at), "conflict", "delete it, or search", "target_rps is one rate, and search finds one")
		c.l.Fix(c.delete(at))
	}
	if law := c.Workload.RequestDistribution; !slices.Contains(searchable, law) && !c.node("workload.request_distribution").refused() {
		c.l.Errorf(c.lawAt(), "conflict", "write request_distribution: poisson, constant or gamma, or delete search", "a search changes the rate of arrivals, and %s has more to it than a rate", law)
	}
}

// bounds: numbers that can be reached. A share has its bounds in the schema; here are the ends that make no sense.
func (c *check) bounds() {
	const at = "workload.search."
	s := c.Workload.Search
	if c.good(at+"high") && s.High < s.Low {
		c.l.Errorf(c.at(at+"high"), "out-of-range", fmt.Sprintf("write more than %g, or delete it", s.Low), "search.high is %g, and search.low %g", s.High, s.Low)
	}
	switch {
	case !c.fine(at + "attain"):
	case s.Attain >= 1:
		c.l.Errorf(c.at(at+"attain"), "out-of-range", "write 0.999 or less", "search.attain is all requests: no number of them can show that none ever misses")
	case s.Attain <= 0:
		c.l.Errorf(c.at(at+"attain"), "out-of-range", "write a share such as 0.99", "search.attain is 0: every rate holds that")
	}
	if c.fine(at+"confidence") && (s.Confidence >= 1 || s.Confidence < 0.5) {
		c.l.Errorf(c.at(at+"confidence"), "out-of-range", "write a share such as 0.95", "search.confidence is %g, want 0.5 or more and less than 1", s.Confidence)
	}
	if c.fine(at+"precision") && s.Precision <= 0 {
		c.l.Errorf(c.at(at+"precision"), "out-of-range", "write a share such as 0.05", "search.precision is 0: no search ends there")
	}
}

// fine tells whether a value that may have come from a default was not refused.
func (c *check) fine(path string) bool { return !c.node(path).refused() }

// provable: a rate holds when enough requests have shown it. Without a single miss it takes n of them, where attainⁿ is what
// the statement may be wrong by: of the first look at a rate, half of 1 − confidence (agent/internal/search spends it so).
func (c *check) provable() {
	s, w := c.Workload.Search, c.Workload
	if s.High <= 0 || s.Attain <= 0 || s.Attain >= 1 || s.Confidence < 0.5 || s.Confidence >= 1 || w.DurationS == 0 || c.node("workload.duration").refused() {
		return
	}
	n := s.High * w.DurationS
	if w.Requests > 0 {
		n = min(n, float64(w.Requests))
	}
	if need := math.Ceil(math.Log((1-s.Confidence)/2) / math.Log(s.Attain)); n < need {
		c.l.Warnf(c.keyAt("workload.search"), "short-window", fmt.Sprintf("write duration: %.0fs or more, or ask for less", math.Ceil(need/s.High)),
			"even at %g requests/s a window has %.0f requests, and it takes %.0f without a miss to show with %g %% confidence that %g %% hold the limits",
			s.High, n, need, 100*s.Confidence, 100*s.Attain)
	}
}

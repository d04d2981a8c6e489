package search

import (
	"fmt"
	"strings"

	"hpcbench/agent/internal/summary"
)

// Sentence tells of probe k, from 1.
func Sentence(k int, p summary.Probe) string {
	return fmt.Sprintf("probe %d: %s requests/s: %s of %d within the SLO: %s", k, Rate(p.Rate), Percent(p.Good, p.N), p.N, Told(p))
}

// Told is a probe's verdict in words, and what else spoke for it.
func Told(p summary.Probe) string {
	verdict := p.Verdict
	if verdict == summary.ProbeOpen {
		verdict = "can't be told yet"
	}
	if p.Why == "" {
		return verdict
	}
	return verdict + ": " + p.Why
}

// Percent is a share in percent, and only all of them are 100.
func Percent(good, n int64) string {
	if n == 0 {
		return "none"
	}
	if good == n {
		return "100 %"
	}
	share := 100 * float64(good) / float64(n)
	text := fmt.Sprintf("%.1f", share)
	for digits := 2; strings.HasPrefix(text, "100"); digits++ {
		text = fmt.Sprintf("%.*f", digits, share)
	}
	return text + " %"
}

// Answer is the statement that a search came to, in a sentence or two. bounds are those of the SLO in words.
func Answer(r *summary.Search, bounds string) string {
	text := "no rate was shown to hold " + bounds
	if r.Holds != nil {
		good, n := pooled(r, *r.Holds)
		text = fmt.Sprintf("%s requests/s held: %s of %d requests within %s", Rate(*r.Holds), Percent(good, n), n, bounds)
	}
	if r.Fails != nil {
		good, n := pooled(r, *r.Fails)
		text += fmt.Sprintf("; %s did not (%s of %d)", Rate(*r.Fails), Percent(good, n), n)
	}
	return text + fmt.Sprintf(". %g %% have to be; each is said with %g %% confidence.", 100*r.Attain, 100*r.Confidence)
}

// pooled are the good ones of all requests of the probes at a rate, and all, but for those that the client was the limit of.
func pooled(r *summary.Search, rate float64) (good, n int64) {
	for _, p := range r.Probes {
		if p.Rate == rate && !strings.HasPrefix(p.Why, summary.ClientBound) {
			good, n = good+p.Good, n+p.N
		}
	}
	return good, n
}

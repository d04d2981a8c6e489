package plan

import (
	"fmt"
	"math"
	"strings"
)

// need is how many requests a percentile takes before one can defend it: those of MLPerf's early stopping at a confidence
// of 0.99 (docs/early_stopping.md of mlcommons/endpoints), and for others ten requests beyond the percentile.
func need(percentile float64) int {
	if n, ok := map[float64]int{50: 11, 90: 64, 95: 130, 99: 662, 99.9: 6636, 99.99: 66381}[percentile]; ok {
		return n
	}
	beyond := 1 - percentile/100
	if percentile < 50 {
		beyond = percentile / 100
	}
	return int(math.Ceil(10 / max(beyond, 1e-9)))
}

// carry warns of percentiles that were asked for and that the expected number of requests can't carry.
func (m *maker) carry(p *Plan) {
	for _, percentile := range p.reported {
		if bad := p.thin(percentile); len(bad) > 0 {
			least := bad[0].expected
			m.found.Warnf(m.place("reporting.percentiles"), "few-requests", "raise duration or requests, or leave it out",
				"p%g takes %d requests, and %s of %s will have fewer (%s: %d)", percentile, need(percentile),
				count(len(bad), "trial"), fmt.Sprint(len(p.Trials)), bad[0].trial.Name, least)
		}
	}
}

// few is a trial with the number of requests that it will measure.
type few struct {
	trial    *Trial
	expected int
}

// thin are the trials whose requests, as far as the plan knows their number, can't carry a percentile; the thinnest first.
func (p *Plan) thin(percentile float64) []few {
	var all []few
	for _, t := range p.Trials {
		if n, known := expected(t.Workload); known && n < need(percentile) {
			f := few{t, n}
			if len(all) > 0 && n < all[0].expected {
				all[0], f = f, all[0]
			}
			all = append(all, f)
		}
	}
	return all
}

// Carries says in a line which percentiles the plan's trials carry and which not; "" when nothing is known.
func (p *Plan) Carries() string {
	var parts []string
	for _, percentile := range []float64{50, 90, 95, 99, 99.9} {
		if bad := p.thin(percentile); len(bad) > 0 {
			parts = append(parts, fmt.Sprintf("p%g takes %d requests: %d of %s will have fewer (%s: %d)",
				percentile, need(percentile), len(bad), count(len(p.Trials), "trial"), bad[0].trial.Name, bad[0].expected))
		}
	}
	return strings.Join(parts, "\n")
}

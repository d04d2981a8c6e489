package plan

import (
	"fmt"
	"strings"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/diag"
)

// carry warns of percentiles that were asked for and that the expected number of requests can't carry.
func (m *maker) carry(p *Plan) {
	for _, percentile := range p.reported {
		if bad := p.thin(percentile); len(bad) > 0 {
			least := bad[0].expected
			m.found.Warnf(m.place("reporting.percentiles"), "few-requests", "raise duration or requests, or leave it out",
				"p%g takes %d requests, and %s of %s will have fewer (%s: %d)", percentile, workload.MinRequests(percentile),
				diag.Several(len(bad), "trial"), fmt.Sprint(len(p.Trials)), bad[0].trial.Name, least)
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
		if n, known := expected(t.Workload); known && n < workload.MinRequests(percentile) {
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
				percentile, workload.MinRequests(percentile), len(bad), diag.Several(len(p.Trials), "trial"), bad[0].trial.Name, bad[0].expected))
		}
	}
	return strings.Join(parts, "\n")
}

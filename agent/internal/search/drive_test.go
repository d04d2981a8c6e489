package search

import (
	"errors"
	"testing"

	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// Of several probes at the rate that held, the numbers are those of the last one that says something of the server.
func TestTheNumbersAreNotThoseOfAClientBoundProbe(t *testing.T) {
	for _, c := range []struct {
		name   string
		probes []Outcome
		ends   int // the probe that does not come to its end; 0: none
		want   int // 0: none
	}{
		{"the second look is client-bound", []Outcome{{Due: 500, Good: 500}, {Due: 500, Good: 500, Spot: "late"}}, 0, 1},
		{"both looks count", []Outcome{{Due: 500, Good: 500}, {Due: 500, Good: 500}}, 0, 2},
		{"nothing holds", []Outcome{{Due: 500, Good: 400}, {Due: 500, Good: 400}}, 0, 2},
		{"the second one is cut off", []Outcome{{Due: 500, Good: 500}, {}}, 2, 1},
		{"the first one is cut off", []Outcome{{}}, 1, 1},
	} {
		want := standard
		want.Low, want.High, want.Probes = 40, 40, len(c.probes)
		cut, told := errors.New("cut off"), 0
		got, err := Drive(begin(t, want), func(k int, rate float64, _ int64) (*int, Outcome, error) {
			o := c.probes[k-1]
			if o.Rate = rate; k == c.ends {
				return &k, o, cut
			}
			return &k, o, nil
		}, func(int, summary.Probe, *int) { told++ })
		if got == nil || *got != c.want || (err != nil) != (c.ends > 0) || c.ends == 0 && told != len(c.probes) {
			t.Errorf("%s: probe %v, %v, %d told", c.name, got, err, told)
		}
	}
}

func TestASearchWhoseFirstProbeComesToNothing(t *testing.T) {
	why := errors.New("no")
	got, err := Drive(begin(t, workload.Search{Low: 1, Precision: 1, Attain: 0.5, Confidence: 0.8, Probes: 3}),
		func(int, float64, int64) (*int, Outcome, error) { return nil, Outcome{}, why }, func(int, summary.Probe, *int) { t.Error("told") })
	if got != nil || !errors.Is(err, why) {
		t.Errorf("%v, %v", got, err)
	}
}

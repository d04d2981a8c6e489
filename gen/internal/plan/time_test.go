package plan

import (
	"strings"
	"testing"

	"hpcbench/agent/workload"
)

func TestTimeLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit float64
		want  string // of the diagnostics
	}{
		{"holds", 7200, ""},
		{"none: from the plan", 0, ""},
		{"too short for one trial", 120, "job.sbatch: the limit of 00:02:00 can't hold a server's start and its longest trial: 60 s + 213 s, and 15 s to end in good order, are 00:04:48"},
		{"too short for all", 600, "job.sbatch: the plan takes about 00:12:39, and the limit is 00:10:00: submit.sh queues 3 jobs, each after the one before and running what is left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := listing3()
			base.Job.TimeLimitS = c.limit
			base.Resources.Servers.GPUs = 0
			s, cl := with(t, "ollama", "generic")
			p, found := New(points(base, concurrencies), s, cl, nil)
			var got []string
			for _, d := range found {
				got = append(got, d.Message)
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if c.limit == 0 && p.Jobs[0].LimitS != 1020 { // (60 + 60 + 3·213) · 1.3 = 986.7 s, in whole minutes
				t.Errorf("limit is %d s", p.Jobs[0].LimitS)
			}
		})
	}
}

// A search is planned for all probes that it may take, each with the whole warm-up, window and drain; its server has room for the
// highest rate, and its short form tries the first one only.
func TestSearchesArePlannedToTheirLastProbe(t *testing.T) {
	r := listing3()
	r.Workload.ClientsPerNode, r.Workload.TargetRPS, r.Workload.RequestDistribution = 0, 2, "poisson"
	r.Workload.SLO = map[string]float64{"ttft": 0.5}
	one := planned(t, points(r)).Trials[0]
	r.Workload.Search = &workload.Search{Low: 2, High: 16, Precision: 0.05, Attain: 0.99, Confidence: 0.95, Probes: 9}
	p := planned(t, points(r))
	trial := p.Trials[0]
	if want := 9 * one.Seconds; trial.Seconds != want || trial.Name != "search" || trial.Workload.Rate != 2 || *trial.Workload.Search != *r.Workload.Search {
		t.Errorf("%s of %d s, want %d: %+v", trial.Name, trial.Seconds, want, trial.Workload)
	}
	if smoke := p.SmokeTrials()[0]; smoke.Workload.Search != nil || smoke.Workload.Rate != 2 || smoke.Seconds > one.Seconds {
		t.Errorf("the short form is %+v", smoke)
	}
	if got := p.Deployments[0].InFlight; got != 16*openS/2 {
		t.Errorf("a place for %d in flight at each of two endpoints", got)
	}
	for _, want := range []string{
		"the highest rate, from 2 to 16 requests/s (poisson), at which 99 % hold the SLO, to 5 %, in 9 probes at most",
		"a search ends after 9 probes at the latest", "1 trial is a search", "measured 18 min",
	} {
		if !strings.Contains(p.Full(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, p.Full())
		}
	}
}

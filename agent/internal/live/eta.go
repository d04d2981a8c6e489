package live

import "strconv"

// eta is the seconds until the job's last trial is over: what the plan says of the trials that are left, corrected by what the
// finished ones took, and for each deployment that was not started what those before took to be ready. gen run reckons in the
// same way (gen/internal/submit/eta.go).
func (r *run) eta() (float64, bool) {
	if r.job == nil || len(r.job.Trials) == 0 {
		return 0, false
	}
	now, ratio, rest := float64(r.now.UnixMilli())/1e3, r.ratio(), 0.0
	waiting := map[string]bool{}
	for _, t := range r.job.Trials {
		planned := r.planned(t.ID) * ratio
		switch t.State {
		case "missing":
			rest += planned
			waiting[r.plan[t.ID].Deployment] = true
		case "start":
			rest += max(0, planned-max(0, now-t.Start))
		}
	}
	if n := len(r.job.Deployments); n > 0 {
		delete(waiting, r.job.Deployments[n-1].ID)
	}
	return rest + float64(len(waiting))*r.startup(), true
}

// planned is how many seconds the plan says that a trial takes.
func (r *run) planned(id string) float64 {
	s, err := strconv.ParseFloat(r.plan[id].Seconds, 64)
	if err != nil {
		return 0 // no ledger yet
	}
	return s
}

// ratio is how long the trials that are complete took, by what was planned for them.
func (r *run) ratio() float64 {
	took, planned := 0.0, 0.0
	for _, t := range r.job.Trials {
		if p := r.planned(t.ID); t.State == "complete" && t.End > t.Start && p > 0 {
			took, planned = took+t.End-t.Start, planned+p
		}
	}
	if planned == 0 {
		return 1
	}
	return took / planned
}

// startup is the seconds that deployments took to be ready, in the mean.
func (r *run) startup() float64 {
	sum, n := 0.0, 0.0
	for _, d := range r.job.Deployments {
		if d.Ready > d.Start {
			sum, n = sum+d.Ready-d.Start, n+1
		}
	}
	return sum / max(1, n)
}

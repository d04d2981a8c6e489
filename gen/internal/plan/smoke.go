package plan

import "slices"

// Smoke is a short job that tries a plan before it is paid for: each server starts once and has one short trial.
type Smoke struct {
	LimitS     int         `json:"limit_s"`
	SignalS    int         `json:"signal_s"`
	Bill       float64     `json:"bill"`                 // at most, in the profile's unit
	Directives []Directive `json:"directives,omitempty"` // that win over the job's: the site's queue for tests
}

// Lengths of a smoke trial, in seconds.
const (
	smokeWindowS = 20
	smokeWarmupS = 5
)

// smoke is the short form of a job. Where the plan's own limit is shorter, that stands.
func (m *maker) smoke(j *Job) Smoke {
	all := 0
	for _, d := range firsts(j.deployments) {
		all += d.StartupS + smokeTrial(d.trials[0]).Seconds
	}
	s := Smoke{LimitS: loosely(all + overheadS)}
	if m.cl.SmokeTimeS > 0 {
		s.LimitS = min(s.LimitS, int(m.cl.SmokeTimeS))
	}
	s.LimitS = min(s.LimitS, j.LimitS)
	s.SignalS, s.Bill = signalLead(s.LimitS), m.cost(j, s.LimitS)
	s.Directives = filled([]Directive{{"partition", m.cl.SmokePartition}, {"qos", m.cl.SmokeQOS}, {"reservation", m.cl.SmokeReservation}, {"time", Clock(s.LimitS)}, {"signal", signal(s.SignalS)}})
	if j.Het { // its components have partitions of their own
		s.Directives = slices.DeleteFunc(s.Directives, func(d Directive) bool { return d.Flag == "partition" })
	}
	return s
}

// firsts leaves out servers that only start again.
func firsts(all []*Deployment) []*Deployment {
	return slices.DeleteFunc(slices.Clone(all), func(d *Deployment) bool { return d.Restart > 1 })
}

// SmokeTrials are the trials of the short form of all jobs: of each server its first, shortened.
func (p *Plan) SmokeTrials() []*Trial {
	var all []*Trial
	for _, d := range firsts(p.Deployments) {
		all = append(all, smokeTrial(d.trials[0]))
	}
	return all
}

// smokeTrial is a trial in its short form. It is called by its deployment, so that no result of it is taken for the trial's.
func smokeTrial(t *Trial) *Trial {
	c := *t
	c.ID, c.Name = "smoke-"+t.Deployment, "smoke-"+t.Name
	w := &c.Workload
	w.WarmupS, w.DurationS, w.CooldownS = min(w.WarmupS, smokeWarmupS), min(w.DurationS, smokeWindowS), 0
	w.Search = nil // its first rate is tried
	w.MinDurationS, w.RampUpS = min(w.MinDurationS, w.DurationS), min(w.RampUpS, w.WarmupS)
	c.Seconds = seconds(*w)
	return &c
}

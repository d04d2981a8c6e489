package submit

import (
	"fmt"
	"math"
	"strings"
)

// Status is the job in one line: state, phase, trial, the time that is left, and what the trial shows.
func (f *Follower) Status() string {
	words := []string{"job " + f.Row.ID}
	if f.state != "RUNNING" || f.phase == "" {
		words = append(words, f.queueWords())
	}
	if f.phase != "" && (f.phase != "execute" || f.current == nil) {
		words = append(words, f.phase)
	}
	if t := f.current; t != nil {
		words = append(words, "trial "+f.place(t))
	}
	if left, ok := f.eta(); ok {
		words = append(words, span(left)+" left")
	}
	if t := f.current; t != nil && f.line.trial == t.id {
		words = append(words, f.line.phase)
		if f.line.rate != "" {
			words = append(words, f.line.rate+"/s", "p50 "+f.line.p50+" ms")
		}
	}
	return strings.Join(words, " · ")
}

// left is ", about 5 min left", or nothing where that can't be said yet.
func (f *Follower) left() string {
	s, ok := f.eta()
	if !ok {
		return ""
	}
	return ", about " + span(s) + " left"
}

// eta is the seconds until the job's last trial is over: what the plan says of the trials that are missing, corrected by
// what the finished ones took; and of the deployments that were not started, what those before took to be ready.
func (f *Follower) eta() (float64, bool) {
	if f.state != "RUNNING" || len(f.trials) == 0 || f.phase == "tear down" || f.phase == "report" {
		return 0, false
	}
	ratio, rest := f.ratio(), 0.0
	waiting := map[string]bool{}
	for _, t := range f.trials {
		switch t.state {
		case "missing":
			rest += t.planned * ratio
			waiting[t.deployment] = true
		case "start":
			rest += max(0, t.planned*ratio-max(0, f.now-t.start))
		}
	}
	delete(waiting, f.deployment.id)
	return rest + float64(len(waiting))*mean(f.startups), true
}

// ratio is how long the trials that this job finished took, by what was planned for them.
func (f *Follower) ratio() float64 {
	took, planned := 0.0, 0.0
	for _, t := range f.trials {
		if t.state == "complete" && t.end > t.start && t.planned > 0 {
			took, planned = took+t.end-t.start, planned+t.planned
		}
	}
	if planned == 0 {
		return 1
	}
	return took / planned
}

func mean(all []float64) float64 {
	sum := 0.0
	for _, x := range all {
		sum += x
	}
	return sum / max(1, float64(len(all)))
}

// span is a time as a person says it: 40 s, 5 min, 3 h 20 min.
func span(s float64) string {
	switch n := int(math.Ceil(s)); {
	case n < 90:
		return fmt.Sprintf("%d s", n)
	case n < 90*60:
		return fmt.Sprintf("%d min", (n+30)/60)
	default:
		n = (n + 30) / 60
		return fmt.Sprintf("%d h %d min", n/60, n%60)
	}
}

// Verdict is the exit status over all jobs of a submission: that of the first which failed; else 75 when one stopped early
// and a trial of any is left; else 0. A job that was cancelled while it waited failed in nothing, if another had its turn.
func Verdict(all []*Follower) int {
	complete, early, had := map[string]bool{}, false, false
	for _, f := range all {
		status := f.Exit()
		waited := f.state == "CANCELLED" && f.seen == 0
		had = had || !waited
		if status != 0 && status != 75 && !waited {
			return status
		}
		early = early || status != 0
		for _, t := range f.trials {
			complete[t.id] = complete[t.id] || t.state == "complete" || strings.HasPrefix(t.state, "done:")
		}
	}
	if !had {
		return 143
	}
	left := len(complete) == 0
	for _, done := range complete {
		left = left || !done
	}
	if early && left {
		return 75
	}
	return 0
}

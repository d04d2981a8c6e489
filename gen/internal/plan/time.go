package plan

import (
	"fmt"
	"math"
)

const (
	overheadS = 60  // seconds of a Slurm job outside of deployments and trials
	slack     = 1.3 // of the time limit over the estimate, when the recipe gives no limit
)

// time estimates a job and sets its limit: the recipe's, or the estimate with slack, in whole minutes.
func (m *maker) time(j *Job) {
	longest, words := 0, ""
	if !m.local {
		j.EstimateS = overheadS
	}
	for _, d := range j.deployments {
		all, one := d.seconds()
		j.EstimateS += d.StartupS + all
		if d.StartupS+one > longest {
			longest, words = d.StartupS+one, fmt.Sprintf("%d s + %d s", d.StartupS, one)
		}
	}
	j.LimitS = int(j.recipe.Job.TimeLimitS)
	if j.LimitS == 0 {
		j.LimitS = loosely(j.EstimateS)
		if m.cl.MaxTimeS > 0 {
			j.LimitS = min(j.LimitS, int(m.cl.MaxTimeS))
		}
	}
	j.SignalS = signalLead(j.LimitS)
	j.ReserveS = min(60, j.SignalS/2)
	if m.local {
		return
	}
	at := m.place("orchestration.job_config.time_limit")
	if need := longest + j.ReserveS; need > j.LimitS {
		m.found.Errorf(at, "time-limit", "write at least "+Clock(minutes(need)), "%s: the limit of %s can't hold a server's start and its longest trial: %s, and %d s to end in good order, are %s",
			j.Script, Clock(j.LimitS), words, j.ReserveS, Clock(need))
		return
	}
	if n := j.links(); n > 1 {
		j.Chain = n
		m.found.Warnf(at, "time-limit", "raise it, if the site allows, to "+Clock(loosely(j.EstimateS)), "%s: the plan takes about %s, and the limit is %s: submit.sh queues %d jobs, each after the one before and running what is left",
			j.Script, Clock(j.EstimateS), Clock(j.LimitS), n)
		j.EstimateS += (n - 1) * (overheadS + j.deployments[len(j.deployments)-1].StartupS)
	}
}

// loosely is a time limit for what takes so many seconds by the estimate.
func loosely(s int) int { return minutes(int(math.Ceil(float64(s) * slack))) }

// signalLead is how long before a limit of so many seconds USR1 comes: time to end the trial in hand.
func signalLead(limitS int) int { return min(300, limitS/4) }

// minutes rounds seconds up to whole minutes.
func minutes(s int) int { return (s + 59) / 60 * 60 }

// links counts the jobs of this limit, one after the other, that run the whole plan: each stops before what it could not
// finish, as the job script does, and the next starts the server anew.
func (j *Job) links() int {
	room := j.LimitS - j.ReserveS - overheadS
	n, left := 1, room
	for _, d := range j.deployments {
		started := false
		for _, t := range d.trials {
			need := t.Seconds
			if !started {
				need += d.StartupS
			}
			if need > left && left < room {
				n, left, need = n+1, room, t.Seconds+d.StartupS
			}
			left, started = left-need, true
		}
	}
	return n
}

// Clock writes seconds as Slurm takes a time limit: HH:MM:SS, or D-HH:MM:SS from a day on.
func Clock(s int) string {
	clock := fmt.Sprintf("%02d:%02d:%02d", s/3600%24, s/60%60, s%60)
	if s >= 24*3600 {
		return fmt.Sprintf("%d-%s", s/(24*3600), clock)
	}
	return clock
}

// bill is what a job costs in the profile's unit, by its estimate and at most.
func (m *maker) bill(j *Job) {
	j.Bill, j.BillMost = m.cost(j, j.EstimateS), m.cost(j, j.LimitS*max(1, j.Chain))
}

// cost is what all nodes of a job cost in so many seconds, in the profile's unit.
func (m *maker) cost(j *Job, seconds int) float64 {
	each, _ := m.cl.Bill()
	return float64(seconds*j.Total) * each / 3600
}

//go:build e2e

package testbed

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// endFaults are jobs that Slurm, or their owner, ends or begins again.
var endFaults = append([]fault{
	{
		name: "the time limit comes in a trial", class: endings, quick: true,
		exit: "FAILED 75", line: []string{"not all trials have run", "submit again"}, trials: "complete( complete)*( stopped)?( missing)+",
		run: timeIsOver,
	},
	{
		name: "the job is requeued in a trial", class: endings,
		exit: "COMPLETED 0", line: []string{"0002 c2: stopped (cancelled)"}, trials: "done complete complete",
		run: requeued,
	},
}, cancelled()...)

// cancelled are a scancel at the begin of each phase.
func cancelled() []fault {
	var all []fault
	const allComplete = "complete complete complete"
	for _, c := range []struct{ phase, trials string }{
		{"initialise", "missing missing missing"},
		{"deploy", "missing missing missing"},
		{"launch clients", "(missing|stopped) missing missing"},
		{"execute", "stopped missing missing"},
		{"tear down", allComplete}, // which is all that was asked for
		{"report", allComplete},
	} {
		words := []string{"cancelled"}
		if c.trials == allComplete {
			words = nil
		}
		all = append(all, fault{
			name: "scancel at the begin of " + c.phase, class: endings, rest: strings.Contains(c.trials, "missing"),
			exit: "(CANCELLED (0|143)|COMPLETED 0)", line: words, trials: c.trials,
			run: func(t *testing.T) seen {
				j := edited(t, "pair", 2, "duration: 6s", "duration: 2s").submit()
				j.until(c.phase, func() bool {
					return slices.ContainsFunc(j.events(), func(e event) bool { return e.words == "phase\t"+c.phase+"\tstart" })
				})
				at := time.Now()
				shell(t, "scancel "+j.id)
				s := j.seen(at)
				if c.trials == allComplete {
					s.noticed = 0 // it ended anyway
				} else if s.exit != "CANCELLED 143" {
					t.Errorf("it ended as %q", s.exit)
				}
				return s
			},
		})
	}
	return all
}

// timeIsOver is a job whose plan is longer than its limit: it stops in good order, and the next of its chain goes on where it
// stopped, to the end of the plan.
func timeIsOver(t *testing.T) seen {
	b := compile(t, "limit", 2)
	jobs := b.submitAll("--nodelist=" + strings.Join(b.nodes, ","))
	first, last := jobs[0], jobs[len(jobs)-1]
	for _, j := range jobs {
		if !within(patience, j.over) {
			t.Fatalf("job %s still waits or runs", j.id)
		}
	}
	s := first.seen(time.Time{}) // the others are on the same nodes
	s.noticed = 0                // Slurm's signal comes up to a minute early
	if a := first.account(); a.State != "resumable" || a.Cause != nil {
		t.Errorf("job.json: %s, cause %v, want resumable and none", a.State, a.Cause)
	}
	for trial, state := range first.account().states() {
		if state == "complete" {
			first.wantGood(trial)
		}
	}
	last.wait(completed)
	if rows := table(t, first.path("..", "summary.csv")); len(rows) != 9 {
		t.Errorf("over all jobs the report has %d trials, want 9", len(rows))
	}
	return s
}

// requeued is a job that Slurm begins again under its own number: the second time it runs what the first left.
func requeued(t *testing.T) seen {
	j := compile(t, "pair", 2).submit()
	j.until("first trial with its key", j.complete("0001"))
	j.until("start of the second trial", j.started("0002"))
	at := time.Now()
	shell(t, "scontrol update jobid="+j.id+" requeue=1 && scontrol requeue "+j.id)
	j.until("second run", func() bool { _, err := os.Stat(j.path() + ".2"); return err == nil })
	s := j.seen(at)
	again := &job{j.bundle, j.id + ".2"}
	s.trials = nil
	for _, trial := range again.account().Trials {
		s.trials = append(s.trials, trial.State)
	}
	return s
}

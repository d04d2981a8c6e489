package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hpcbench/agent/internal/ledger"
	"hpcbench/agent/internal/summary"
)

// Trial is a planned trial and what became of it.
type Trial struct {
	ID, Name string
	Job      string // that made the result; empty: none did
	Class    Class
	Why      string           // why it is not valid
	Summary  *summary.Summary // nil unless complete
	result   *result
}

// choose settles for every planned trial which result is the one to report.
func (r *Report) choose() {
	planned := r.planned()
	stale := map[string]int{} // results left out, by job
	for _, row := range planned {
		r.trials = append(r.trials, r.settle(row, stale))
	}
	r.foreign(planned, stale)
	for _, job := range r.jobs {
		if n := stale[job.id]; n > 0 {
			r.stale += n
			r.notes = append(r.notes, fmt.Sprintf("job %s: %s left out, made before the trial, its server or its image changed", job.id, plural(n, "stale result")))
		}
	}
	r.notes = append(r.notes, r.absent()...)
	slices.SortStableFunc(r.trials, func(a, b *Trial) int { return cmp.Compare(a.ID, b.ID) })
}

// planned are the trials of the newest job's plan, each as the newest job that lists it knows it, and those that no job
// came to. Where no job has a ledger they are the trials that left a result.
func (r *Report) planned() []ledger.Row {
	var rows []ledger.Row
	known := map[string]bool{}
	add := func(row ledger.Row) {
		if !known[row.Trial] {
			known[row.Trial] = true
			rows = append(rows, row)
		}
	}
	plan := ""
	for _, job := range r.jobs {
		if job.job != nil && job.ledger != nil {
			if plan = cmp.Or(plan, job.job.Plan); job.job.Plan != plan {
				continue
			}
		}
		for _, row := range job.ledger {
			add(row)
		}
	}
	if len(rows) == 0 {
		for _, job := range r.jobs {
			for _, found := range job.results {
				add(ledger.Row{Trial: found.trial, Key: found.key, Name: found.summary.Name})
			}
		}
	}
	// An index of another plan is one that nobody has submitted yet, and results/ may stand without its bundle.
	if unlisted, err := ledger.Planned(r.index, plan); err == nil {
		for _, row := range unlisted {
			add(row)
		}
	}
	return rows
}

// foreign counts results of trials that are not planned any more.
func (r *Report) foreign(planned []ledger.Row, stale map[string]int) {
	for _, job := range r.jobs {
		for id, found := range job.results {
			if found.key != "" && !slices.ContainsFunc(planned, func(row ledger.Row) bool { return row.Trial == id }) {
				stale[job.id]++
			}
		}
	}
}

// settle finds the latest complete result of the trial under its key of today, and counts those under another.
func (r *Report) settle(row ledger.Row, stale map[string]int) *Trial {
	t := &Trial{ID: row.Trial, Name: row.Name, Class: Missing}
	for _, job := range r.jobs {
		found := job.results[row.Trial]
		switch {
		case found == nil || found.key == "":
		case found.key != row.Key:
			stale[job.id]++
		case t.result == nil:
			t.result = found
		}
	}
	if t.result == nil {
		r.explain(t, row)
		return t
	}
	t.Job, t.Summary = t.result.run.id, t.result.summary
	t.Name = cmp.Or(t.Name, t.Summary.Name)
	switch marks := strings.Join(t.Summary.Doubts(), "; "); {
	case t.Summary.Client.Verdict == summary.ClientBound:
		t.Class, t.Why = ClientBound, joined(t.Summary.Client.Why, marks)
	case marks != "":
		t.Class, t.Why = Marked, marks
	default:
		t.Class = Valid
	}
	return t
}

// absent names the trials that nobody came to, in one line; none where there are none.
func (r *Report) absent() []string {
	var names []string
	for _, t := range r.trials {
		if t.Class == Missing && t.Why == "" {
			names = append(names, t.ID)
		}
	}
	const named = 12
	if len(names) > named {
		names = append(names[:named], fmt.Sprintf("and %d more", len(names)-named))
	}
	if len(names) == 0 {
		return nil
	}
	return []string{"missing: " + strings.Join(names, ", ")}
}

// joined puts a semicolon between two texts that are not empty.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// explain says why a trial has no result: the newest job that tried it failed at it, it was done by a job that is not
// here, or nobody came to it.
func (r *Report) explain(t *Trial, row ledger.Row) {
	if by, done := strings.CutPrefix(row.State, "done:"); done && !slices.ContainsFunc(r.jobs, func(j *run) bool { return j.id == by }) {
		t.Class, t.Job, t.Why = Earlier, by, "done by job "+by
		return
	}
	for _, run := range r.jobs {
		if run.job == nil {
			continue
		}
		for _, tried := range run.job.Trials {
			if tried.ID != t.ID || tried.Start == 0 {
				continue
			}
			t.Class, t.Job, t.Why = Failed, run.id, cmp.Or(tried.Text, tried.State)
			switch tried.State {
			case "start":
				t.Class, t.Why = Missing, "running, or cut off while it ran"
			case "stopped":
				t.Class, t.Why = Missing, joined("stopped before its end", tried.Text)
			}
			return
		}
	}
	for _, run := range r.jobs {
		if found := run.results[t.ID]; found != nil && found.key == "" {
			t.Class, t.Job, t.Why = Failed, run.id, cmp.Or(strings.Join(found.summary.Marks, "; "), "not complete")
			return
		}
	}
}

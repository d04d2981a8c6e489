package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Text is report.txt: at most 100 columns, for a terminal and the end of a job's log.
func (r *Report) Text() string {
	var b strings.Builder
	b.WriteString(wrap("", r.title()))
	if edited := r.edited(); edited != "" {
		b.WriteString(wrap("", edited))
	}
	b.WriteString("\nValidity\n" + wrap("  ", r.validity()))
	for _, t := range r.troubles() {
		b.WriteString(wrap("  "+t.Who+"  ", string(t.Class)+": "+t.Why))
	}
	for _, note := range r.notes {
		b.WriteString(wrap("  ", note))
	}
	if len(r.points) > 0 {
		b.WriteString("\n" + wrap("", r.numbersTitle()) + r.pointTable())
		b.WriteString(wrap("  ", r.legend()))
	}
	b.WriteString("\nFound\n" + wrap("  ", r.finding()))
	for i, job := range r.accounted() {
		if i == 0 {
			b.WriteString("\nJobs\n")
		}
		b.WriteString(wrap("  "+job.id+"  ", job.account()))
		for _, line := range job.quote() {
			b.WriteString("    | " + line + "\n")
		}
	}
	b.WriteString(r.lists())
	return b.String()
}

// title names what was measured.
func (r *Report) title() string {
	words := []string{cmp.Or(r.scenario(), "results")}
	if all := r.complete(); len(all) > 0 {
		for _, of := range []func(*Trial) string{
			func(t *Trial) string { return t.Summary.Service },
			func(t *Trial) string { return t.Summary.Model },
			func(t *Trial) string { return t.Summary.Dialect },
		} {
			if word := of(all[0]); word != "" && !slices.ContainsFunc(all, func(t *Trial) bool { return of(t) != word }) && !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
	}
	return strings.Join(words, " · ")
}

func (r *Report) scenario() string {
	for _, job := range r.jobs {
		if job.job != nil && job.job.Scenario != "" {
			return job.job.Scenario
		}
	}
	return ""
}

// validity counts the trials by class: "6 trials planned: 5 valid, 1 marked, 0 client-bound, 0 failed, 0 missing".
func (r *Report) validity() string {
	var words []string
	for _, c := range classes {
		if n := r.count(c); n > 0 || c != Earlier {
			words = append(words, fmt.Sprintf("%d %s", n, classWord(c)))
		}
	}
	if r.stale > 0 {
		words = append(words, plural(r.stale, "stale result")+" left out")
	}
	return fmt.Sprintf("%s planned: %s", plural(len(r.trials), "trial"), strings.Join(words, ", "))
}

func classWord(c Class) string {
	if c == Earlier {
		return "done by earlier jobs"
	}
	return string(c)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// repeated says whether any point was measured more than once.
func (r *Report) repeated() bool {
	return slices.ContainsFunc(r.points, func(p *point) bool { return len(p.trials) > 1 })
}

// restarted says whether the recipe asks for several starts of the server.
func (r *Report) restarted() bool {
	return slices.ContainsFunc(r.complete(), func(t *Trial) bool { return t.Summary.Restart > 0 })
}

// numbersTitle names the intervals: what each is of, and between what.
func (r *Report) numbersTitle() string {
	switch {
	case r.restarted():
		return "Numbers: mean over n trials ± half the 95 % t-interval between repetitions on one server start / between server starts (of their means)"
	case r.repeated():
		return "Numbers: mean ± half the 95 % t-interval between n repetitions"
	case slices.ContainsFunc(r.points, func(p *point) bool { return p.of(ttft50).ends(unit{}) != "" || p.of(e2el50).ends(unit{}) != "" }):
		return "Numbers, with their 95 % intervals within the run"
	}
	return "Numbers"
}

// bars says what the bars of a plot are; empty where there are none.
func (r *Report) bars() string {
	switch {
	case r.restarted():
		return "bars ± standard deviation of the means of the server starts"
	case r.repeated():
		return "bars ± standard deviation of the repetitions"
	}
	return ""
}

// sign marks numbers that are of a doubtful trial.
func (c Class) sign() string {
	switch c {
	case Marked:
		return " *"
	case ClientBound:
		return " †"
	}
	return ""
}

// legend explains the signs that occur.
func (r *Report) legend() string {
	var words []string
	low := func(p *point) bool {
		return slices.ContainsFunc(r.shown(), func(c column) bool { return p.of(c).low })
	}
	if slices.ContainsFunc(r.points, low) {
		words = append(words, "‡ too few requests to be sure of this percentile")
	}
	open := func(p *point) bool {
		return slices.ContainsFunc(r.numbers(p), func(c cell) bool { return strings.Contains(c.Spread, "?") })
	}
	if slices.ContainsFunc(r.points, open) {
		words = append(words, "? too few requests for this end of the interval")
	}
	if r.count(Marked) > 0 {
		words = append(words, "* of a marked trial")
	}
	if r.count(ClientBound) > 0 {
		words = append(words, "† of a client-bound trial")
	}
	if r.repeated() {
		words = append(words, "two repetitions make an interval of 9 standard deviations, three of 2.5")
	}
	return strings.Join(append(words, "latencies are of requests that ended ok"), "; ")
}

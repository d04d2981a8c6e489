package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Text is report.txt: at most 100 columns, for a terminal and the end of a job's log.
func (r *Report) Text() string {
	var b strings.Builder
	b.WriteString(wrap("", r.title()))
	b.WriteString("\nValidity\n" + wrap("  ", r.validity()))
	for _, t := range r.trials {
		if t.Why != "" && t.Class != Earlier {
			b.WriteString(wrap("  "+t.ID+" "+shorten(t.Name, 24)+"  ", string(t.Class)+": "+t.Why))
		}
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
	}
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

func (r *Report) numbersTitle() string {
	if r.repeated() {
		return "Numbers: mean ± standard deviation over n repetitions"
	}
	return "Numbers"
}

// pointTable has a line a point: its swept values, n, and the numbers, their means below each other.
func (r *Report) pointTable() string {
	words, numbers := r.pointHeads()
	limit := max(8, 48/max(1, len(r.keys)))
	for i := range words {
		words[i] = shorten(words[i], limit)
	}
	spread := make([]int, len(numbers))
	var rows [][]string
	for _, p := range r.points {
		for i, c := range r.numbers(p) {
			spread[i] = max(spread[i], width(c.Spread))
		}
	}
	for _, p := range r.points {
		row := r.words(p)
		for i := range row {
			row[i] = shorten(row[i], limit)
		}
		for i, c := range r.numbers(p) {
			row = append(row, c.Text+pad(c.Spread, spread[i], false))
		}
		rows = append(rows, row)
	}
	return table(append(words, numbers...), rows, len(words))
}

// pointHeads are the heads of the table of points: those of words and those of numbers.
func (r *Report) pointHeads() (words, numbers []string) {
	for _, k := range r.keys {
		words = append(words, k.label)
	}
	for _, c := range r.shown() {
		numbers = append(numbers, c.heading(r.unitOf(c)))
	}
	return append(words, "n"), numbers
}

// words are the point's swept values and its n.
func (r *Report) words(p *point) []string {
	var row []string
	for _, v := range p.values {
		row = append(row, say(v))
	}
	return append(row, strconv.Itoa(len(p.trials))+p.class().sign())
}

// numbers are the point's cells.
func (r *Report) numbers(p *point) []cell {
	var row []cell
	for _, c := range r.shown() {
		row = append(row, p.of(c).cell(r.unitOf(c)))
	}
	return row
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
	if r.count(Marked) > 0 {
		words = append(words, "* of a marked trial")
	}
	if r.count(ClientBound) > 0 {
		words = append(words, "† of a client-bound trial")
	}
	return strings.Join(append(words, "latencies are of requests that ended ok"), "; ")
}

// accounted are the jobs of which something is known; runs of agent load are none.
func (r *Report) accounted() []*run {
	return slices.DeleteFunc(slices.Clone(r.jobs), func(j *run) bool { return j.job == nil })
}

// account is a job in a line: how it ended, how long it took and why it failed.
func (r *run) account() string {
	j := r.job
	words := []string{j.State}
	if j.ExitStatus != nil {
		words = append(words, fmt.Sprintf("exit %d", *j.ExitStatus))
	}
	if n := len(j.Phases); n > 0 && j.Phases[0].Start > 0 {
		if end := max(j.Phases[n-1].End, j.Phases[n-1].Start); end > j.Phases[0].Start {
			words = append(words, clock(end-j.Phases[0].Start))
		}
	}
	if roles := r.roles(); roles != "" {
		words = append(words, roles)
	}
	if j.Cause != nil {
		words = append(words, "cause: "+j.Cause.Component+": "+j.Cause.Message)
	}
	return strings.Join(words, " · ")
}

// roles counts the job's nodes by role: "2 client, 1 server".
func (r *run) roles() string {
	var words []string
	for _, role := range []string{"monitor", "client", "server", "idle"} {
		names := map[string]bool{}
		for _, n := range r.job.Nodes {
			if n.Role == role {
				names[n.Name] = true
			}
		}
		if len(names) > 0 {
			words = append(words, fmt.Sprintf("%d %s", len(names), role))
		}
	}
	return strings.Join(words, ", ")
}

// clock is a stretch of seconds as 45 s, 3 min 20 s or 2 h 5 min.
func clock(s float64) string {
	n := int(s + 0.5)
	switch {
	case n < 60:
		return fmt.Sprintf("%d s", n)
	case n < 3600:
		return fmt.Sprintf("%d min %d s", n/60, n%60)
	}
	return fmt.Sprintf("%d h %d min", n/3600, n/60%60)
}

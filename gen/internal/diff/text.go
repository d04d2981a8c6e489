package diff

import (
	"fmt"
	"strings"
)

// Text is the report for a person: what changed in meaning, then the files in unified form, which patch reads.
func (r *Report) Text() string {
	var out strings.Builder
	section(&out, "trials", append(r.Trials.lines(), trialLines(r.Values)...))
	section(&out, "deployments", append(r.Deployments.lines(), valueLines(r.Started)...))
	section(&out, "directives", valueLines(r.Directives))
	for _, f := range r.Files {
		out.WriteString(f.Diff)
	}
	return out.String()
}

func section(out *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(out, "%s\n  %s\n", title, strings.Join(lines, "\n  "))
}

// many is from how many on names and values are only counted.
const many = 8

func (n Names) lines() []string {
	var lines []string
	for _, list := range []struct {
		word  string
		names []string
	}{{"added", n.Added}, {"removed", n.Removed}} {
		if len(list.names) > 0 {
			lines = append(lines, list.word+": "+enumerate(list.names))
		}
	}
	return lines
}

func enumerate(names []string) string {
	if len(names) > many {
		return fmt.Sprintf("%s … (%d)", strings.Join(names[:many-1], ", "), len(names))
	}
	return strings.Join(names, ", ")
}

// trialLines has a line a change, and one line for a path that changed differently in many trials.
func trialLines(values []Value) []string {
	count, trials := map[string]int{}, map[string]int{}
	for _, v := range values {
		count[v.Path]++
		trials[v.Path] += len(v.Trials)
	}
	var lines []string
	for _, v := range values {
		switch {
		case count[v.Path] <= many:
			lines = append(lines, fmt.Sprintf("%s  (%s)", v.line(), enumerate(v.Trials)))
		case trials[v.Path] > 0:
			lines = append(lines, fmt.Sprintf("%s: %d different changes in %d trials", v.Path, count[v.Path], trials[v.Path]))
			trials[v.Path] = 0 // told
		}
	}
	return lines
}

func valueLines(values []Value) []string {
	var lines []string
	for _, v := range values {
		lines = append(lines, v.File+": "+v.line())
	}
	return lines
}

func (v Value) line() string {
	return fmt.Sprintf("%s: %s -> %s", v.Path, orNone(v.From), orNone(v.To))
}

func orNone(s *string) string {
	switch {
	case s == nil:
		return "(none)"
	case *s == "":
		return "(empty)"
	}
	return *s
}

// Package diag is a problem in an input as a value: where it is, how bad, what is wrong and what cures it.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity is how bad a problem is: an Error stops the compile, a Warning does not (unless --strict), a Hint helps.
type Severity uint8

// The severities, worst first.
const (
	Error Severity = iota
	Warning
	Hint
)

// String is the severity's word in messages.
func (s Severity) String() string { return [...]string{"error", "warning", "hint"}[s] }

// Pos is a place in a file. Line and Col count from 1; Col counts characters, not bytes. The zero Pos is no place.
type Pos struct {
	File      string
	Line, Col int
}

// String is file:line:col, shorter where line or column is not known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Diagnostic is one problem. Message is lower case without a full stop; Cure, if known, says what to write instead.
type Diagnostic struct {
	Pos      Pos
	Severity Severity
	Code     string // stable name of the kind of problem, such as "unknown-field"
	Message  string
	Cure     string
	Fix      Fix // the cure for a program, where it is certain
}

// String is the diagnostic on one line: file:line:col: severity: message (cure).
func (d Diagnostic) String() string {
	text := d.Severity.String() + ": " + d.Message
	if d.Cure != "" {
		text += " (" + d.Cure + ")"
	}
	if d.Pos == (Pos{}) {
		return text
	}
	return d.Pos.String() + ": " + text
}

// List is what a stage found. A stage returns its own list and never appends to another's.
type List []Diagnostic

// Errorf adds an error. The cure may be empty.
func (l *List) Errorf(pos Pos, code, cure, format string, args ...any) {
	*l = append(*l, Diagnostic{Pos: pos, Severity: Error, Code: code, Message: fmt.Sprintf(format, args...), Cure: cure})
}

// Warnf adds a warning. The cure may be empty.
func (l *List) Warnf(pos Pos, code, cure, format string, args ...any) {
	*l = append(*l, Diagnostic{Pos: pos, Severity: Warning, Code: code, Message: fmt.Sprintf(format, args...), Cure: cure})
}

// Hintf adds a hint. The cure may be empty.
func (l *List) Hintf(pos Pos, code, cure, format string, args ...any) {
	*l = append(*l, Diagnostic{Pos: pos, Severity: Hint, Code: code, Message: fmt.Sprintf(format, args...), Cure: cure})
}

// Sorted is the list in source order, worst first at one place, without repeated diagnostics. Files keep the order in
// which they first appear.
func (l List) Sorted() List {
	files := map[string]int{}
	for _, d := range l {
		if _, seen := files[d.Pos.File]; !seen {
			files[d.Pos.File] = len(files)
		}
	}
	sorted := slices.Clone(l)
	slices.SortStableFunc(sorted, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(files[a.Pos.File], files[b.Pos.File]),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(sorted)
}

// Count is the number of diagnostics of one severity.
func (l List) Count(s Severity) int {
	n := 0
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Failed tells whether the list holds an error.
func (l List) Failed() bool { return l.Count(Error) > 0 }

// Strict is the list with every warning as an error.
func (l List) Strict() List {
	strict := slices.Clone(l)
	for i := range strict {
		if strict[i].Severity == Warning {
			strict[i].Severity = Error
		}
	}
	return strict
}

// Several is a number with its word: 1 node, 2 nodes.
func Several(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

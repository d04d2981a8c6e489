// Package diag is a problem in an input as a value: where it is, how bad, what is wrong and what cures it.
package diag

// Severity is how bad a problem is: an Error stops the compile, a Warning does not (unless --strict), a Hint helps.
type Severity uint8

// The severities, worst first.
const (
	Error Severity = iota
	Warning
	Hint
)

// Pos is a place in a file. Line and Col count from 1; Col counts characters, not bytes. The zero Pos is no place.
type Pos struct {
	File      string
	Line, Col int
}

// Diagnostic is one problem. Message is lower case without a full stop; Cure, if known, says what to write instead.
type Diagnostic struct {
	Pos      Pos
	Severity Severity
	Code     string // stable name of the kind of problem, such as "unknown-field"
	Message  string
	Cure     string
}

// List is what a stage found. A stage returns its own list and never appends to another's.
type List []Diagnostic

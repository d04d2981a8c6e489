package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hpcbench/gen/internal/ask"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/diff"
	"hpcbench/gen/internal/mend"
)

// mender goes through the diagnostics of one recipe with a person.
type mender struct {
	env
	asker   *ask.Asker
	around  surroundings
	strict  bool
	src     *source         // as it stands on disk
	settled map[string]bool // diagnostics that were answered, and are still there
	stuck   map[string]bool // those whose example is wrong as things stand: asked again when something else was mended
	mended  int
}

// asker asks on the command's own streams.
func (e env) asker() *ask.Asker {
	return &ask.Asker{In: bufio.NewReader(e.stdin), Out: e.stdout, Echo: !terminal(e.stdin)}
}

// interactive mends a recipe by answers, and says at the end what is left.
func (e env) interactive(name string, asker *ask.Asker, around surroundings, strict bool) error {
	if name == "-" {
		return usagef("-i mends a file, and reads its answers from the standard input")
	}
	m := &mender{env: e, asker: asker, around: around, strict: strict, settled: map[string]bool{}, stuck: map[string]bool{}}
	text, err := e.text(name)
	if err != nil {
		return err
	}
	if m.src, err = m.examine(name, text); err != nil {
		return err
	}
	if err := m.all(); errors.Is(err, ask.ErrEnd) && m.asker.Answered == 0 {
		return usagef("nobody answers on the standard input: run it in a terminal, or pipe in a line for each question")
	} else if err != nil && !errors.Is(err, ask.ErrEnd) {
		return err
	}
	if err := e.verdicts(m.src.Diags, []*source{m.src}); err != nil {
		return err
	}
	if m.mended > 0 {
		fmt.Fprintf(e.stdout, "%s: %d mended\n", name, m.mended)
	}
	if m.src.Diags.Failed() {
		return errFailed
	}
	return nil
}

// examine is the recipe as it would be with this text.
func (m *mender) examine(name string, text []byte) (*source, error) {
	src, err := m.env.examine(name, text, m.around)
	if err == nil && m.strict {
		src.Diags = src.Diags.Strict()
	}
	return src, err
}

// all asks for each diagnostic that has a cure, until there are no more or the person has enough.
func (m *mender) all() error {
	for {
		d, ok := m.next()
		if !ok {
			return nil
		}
		if then, err := m.one(d); then == stop || err != nil {
			return err
		}
	}
}

// next is the first diagnostic with a cure that nobody was asked about. What is missing comes last: a misspelt key, set
// right, may be it.
func (m *mender) next() (diag.Diagnostic, bool) {
	open := func(d diag.Diagnostic) bool {
		fix := cure(d)
		return fix.Do != "" && (fix.Do == diag.AddKey || fix.At.File == m.src.Name) && !m.settled[identity(d)] && !m.stuck[identity(d)]
	}
	first := slices.IndexFunc(m.src.Diags, func(d diag.Diagnostic) bool { return open(d) && d.Fix.Do != diag.AddKey })
	if first < 0 {
		first = slices.IndexFunc(m.src.Diags, open)
	}
	if first < 0 {
		return diag.Diagnostic{}, false
	}
	d := m.src.Diags[first]
	d.Fix = cure(d)
	return d, true
}

// wrongValue are the codes of errors that stand at a value, and are cured by another one.
var wrongValue = []string{"bad-value", "wrong-type", "out-of-range", "unknown-service", "unknown-cluster", "unknown-dialect", "parallel-size", "time-limit"}

// cure is what a program can do about a diagnostic; about a wrong value that it knows no better one for, to ask for one.
func cure(d diag.Diagnostic) diag.Fix {
	fix := d.Mend()
	if fix.Do == "" && d.Severity == diag.Error && d.Pos.Col > 0 && slices.Contains(wrongValue, d.Code) {
		return diag.Replace(d.Pos, "").Asked()
	}
	return fix
}

// identity is a diagnostic wherever it stands, for lines move as others are mended.
func identity(d diag.Diagnostic) string { return d.Code + "\x00" + d.Message }

const answers = `    y, or an empty line  do it
    n                    leave it as it is
    e                    do it with another value, which is asked for
    q                    stop; what was answered so far is in the file
`

const examples = `    an empty line        write the value in brackets, or nothing where there is none
    n                    leave it as it is
    q                    stop; what was answered so far is in the file
    anything else        is the value, as it would stand in the file
`

// outcome is what follows an answer.
type outcome uint8

const (
	again outcome = iota // the same question
	next                 // the next one
	stop                 // none
)

// one asks about one diagnostic, and mends it.
func (m *mender) one(d diag.Diagnostic) (outcome, error) {
	if err := printer(m.stdout, m.src).Print(m.stdout, diag.List{d}); err != nil {
		return stop, err
	}
	var after *source
	complaint := "left as it is"
	if d.Fix.Text != "" || !d.Fix.Ask {
		after, complaint = m.attempt(d, d.Fix)
	}
	if after == nil && !d.Fix.Ask {
		return next, m.leave(d, complaint)
	}
	if !d.Fix.Ask {
		m.show(after)
	}
	for {
		line, err := m.asker.Line(question(d.Fix))
		if err != nil {
			return stop, err
		}
		if then, err := m.answer(d, line, after, complaint); then != again || err != nil {
			return then, err
		}
	}
}

// answer does what a line says. After is the recipe with the fix as it is offered; nil where a complaint speaks against it.
func (m *mender) answer(d diag.Diagnostic, line string, after *source, complaint string) (outcome, error) {
	word := strings.ToLower(line)
	switch {
	case word == "", word == "y", word == "yes":
		return next, m.accept(d, after, complaint)
	case word == "n", word == "no":
		return next, m.leave(d, "")
	case word == "q", word == "quit":
		return stop, nil
	case d.Fix.Ask && word != "?":
		return m.try(d, line)
	case (word == "e" || word == "edit") && d.Fix.Text != "":
		value, err := m.asker.Line("  value [" + d.Fix.Text + "]: ")
		if err != nil {
			return stop, err
		}
		return m.try(d, cmp.Or(value, d.Fix.Text))
	}
	_, err := fmt.Fprint(m.stdout, answersTo(d.Fix))
	return again, err
}

// accept mends as it was offered. An example that is wrong as things stand may be right when more is mended.
func (m *mender) accept(d diag.Diagnostic, after *source, complaint string) error {
	switch {
	case after != nil:
		return m.write(after)
	case d.Fix.Text == "":
		return m.leave(d, complaint)
	}
	m.stuck[identity(d)] = true
	return m.complain(complaint)
}

// question is the prompt for a fix. An example is offered as the answer; what is certain as the thing to do.
func question(fix diag.Fix) string {
	switch {
	case !fix.Ask:
		return "  mend it? [Y/n/e/q/?] "
	case fix.Text == "":
		return "  another value (none leaves it): "
	}
	return fmt.Sprintf("  %s [%s]: ", cmp.Or(fix.Path, "value"), fix.Text)
}

// answersTo tells what one may answer.
func answersTo(fix diag.Fix) string {
	if fix.Ask {
		return examples
	}
	return answers
}

// leave settles a diagnostic without mending it.
func (m *mender) leave(d diag.Diagnostic, why string) error {
	m.settled[identity(d)] = true
	if why == "" {
		return nil
	}
	return m.complain(why)
}

// complain tells what speaks against something.
func (m *mender) complain(why string) error {
	_, err := fmt.Fprintf(m.stdout, "    %s\n", why)
	return err
}

// try mends with another value, where that one cures.
func (m *mender) try(d diag.Diagnostic, value string) (outcome, error) {
	fix := d.Fix
	fix.Text = value
	after, complaint := m.attempt(d, fix)
	if after == nil {
		return again, m.complain(complaint)
	}
	return next, m.write(after)
}

// attempt is the recipe with a fix, or what speaks against it: that it can't be done, that the diagnostic is still there,
// that the new value is wrong.
func (m *mender) attempt(d diag.Diagnostic, fix diag.Fix) (*source, string) {
	text, err := mend.Apply(m.src.Text, fix)
	if err != nil {
		return nil, err.Error()
	}
	after, err := m.examine(m.src.Name, text)
	if err != nil {
		return nil, err.Error()
	}
	before := map[string]int{}
	for _, d := range m.src.Diags {
		before[identity(d)]++
	}
	for _, now := range after.Diags {
		before[identity(now)]--
	}
	if before[identity(d)] < 1 {
		return nil, "this would not cure it: edit the file, and check again"
	}
	for _, now := range after.Diags {
		own := now.Pos == fix.At || fix.Path != "" && now.Pos == after.File.Pos(fix.Path) && now.Code != "missing-field"
		if own && now.Severity == diag.Error && before[identity(now)] < 0 {
			return nil, now.Message + cureOf(now)
		}
	}
	return after, ""
}

// cureOf is a diagnostic's cure in brackets.
func cureOf(d diag.Diagnostic) string {
	if d.Cure == "" {
		return ""
	}
	return " (" + d.Cure + ")"
}

// show prints the lines that would change.
func (m *mender) show(after *source) {
	old, young := strings.SplitAfter(string(m.src.Text), "\n"), strings.SplitAfter(string(after.Text), "\n")
	red, green, plain := "", "", ""
	if coloured(m.stdout) {
		red, green, plain = "\x1b[31m", "\x1b[32m", "\x1b[0m"
	}
	line := func(colour string, number int, sign, text string) {
		if diag.Secret(text) {
			text = "(a line with a secret)"
		}
		fmt.Fprintf(m.stdout, "  %s%4d %s %s%s\n", colour, number, sign, diag.Printable(strings.TrimRight(text, "\r\n")), plain)
	}
	for _, c := range diff.Changes(old, young) {
		for i := c.A; i < c.AEnd; i++ {
			line(red, i+1, "-", old[i])
		}
		for i := c.B; i < c.BEnd; i++ {
			line(green, i+1, "+", young[i])
		}
	}
}

// write puts the mended recipe in the place of the one on disk.
func (m *mender) write(after *source) error {
	if err := replaceFile(m.src.Name, m.src.Text, after.Text); err != nil {
		return err
	}
	m.src = after
	m.mended++
	m.stuck = map[string]bool{}
	return nil
}

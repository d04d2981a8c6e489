// Package mend carries out a diag.Fix on the text of a YAML file, and leaves every other byte as it is: comments, order,
// quotes, blank lines, line ends.
//
// The YAML parser tells where keys and values begin; where they end is read from the text. Afterwards the new text is
// parsed, and a mend that would have changed anything but what it was asked to is refused.
package mend

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/diag"
)

// Apply is the text with a fix carried out. An error says why that can't be done by a program.
func Apply(src []byte, fix diag.Fix) ([]byte, error) {
	if fix.Do == diag.UntabLines {
		return untab(string(src), fix.Text)
	}
	t, err := parse(string(src))
	if err != nil {
		return nil, err
	}
	var out string
	var want []string // what the new text must mean
	switch fix.Do {
	case diag.RenameKey:
		out, want, err = t.rename(fix)
	case diag.ReplaceValue:
		out, want, err = t.replace(fix)
	case diag.DeleteEntry:
		out, want, err = t.delete(fix)
	case diag.AddKey:
		out, want, err = t.add(fix)
	case diag.MoveEntry:
		out, want, err = t.move(fix)
	default:
		err = fmt.Errorf("no way to %q a place of a file", fix.Do)
	}
	if err != nil {
		return nil, err
	}
	after, err := parse(out)
	if err != nil || !same(after.means(edit{}), want) {
		return nil, errors.New("nothing but this can't be changed here: mend it by hand")
	}
	return []byte(out), nil
}

// untab replaces the tabs in the indentation of lines. What is no YAML before it must be some afterwards.
func untab(src, blanks string) ([]byte, error) {
	var out strings.Builder
	for line := range strings.Lines(src) {
		rest := strings.TrimLeft(line, " \t")
		out.WriteString(strings.ReplaceAll(line[:len(line)-len(rest)], "\t", blanks) + rest)
	}
	if _, err := parse(out.String()); err != nil {
		return nil, fmt.Errorf("blanks instead of tabs are not enough: %w", err)
	}
	return []byte(out.String()), nil
}

func (t *text) rename(fix diag.Fix) (string, []string, error) {
	e, err := t.find(fix.At)
	if err != nil {
		return "", nil, err
	}
	if e.key == nil {
		return "", nil, t.hard(e.value, "is no key")
	}
	a, b, err := t.token(e.key)
	if err != nil {
		return "", nil, err
	}
	return t.src[:a] + fix.Text + t.src[b:], t.means(edit{renamed: e.key, name: fix.Text}), nil
}

func (t *text) replace(fix diag.Fix) (string, []string, error) {
	value, err := line(fix.Text)
	if err != nil {
		return "", nil, err
	}
	e, err := t.find(fix.At)
	if err != nil {
		return "", nil, err
	}
	want := t.means(edit{replaced: e.value, by: value})
	if empty(e.value) {
		at, err := t.colon(e)
		return t.src[:at] + " " + fix.Text + t.src[at:], want, err
	}
	a, b, err := t.token(e.value)
	if err != nil {
		return "", nil, err
	}
	return t.src[:a] + fix.Text + t.src[b:], want, nil
}

func (t *text) delete(fix diag.Fix) (string, []string, error) {
	e, err := t.find(fix.At)
	if err != nil {
		return "", nil, err
	}
	return t.without(e, false)
}

// without is the text less an entry, and less the sections that have nothing else; with the comments right above it,
// where they go elsewhere with it.
func (t *text) without(e *entry, comments bool) (string, []string, error) {
	for e.alone() && e.up != nil {
		e, comments = e.up, false
	}
	if e.alone() {
		return "", nil, errors.New("nothing would be left of the file")
	}
	a, b, err := t.extent(e)
	if err != nil {
		return "", nil, err
	}
	if comments && !e.inFlow() {
		a = t.head(a)
	}
	return t.src[:a] + t.src[b:], t.means(edit{gone: e.value}), nil
}

func (t *text) add(fix diag.Fix) (string, []string, error) {
	value, err := line(fix.Text)
	if err != nil {
		return "", nil, err
	}
	names := strings.Split(fix.Path, ".")
	p := piece{flow: fix.Text, lines: block(value, fix.Text, t.step)}
	out, err := t.insert(names, p)
	return out, append(t.roomFor(names, edit{}), flatten(value, fix.Path, edit{})...), err
}

func (t *text) move(fix diag.Fix) (string, []string, error) {
	e, err := t.find(fix.At)
	if err != nil {
		return "", nil, err
	}
	if e.key == nil {
		return "", nil, t.hard(e.value, "is an item of a list")
	}
	p, err := t.piece(e)
	if err != nil {
		return "", nil, err
	}
	names := strings.Split(fix.Path, ".")
	gone := e
	for gone.alone() && gone.up != nil && !within(names, gone.up.path()) {
		gone = gone.up
	}
	want := append(t.roomFor(names, edit{gone: gone.value}), flatten(e.value, fix.Path, edit{})...)
	from := e.path()
	out, err := t.insert(names, p)
	if err != nil {
		return "", nil, err
	}
	moved, err := parse(out)
	if err != nil {
		return "", nil, errors.New("it can't be moved as it is written: mend it by hand")
	}
	old := moved.at(from)
	if old == nil {
		return "", nil, errors.New("it can't be moved as it is written: mend it by hand")
	}
	out, _, err = moved.without(old, true)
	return out, want, err
}

// within tells whether a path lies in a section.
func within(path, section []string) bool {
	return len(path) > len(section) && slices.Equal(path[:len(section)], section)
}

// line reads one line of YAML, such as a value to write.
func line(text string) (*yaml.Node, error) {
	if strings.ContainsAny(text, "\n\r") {
		return nil, errors.New("a value is written on one line")
	}
	t, err := parse("v: " + text)
	if err != nil || t.root.Kind != yaml.MappingNode || len(t.root.Content) != 2 {
		return nil, fmt.Errorf("%s is no value in YAML", text)
	}
	return t.root.Content[1], nil
}

package mend

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// piece is a value that is to be written: within brackets, or as lines.
type piece struct {
	flow  string   // "" where its lines can't stand within brackets
	above []string // comments above its key
	lines []string // the first stands behind the key and colon, with a blank or "" ; the others under it, by how much deeper
}

// piece is the value of an entry as it is written, with its comments.
func (t *text) piece(e *entry) (piece, error) {
	a, b, err := t.extent(e)
	if err != nil {
		return piece{}, err
	}
	if e.inFlow() {
		_, b, err := t.bare(e)
		if err != nil {
			return piece{}, err
		}
		at, err := t.colon(e)
		if err != nil {
			return piece{}, err
		}
		flow := strings.TrimSpace(t.src[at:b])
		return piece{flow: flow, lines: []string{blank(flow)}}, nil
	}
	at, err := t.colon(e)
	if err != nil {
		return piece{}, err
	}
	var p piece
	indent := e.key.Column - 1
	for _, line := range split(t.src[t.head(a):a]) {
		p.above = append(p.above, strings.TrimSpace(line))
	}
	for i, line := range split(t.src[at:b]) {
		if i > 0 {
			line = line[min(indent, len(line)-len(strings.TrimLeft(line, " "))):]
		}
		p.lines = append(p.lines, line)
	}
	if len(p.lines) == 1 && !strings.Contains(p.lines[0], " #") {
		p.flow = strings.TrimSpace(p.lines[0])
	}
	return p, nil
}

// split is a text as lines without their ends.
func split(s string) []string {
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines
}

// blank is a text with a blank before it, if it is any.
func blank(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}

// block is a value as lines: a section of sections has a line for each, anything else one.
func block(n *yaml.Node, flow string, step int) []string {
	deep := n.Kind == yaml.MappingNode && slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Kind == yaml.MappingNode })
	if !deep {
		return []string{blank(flow)}
	}
	lines := []string{""}
	t := &text{src: "v: " + flow, lines: []int{0}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := &entry{parent: n, key: n.Content[i], value: n.Content[i+1]}
		a, b, err := t.bare(e)
		at, errColon := t.colon(e)
		if err != nil || errColon != nil {
			return []string{blank(flow)}
		}
		inner := block(e.value, strings.TrimSpace(t.src[at:b]), step)
		lines = append(lines, strings.Repeat(" ", step)+t.src[a:at]+inner[0])
		for _, line := range inner[1:] {
			lines = append(lines, strings.Repeat(" ", step)+line)
		}
	}
	return lines
}

// insert writes a piece at a path, and the sections on the way that are not there.
func (t *text) insert(names []string, p piece) (string, error) {
	have := len(names) - 1
	for have > 0 && t.at(names[:have]) == nil {
		have--
	}
	if t.at(names[:have+1]) != nil {
		return "", fmt.Errorf("%s is there already", strings.Join(names, "."))
	}
	section := t.root
	var e *entry
	if have > 0 {
		e = t.at(names[:have])
		section = e.value
	}
	rest := names[have:]
	switch {
	case section.Kind == yaml.MappingNode && section.Style&yaml.FlowStyle != 0:
		return t.insertInFlow(e, section, rest, p)
	case section.Kind == yaml.MappingNode && len(section.Content) > 0:
		return t.insertLines(t.after(section, p), section.Column-1, rest, p)
	case e != nil && empty(section):
		row := e.key.Line - 1
		return t.insertLines(t.lineAfter(row), e.key.Column-1+t.step, rest, p)
	}
	return "", t.hard(section, "is no section")
}

// after is where a new entry of a section is written: behind the last of its own kind, a value or a section, since
// values stand before sections in most recipes; else behind all.
func (t *text) after(section *yaml.Node, p piece) int {
	at := -1
	for i := 0; i+1 < len(section.Content); i += 2 {
		e := &entry{parent: section, key: section.Content[i], value: section.Content[i+1]}
		_, b, err := t.extent(e)
		if err != nil { // the first shares its line with a dash
			b, err = t.end(e, e.key.Line-1, e.key.Column)
		}
		deep := e.value.Kind == yaml.MappingNode
		if err == nil && (at < 0 && i+2 >= len(section.Content) || deep == (len(p.lines) > 1 || strings.HasPrefix(p.flow, "{"))) {
			at = b
		}
	}
	return at
}

// lineAfter is where the line behind a row begins.
func (t *text) lineAfter(row int) int {
	if row+1 < len(t.lines) {
		return t.lines[row+1]
	}
	return len(t.src)
}

// insertLines writes a piece as lines of a block.
func (t *text) insertLines(at, indent int, names []string, p piece) (string, error) {
	if at < 0 {
		return "", errors.New("there is no place for it: mend it by hand")
	}
	var lines []string
	pad := func(depth int) string { return strings.Repeat(" ", indent+depth*t.step) }
	deep := len(names) - 1
	for i, name := range names[:deep] {
		lines = append(lines, pad(i)+name+":")
	}
	for _, comment := range p.above {
		lines = append(lines, pad(deep)+comment)
	}
	for i, line := range p.lines {
		switch {
		case i == 0:
			line = pad(deep) + names[deep] + ":" + line
		case line != "":
			line = pad(deep) + line
		}
		lines = append(lines, line)
	}
	before := t.src[:at]
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += t.eol
	}
	return before + strings.Join(lines, t.eol) + t.eol + t.src[at:], nil
}

// insertInFlow writes a piece within brackets; if it has lines of its own, the section gets lines first.
func (t *text) insertInFlow(e *entry, section *yaml.Node, names []string, p piece) (string, error) {
	if p.flow == "" || len(p.above) > 0 {
		return t.unfold(e, section, names, p)
	}
	value := p.flow
	for _, name := range slices.Backward(names[1:]) {
		value = "{" + name + ": " + value + "}"
	}
	word := names[0] + ": " + value
	a, _, err := t.token(section)
	if err != nil {
		return "", err
	}
	at := a + 1
	if n := len(section.Content); n > 0 {
		last := &entry{parent: section, key: section.Content[n-2], value: section.Content[n-1]}
		if _, at, err = t.bare(last); err != nil {
			return "", err
		}
		word = ", " + word
	}
	return t.src[:at] + word + t.src[at:], nil
}

// unfold writes a section within brackets as lines, and a piece behind them.
func (t *text) unfold(e *entry, section *yaml.Node, names []string, p piece) (string, error) {
	a, b, err := t.token(section)
	if err != nil {
		return "", err
	}
	if e == nil || e.inFlow() || strings.Contains(t.src[a:b], "\n") {
		return "", t.hard(section, "is written within brackets")
	}
	pad := strings.Repeat(" ", e.key.Column-1+t.step)
	var lines strings.Builder
	for i := 0; i+1 < len(section.Content); i += 2 {
		from, to, err := t.bare(&entry{parent: section, key: section.Content[i], value: section.Content[i+1]})
		if err != nil {
			return "", err
		}
		lines.WriteString(pad + t.src[from:to] + t.eol)
	}
	row := section.Line - 1
	comment := strings.TrimRight(t.src[b:t.lineAfter(row)], " \t\r\n")
	out := strings.TrimRight(t.src[:a], " ") + comment + t.eol + lines.String() + t.src[t.lineAfter(row):]
	unfolded, err := parse(out)
	if err != nil {
		return "", t.hard(section, "is written within brackets")
	}
	return unfolded.insert(append(e.path(), names...), p)
}

package mend

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// token is from where to where a value is written that stands within brackets, quotes or one line.
func (t *text) token(n *yaml.Node) (int, int, error) {
	a := t.offset(n)
	rest := t.src[a:]
	length := 0
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "" || strings.HasPrefix(rest, "!"):
		return 0, 0, t.hard(n, "has an anchor or a tag")
	case n.Kind == yaml.ScalarNode && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		length = quoted(rest)
	case n.Style&yaml.FlowStyle != 0:
		length = brackets(rest)
	case n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && strings.HasPrefix(rest, n.Value):
		length = len(n.Value)
	}
	if length == 0 && !empty(n) {
		return 0, 0, t.hard(n, "is written over several lines")
	}
	return a, a + length, nil
}

// quoted is the length of the quoted text at the beginning of s; 0 where there is none.
func quoted(s string) int {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[0] == '"' && s[i] == '\\':
			i++
		case s[i] == s[0] && s[0] == '\'' && strings.HasPrefix(s[i+1:], "'"):
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return 0
}

// brackets is the length of what stands between the bracket at the beginning of s and its counterpart, both with it; 0
// where there is none.
func brackets(s string) int {
	depth := 0
	fresh := true // a value may begin here, and so a quote
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '{', '[':
			depth, fresh = depth+1, true
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			fresh = false
		case ',', ':':
			fresh = true
		case '"', '\'':
			if fresh {
				i += max(quoted(s[i:])-1, 0)
			}
			fresh = false
		case '#':
			if i > 0 && strings.ContainsRune(" \t\n", rune(s[i-1])) {
				i += len(toLineEnd(s[i:])) - 1
			}
		case ' ', '\t', '\n', '\r':
		default:
			fresh = false
		}
		if depth == 0 {
			return 0
		}
	}
	return 0
}

func toLineEnd(s string) string {
	text, _, _ := strings.Cut(s, "\n")
	return text
}

// colon is the place behind the colon of an entry without a value.
func (t *text) colon(e *entry) (int, error) {
	if e.key == nil {
		return 0, t.hard(e.value, "has no value")
	}
	_, b, err := t.token(e.key)
	if err != nil {
		return 0, err
	}
	blanks := len(t.src[b:]) - len(strings.TrimLeft(t.src[b:], " \t"))
	if !strings.HasPrefix(t.src[b+blanks:], ":") {
		return 0, t.hard(e.key, "has no colon")
	}
	return b + blanks + 1, nil
}

// extent is from where to where an entry is written: whole lines in a block, with the comma of one within brackets.
func (t *text) extent(e *entry) (int, int, error) {
	if e.inFlow() {
		return t.extentInFlow(e)
	}
	first := e.value
	column := e.parent.Column
	if e.key != nil {
		first, column = e.key, e.key.Column
	}
	row := first.Line - 1
	if e.key == nil { // its dash stands before it, on its line or above
		for row >= 0 && !strings.HasPrefix(t.row(row)[min(column-1, len(t.row(row))):], "-") {
			row--
		}
	}
	if row < 0 || strings.Trim(t.row(row)[:min(column-1, len(t.row(row)))], " \ufeff") != "" {
		return 0, 0, t.hard(first, "shares its first line")
	}
	end, err := t.end(e, row, column)
	return t.lines[row] + bom(t.row(row)), end, err
}

// bom is the length of the byte order mark at the beginning of a line.
func bom(line string) int { return len(line) - len(strings.TrimPrefix(line, "\ufeff")) }

// end is where the last line of an entry ends: the last that is indented deeper than its key. Comments in between are in
// it, those behind it only where they are as deep.
func (t *text) end(e *entry, row, column int) (int, error) {
	last := row
	if e.value.Style&(yaml.FlowStyle|yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 && e.value.Kind != yaml.AliasNode {
		_, b, err := t.token(e.value) // its further lines may stand anywhere
		if err != nil {
			return 0, err
		}
		for last+1 < len(t.lines) && t.lines[last+1] < b {
			last++
		}
	}
	dashes := e.key != nil && e.value.Kind == yaml.SequenceNode && e.value.Style&yaml.FlowStyle == 0
	for next := last + 1; next < len(t.lines); next++ {
		line := strings.TrimRight(t.row(next), " \t\r\n")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case line == "" || indent < column && strings.HasPrefix(line[indent:], "#"):
		case indent >= column || dashes && indent == column-1 && strings.HasPrefix(line[indent:], "-"):
			last = next
		default:
			next = len(t.lines)
		}
	}
	if last+1 < len(t.lines) {
		return t.lines[last+1], nil
	}
	return len(t.src), nil
}

// row is a line of the text, counted from 0, with its end.
func (t *text) row(i int) string {
	if i+1 < len(t.lines) {
		return t.src[t.lines[i]:t.lines[i+1]]
	}
	return t.src[t.lines[i]:]
}

// extentInFlow is an entry within brackets, with the comma behind it, or else the one before it.
func (t *text) extentInFlow(e *entry) (int, int, error) {
	a, b, err := t.bare(e)
	if err != nil {
		return 0, 0, err
	}
	if rest := strings.TrimLeft(t.src[b:], " \t\r\n"); strings.HasPrefix(rest, ",") {
		b = len(t.src) - len(rest) + 1
		return a, b + len(t.src[b:]) - len(strings.TrimLeft(t.src[b:], " ")), nil
	}
	if before := strings.TrimRight(t.src[:a], " \t\r\n"); strings.HasSuffix(before, ",") {
		a = len(before) - 1
	}
	return a, b, nil
}

// bare is an entry within brackets without its comma.
func (t *text) bare(e *entry) (int, int, error) {
	if e.key == nil {
		return t.token(e.value)
	}
	a, _, err := t.token(e.key)
	if err != nil {
		return 0, 0, err
	}
	if empty(e.value) {
		b, err := t.colon(e)
		return a, b, err
	}
	_, b, err := t.token(e.value)
	return a, b, err
}

// head is where the comments right above a line begin, those that are indented as it is. The comment at the top of the
// file tells of the whole.
func (t *text) head(a int) int {
	row := 0
	for row+1 < len(t.lines) && t.lines[row+1] <= a {
		row++
	}
	own := t.row(row)
	indent := own[:len(own)-len(strings.TrimLeft(own, " "))]
	first := row
	for first > 0 && strings.HasPrefix(t.row(first-1), indent+"#") {
		first--
	}
	if first == 0 {
		return a
	}
	return t.lines[first]
}

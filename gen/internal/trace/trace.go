// Package trace follows the lines of text/template templates into the text that they make.
//
// Mark puts an invisible tag before everything that a template prints, its own text line by line and each action; the
// tag says where in the template that stands. Lines takes the tags out of the text again and tells of each line where it
// came from. A tag is a place between two control characters that are in no value.
package trace

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
)

// Place is a line of a template file, from 1.
type Place struct {
	File string
	Line int
}

// Tag is the place as it stands in a text.
func (p Place) Tag() string { return fmt.Sprintf("\x01%s:%d\x02", p.File, p.Line) }

// tag is a tag of what stands behind it, or, with \x03 at its end, of the word before it.
var tag = regexp.MustCompile("\x01([^\x01-\x03]*):([0-9]+)([\x02\x03])")

// Line is a line of a text, and the places that it came from in the order in which they stand on it.
type Line struct {
	Text   string
	Places []Place
}

// Tags are the line's places as tags to stand behind its text: it may be a word of another text then.
func (l Line) Tags() string {
	var all strings.Builder
	for _, p := range l.Places {
		all.WriteString(strings.TrimSuffix(p.Tag(), "\x02") + "\x03")
	}
	return all.String()
}

// Mark tags what t prints; src is its text, and file the name that its places get.
func Mark(t *template.Template, file, src string) {
	m := marker{file, src}
	m.list(t.Root)
}

type marker struct{ file, src string }

func (m marker) place(at parse.Pos) Place { return Place{m.file, 1 + strings.Count(m.src[:at], "\n")} }

func (m marker) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	var marked []parse.Node
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			n.Text = []byte(TagLines(m.file, m.place(n.Pos).Line, string(n.Text)))
		case *parse.ActionNode, *parse.TemplateNode:
			marked = append(marked, &parse.TextNode{NodeType: parse.NodeText, Pos: n.Position(), Text: []byte(m.place(n.Position()).Tag())})
		case *parse.IfNode:
			m.lists(&n.BranchNode)
		case *parse.RangeNode:
			m.lists(&n.BranchNode)
		case *parse.WithNode:
			m.lists(&n.BranchNode)
		}
		marked = append(marked, n)
	}
	l.Nodes = marked
}

func (m marker) lists(n *parse.BranchNode) {
	m.list(n.List)
	m.list(n.ElseList)
}

// TagLines tags each line of a text that is in a file from line first on.
func TagLines(file string, first int, text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(Place{file, first}.Tag() + line)
		first++
	}
	return out.String()
}

// Lines takes a text apart at its line ends and the tags out of it. Of a line's places those count that something
// stands behind; of a blank line the last. What stands before a line's first tag is the rest of a value that has
// several lines, and came from where that began.
func Lines(text string) []Line {
	var all []Line
	var current []Place // where what stands before the next tag came from
	for raw := range strings.SplitSeq(text, "\n") {
		line := Line{Text: tag.ReplaceAllString(raw, "")}
		found := tag.FindAllStringSubmatchIndex(raw, -1)
		if (len(found) == 0 || strings.TrimSpace(raw[:found[0][0]]) != "" && raw[found[0][6]] == 2) && current != nil {
			line.add(current[0])
		}
		for i, at := range found {
			if raw[at[6]] == 3 {
				line.add(placeOf(raw, at))
				continue
			}
			current = []Place{placeOf(raw, at)}
			end := len(raw)
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			if strings.TrimSpace(raw[at[1]:end]) != "" {
				line.add(current[0])
			}
		}
		if len(line.Places) == 0 {
			line.Places = current
		}
		all = append(all, line)
	}
	return all
}

// Strip is a text without its tags.
func Strip(text []byte) []byte { return tag.ReplaceAll(text, nil) }

func placeOf(raw string, at []int) Place {
	line, err := strconv.Atoi(raw[at[4]:at[5]])
	if err != nil {
		line = 0 // a tag with more digits than a line can have: none of ours
	}
	return Place{raw[at[2]:at[3]], line}
}

func (l *Line) add(p Place) {
	if !slices.Contains(l.Places, p) {
		l.Places = append(l.Places, p)
	}
}

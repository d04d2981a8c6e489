package mend

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/diag"
)

// text is a YAML file with its tree.
type text struct {
	src   string
	lines []int // where each line begins
	root  *yaml.Node
	eol   string // the end of its lines
	step  int    // columns by which it indents
}

// parse reads a text of one document. Its root is a mapping.
func parse(src string) (t *text, err error) {
	defer func() {
		if p := recover(); p != nil { // yaml.v3 panics on some broken texts
			t, err = nil, fmt.Errorf("it is not YAML: %v", p)
		}
	}()
	if strings.ContainsAny(strings.ReplaceAll(src, "\r\n", "\n"), "\r\u0085\u2028\u2029") {
		return nil, errors.New("it has line ends that are neither \\n nor \\r\\n") // and YAML counts them as lines
	}
	var doc, second yaml.Node
	d := yaml.NewDecoder(strings.NewReader(src))
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("it is not YAML: %w", err)
	}
	if !errors.Is(d.Decode(&second), io.EOF) || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("it is not one mapping of keys to values")
	}
	t = &text{src: src, lines: []int{0}, root: doc.Content[0], eol: "\n"}
	for i := range src {
		if src[i] == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	if strings.Contains(src, "\r\n") {
		t.eol = "\r\n"
	}
	t.step = indentation(t.root)
	return t, nil
}

// indentation is by how much the first section is indented in its parent; 2 where there is none.
func indentation(n *yaml.Node) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 && value.Column > key.Column {
			return value.Column - key.Column
		}
	}
	return 2
}

// entry is a key with its value, or an item of a list.
type entry struct {
	parent     *yaml.Node
	key, value *yaml.Node // no key: an item
	up         *entry     // whose value the parent is; nil where that is the root
}

// alone tells whether the entry is all that its section has.
func (e *entry) alone() bool {
	if e.key == nil {
		return len(e.parent.Content) == 1
	}
	return len(e.parent.Content) == 2
}

// inFlow tells whether the entry stands between brackets.
func (e *entry) inFlow() bool { return e.parent.Style&yaml.FlowStyle != 0 }

// path are the names from the root.
func (e *entry) path() []string {
	var names []string
	for ; e != nil; e = e.up {
		if e.key != nil {
			names = append([]string{e.key.Value}, names...)
		}
	}
	return names
}

// entries calls f for every entry, until it says that this is enough.
func entries(n *yaml.Node, up *entry, f func(*entry) bool) bool {
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	} else if n.Kind != yaml.SequenceNode {
		return false
	}
	for i := 0; i+step <= len(n.Content); i += step {
		e := &entry{parent: n, value: n.Content[i+step-1], up: up}
		if step == 2 {
			e.key = n.Content[i]
		}
		if f(e) || entries(e.value, e, f) {
			return true
		}
	}
	return false
}

// find is the entry whose key stands at a place, else the one whose value does.
func (t *text) find(pos diag.Pos) (*entry, error) {
	var found *entry
	at := func(n *yaml.Node) bool { return n != nil && n.Line == pos.Line && n.Column == pos.Col }
	if !entries(t.root, nil, func(e *entry) bool { found = e; return at(e.key) }) &&
		!entries(t.root, nil, func(e *entry) bool { found = e; return at(e.value) }) {
		return nil, fmt.Errorf("nothing begins at line %d, column %d", pos.Line, pos.Col)
	}
	return found, nil
}

// at is the entry at a path of names; nil where there is none.
func (t *text) at(names []string) *entry {
	n := t.root
	var found *entry
	for _, name := range names {
		var next *entry
		if n.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == name {
					next = &entry{parent: n, key: n.Content[i], value: n.Content[i+1], up: found}
					break
				}
			}
		}
		if next == nil {
			return nil
		}
		found, n = next, next.value
	}
	return found
}

// offset is where a node begins.
func (t *text) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(t.lines) {
		return len(t.src)
	}
	at := t.lines[n.Line-1]
	if n.Line == 1 {
		at = len(t.src) - len(strings.TrimPrefix(t.src, "\ufeff"))
	}
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(t.src[at:])
		at += size
	}
	return at
}

// hard is the error of what a program had better not touch.
func (t *text) hard(n *yaml.Node, why string) error {
	return fmt.Errorf("what begins at line %d, column %d, %s: mend it by hand", n.Line, n.Column, why)
}

// empty tells whether nothing is written where the value would be.
func empty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Tag == "!!null" && n.Anchor == "" && n.Style == 0
}

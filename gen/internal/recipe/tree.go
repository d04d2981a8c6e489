package recipe

import (
	"cmp"
	"maps"
	"slices"

	"hpcbench/gen/internal/diag"
)

// node is a value with its place. YAML's own tree becomes one of these when every trap of YAML is out of the way:
// aliases and merges are followed, keys are strings and stand once.
type node struct {
	kind   shape
	pos    diag.Pos
	key    diag.Pos // of the key before it; of the value itself in a list
	fields []field  // of a mapping, in order
	items  []*node  // of a list
	value  any      // of a scalar: string, int64, uint64, float64, bool
	text   string   // of a scalar, as written
	plain  bool     // a scalar without quotes
	sweep  bool     // a list of alternatives
	bad    bool     // an error was already reported here
	absent bool     // a place that other points of the sweep have a value in
}

type shape uint8

const (
	null shape = iota
	scalar
	list
	mapping
)

type field struct {
	name string
	*node
}

// get is the field's value, nil where there is none.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for _, f := range n.fields {
		if f.name == name {
			return f.node
		}
	}
	return nil
}

// at follows names, or indices of lists, downwards; nil where the way ends. A sweep stands for its first alternative.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		if n = n.first().get(name); n == nil {
			return nil
		}
	}
	return n
}

// first is the node itself, or the first alternative of a sweep.
func (n *node) first() *node {
	if n != nil && n.sweep && len(n.items) > 0 {
		return n.items[0]
	}
	return n
}

// set replaces the field's value or adds the field.
func (n *node) set(name string, value *node) {
	for i, f := range n.fields {
		if f.name == name {
			n.fields[i].node = value
			return
		}
	}
	n.fields = append(n.fields, field{name, value})
}

// add adds a scalar to a mapping that has no such field.
func (n *node) add(name string, value any) {
	if n != nil && n.kind == mapping && n.get(name) == nil {
		n.set(name, wrap(value))
	}
}

// remove takes the field out.
func (n *node) remove(name string) {
	n.fields = slices.DeleteFunc(n.fields, func(f field) bool { return f.name == name })
}

// plainValue is the node as the values that JSON Schema and templates know, with the first alternative of each sweep.
func (n *node) plainValue() any {
	switch n = n.first(); n.kind {
	case mapping:
		m := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			m[f.name] = f.plainValue()
		}
		return m
	case list:
		items := make([]any, 0, len(n.items))
		for _, item := range n.items {
			items = append(items, item.plainValue())
		}
		return items
	case scalar:
		return n.value
	}
	return nil
}

// wrap makes a node, without places, of plain values. Keys of a map come in alphabetical order.
func wrap(v any) *node {
	switch v := v.(type) {
	case nil:
		return &node{kind: null}
	case map[string]any:
		n := &node{kind: mapping}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			n.fields = append(n.fields, field{name, wrap(v[name])})
		}
		return n
	case []any:
		n := &node{kind: list}
		for _, item := range v {
			n.items = append(n.items, wrap(item))
		}
		return n
	case int:
		return &node{kind: scalar, value: int64(v)}
	}
	return &node{kind: scalar, value: v}
}

// equal tells whether two nodes say the same, wherever they stand.
func (n *node) equal(m *node) bool {
	return n.kind == m.kind && n.value == m.value &&
		slices.EqualFunc(n.items, m.items, (*node).equal) &&
		slices.EqualFunc(n.fields, m.fields, func(a, b field) bool { return a.name == b.name && a.equal(b.node) })
}

// clone is a deep copy.
func (n *node) clone() *node {
	c := *n
	c.fields = slices.Clone(n.fields)
	for i, f := range c.fields {
		c.fields[i].node = f.clone()
	}
	c.items = slices.Clone(n.items)
	for i, item := range c.items {
		c.items[i] = item.clone()
	}
	return &c
}

// walk calls f for the node and all below it, in order, with dotted paths.
func (n *node) walk(path string, f func(path string, n *node)) {
	f(path, n)
	for _, child := range n.fields {
		child.walk(join(path, child.name), f)
	}
	for _, item := range n.items {
		item.walk(path, f)
	}
}

// join is the dotted path of a field.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// before orders places in one file.
func before(a, b diag.Pos) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
}

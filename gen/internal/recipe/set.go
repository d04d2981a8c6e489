package recipe

import (
	"strings"

	"hpcbench/gen/internal/diag"
)

// Set is a value of the command line, --set PATH=VALUE, which wins over the recipe's. Value is YAML: 8, [1, 8], {a: b}.
type Set struct{ Path, Value string }

// String is the setting as one writes it.
func (s Set) String() string { return s.Path + "=" + s.Value }

// apply puts the settings into the tree, with themselves as their place.
func apply(root *node, sets []Set) diag.List {
	var all diag.List
	for _, s := range sets {
		at := diag.Pos{File: "--set " + s.Path}
		if strings.ContainsAny(s.Value, "\n\r") {
			all.Errorf(at, "set", "put it into the recipe", "a setting is one line")
			continue
		}
		value, diags := parse(at.File, []byte("value: "+s.Value))
		for _, d := range diags {
			d.Pos = at
			all = append(all, d)
		}
		if value == nil || value.get("value") == nil {
			continue
		}
		value.walk("", func(_ string, n *node) { n.pos, n.key = at, at })
		all = append(all, put(root, s.Path, value.get("value"))...)
	}
	return all
}

// put sets the value at a dotted path and makes the sections on the way.
func put(root *node, path string, value *node) diag.List {
	var l diag.List
	names := strings.Split(path, ".")
	n := root
	for _, name := range names[:len(names)-1] {
		next := n.get(name)
		if next == nil || next.kind == null {
			next = &node{kind: mapping, pos: value.pos, key: value.pos}
			n.set(name, next)
		}
		if next.kind != mapping {
			l.Errorf(value.pos, "set", "", "%s is no section: nothing can be set below it", name)
			return l
		}
		n = next
	}
	n.set(names[len(names)-1], value)
	return l
}

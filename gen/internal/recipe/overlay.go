package recipe

import (
	"fmt"
	"strings"

	"hpcbench/gen/internal/diag"
)

// overlay is a mapping of sweep.points or sweep.exclude in the shape of the recipe: dotted keys are sections.
func overlay(point *node) *node {
	tree := &node{kind: mapping, pos: point.pos, key: point.key}
	for _, f := range point.fields {
		value, names := f.node, strings.Split(f.name, ".")
		for len(names) > 1 {
			section := &node{kind: mapping, pos: f.key, key: f.key}
			section.set(names[len(names)-1], value)
			value, names = section, names[:len(names)-1]
		}
		section := &node{kind: mapping, pos: point.pos, key: point.key}
		section.set(names[0], value)
		tree = tree.under(section)
	}
	for _, move := range []struct{ old, now string }{
		{nodesOf + "clients.clients_per_node", "workload.clients_per_node"},
		{"artifacts.dataset", "workload.dataset"},
	} {
		if n := tree.at(strings.Split(move.old, ".")...); n != nil {
			tree.drop(strings.Split(move.old, "."))
			if section := (&node{kind: mapping, pos: n.pos, key: n.key}); !put(section, move.now, n).Failed() {
				tree = tree.under(section)
			}
		}
	}
	return tree
}

// drop takes a value out, with the sections that it leaves empty; what others may share is copied.
func (n *node) drop(names []string) {
	for i, f := range n.fields {
		if f.name != names[0] {
			continue
		}
		c := *f.node
		c.fields = append([]field{}, f.fields...)
		if len(names) > 1 {
			c.drop(names[1:])
		}
		if len(names) == 1 || len(c.fields) == 0 {
			n.remove(f.name)
		} else {
			n.fields[i].node = &c
		}
		return
	}
}

// listed are the mappings of sweep.points or sweep.exclude.
func listed(root *node, key string) []*node {
	var all []*node
	n := root.at("sweep", key)
	if n == nil || n.kind != list {
		return nil
	}
	for _, item := range n.items {
		if item.kind == mapping {
			all = append(all, item)
		}
	}
	return all
}

// overlays are the points and exclusions of the sweep in the shape of the recipe.
func overlays(root *node) []*node {
	var all []*node
	for _, key := range []string{"points", "exclude"} {
		for _, point := range listed(root, key) {
			all = append(all, overlay(point))
		}
	}
	return all
}

// furtherPoints holds the points of the sweep, and what is excluded, against the schema of what they are laid over.
func furtherPoints(root *node) diag.List {
	v := validator{root: root, schema: recipeSchema(), partial: true}
	points := len(listed(root, "points"))
	for i, tree := range overlays(root) {
		if v.root = tree; i >= points {
			tree.drop(strings.Split(suite, ".")) // is excluded by its name
		}
		v.single("", tree, v.schema)
		v.validate(tree, v.schema, "")
	}
	return v.diags
}

// single refuses lists where a point has one value, and what all points share.
func (v *validator) single(path string, n *node, s *schema) {
	switch {
	case s == nil || n.bad:
	case s.fixed || path == suite:
		v.diags.Errorf(n.key, "not-swept", "write it in the recipe itself", "%s can't be in a point: it is the same for the whole recipe", path)
		n.bad = true
	case n.kind == mapping:
		for _, f := range n.fields {
			if s.keys != nil && !s.keys.MatchString(f.name) {
				v.name(f, path)
			}
			v.single(join(path, f.name), f.node, s.below(f.name))
		}
	case n.kind == list && s.swept():
		v.diags.Errorf(n.pos, "nested-sweep", "write a point for each value", "%s is a list, and a point has one value", path)
		n.bad = true
	}
}

// suite is the list of named loads, each a point.
const suite = "workload.benchmark_suite"

// leaves are the values of an overlay by their paths, down to where a value is one thing.
func leaves(tree *node) []place {
	var all []place
	var walk func(path string, n *node, s *schema)
	walk = func(path string, n *node, s *schema) {
		if n.kind != mapping || s != nil && path != "" && s.swept() && s.takes("object") {
			all = append(all, place{path, n})
			return
		}
		for _, f := range n.fields {
			var below *schema
			if s != nil {
				below = s.below(f.name)
			}
			walk(join(path, f.name), f.node, below)
		}
	}
	walk("", tree, recipeSchema())
	return all
}

// Unset is the swept value of a point that has none where other points of its sweep have one.
const Unset = "unset"

// short is a value as it stands among the swept values of a point: a scalar, or what names a section.
func (n *node) short() any {
	switch {
	case n == nil || n.absent || n.kind == null:
		return Unset
	case n.kind == scalar:
		return n.scalar()
	case n.kind == list:
		return strings.Join(n.words(), ",")
	}
	if name, ok := n.get("name").str(); ok {
		return name
	}
	var words []string
	for _, f := range n.fields {
		words = append(words, fmt.Sprintf("%s-%s", f.name, strings.Join(f.words(), "-")))
	}
	return strings.Join(words, ",")
}

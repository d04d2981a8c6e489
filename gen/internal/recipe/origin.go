package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/service"
)

// Leaf is one scalar of the whole recipe, defaults included, or one value of a list.
type Leaf struct {
	Path    string
	Pos     diag.Pos // in the recipe, in the schema for a default of it, or none for what follows from something else
	Written bool     // by the recipe or the command line
	Value   string   // on one line
	List    string   // path and all values of the list that it is one of, "" where it is none

	at           string  // path of what the values below stand for: Path, or the list in whose sections it is
	like, unlike []*node // values of the same kind; its absence (nil), and the other words of an enum
}

// Leaves are the scalars of the whole recipe in their order.
func (f *File) Leaves() []Leaf {
	var all []Leaf
	var walk func(path string, n *node)
	walk = func(path string, n *node) {
		for _, child := range n.fields {
			walk(join(path, child.name), child.node)
		}
		switch n.kind {
		case scalar:
			like, unlike := f.others(path, n)
			all = append(all, f.leaf(path, n, n, like, append(unlike, nil)))
		case list:
			if len(n.items) > longList {
				all = append(all, f.long(path, n))
				return
			}
			for i, item := range n.items {
				if item.kind == mapping {
					all = append(all, f.inside(path, n, i)...)
					continue
				}
				like, _ := f.others(path, item)
				for k := range like {
					like[k] = n.with(i, like[k])
				}
				all = append(all, f.leaf(path, n, item, like, []*node{n.with(i, nil)}))
			}
		}
	}
	walk("", f.full)
	return append(all, f.silent("", recipeSchema())...)
}

// silent are the keys that the recipe lacks and a plan has a value for, which the schema says in words.
func (f *File) silent(path string, s *schema) []Leaf {
	var all []Leaf
	for _, field := range s.fields {
		at := join(path, field.name)
		if text, ok := field.silent.str(); ok && !field.old && f.full.at(strings.Split(at, ".")...) == nil {
			example, _ := f.others(at, wrap(field.example))
			all = append(all, Leaf{Path: at, at: at, Pos: field.silent.pos, Value: text, like: example})
		}
		if !field.old {
			all = append(all, f.silent(at, field)...)
		}
	}
	return all
}

// inside are the scalars of a section that is an item of a list.
func (f *File) inside(path string, whole *node, i int) []Leaf {
	var all []Leaf
	whole.items[i].walk(path, func(p string, n *node) {
		if n.kind != scalar {
			return
		}
		like, unlike := f.others(p, n)
		with := func(others []*node) (lists []*node) {
			for _, other := range others {
				c := whole.clone()
				c.items[i] = whole.items[i].replaced(n, other)
				lists = append(lists, c)
			}
			return lists
		}
		l := f.leaf(path, n, n, with(like), append(with(unlike), whole.with(i, nil)))
		l.Path = p
		all = append(all, l)
	})
	return all
}

// replaced is a copy in which another node stands in the place of one below.
func (n *node) replaced(old, other *node) *node {
	if n == old {
		return other
	}
	c := *n
	c.fields, c.items = slices.Clone(n.fields), slices.Clone(n.items)
	for i := range c.fields {
		c.fields[i].node = c.fields[i].replaced(old, other)
	}
	for i := range c.items {
		c.items[i] = c.items[i].replaced(old, other)
	}
	return &c
}

// longList is the length from which on a list is one leaf, for each try of a value is a compile.
const longList = 16

// long is a long list as one leaf, and it with all values changed or one less.
func (f *File) long(path string, n *node) Leaf {
	changed := n.clone()
	for i, item := range n.items {
		if like, _ := f.others(path, item); len(like) > 0 {
			changed.items[i] = like[len(like)-1]
		}
	}
	l := f.leaf(path, n, n, []*node{changed}, []*node{n.with(len(n.items)-1, nil)})
	l.Value, l.List = oneLine(n), ""
	return l
}

// leaf is the leaf of a scalar, which is the value at path or an item of it.
func (f *File) leaf(path string, whole, n *node, like, unlike []*node) Leaf {
	l := Leaf{Path: path, at: path, Pos: n.pos, Value: oneLine(n), like: like, unlike: unlike}
	written := f.written.at(strings.Split(path, ".")...)
	if l.Written = written != nil; l.Written && l.Pos == (diag.Pos{}) {
		l.Pos = written.pos
	}
	if whole.kind == list {
		l.List = path + ": " + oneLine(whole)
	}
	if whole.sweep {
		l.Value += " of " + oneLine(whole)
	}
	return l
}

func oneLine(n *node) string {
	if n.kind == list {
		return clip(strings.ReplaceAll(n.json(), ",", ", "))
	}
	if n.kind == scalar && n.plain {
		return clip(n.text)
	}
	return clip(n.json())
}

// with is a list with another item in the place of one, or without it.
func (n *node) with(i int, item *node) *node {
	c := n.clone()
	if item == nil {
		c.items = append(c.items[:i], c.items[i+1:]...)
	} else {
		c.items[i] = item
	}
	return c
}

// others are values that a scalar could have instead: a little and a lot more, longer at either end, the other of two;
// and the other words of its enum.
func (f *File) others(path string, n *node) (like, unlike []*node) {
	add := func(values ...any) {
		for _, v := range values {
			like = append(like, wrap(v))
		}
	}
	switch v := n.value.(type) {
	case bool:
		add(!v)
	case int64:
		add(v+1, v*10+7)
	case uint64:
		add(v - 1)
	case float64:
		add(v+1, v*10+7)
	case string:
		if s, err := seconds(v); err == nil {
			add(s+1, s*10+7)
		} else if s, err := timeLimit(v); err == nil {
			add(s+60, s*10+7)
		} else {
			add(v+"x", "x"+v)
		}
		for _, word := range wordsOf(path) {
			if word != v {
				unlike = append(unlike, wrap(word))
			}
		}
	}
	return like, unlike
}

// wordsOf are the words that the schema allows at a path; none where it allows any, or does not know the path.
func wordsOf(path string) []string {
	s := recipeSchema()
	for name := range strings.SplitSeq(path, ".") {
		if s = s.field(name); s == nil {
			return nil
		}
	}
	return s.enum
}

// Like is the number of values of Vary that are of the leaf's own kind; those up to All say what hangs on it otherwise.
func (l Leaf) Like() int { return len(l.like) }

// All is the number of values of Vary.
func (l Leaf) All() int { return len(l.like) + len(l.unlike) }

// Vary is the recipe with the leaf's i-th other value, unchecked: what gen explains a bundle by, and nothing is made of.
func (f *File) Vary(l Leaf, i int) *File {
	c := *f
	c.written = f.written.clone()
	value := append(l.like[:len(l.like):len(l.like)], l.unlike...)[i]
	if at := strings.LastIndex(l.at, "."); value == nil {
		if section := c.written.at(strings.Split(l.at[:max(0, at)], ".")...); at > 0 && section != nil {
			section.remove(l.at[at+1:])
		} else if at < 0 {
			c.written.remove(l.at)
		}
	} else if d := put(c.written, l.at, value.clone()); d.Failed() {
		panic(fmt.Sprintf("%s is a leaf, and can't be set: %v", l.at, d)) // its sections are mappings, or it was none
	}
	c.complete()
	c.full.order(f.full)
	return &c
}

// order puts fields into the order in which another node has them, those that it lacks behind.
func (n *node) order(like *node) {
	at := map[string]int{}
	for i, f := range like.fields {
		at[f.name] = i + 1
	}
	slices.SortStableFunc(n.fields, func(a, b field) int {
		return cmp.Compare(cmp.Or(at[a.name], len(at)+1), cmp.Or(at[b.name], len(at)+1))
	})
	for _, f := range n.fields {
		if other := like.get(f.name); other != nil {
			f.order(other)
		}
	}
}

// WrittenAt is the place of a key that the recipe or the command line has; false where it is a default's.
func (f *File) WrittenAt(path string) (diag.Pos, bool) {
	n := f.written.at(strings.Split(path, ".")...)
	if n == nil {
		return diag.Pos{}, false
	}
	return n.key, true
}

// Under is the recipe under another service and profile, unchecked like Vary's.
func (f *File) Under(svc *service.Service, cl *cluster.Profile) *File {
	c := *f
	c.service, c.profile, c.written = svc, cl, f.written.clone()
	if svc != f.service {
		if err := c.learn(); err != nil {
			c.settings = f.settings
		}
	}
	c.complete()
	return &c
}

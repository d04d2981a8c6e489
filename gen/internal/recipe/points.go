package recipe

import (
	"slices"
	"strings"

	"hpcbench/gen/internal/diag"
)

// MaxPoints is the largest sweep. Check refuses more.
const MaxPoints = 100_000

// Sweep is one scalar of a recipe that is given as a list.
type Sweep struct {
	Path   string
	Values []any // string, int, float64 or bool
	Pos    diag.Pos
}

// Sweeps are the lists of alternatives in the order of the recipe. Those in servers.service_config are known after Check, which
// learns from the service which of its settings are lists by nature; before it every list there counts as a sweep.
func (f *File) Sweeps() []Sweep {
	var sweeps []Sweep
	for _, s := range f.swept() {
		sweep := Sweep{Path: s.path, Pos: s.pos}
		for _, item := range s.items {
			sweep.Values = append(sweep.Values, item.short())
		}
		sweeps = append(sweeps, sweep)
	}
	return sweeps
}

// place is a node with its path.
type place struct {
	path string
	*node
}

func (f *File) swept() []place {
	var swept []place
	f.full.walk("", func(path string, n *node) {
		if n.sweep && !n.bad {
			swept = append(swept, place{path, n})
		}
	})
	return swept
}

// variation is what changes from point to point: the lists of the recipe, alone or together, and the points that its
// sweep names one by one.
type variation struct {
	paths   []string  // of what changes, in the order of Point.Values
	axes    []axis    // the first changes slowest
	none    bool      // there is no product of axes, only further points
	further [][]*node // by point, by path; nil: as the recipe has it
	exclude [][]place
	matched []int            // how many points each exclusion took out
	base    map[string]*node // the recipe by path
	own     []*node          // by path: what the recipe itself has
}

// axis is a list, or several that go together: rows of alternatives for some of the paths.
type axis struct {
	columns []int
	rows    [][]*node
}

// variation finds what changes in the file.
func (f *File) variation() *variation {
	v := &variation{}
	mode, _ := f.full.at("sweep", "mode").str()
	v.none = mode == "list"
	swept := f.swept()
	for i, s := range swept {
		v.paths = append(v.paths, s.path)
		v.axes = append(v.axes, axis{columns: []int{i}})
		for _, item := range s.items {
			v.axes[i].rows = append(v.axes[i].rows, []*node{item})
		}
	}
	if mode == "zip" && len(swept) > 0 {
		v.axes = []axis{zip(v.axes)}
	}
	v.points(f.full)
	for _, one := range listed(f.full, "exclude") {
		v.exclude = append(v.exclude, leaves(overlay(one)))
	}
	v.matched = make([]int, len(v.exclude))
	v.base = f.full.room(v.paths[len(swept):]).index()
	for _, path := range v.paths {
		v.own = append(v.own, v.base[path])
	}
	return v
}

// zip makes one axis of several, as long as the shortest; Check has refused unequal ones.
func zip(axes []axis) axis {
	var all axis
	shortest := len(axes[0].rows)
	for _, a := range axes {
		shortest = min(shortest, len(a.rows))
	}
	for i := range shortest {
		var row []*node
		for _, a := range axes {
			row = append(row, a.rows[i][0])
		}
		all.rows = append(all.rows, row)
	}
	for i := range axes {
		all.columns = append(all.columns, i)
	}
	return all
}

// points takes sweep.points in: their paths, and what each has there.
func (v *variation) points(full *node) {
	column := map[string]int{}
	for i, path := range v.paths {
		column[path] = i
	}
	var all [][]place
	for _, point := range listed(full, "points") {
		some := leaves(overlay(point))
		all = append(all, some)
		for _, l := range some {
			if _, known := column[l.path]; !known {
				column[l.path] = len(v.paths)
				v.paths = append(v.paths, l.path)
			}
		}
	}
	for _, some := range all {
		row := make([]*node, len(v.paths))
		for _, l := range some {
			row[column[l.path]] = l.node
		}
		v.further = append(v.further, row)
	}
}

// room is the tree with a place for each path, empty where the tree has nothing.
func (n *node) room(paths []string) *node {
	if len(paths) == 0 {
		return n
	}
	c := n.clone()
	for _, path := range paths {
		at := c
		names := strings.Split(path, ".")
		for i, name := range names {
			next := at.get(name)
			if next == nil {
				next = &node{kind: null, absent: true}
				if i < len(names)-1 {
					next.kind = mapping
				}
				at.set(name, next)
			}
			if at = next; at.kind != mapping {
				break
			}
		}
	}
	return c
}

// size is the number of points before anything is excluded, and false where it is above MaxPoints.
func (v *variation) size() (int, bool) {
	n := 1
	if v.none {
		n = 0
	}
	for _, a := range v.axes {
		if n *= len(a.rows); n > MaxPoints {
			return n, false
		}
	}
	n += len(v.further)
	return n, n <= MaxPoints
}

// choose puts the i-th point into the index.
func (v *variation) choose(i int) {
	product, _ := v.size()
	product -= len(v.further)
	if i >= product {
		for j, n := range v.further[i-product] {
			if n == nil {
				n = v.own[j].first()
			}
			v.base[v.paths[j]] = n
		}
		return
	}
	for j := range v.paths {
		v.base[v.paths[j]] = v.own[j]
	}
	for k := len(v.axes) - 1; k >= 0; k-- {
		a := v.axes[k]
		for j, n := range a.rows[i%len(a.rows)] {
			v.base[v.paths[a.columns[j]]] = n
		}
		i /= len(a.rows)
	}
}

// excluded tells whether the point in the index is left out.
func (v *variation) excluded() bool {
	out := false
	for i, all := range v.exclude {
		if !slices.ContainsFunc(all, func(p place) bool { return !v.base[p.path].is(p.node) }) {
			v.matched[i]++
			out = true
		}
	}
	return out
}

// is tells whether a point's value is the one that an exclusion names; a section may be meant by its name.
func (n *node) is(other *node) bool {
	if n == nil || n.absent {
		return false
	}
	return n.equal(other) || n.kind == mapping && other.kind == scalar && n.short() == other.value
}

// Count is the number of points, and false where it is above MaxPoints.
func (f *File) Count() (int, bool) {
	v := f.variation()
	size, ok := v.size()
	if !ok || len(v.exclude) == 0 {
		return size, ok
	}
	n := 0
	for i := range size {
		if v.choose(i); !v.excluded() {
			n++
		}
	}
	return n, true
}

// Points are the product of the sweeps in the order of the recipe, the first swept key changing slowest, and the points
// of its sweep section. A recipe without a sweep has one point. Points share nothing that can be changed.
func (f *File) Points() []Point {
	var points []Point
	f.each(func(v *values) { points = append(points, Point{v.values(), v.recipe()}) })
	return points
}

// each calls do with the values of each point, which are reused, and tells what varied.
func (f *File) each(do func(*values)) *variation {
	vary := f.variation()
	size, ok := vary.size()
	if !ok {
		return vary
	}
	v := &values{file: f, variation: vary, parsed: map[any]float64{}}
	for i := range size {
		if vary.choose(i); !vary.excluded() {
			do(v)
		}
	}
	return vary
}

// index is every node below by its path.
func (n *node) index() map[string]*node {
	index := map[string]*node{}
	var add func(path string, n *node)
	add = func(path string, n *node) {
		index[path] = n
		for _, f := range n.fields {
			add(join(path, f.name), f.node)
		}
	}
	add("", n)
	return index
}

// scalar is the node's value in the types of Value.V.
func (n *node) scalar() any {
	if i, ok := n.value.(int64); ok {
		return int(i)
	}
	return n.value
}

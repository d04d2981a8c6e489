package recipe

import "hpcbench/gen/internal/diag"

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
			sweep.Values = append(sweep.Values, item.scalar())
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

// Count is the number of points, and false where it is above MaxPoints.
func (f *File) Count() (int, bool) {
	n := 1
	for _, s := range f.swept() {
		if n *= len(s.items); n > MaxPoints {
			return n, false
		}
	}
	return n, true
}

// Points is the product of the sweeps in the order of the recipe: the first swept key changes slowest. A recipe without
// a sweep has one point. Points share nothing that can be changed.
func (f *File) Points() []Point {
	var points []Point
	f.each(func(v *values) { points = append(points, Point{v.values(), v.recipe()}) })
	return points
}

// each calls do with the values of each point; the values are reused.
func (f *File) each(do func(*values)) {
	count, ok := f.Count()
	if !ok || f.full == nil {
		return
	}
	swept := f.swept()
	v := &values{file: f, base: f.full.index(), chosen: make([]place, len(swept)), parsed: map[any]float64{}}
	for i := range count {
		for j, rest := len(swept)-1, i; j >= 0; j-- {
			items := swept[j].items
			v.chosen[j] = place{swept[j].path, items[rest%len(items)]}
			rest /= len(items)
		}
		do(v)
	}
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

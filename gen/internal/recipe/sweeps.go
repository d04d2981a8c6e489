package recipe

import (
	"fmt"

	"hpcbench/gen/internal/diag"
)

// sweepRules: what lists and points can't make together. Its errors leave nothing to go through.
func (f *File) sweepRules() diag.List {
	var l diag.List
	mode, _ := f.full.at("sweep", "mode").str()
	swept, points := f.swept(), listed(f.full, "points")
	switch {
	case mode == "list" && len(points) == 0:
		l.Errorf(f.Pos("sweep.mode"), "no-points", "write points: [{…}, …], or another mode", "sweep.mode is list, and there are no points")
	case mode == "list" && len(swept) > 0:
		for _, s := range swept {
			l.Errorf(s.pos, "sweep-mode", "write one value, or sweep.mode: product", "%s is a list, and sweep.mode is list: sweep.points has every point", s.path)
		}
	case mode == "zip":
		for _, s := range swept[min(1, len(swept)):] {
			if first := swept[0]; len(s.items) != len(first.items) {
				l.Errorf(s.pos, "sweep-zip", "make all lists equally long", "%s has %s, and %s on line %d has %d: with sweep.mode zip they go together",
					s.path, diag.Several(len(s.items), "value"), first.path, first.pos.Line, len(first.items))
			}
		}
	}
	if mode != "list" {
		l = append(l, f.lacking(swept, points)...)
	}
	f.names(&l)
	if n, ok := f.variation().size(); !ok && !l.Failed() {
		at := f.Pos("sweep.points")
		if len(swept) > 0 {
			at = swept[0].pos
		}
		l.Errorf(at, "sweep-size", "shorten a list", "the sweep makes %d points or more, at most %d", n, MaxPoints)
	}
	for _, s := range swept {
		if len(s.items) == 1 && s.path != suite {
			l.Hintf(s.pos, "one-value", fmt.Sprintf("write %s without brackets, or more values", s.items[0].shown()), "%s is a list of one value: nothing varies", s.path)
			l.Fix(diag.Replace(s.pos, flow(s.items[0])))
		}
	}
	return l
}

// lacking: a point beside the product must say which value of each list it has.
func (f *File) lacking(swept []place, points []*node) diag.List {
	var l diag.List
	for i, point := range points {
		has := map[string]bool{}
		for _, p := range leaves(overlay(point)) {
			has[p.path] = true
		}
		for _, s := range swept {
			if !has[s.path] {
				l.Errorf(point.pos, "point", fmt.Sprintf("write %s in it, too", s.path), "point %d of sweep.points has no value of %s, which is a list", i+1, s.path)
			}
		}
	}
	return l
}

// names: each entry of the suite is known by its own.
func (f *File) names(l *diag.List) {
	list := f.full.get("workload").get("benchmark_suite")
	if list == nil {
		return
	}
	seen := map[string]*node{}
	for _, e := range list.items {
		name, ok := e.get("name").str()
		if first := seen[name]; ok && first != nil {
			l.Errorf(e.get("name").pos, "repeated-value", "give it another name", "benchmark_suite has %q twice, first on line %d", clip(name), first.pos.Line)
		}
		seen[name] = e
	}
}

// exclusions: each should leave something out, and something must stay.
func (f *File) exclusions(v *variation, points int) diag.List {
	var l diag.List
	for i, one := range listed(f.full, "exclude") {
		if v.matched[i] == 0 {
			l.Warnf(one.pos, "exclude", "write the values as the lists have them", "this leaves no point out: none has all of its values")
			l.Fix(diag.Delete(one.pos))
		}
	}
	if size, _ := v.size(); points == 0 && size > 0 && len(v.exclude) > 0 {
		l.Errorf(f.Pos("sweep.exclude"), "exclude", "delete one of them", "sweep.exclude leaves no point at all")
	}
	if points > manyPoints && len(f.swept()) > 0 {
		l.Warnf(f.swept()[0].pos, "large-sweep", "is it meant?", "the sweep makes %d points", points)
	}
	return l
}

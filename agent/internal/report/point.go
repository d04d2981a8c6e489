package report

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"hpcbench/agent/internal/interval"
	"hpcbench/agent/internal/summary"
)

// key is a swept value's path in the recipe.
type key struct {
	path  string
	label string // the last element of path, or the whole where that is ambiguous
}

// point is the complete trials of one cell of the sweep: its repetitions, on every start of the server.
type point struct {
	values []any // by key of the report
	trials []*Trial
}

// sweep finds the swept values that differ, the slowest to change first, and groups the complete trials by them.
func (r *Report) sweep() {
	trials := r.complete()
	for _, k := range keysOf(trials) {
		if changes(trials, k.path) > 0 {
			r.keys = append(r.keys, k)
		}
	}
	slices.SortStableFunc(r.keys, func(a, b key) int { return cmp.Compare(changes(trials, a.path), changes(trials, b.path)) })
	byName := map[string]*point{}
	for _, t := range trials {
		var p point
		for _, k := range r.keys {
			p.values = append(p.values, t.Summary.Point[k.path])
		}
		name, err := json.Marshal(t.Summary.Point) // keys sorted
		if err != nil {
			panic(err) // it came from JSON
		}
		if byName[string(name)] == nil {
			byName[string(name)] = &p
			r.points = append(r.points, &p)
		}
		found := byName[string(name)]
		found.trials = append(found.trials, t)
	}
	r.sort()
}

// sort orders the points by their values, those of the first key first: numbers by size, the rest as the trials come.
func (r *Report) sort() {
	first := make([]map[string]int, len(r.keys)) // place of a value's first trial
	for i := range r.keys {
		first[i] = map[string]int{}
		for place, p := range r.points {
			if _, seen := first[i][say(p.values[i])]; !seen {
				first[i][say(p.values[i])] = place
			}
		}
	}
	slices.SortStableFunc(r.points, func(a, b *point) int {
		for i := range r.keys {
			x, isNumber := a.values[i].(float64)
			y, areNumbers := b.values[i].(float64)
			order := cmp.Compare(first[i][say(a.values[i])], first[i][say(b.values[i])])
			if isNumber && areNumbers {
				order = cmp.Compare(x, y)
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
}

// keysOf are the paths of all swept values, sorted.
func keysOf(trials []*Trial) []key {
	var keys []key
	for _, t := range trials {
		for path := range t.Summary.Point {
			if !slices.ContainsFunc(keys, func(k key) bool { return k.path == path }) {
				keys = append(keys, key{path: path})
			}
		}
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Compare(a.path, b.path) })
	for i := range keys {
		keys[i].label = last(keys[i].path)
		for j := range keys {
			if i != j && last(keys[j].path) == last(keys[i].path) {
				keys[i].label = keys[i].path
			}
		}
	}
	return keys
}

// last is the last element of a recipe path.
func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// changes is how often the value at path differs between a trial and the next.
func changes(trials []*Trial, path string) int {
	n := 0
	for i := 1; i < len(trials); i++ {
		if say(trials[i-1].Summary.Point[path]) != say(trials[i].Summary.Point[path]) {
			n++
		}
	}
	return n
}

// say is a swept value as people write it.
func say(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(text)
}

// stat is a number over the repetitions of a point. What differs from one repetition to the next on a running server, and
// what differs from one start of the server to another, are two things, and are not mixed.
type stat struct {
	n    int
	mean float64
	sd   float64 // standard deviation over repetitions on one server start; NaN where no start has two
	low  bool    // a quantile that some repetition's sample can't carry

	freedom int // degrees of freedom of sd: repetitions less the starts that they are on

	restarted bool    // the recipe asks for several starts of the server
	starts    float64 // standard deviation of the means of the server starts; NaN for one start
	begun     int     // how many starts have the number

	within summary.Interval // of a quantile of a lone trial: its interval within the run
}

// known says whether any repetition has the number.
func (s stat) known() bool { return s.n > 0 }

// repeats is half the 95 % t-interval of the mean between repetitions, on the server starts that there were; NaN where no
// start has two.
func (s stat) repeats() float64 {
	if s.freedom == 0 {
		return math.NaN()
	}
	return interval.T(s.freedom) * s.sd / math.Sqrt(float64(s.n))
}

// between is half the 95 % t-interval of the mean between server starts, each of which counts as one value: the mean of its
// repetitions. NaN for one start.
func (s stat) between() float64 {
	if s.begun < 2 {
		return math.NaN()
	}
	return interval.T(s.begun-1) * s.starts / math.Sqrt(float64(s.begun))
}

// bar is the deviation that a plot shows: over server starts where there are several, else over repetitions.
func (s stat) bar() float64 {
	if s.restarted {
		return s.starts
	}
	return s.sd
}

// of takes a column over a point's repetitions. Those without the number are not counted.
func (p *point) of(c column) stat {
	s := stat{sd: math.NaN(), starts: math.NaN()}
	var all, means []float64
	squares := 0.0 // within the starts
	for _, start := range p.starts() {
		var values []float64
		for _, t := range start.trials {
			s.restarted = s.restarted || t.Summary.Restart > 0
			if v, ok := c.of(t.Summary); ok {
				values = append(values, v)
				s.low = s.low || slices.Contains(t.Summary.LowN, c.low)
			}
		}
		if len(values) > 0 {
			all, means = append(all, values...), append(means, mean(values))
			squares, s.freedom = squares+deviations(values), s.freedom+len(values)-1
		}
	}
	s.n, s.mean, s.begun = len(all), mean(all), len(means)
	if s.freedom > 0 {
		s.sd = math.Sqrt(squares / float64(s.freedom))
	}
	if len(p.trials) == 1 && c.span != nil {
		s.within = c.span(p.trials[0].Summary)
	}
	if len(means) > 1 {
		s.starts = math.Sqrt(deviations(means) / float64(len(means)-1))
	}
	return s
}

// starts are the point's trials by the start of the server that they ran on.
func (p *point) starts() []*point {
	var all []*point
	for _, t := range p.trials {
		i := slices.IndexFunc(all, func(s *point) bool { return s.trials[0].Summary.Restart == t.Summary.Restart })
		if i < 0 {
			i, all = len(all), append(all, &point{values: p.values})
		}
		all[i].trials = append(all[i].trials, t)
	}
	slices.SortStableFunc(all, func(a, b *point) int { return cmp.Compare(a.trials[0].Summary.Restart, b.trials[0].Summary.Restart) })
	return all
}

// deviations is the sum of the squared distances from the mean.
func deviations(values []float64) (squares float64) {
	m := mean(values)
	for _, v := range values {
		squares += (v - m) * (v - m)
	}
	return squares
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// class is the worst of its trials'.
func (p *point) class() Class {
	worst := Valid
	for _, t := range p.trials {
		if slices.Index(classes, t.Class) > slices.Index(classes, worst) {
			worst = t.Class
		}
	}
	return worst
}

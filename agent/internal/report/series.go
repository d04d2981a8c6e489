package report

import (
	"cmp"
	"slices"
	"strings"
)

// axes are the swept values that make the best x axis, by the last element of their path, with what the axis is called.
var axes = []struct{ name, title string }{
	{"concurrency", "requests in flight"},
	{"target_rps", "requests due per second"},
	{"rate", "requests due per second"},
	{"clients_per_node", "clients per node"},
}

// series is the points that differ in the x axis alone, by rising x.
type series struct {
	label  string // the other swept values
	x      []float64
	points []*point
}

// axis is the index of the key to plot over and the axis' title: a load where one is swept, else the first key that is
// a number throughout; false when there is none.
func (r *Report) axis() (int, string, bool) {
	for _, a := range axes {
		for i, k := range r.keys {
			if last(k.path) == a.name && r.numeric(i) {
				return i, a.title, true
			}
		}
	}
	for i, k := range r.keys {
		if r.numeric(i) {
			return i, k.label, true
		}
	}
	return 0, "", false
}

// numeric says whether the key's value is a number at every point.
func (r *Report) numeric(key int) bool {
	for _, p := range r.points {
		if _, ok := p.values[key].(float64); !ok {
			return false
		}
	}
	return true
}

// series splits the points by all keys but the one to plot over.
func (r *Report) series(axis int) []*series {
	var all []*series
	for _, p := range r.points {
		label := r.brief(p, axis)
		i := slices.IndexFunc(all, func(s *series) bool { return s.label == label })
		if i < 0 {
			i, all = len(all), append(all, &series{label: label})
		}
		all[i].points = append(all[i].points, p)
	}
	for _, s := range all {
		slices.SortStableFunc(s.points, func(a, b *point) int { return cmp.Compare(a.values[axis].(float64), b.values[axis].(float64)) })
		for _, p := range s.points {
			s.x = append(s.x, p.values[axis].(float64))
		}
	}
	return all
}

// label names a point by its values, one key left out: "concurrency 8, dialect openai-chat". -1 leaves out none.
func (r *Report) label(p *point, without int) string {
	var words []string
	for i, k := range r.keys {
		if i != without {
			words = append(words, k.label+" "+say(p.values[i]))
		}
	}
	return strings.Join(words, ", ")
}

// brief is label without the names of words, which say themselves what they are: "openai-chat, batch 8".
func (r *Report) brief(p *point, without int) string {
	var words []string
	for i, k := range r.keys {
		word := say(p.values[i])
		if _, plain := p.values[i].(string); !plain {
			word = k.label + " " + word
		}
		if i != without {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// What counts as a change worth a sentence.
const (
	rises = 2.0  // latency has risen when it is this many times that of the least load
	flat  = 1.05 // what changes by less than this factor does not change
)

// finding says in one sentence what the numbers say: where throughput is highest and what that costs, and from where
// latency rises.
func (r *Report) finding() string {
	best := r.best()
	if best == nil {
		return r.nothing()
	}
	where := ""
	if len(r.points) > 1 {
		where = "Throughput is highest at " + r.label(best, -1) + ": "
		if best.class() == ClientBound {
			where = "The client was the limit; throughput was highest at " + r.label(best, -1) + ": "
		}
	}
	said := where + strings.Join(r.figures(best), ", ")
	if rise := r.rise(best); rise != "" {
		said += "; " + rise
	}
	return strings.ToUpper(said[:1]) + said[1:] + "."
}

// best is the point with the most output tokens per second, or requests where tokens are not known; nil when no point
// has a rate. Points whose client was the limit count only when there are no others.
func (r *Report) best() *point {
	for _, c := range []column{tokenRate, requestRate} {
		for _, bound := range []bool{false, true} {
			points := slices.DeleteFunc(slices.Clone(r.points), func(p *point) bool {
				return !p.of(c).known() || (p.class() == ClientBound) != bound
			})
			if len(points) > 0 {
				return slices.MaxFunc(points, func(a, b *point) int { return cmp.Compare(a.of(c).mean, b.of(c).mean) })
			}
		}
	}
	return nil
}

// nothing says why there is no number.
func (r *Report) nothing() string {
	for _, job := range r.jobs {
		if job.job != nil && job.job.Cause != nil {
			return fmt.Sprintf("No trial is complete: %s", strings.TrimSuffix(job.job.Cause.Message, ".")+".")
		}
	}
	return "No trial is complete."
}

// figures are the numbers of the best point.
func (r *Report) figures(p *point) []string {
	var words []string
	for _, c := range []column{requestRate, tokenRate} {
		if s := p.of(c); s.known() {
			words = append(words, c.value(s.mean))
		}
	}
	if len(words) == 2 {
		words = []string{words[0] + " and " + strings.Replace(words[1], "tokens/s", "output tokens/s", 1)}
	}
	for _, pair := range [][2]column{{ttft50, ttft99}, {e2el50, e2el99}} {
		half, tail := p.of(pair[0]), p.of(pair[1])
		if half.known() {
			return append(words, fmt.Sprintf("with %s of %s (p99 %s)", p50Name(pair[0]), pair[0].value(half.mean), pair[1].value(tail.mean)))
		}
	}
	return words
}

// p50Name is "p50 TTFT" for the column "TTFT p50".
func p50Name(c column) string {
	name, quantile, _ := strings.Cut(c.title, " ")
	return quantile + " " + name
}

// rise says from which load on latency has risen, in the series of the best point; empty when nothing was swept.
func (r *Report) rise(best *point) string {
	axis, _, ok := r.axis()
	if !ok {
		return ""
	}
	for _, s := range r.series(axis) {
		if slices.Contains(s.points, best) && len(s.points) > 1 {
			for _, c := range []column{ttft50, e2el50} {
				if s.points[0].of(c).known() {
					return joined(s.riseOf(c, r.keys[axis].label), s.plateau(r.keys[axis].label))
				}
			}
		}
	}
	return ""
}

// riseOf compares every point of the series with the one of the least load.
func (s *series) riseOf(c column, axis string) string {
	base := s.points[0].of(c).mean
	worst := 1.0
	for i, p := range s.points {
		v := p.of(c)
		if !v.known() || math.IsInf(v.mean, 0) {
			continue
		}
		worst = max(worst, v.mean/base)
		if v.mean >= rises*base {
			return fmt.Sprintf("%s is %s at %s %s and has doubled at %s (%s)", p50Name(c), c.value(base), axis, trim(s.x[0]), trim(s.x[i]), c.value(v.mean))
		}
	}
	span := fmt.Sprintf("from %s %s to %s", axis, trim(s.x[0]), trim(s.x[len(s.x)-1]))
	if worst < flat {
		return fmt.Sprintf("%s does not rise %s", p50Name(c), span)
	}
	return fmt.Sprintf("%s rises by %.0f %% at most %s", p50Name(c), 100*(worst-1), span)
}

// plateau says from which load on throughput no longer grows; empty when it grows to the end.
func (s *series) plateau(axis string) string {
	most := 0.0
	for _, p := range s.points {
		if v := p.of(requestRate); v.known() {
			most = max(most, v.mean)
		}
	}
	for i, p := range s.points[:len(s.points)-1] {
		if v := p.of(requestRate); v.known() && v.mean*flat >= most {
			return fmt.Sprintf("past %s %s throughput grows by less than %.0f %%", axis, trim(s.x[i]), (flat-1)*100)
		}
	}
	return ""
}

func trim(x float64) string { return say(x) }

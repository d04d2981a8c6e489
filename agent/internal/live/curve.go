package live

import (
	"math"
	"slices"
	"strconv"
)

// point is a row of a curve: first where it is in time, in seconds from the job's start, then its values. NaN is not known.
type point []float64

// MarshalJSON writes seven digits of each, and null for what is not known.
func (p point) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, v := range p {
		if i > 0 {
			text = append(text, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			text = append(text, "null"...)
			continue
		}
		text = strconv.AppendFloat(text, v, 'g', 7, 64)
	}
	return append(text, ']'), nil
}

// curve is points by rising time, each with the count at which it came, so that a viewer is told what is new to him.
type curve struct {
	points []point
	came   []uint64
	anew   uint64 // the count at which all of it was replaced
}

// put adds a point, or replaces the one of the same time. It returns whether that is news.
func (c *curve) put(count uint64, p point) bool {
	k, found := slices.BinarySearchFunc(c.points, p[0], func(q point, at float64) int {
		switch {
		case q[0] < at-1e-6:
			return -1
		case q[0] > at+1e-6:
			return 1
		}
		return 0
	})
	if !found {
		c.points, c.came = slices.Insert(c.points, k, p), slices.Insert(c.came, k, count)
		return true
	}
	if slices.EqualFunc(c.points[k], p, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }) {
		return false
	}
	c.points[k], c.came[k] = p, count
	return true
}

// replace puts other points in the place of all.
func (c *curve) replace(count uint64, points []point) {
	c.points, c.came, c.anew = points, make([]uint64, len(points)), count
	for i := range c.came {
		c.came[i] = count
	}
}

// since are the points that came after a count; all: they stand for the whole curve, and not beside what came before.
func (c *curve) since(count uint64) (points []point, all bool) {
	if c.anew > count {
		return c.points, true
	}
	for i, came := range c.came {
		if came > count {
			points = append(points, c.points[i])
		}
	}
	return points, false
}

// thin joins each two points of the older half of a curve of more than most, until a quarter of most is free again: viewers get
// all of it anew, so that it is not to happen often.
func (c *curve) thin(count uint64, most int) {
	if len(c.points) <= most {
		return
	}
	points := c.points
	for len(points) > most*3/4 {
		old := len(points) / 2
		points = append(joined(points[:old], 2), points[old:]...)
	}
	c.replace(count, points)
}

// joined are the means of each n points.
func joined(points []point, n int) []point {
	if n < 2 {
		return points
	}
	var fewer []point
	for i := 0; i < len(points); i += n {
		fewer = append(fewer, mean(points[i:min(i+n, len(points))]))
	}
	return fewer
}

// mean is the mean of what is known, by column; its time is the first one's.
func mean(points []point) point {
	m := make(point, len(points[0]))
	for k := range m {
		sum, n := 0.0, 0.0
		for _, p := range points {
			if k < len(p) && !math.IsNaN(p[k]) {
				sum, n = sum+p[k], n+1
			}
		}
		m[k] = sum / n // NaN of nothing
	}
	m[0] = points[0][0]
	return m
}

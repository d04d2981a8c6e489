package live

import (
	"encoding/json"
	"math"
	"testing"
)

func TestAViewerGetsWhatIsNewToHim(t *testing.T) {
	var c curve
	c.put(1, point{1, 10})
	c.put(1, point{3, 30})
	c.put(2, point{2, 20})           // came late
	c.put(2, point{1, 10})           // is no news
	c.put(3, point{3, math.NaN()})   // is another value
	c.put(4, point{3 + 1e-9, 30.25}) // is of the same time
	for count, want := range []string{"[[1,10],[2,20],[3,30.25]]", "[[2,20],[3,30.25]]", "[[3,30.25]]", "[[3,30.25]]", "null"} {
		points, all := c.since(uint64(count))
		if text, err := json.Marshal(points); err != nil || string(text) != want || all {
			t.Errorf("since %d: %s, want %s (all %v, %v)", count, text, want, all, err)
		}
	}
	c.replace(5, []point{{1, 1}})
	if points, all := c.since(4); len(points) != 1 || !all {
		t.Errorf("replaced: %v, all %v", points, all)
	}
	if points, all := c.since(5); len(points) != 0 || all {
		t.Errorf("seen: %v, all %v", points, all)
	}
}

// A long curve keeps its latest points and its shape.
func TestThinning(t *testing.T) {
	var c curve
	for i := range 1001 {
		c.put(1, point{float64(i), float64(i) + 0.5})
	}
	c.thin(2, 1000)
	if n := len(c.points); n > 750 || n < 500 {
		t.Errorf("%d points are left", n)
	}
	if last := c.points[len(c.points)-1]; last[0] != 1000 || c.points[0][0] != 0 {
		t.Errorf("from %v to %v", c.points[0], last)
	}
	for i, p := range c.points {
		if i > 0 && p[0] <= c.points[i-1][0] || math.Abs(p[1]-p[0]) > 32 {
			t.Fatalf("point %d: %v", i, p)
		}
	}
	before := len(c.points)
	if c.thin(3, 1000); len(c.points) != before || c.anew != 2 {
		t.Error("a short one was thinned")
	}
}

func TestMeansAreOfWhatIsKnown(t *testing.T) {
	m := mean([]point{{1, math.NaN(), math.NaN()}, {2, 4, math.NaN()}, {3, 6, math.NaN()}})
	if text, err := json.Marshal(m); err != nil || string(text) != "[1,5,null]" {
		t.Errorf("%s, %v", text, err)
	}
}

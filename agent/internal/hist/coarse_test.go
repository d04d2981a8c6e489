package hist

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

func coarse(values []int64) *Coarse {
	c := new(Coarse)
	for _, v := range values {
		c.Record(v)
	}
	return c
}

func TestACoarseQuantileIsOffByAFifteenthAtMost(t *testing.T) {
	values := samples(3, 5000)
	c := coarse(values)
	slices.Sort(values)
	for _, p := range []float64{0, 0.01, 0.5, 0.9, 0.99, 1} {
		want, got := values[Rank(p, 5000)-1], c.Quantile(p)
		if off := math.Abs(float64(got - want)); off > float64(want)/15 && off > 1024 {
			t.Errorf("p %v: got %d, want %d", p, got, want)
		}
	}
	var sum int64
	for _, v := range values {
		sum += v
	}
	if c.N() != 5000 || c.Mean() != float64(sum)/5000 {
		t.Errorf("n %d, mean %v", c.N(), c.Mean())
	}
}

func TestCoarseBucketsFollowOneAnother(t *testing.T) {
	last := -1
	for ns := int64(0); ns < 1<<42; ns += max(1, ns/100) {
		i := coarseBucket(ns)
		if i < last || i > last+1 || i >= coarseLen {
			t.Fatalf("bucket of %d is %d, after %d", ns, i, last)
		}
		last = i
	}
	if last != coarseLen-1 {
		t.Errorf("the last bucket is %d of %d", last, coarseLen)
	}
}

func TestCoarseMergesAndCrossesJSONExactly(t *testing.T) {
	values := samples(5, 3000)
	whole, merged := coarse(values), new(Coarse)
	for i := range 3 {
		text, err := json.Marshal(coarse(values[i*1000 : (i+1)*1000]))
		if err != nil {
			t.Fatal(err)
		}
		var back Coarse
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		merged.Merge(&back)
	}
	merged.Merge(new(Coarse))
	if *merged != *whole {
		t.Error("three parts merged differ from the whole")
	}
	for _, text := range []string{`{"counts":[1]}`, `{"counts":[999,1]}`, `[]`} {
		if json.Unmarshal([]byte(text), new(Coarse)) == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func TestWhatLiesAboveIsCountedByBuckets(t *testing.T) {
	c := coarse([]int64{1e6, 2e6, 2.01e6, 50e6, 9e12})
	if from, above := c.From(2e6); from != 4 || above != 2 {
		t.Errorf("%d from 2 ms on, %d above", from, above)
	}
	if from, above := c.From(1 << 50); from != 1 || above != 0 {
		t.Errorf("%d and %d beyond the last bucket", from, above)
	}
}

func TestSeveralQuantilesAreThoseOneByOne(t *testing.T) {
	var c Coarse
	if got := c.Quantiles(0.5, 0.99); got[0] != 0 || got[1] != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := range int64(1000) {
		c.Record(i * i * 1000)
	}
	p := []float64{0, 0.5, 0.5, 0.95, 0.99, 1}
	for k, got := range c.Quantiles(p...) {
		if want := c.Quantile(p[k]); got != want {
			t.Errorf("%v: %d, want %d", p[k], got, want)
		}
	}
}

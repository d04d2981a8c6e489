package hist

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// samples are n durations over nine decades, as latencies in one trial may be.
func samples(seed uint64, n int) []int64 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(math.Pow(10, 3+9*r.Float64()))
	}
	return out
}

func of(values []int64) *H {
	h := new(H)
	for _, v := range values {
		h.Record(v)
	}
	return h
}

func TestBucketsAreThoseOfHdrHistogram(t *testing.T) {
	// Indices by HdrHistogram's countsArrayIndex with lowest value 1 and three digits.
	for v, want := range map[int64]int{0: 0, 1: 1, 2047: 2047, 2048: 2048, 2049: 2048, 4095: 3071, 4096: 3072, 1 << 20: 11264} {
		if got := bucket(v); got != want {
			t.Errorf("bucket of %d: got %d, want %d", v, got, want)
		}
	}
}

func TestABucketEndsBeforeTheNextBegins(t *testing.T) {
	for i := range 40 * half {
		end := highest(i)
		if bucket(end) != i || bucket(end+1) != i+1 {
			t.Fatalf("bucket %d ends at %d, which is in %d, and the next value in %d", i, end, bucket(end), bucket(end+1))
		}
	}
}

func TestQuantilesAreNearestRankWithinAThousandth(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 100, 1000, 20000} {
		values := samples(uint64(n), n)
		h := of(values)
		slices.Sort(values)
		for _, p := range []float64{0, 0.001, 0.07, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1} {
			want := values[Rank(p, int64(n))-1]
			got := h.Quantile(p)
			if got < want || float64(got-want) > 1e-3*float64(want) {
				t.Errorf("n %d, p %v: got %d, want %d", n, p, got, want)
			}
		}
	}
}

func TestRankIsTheCeiling(t *testing.T) {
	for _, c := range []struct {
		p    float64
		n    int64
		want int64
	}{{0.5, 1, 1}, {0.5, 2, 1}, {0.5, 3, 2}, {0.07, 100, 7}, {0.99, 100, 99}, {0.99, 101, 100}, {0.999, 1000, 999}, {0, 5, 1}, {1, 5, 5}} {
		if got := Rank(c.p, c.n); got != c.want {
			t.Errorf("rank of %v among %d: got %d, want %d", c.p, c.n, got, c.want)
		}
	}
}

func TestMeanAndSpreadAreExact(t *testing.T) {
	h := of([]int64{2, 4, 4, 4, 5, 5, 7, 9}) // the textbook's: mean 5, deviation 2
	if h.Mean() != 5 || h.Stddev() != 2 || h.Min() != 2 || h.Max() != 9 || h.N() != 8 {
		t.Errorf("mean %v, stddev %v, min %d, max %d, n %d", h.Mean(), h.Stddev(), h.Min(), h.Max(), h.N())
	}
	const hour = int64(3600e9) // far from 0, little spread: floating sums would cancel
	h = of([]int64{hour - 1, hour + 1})
	if h.Stddev() != 1 || h.Mean() != float64(hour) {
		t.Errorf("an hour ± 1 ns: mean %v, stddev %v", h.Mean(), h.Stddev())
	}
}

func TestMergedEqualsOneThatSawAll(t *testing.T) {
	values := samples(7, 5000)
	want := text(t, of(values))
	for parts := 1; parts <= 7; parts++ {
		merged := new(H)
		for i := range parts {
			var share []int64
			for j := i; j < len(values); j += parts {
				share = append(share, values[j])
			}
			merged.Merge(of(share))
		}
		merged.Merge(nil)
		merged.Merge(new(H))
		if got := text(t, merged); got != want {
			t.Errorf("%d parts merged differ from the whole", parts)
		}
	}
}

func text(t *testing.T, h *H) string {
	t.Helper()
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestJSONIsExactAndSparse(t *testing.T) {
	h := of([]int64{3, 3, 4096})
	want := `{"n":3,"sum":4102,"sum_sq":16777234,"min":3,"max":4096,"counts":[[3,2],[3072,1]]}`
	if got := text(t, h); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	big := of(append(samples(3, 1000), math.MaxInt64))
	var back H
	if err := json.Unmarshal([]byte(text(t, big)), &back); err != nil {
		t.Fatal(err)
	}
	if text(t, &back) != text(t, big) || back.Quantile(0.5) != big.Quantile(0.5) || back.Stddev() != big.Stddev() {
		t.Error("a histogram read back differs")
	}
}

func TestJSONThatDoesNotAddUpIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"n":            `{"n":3,"sum":6,"min":3,"max":3,"counts":[[3,2]]}`,
		"bucket":       `{"n":1,"sum":3,"min":3,"max":3,"counts":[[99999999999,1]]}`,
		"beyond max":   `{"n":1,"sum":3,"min":3,"max":3,"counts":[[4,1]]}`,
		"negative max": `{"n":1,"sum":3,"min":3,"max":-3,"counts":[[4,1]]}`,
		"squares":      `{"n":0,"sum_sq":-4,"counts":[]}`,
	} {
		if err := json.Unmarshal([]byte(text), new(H)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAnEmptyHistogramHasNoMean(t *testing.T) {
	var h H
	if !math.IsNaN(h.Mean()) || !math.IsNaN(h.Stddev()) || h.Quantile(0.5) != 0 || h.Bars() != nil {
		t.Error("an empty histogram claims values")
	}
	h.Record(-5)
	if h.N() != 1 || h.Max() != 0 || h.Quantile(0.5) != 0 {
		t.Error("a negative value does not count as 0")
	}
}

func TestBarsHoldAllValues(t *testing.T) {
	values := samples(9, 300)
	var n, last int64
	for _, b := range of(values).Bars() {
		if b.Upto <= last || b.Count == 0 {
			t.Fatalf("bar %+v after %d", b, last)
		}
		n, last = n+b.Count, b.Upto
	}
	if n != 300 || last != slices.Max(values) {
		t.Errorf("bars hold %d values up to %d", n, last)
	}
}

func TestACloneSharesNothing(t *testing.T) {
	h := of([]int64{5})
	c := h.Clone()
	h.Record(5)
	if c.N() != 1 || c.Bars()[0].Count != 1 {
		t.Error("the clone changed with its original")
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	h := of([]int64{1e12})
	if n := testing.AllocsPerRun(1000, func() { h.Record(123456789) }); n != 0 {
		t.Errorf("%v allocations a value", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	var h H
	values := samples(1, 4096)
	for i := range b.N {
		h.Record(values[i&4095])
	}
}

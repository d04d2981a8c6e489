package expose

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"hpcbench/agent/metric"
)

// counts are the native buckets of a histogram by their index.
func counts(h *dto.Histogram) map[int32]int64 {
	found, index, n, k := map[int32]int64{}, int32(0), int64(0), 0
	for _, s := range h.PositiveSpan {
		index += s.GetOffset()
		for range s.GetLength() {
			n += h.PositiveDelta[k]
			found[index] = n
			index, k = index+1, k+1
		}
	}
	return found
}

// theirs is client_golang's histogram of the same buckets.
func theirs() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "x", Buckets: metric.LatencyBuckets, NativeHistogramBucketFactor: 1.1, NativeHistogramZeroThreshold: math.Exp2(lowest),
		NativeHistogramMaxBucketNumber: nativeLen, NativeHistogramMinResetDuration: time.Hour,
	})
}

// Ours counts as client_golang's does, bucket by bucket: random values, the bounds themselves, and what is next to them.
func TestHistogramCountsAsClientGolangDoes(t *testing.T) {
	values := []float64{0, 1e-9, math.Exp2(lowest), math.Nextafter(math.Exp2(lowest), 1), 1e5, math.Exp2(highest)}
	for k := -19 * perTwo; k <= 16*perTwo; k++ {
		bound := math.Exp2(float64(k) / perTwo)
		values = append(values, bound*(1-1e-12), bound*(1+1e-12))
	}
	for k := -19; k <= 16; k++ {
		values = append(values, math.Exp2(float64(k)))
	}
	values = append(values, metric.LatencyBuckets...)
	for range 10000 {
		values = append(values, math.Exp(20*rand.Float64()-12))
	}
	ours, other := NewHistogram(metric.LatencyBuckets), theirs()
	for _, v := range values {
		ours.Observe(v)
		other.Observe(v)
	}
	ours.Observe(math.NaN())
	var want dto.Metric
	if err := other.Write(&want); err != nil {
		t.Fatal(err)
	}
	got, w := ours.snapshot(), want.Histogram
	if got.GetSampleCount() != w.GetSampleCount() || math.Abs(got.GetSampleSum()/w.GetSampleSum()-1) > 1e-9 || got.GetSchema() != w.GetSchema() ||
		got.GetZeroCount() != w.GetZeroCount() || got.GetZeroThreshold() != w.GetZeroThreshold() {
		t.Errorf("got %v %v %v %v, want %v", got.GetSampleCount(), got.GetSampleSum(), got.GetSchema(), got.GetZeroCount(), w)
	}
	for k, b := range w.Bucket {
		if got.Bucket[k].GetCumulativeCount() != b.GetCumulativeCount() || got.Bucket[k].GetUpperBound() != b.GetUpperBound() {
			t.Errorf("bucket %v: want %v", got.Bucket[k], b)
		}
	}
	mine, their := counts(got), counts(w)
	for index, n := range their {
		if mine[index] != n {
			t.Errorf("native bucket %d: %d, want %d", index, mine[index], n)
		}
		delete(mine, index)
	}
	for index, n := range mine {
		if n != 0 {
			t.Errorf("native bucket %d: %d, want none", index, n)
		}
	}
}

// What no bucket is meant for is counted all the same, and takes no further memory.
func TestHistogramOfLongerThanItsLast(t *testing.T) {
	h := NewHistogram(metric.TokenBuckets)
	h.Observe(math.Exp2(highest + 1))
	h.Observe(-1)
	got := h.snapshot()
	if n := counts(got); got.GetSampleCount() != 2 || n[highest*perTwo] != 1 || got.GetZeroCount() != 1 || got.Bucket[0].GetCumulativeCount() != 1 {
		t.Errorf("%v", got)
	}
}

// What a histogram costs a value, and what client_golang's does.
func BenchmarkHistogram(b *testing.B) {
	values := make([]float64, 1024)
	for i := range values {
		values[i] = 0.005 + 0.05*rand.Float64()
	}
	for name, observe := range map[string]func(float64){"ours": NewHistogram(metric.TokenBuckets).Observe, "client_golang": theirs().Observe} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				observe(values[i%len(values)])
			}
		})
	}
}

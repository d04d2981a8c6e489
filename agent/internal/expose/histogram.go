package expose

import (
	"math"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A native histogram of schema 3 has eight buckets a doubling, of which each is 9 % wider than the one before: what
// client_golang takes for a factor of 1.1. Ours go from a microsecond to one and a half days, so that their number is bounded;
// what is shorter is in the zero bucket, where the gaps between tokens that came together belong.
const (
	schema    = 3
	perTwo    = 1 << schema
	lowest    = -20 // the zero bucket ends at 2^lowest s
	highest   = 17  // what is longer than 2^highest s is in the last bucket
	nativeLen = (highest - lowest) * perTwo
)

const (
	mantissaBits = 52 // of a float64, which is (1 + mantissa/2^52)·2^exponent
	mantissas    = 1<<mantissaBits - 1
	bias         = 1023 // of its exponent
	guessBits    = 6    // of the mantissa, by which a bucket is guessed: those are finer than the buckets
)

// steps are the upper bounds of a doubling's buckets, as mantissas; guesses are the first bucket that a mantissa which begins
// with these bits can be in.
var steps, guesses = func() (s [perTwo]uint64, g [1 << guessBits]int) {
	for k := range perTwo - 1 {
		s[k] = math.Float64bits(math.Exp2(float64(k+1)/perTwo)) & mantissas
	}
	s[perTwo-1] = mantissas
	for k := range g {
		for uint64(k)<<(mantissaBits-guessBits) > s[g[k]] {
			g[k]++
		}
	}
	return s, g
}()

// Histogram counts seconds in classic buckets and in native ones at once. It costs a value a fraction of what client_golang's
// does (see BenchmarkHistogram), which matters for the gap before each token; in return one goroutine uses it at a time.
type Histogram struct {
	bounds  []float64             // upper ones of the classic buckets
	first   [nativeLen + 1]int    // the first classic bucket that a value of a native one can be in; the zero bucket's in front
	classic []uint64              // by bound, and one more: what is above
	native  [1 + nativeLen]uint64 // the zero bucket in front
	n       uint64
	sum     float64
}

// NewHistogram makes one with the upper bounds of its classic buckets, in seconds.
func NewHistogram(bounds []float64) *Histogram {
	h := &Histogram{bounds: bounds, classic: make([]uint64, len(bounds)+1)}
	for k := range nativeLen {
		h.first[1+k], _ = slices.BinarySearch(bounds, math.Exp2(float64(k)/perTwo+lowest))
	}
	return h
}

// Observe counts a value that is known. NaN is none.
func (h *Histogram) Observe(s float64) {
	if math.IsNaN(s) {
		return
	}
	h.n++
	h.sum += s
	k := 1 + min(max(-1, bucketOf(s)), nativeLen-1)
	h.native[k]++
	c := h.first[k]
	for c < len(h.bounds) && s > h.bounds[c] {
		c++
	}
	h.classic[c]++
}

// bucketOf is a value's native bucket, from 0; below: it is in the zero bucket.
func bucketOf(s float64) int {
	if s <= 0 {
		return -1
	}
	bits := math.Float64bits(s)
	exponent, mantissa := int(bits>>mantissaBits)-bias, bits&mantissas
	if mantissa == 0 { // a power of two ends a bucket
		return (exponent-lowest)*perTwo - 1
	}
	k := guesses[mantissa>>(mantissaBits-guessBits)]
	if mantissa > steps[k] {
		k++
	}
	return (exponent-lowest)*perTwo + k
}

// snapshot is the histogram as it stands, in the form of the wire.
func (h *Histogram) snapshot() *dto.Histogram {
	out := &dto.Histogram{
		SampleCount: new(h.n), SampleSum: new(h.sum),
		Schema: new(int32(schema)), ZeroThreshold: new(math.Exp2(lowest)), ZeroCount: new(h.native[0]),
	}
	total := uint64(0)
	for k, bound := range h.bounds {
		total += h.classic[k]
		out.Bucket = append(out.Bucket, &dto.Bucket{UpperBound: new(bound), CumulativeCount: new(total)})
	}
	out.PositiveSpan, out.PositiveDelta = spans(h.native[1:])
	return out
}

// spans are the native buckets that have counts, as runs with the gap before each, and each count less the one before it.
func spans(counts []uint64) (runs []*dto.BucketSpan, deltas []int64) {
	next, before := 0, int64(0) // the index behind the last run, and its last count
	for k, n := range counts {
		if n == 0 {
			continue
		}
		index := k + lowest*perTwo + 1 // bucket i ends at 2^(i/8)
		if len(runs) == 0 || index != next {
			runs = append(runs, &dto.BucketSpan{Offset: new(int32(index - next)), Length: new(uint32(0))})
		}
		*runs[len(runs)-1].Length++
		deltas = append(deltas, int64(n)-before)
		next, before = index+1, int64(n)
	}
	return runs, deltas
}

// Metric is the histogram as it stands, for the labels' values in the order of desc.
func (h *Histogram) Metric(desc *prometheus.Desc, labels ...string) prometheus.Metric {
	return histogramMetric{prometheus.MustNewConstMetric(desc, prometheus.UntypedValue, 0, labels...), h.snapshot()}
}

// histogramMetric is a metric with its labels, and a histogram in the value's place.
type histogramMetric struct {
	prometheus.Metric
	value *dto.Histogram
}

// Write implements prometheus.Metric.
func (m histogramMetric) Write(out *dto.Metric) error {
	if err := m.Metric.Write(out); err != nil {
		return err
	}
	out.Untyped, out.Histogram = nil, m.value
	return nil
}

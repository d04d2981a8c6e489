package hist

import (
	"fmt"
	"io"
	"math"
)

// percentileTicks is how many lines there are to each halving of what lies above, as HdrHistogram's tools have it.
const percentileTicks = 5

// Percentiles writes the distribution as HdrHistogram's tools do (outputPercentileDistribution, five ticks a half distance):
// the format that wrk2 and vegeta print and HdrHistogram's plotter reads. Values are divided by unit: 1e6 makes ns ms.
// They are those of the buckets' ends, less than 1/1024 too high, but exact for the last.
func (h *H) Percentiles(w io.Writer, unit float64) error {
	out := &lines{w: w}
	out.print("%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	bars := h.Bars()
	var seen int64
	level, bar := 0.0, 0 // percent
	for bar < len(bars) {
		if reached := 100 * float64(seen+bars[bar].Count) / float64(h.n); reached < level {
			seen += bars[bar].Count
			bar++
			continue
		}
		value, count := float64(bars[bar].Upto)/unit, seen+bars[bar].Count
		if count == h.n {
			break
		}
		out.print("%12.3f %2.12f %10d %14.2f\n", value, level/100, count, 100/(100-level))
		level = nextPercentile(level)
	}
	if h.n > 0 {
		out.last(h, unit, level)
	}
	out.print("#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", zeroed(h.Mean()/unit), zeroed(h.Stddev()/unit))
	out.print("#[Max     = %12.3f, Total count    = %12d]\n", float64(h.max)/unit, h.n)
	out.print("#[Buckets = %12d, SubBuckets     = %12d]\n", max(1, len(h.counts)>>halfBits-1), full)
	return out.err
}

// nextPercentile is the percentile of the next line.
func nextPercentile(level float64) float64 {
	halves := math.Floor(math.Log2(100/(100-level))) + 1
	return level + 100/(percentileTicks*math.Exp2(halves))
}

// lines writes lines until one fails.
type lines struct {
	w   io.Writer
	err error
}

func (l *lines) print(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format, args...)
	}
}

// last is the greatest value: at the percentile where it is reached, and at 1.
func (l *lines) last(h *H, unit, level float64) {
	value := float64(h.max) / unit
	if level < 100 {
		l.print("%12.3f %2.12f %10d %14.2f\n", value, level/100, h.n, 100/(100-level))
	}
	l.print("%12.3f %2.12f %10d\n", value, 1.0, h.n)
}

// zeroed is v, 0 where there is none: the format has no word for it.
func zeroed(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

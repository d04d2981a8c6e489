package monitor

import (
	"log/slog"
	"math"
	"time"
)

// column is one of the CSV's.
type column struct {
	name     string        // with its unit
	decimals int           // digits after the point; -1: as many as it has
	words    func() string // of a column that holds words: those of the last reading, "" where they are missing; nil: it holds numbers
}

// collector reads one kind of thing. It knows nothing of files being late or rows being due.
type collector struct {
	name    string
	columns []column
	// read returns a value per column, NaN for what is missing. elapsed is the time since it was called last, in
	// seconds; NaN the first time. Values beside an error are what came all the same.
	read func(elapsed float64) ([]float64, error)

	last   time.Time
	failed bool // the last read did: a failure is logged when it begins, not in every row
}

// missing is a reading that is not there.
var missing = math.NaN()

// next is read at the instant now, with every value missing if it fails and gives none.
func (c *collector) next(now time.Time, log *slog.Logger) []float64 {
	elapsed := missing
	if !c.last.IsZero() {
		elapsed = now.Sub(c.last).Seconds()
	}
	c.last = now
	values, err := c.read(elapsed)
	if err != nil && !c.failed {
		log.Warn("reading the node", "collector", c.name, "error", err)
	}
	if values == nil {
		values = blank(len(c.columns))
	}
	c.failed = err != nil
	return values
}

// blank is n missing values.
func blank(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = missing
	}
	return values
}

// maybe is the value p points to, missing where it points nowhere.
func maybe(p *uint64) float64 {
	if p == nil {
		return missing
	}
	return float64(*p)
}

// rates makes rates of counters that belong together, such as one per network interface.
type rates struct{ last map[string]uint64 }

// sum is how much the counters grew since the call before, per second, added up. A counter that is new is left out this
// time; one that went backwards was reset, and the sum is missing.
func (r *rates) sum(now map[string]uint64, elapsed float64) float64 {
	total, n := uint64(0), 0
	for name, value := range now {
		before, known := r.last[name]
		switch {
		case known && value < before:
			r.last = now
			return missing
		case known:
			total, n = total+value-before, n+1
		}
	}
	r.last = now
	if n == 0 {
		return missing
	}
	return float64(total) / elapsed
}

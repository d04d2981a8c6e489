// Package arrival says when the requests of an open loop are due.
//
// Due times are a function of law, rate and seed alone: request i of the union over all client nodes is due at the same
// instant whether 1 node or 64 issue it, and whatever was sent before it. Each node walks the union and keeps what
// workload.Owner gives it; walking costs some nanoseconds a request. To the law belong its own numbers in the workload,
// and of ramp, step and sine also how long the warm-up is, of ramp the window, too.
package arrival

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"hpcbench/agent/workload"
)

// Never is when a request is due that the law does not have: a trace ends, and so do steps that end at no rate. It is
// also the due time of what lies beyond the range of a Duration, some 292 years.
const Never = time.Duration(math.MaxInt64)

// Schedule is the due times of an open loop. It remembers how far it has been walked, so asking in the order of the
// indices is quick, and asking backwards may begin again. It is for one goroutine.
type Schedule struct{ at instants }

// instants gives the due time of request i in seconds; +Inf where there is none.
type instants interface{ at(i int64) float64 }

// laws makes the instants of each law.
var laws = map[string]func(w workload.Workload) (instants, error){
	"constant": constant,
	"poisson":  poisson,
	"gamma":    gamma,
	"burst":    burst,
	"ramp":     ramp,
	"step":     step,
	"sine":     sine,
	"replay":   replay,
}

// Laws lists the names that New knows, sorted.
func Laws() []string { return slices.Sorted(maps.Keys(laws)) }

// New returns the schedule of a workload. An empty law is constant. The error says what in the law's numbers makes no
// sense, or what is wrong with its trace.
func New(w workload.Workload) (*Schedule, error) {
	law := w.Arrival
	if law == "" {
		law = "constant"
	}
	begin, ok := laws[law]
	if !ok {
		return nil, fmt.Errorf("unknown arrival %q (known: %s)", law, strings.Join(Laws(), ", "))
	}
	if err := unasked(w, law); err != nil {
		return nil, err
	}
	at, err := begin(w)
	if err != nil {
		return nil, err
	}
	return &Schedule{at}, nil
}

// unasked finds numbers of a law that is not the workload's: they would go unheeded.
func unasked(w workload.Workload, law string) error {
	for _, of := range []struct {
		law, name string
		has       bool
	}{
		{"gamma", "burstiness", w.Burstiness != 0},
		{"burst", "burst", w.Burst != nil},
		{"ramp", "ramp", w.Ramp != nil},
		{"step", "steps", len(w.Steps) > 0},
		{"sine", "sine", w.Sine != nil},
		{"replay", "trace", w.Trace != ""},
	} {
		if of.has && of.law != law {
			return fmt.Errorf("%s belongs to arrival %s, and this one is %s", of.name, of.law, law)
		}
		if !of.has && of.law == law {
			return fmt.Errorf("arrival %s without %s", law, of.name)
		}
	}
	return nil
}

// Due returns when request i of the union is due, counted from the start; Never where there is none. i is 0 or more.
func (s *Schedule) Due(i int64) time.Duration {
	ns := math.Round(s.at.at(i) * 1e9)
	if !(ns < math.MaxInt64) {
		return Never
	}
	return time.Duration(ns)
}

// positive reports whether a rate is one.
func positive(rate float64) bool { return rate > 0 && !math.IsInf(rate, 0) }

// rated is the error of a workload whose law needs a rate and has none.
func rated(w workload.Workload) error {
	if !positive(w.Rate) {
		return fmt.Errorf("rate %v: want requests per second above 0", w.Rate)
	}
	return nil
}

// Package arrival says when the requests of an open loop are due.
//
// Due times are a function of law, rate and seed alone: request i of the union over all client nodes is due at the same
// instant whether 1 node or 64 issue it, and whatever was sent before it. Each node walks the union and keeps what
// workload.Owner gives it; walking costs some nanoseconds a request.
package arrival

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Schedule is the due times of an open loop. It remembers how far it has been walked, so asking in the order of the
// indices is quick, and asking backwards begins again. It is for one goroutine.
type Schedule struct {
	rate  float64 // requests per second
	seed  uint64
	gap   gap
	first float64 // due time of request 0, in mean gaps
	index int64   // the request that at belongs to
	at    float64 // due time of request index, in mean gaps
}

// gap draws the time between request i-1 and request i, in mean gaps: its mean over i is 1.
type gap func(seed uint64, i int64) float64

// laws holds the gaps of each law, and whether the first request waits for one: a Poisson process starts at no event,
// a constant one with a request.
var laws = map[string]struct {
	gap   gap
	waits bool
}{
	"constant": {gap: func(uint64, int64) float64 { return 1 }},
	"poisson":  {gap: exponential, waits: true},
}

// Laws lists the names that New knows, sorted.
func Laws() []string {
	names := make([]string, 0, len(laws))
	for name := range laws {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// New returns the schedule of a law at a mean rate in requests per second. An empty law is constant. It fails when the
// law is not one of Laws or the rate is not a positive finite number.
func New(law string, rate float64, seed int64) (*Schedule, error) {
	if law == "" {
		law = "constant"
	}
	l, ok := laws[law]
	if !ok {
		return nil, fmt.Errorf("unknown arrival %q (known: %s)", law, strings.Join(Laws(), ", "))
	}
	if !(rate > 0) || math.IsInf(rate, 0) {
		return nil, fmt.Errorf("rate %v: want requests per second above 0", rate)
	}
	s := &Schedule{rate: rate, seed: uint64(seed), gap: l.gap}
	if l.waits {
		s.first = l.gap(s.seed, 0)
	}
	s.at = s.first
	return s, nil
}

// Due returns when request i of the union is due, counted from the start. i is 0 or more. Times that lie beyond the
// range of a Duration, some 292 years, are its maximum.
func (s *Schedule) Due(i int64) time.Duration {
	if i < s.index {
		s.index, s.at = 0, s.first
	}
	for s.index < i {
		s.index++
		s.at += s.gap(s.seed, s.index)
	}
	ns := math.Round(s.at / s.rate * 1e9)
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// exponential draws the gaps of a Poisson process by inversion, from a hash of seed and index, so that no stream of
// random numbers has to be kept in step between nodes.
func exponential(seed uint64, i int64) float64 {
	u := (float64(mix(seed+uint64(i)*0x9e3779b97f4a7c15)>>11) + 0.5) / (1 << 53) // in (0, 1), never an end of it
	return -math.Log(u)
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) behind
// one more round: seeds are small numbers, and two trials of seeds 1 and 2 must not be shifts of one another.
func mix(x uint64) uint64 {
	for range 2 {
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

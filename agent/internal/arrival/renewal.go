package arrival

import (
	"fmt"
	"math"

	"hpcbench/agent/internal/draw"
	"hpcbench/agent/workload"
)

// evenly is the law constant: request i is due at i/rate.
type evenly struct{ rate float64 }

func (e evenly) at(i int64) float64 { return float64(i) / e.rate }

func constant(w workload.Workload) (instants, error) { return evenly{w.Rate}, rated(w) }

// renewal has gaps between its requests that do not depend on each other. It starts at no event, so the first request
// waits for a gap too.
type renewal struct {
	rate  float64 // requests per second
	gap   func(i int64) float64
	index int64   // the request that due belongs to; -1: none yet
	due   float64 // in mean gaps
}

// newRenewal takes the gaps before request i, in mean gaps: their mean over i is 1.
func newRenewal(rate float64, gap func(i int64) float64) *renewal {
	return &renewal{rate: rate, gap: gap, index: -1}
}

func (r *renewal) at(i int64) float64 {
	if i < r.index {
		r.index, r.due = -1, 0
	}
	for r.index < i {
		r.index++
		r.due += r.gap(r.index)
	}
	return r.due / r.rate
}

func poisson(w workload.Workload) (instants, error) {
	seed := uint64(w.Seed)
	return newRenewal(w.Rate, func(i int64) float64 { return draw.Exponential(seed, i) }), rated(w)
}

// gamma is the renewal process whose gaps have a gamma distribution: their coefficient of variation is 1/√shape. With
// shape 1 it is the very Poisson process of the seed.
func gamma(w workload.Workload) (instants, error) {
	if !positive(w.Burstiness) {
		return nil, fmt.Errorf("burstiness %v: want the shape of the gaps' gamma distribution, above 0 (1 is poisson)", w.Burstiness)
	}
	if w.Burstiness == 1 {
		return poisson(w)
	}
	seed, shape := uint64(w.Seed), w.Burstiness
	return newRenewal(w.Rate, func(i int64) float64 { return gammaGap(seed, i, shape) / shape }), rated(w)
}

// gammaGap draws from the gamma distribution of this shape and scale 1, by Marsaglia and Tsang (A Simple Method for
// Generating Gamma Variables, 2000): a function of seed and index, for every number it takes is a hash of them and of how
// many were taken before. A shape below 1 is drawn as one that is 1 higher, times a power of a uniform number.
func gammaGap(seed uint64, i int64, shape float64) float64 {
	draws := stream{draw.Bits(seed, i), 0}
	if shape < 1 {
		return gammaGap(^seed, i, shape+1) * math.Pow(draws.next(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := math.Sqrt(-2*math.Log(draws.next())) * math.Cos(2*math.Pi*draws.next()) // normal, by Box and Muller
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(draws.next()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// stream is the uniform numbers that belong to one request.
type stream struct {
	key   uint64
	taken int64
}

func (s *stream) next() float64 {
	s.taken++
	return draw.Uniform(s.key, s.taken)
}

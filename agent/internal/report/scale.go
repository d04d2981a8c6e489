package report

import (
	"math"
	"strconv"
)

// scale maps values to positions of an axis in an SVG.
type scale struct {
	min, max float64 // values
	from, to float64 // positions
	log      bool
}

// at is the position of v.
func (s scale) at(v float64) float64 {
	lo, hi := s.min, s.max
	if s.log {
		lo, hi, v = math.Log(lo), math.Log(hi), math.Log(max(v, s.min))
	}
	if hi == lo {
		return (s.from + s.to) / 2
	}
	return s.from + (v-lo)/(hi-lo)*(s.to-s.from)
}

// tick is a labelled place on an axis.
type tick struct {
	At    float64
	Label string
}

// ticks are round values within the scale, about n of them.
func (s scale) ticks(n int) []tick {
	values := s.linear(n)
	if s.log {
		values = s.decades(n)
	}
	var found []tick
	for _, v := range values {
		found = append(found, tick{s.at(v), label(v)})
	}
	return found
}

// linear are the multiples within the scale of a step of 1, 2 or 5 times a power of ten.
func (s scale) linear(n int) []float64 {
	rough := (s.max - s.min) / float64(n)
	if rough <= 0 {
		return []float64{s.min}
	}
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough {
			step = m * power
			break
		}
	}
	var values []float64
	for i := math.Ceil(s.min/step - 1e-9); i*step <= s.max+step*1e-9; i++ {
		values = append(values, i*step+0) // + 0 makes −0 0
	}
	return values
}

// decades are 1, 2 and 5 times the powers of ten within the scale, or the powers alone where those are many.
func (s scale) decades(n int) []float64 {
	steps := []float64{1, 2, 5}
	if math.Log10(s.max/s.min)*3 > 2*float64(n) {
		steps = steps[:1]
	}
	var values []float64
	for power := math.Pow(10, math.Floor(math.Log10(s.min))); power <= s.max; power *= 10 {
		for _, m := range steps {
			if v := m * power; v >= s.min*(1-1e-9) && v <= s.max*(1+1e-9) {
				values = append(values, v)
			}
		}
	}
	return values
}

// label is a tick's number: at most six digits, no trailing zeros.
func label(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// fit is the scale for values between lowest and highest: from 0 where it is linear, and logarithmic where the values
// span more than so many times the lowest.
func fit(lowest, highest, times, from, to float64) scale {
	if lowest > 0 && highest > times*lowest {
		return scale{min: lowest / 1.2, max: highest * 1.2, from: from, to: to, log: true}
	}
	if highest <= 0 {
		highest = 1
	}
	return scale{max: highest * 1.05, from: from, to: to}
}

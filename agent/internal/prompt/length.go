package prompt

import (
	"fmt"
	"math"

	"hpcbench/agent/workload"
)

// Length draws a number of tokens for each index. A draw is a function of seed and index alone, so that two servers
// under comparison get the same ones.
type Length struct {
	law  string
	a, b float64 // uniform: the least and how many there are; normal: mean and standard deviation; lognormal: those of the logarithm
	mean int     // without a law: the length of all
}

// Laws of lengths, as workload.Length names them.
const (
	uniformLaw   = "uniform"
	normalLaw    = "normal"
	lognormalLaw = "lognormal"
)

// longest bounds the parameters of a law, in tokens: beyond any server's context.
const longest = 1e8

// NewLength returns the lengths of a law, or the one length mean where there is none. The error says what about the law
// makes no sense.
func NewLength(law *workload.Length, mean int) (Length, error) {
	if law == nil {
		return Length{mean: mean}, nil
	}
	if !(law.A >= 0 && law.A <= longest && law.B >= 0 && law.B <= longest) {
		return Length{}, fmt.Errorf("%s of %g and %g tokens: want 0 to %g each", law.Law, law.A, law.B, longest)
	}
	switch law.Law {
	case uniformLaw:
		least, most := math.Ceil(law.A), math.Floor(law.B)
		if most < max(1, least) {
			return Length{}, fmt.Errorf("uniform from %g to %g tokens: there is no whole number from 1 between them", law.A, law.B)
		}
		return Length{law: uniformLaw, a: least, b: most - least + 1}, nil
	case normalLaw:
		return Length{law: normalLaw, a: law.A, b: law.B}, nil
	case lognormalLaw:
		if law.A == 0 {
			return Length{}, fmt.Errorf("lognormal with a mean of 0 tokens: want more")
		}
		variance := math.Log1p(law.B / law.A * law.B / law.A) // of the logarithm
		return Length{law: lognormalLaw, a: math.Log(law.A) - variance/2, b: math.Sqrt(variance)}, nil
	}
	return Length{}, fmt.Errorf("unknown law of lengths %q (known: uniform, normal, lognormal)", law.Law)
}

// At is the length at index n: rounded, and 1 at least where there is a law.
func (l Length) At(seed uint64, n int64) int {
	key := mix(seed ^ mix(uint64(n)))
	switch l.law {
	case uniformLaw:
		return max(1, int(l.a+math.Floor(fraction(key)*l.b)))
	case normalLaw:
		return rounded(l.a + l.b*deviate(key))
	case lognormalLaw:
		return rounded(math.Exp(l.a + l.b*deviate(key)))
	}
	return l.mean
}

func rounded(tokens float64) int { return int(math.Round(min(max(1, tokens), longest))) }

// deviate is a number of the standard normal distribution that follows from key (Box and Muller 1958).
func deviate(key uint64) float64 {
	return math.Sqrt(-2*math.Log(1-fraction(key))) * math.Cos(2*math.Pi*fraction(mix(key)))
}

// fraction is a number in [0, 1) that follows from key.
func fraction(key uint64) float64 { return float64(key>>11) / (1 << 53) }

// Package interval has the confidence intervals that hpcbench states, all two-sided and of 95 %.
//
// Of a quantile within a run: order statistics, without a word on how the values are distributed (Hahn & Meeker, Statistical
// Intervals, 1991, §5.2; Le Boudec, Performance Evaluation of Computer and Communication Systems, 2010, §2.2 and
// theorem 2.1). Of a share: Wilson's score interval (JASA 22, 1927), which holds near 0 and 1 and for small n. Of a mean over
// repetitions: Student's t (Georges, Buytaert & Eeckhout, Statistically Rigorous Java Performance Evaluation, OOPSLA 2007,
// §3.2). All take their values for independent of each other.
package interval

import "math"

// Level is the confidence of every interval.
const Level = 0.95

// z is the standard normal's quantile of (1 + Level)/2.
const z = 1.959963984540054

// Ranks are the ranks, from 1, of those two of n sorted values between which the quantile p of what they were drawn from
// lies: the closest ones for which each end is missed with probability (1 − Level)/2 at most. Low is 0 where not even the
// least value is low enough, high is n + 1 where the greatest is not high enough.
//
// So many of n independent values lie at or below the quantile as a binomial variable B of n and p says: the quantile is
// below the value of rank j where B < j, and not below that of rank k where B ≥ k.
func Ranks(p float64, n int64) (low, high int64) {
	if n <= 0 || p <= 0 || p >= 1 {
		return 0, n + 1
	}
	const tail = (1 - Level) / 2
	// P(B < low) ≤ tail; and P(B ≥ high) ≤ tail, which is P(n − B ≤ n − high), n − B being binomial of n and 1 − p.
	return below(p, n, tail), n + 1 - below(1-p, n, tail)
}

// normalFrom is the variance of B from which on its normal approximation is off by less than a rank in a thousand.
const normalFrom = 1e6

// below is the greatest rank j with P(B < j) ≤ tail, 0 where there is none from 1 on.
func below(p float64, n int64, tail float64) int64 {
	mean, variance := float64(n)*p, float64(n)*p*(1-p)
	if variance > normalFrom {
		return int64(math.Floor(mean - z*math.Sqrt(variance)))
	}
	// Far enough below the mean nothing is left; from there on the probabilities are added up.
	b := max(0, int64(mean-12*math.Sqrt(variance)-12))
	mass, sum := binomial(p, n, b), 0.0
	for ; b < n; b++ {
		if sum += mass; sum > tail {
			return b
		}
		mass *= float64(n-b) / float64(b+1) * p / (1 - p)
	}
	return n
}

// binomial is P(B = b).
func binomial(p float64, n, b int64) float64 {
	all, _ := math.Lgamma(float64(n) + 1)
	in, _ := math.Lgamma(float64(b) + 1)
	out, _ := math.Lgamma(float64(n-b) + 1)
	return math.Exp(all - in - out + float64(b)*math.Log(p) + float64(n-b)*math.Log1p(-p))
}

// Share is Wilson's interval of a share that was seen of n; 0 to 1 when n is 0.
func Share(share, n float64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	middle := share + z*z/(2*n)
	half := z * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	all := 1 + z*z/n
	switch share { // exactly, whatever rounding makes of it
	case 0:
		return 0, (middle + half) / all
	case 1:
		return (middle - half) / all, 1
	}
	return max(0, (middle-half)/all), min(1, (middle+half)/all)
}

// students are the quantiles of (1 + Level)/2 of Student's t for 1, 2, … degrees of freedom.
var students = []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
	2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042}

// T is the quantile of (1 + Level)/2 of Student's t: half of a mean's interval is T times its standard error. NaN for no
// degree of freedom, for then nothing is known of how far values lie apart.
func T(freedom int) float64 {
	switch {
	case freedom < 1:
		return math.NaN()
	case freedom <= len(students):
		return students[freedom-1]
	}
	f := float64(freedom) // Abramowitz & Stegun 26.7.5
	return z + (z*z*z+z)/(4*f) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*f*f)
}

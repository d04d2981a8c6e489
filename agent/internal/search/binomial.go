package search

import "math"

// judge says what so many good requests of those due tell of the share that the rate would keep in the long run: at least
// attain, less, or neither, each statement wrong with a probability of alpha at most. It is the exact binomial test, the
// same as asking on which side of attain the one-sided Clopper–Pearson bound lies (Biometrika 26, 1934); MLPerf's early
// stopping rests on it too (loadgen/early_stopping.cc). It takes the requests for independent.
func judge(good, due int64, attain, alpha float64) verdict {
	bad := due - good
	switch {
	case due == 0:
		return open
	case atMost(bad, due, 1-attain) <= alpha:
		return holds
	case 1-atMost(bad-1, due, 1-attain) <= alpha:
		return fails
	}
	return open
}

// Least is how many requests it takes, all of them good, to say in one look that attain of them are, with a confidence.
func Least(attain, confidence float64) int64 {
	return int64(math.Ceil(math.Log(spent(1-confidence, 1)) / math.Log(attain)))
}

// spent is the part of alpha that look k at a rate, from 1, may spend. The looks at one rate are at counts that add up,
// and so each may only be wrong with its part: over any number of them the parts add up to alpha (Bonferroni; Lan and
// DeMets, Biometrika 70, 1983, call it spending).
func spent(alpha float64, k int) float64 { return alpha / float64(k*(k+1)) }

// atMost is the probability of k or fewer of n, each with probability p.
func atMost(k, n int64, p float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n:
		return 1
	case float64(k) > float64(n)*p: // the smaller tail is summed, from its largest term outwards
		return 1 - tail(n-k-1, n, 1-p)
	}
	return tail(k, n, p)
}

// tail is the probability of k or fewer of n where k is not above the mean.
func tail(k, n int64, p float64) float64 {
	term := math.Exp(choose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum := term
	for j := k; j > 0 && term > sum*1e-17; j-- {
		term *= float64(j) / float64(n-j+1) * (1 - p) / p
		sum += term
	}
	return min(1, sum)
}

// choose is the logarithm of n over k.
func choose(n, k int64) float64 { return factorial(n) - factorial(k) - factorial(n-k) }

func factorial(n int64) float64 {
	log, _ := math.Lgamma(float64(n) + 1)
	return log
}

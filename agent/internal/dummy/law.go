package dummy

import (
	"math"
	"time"
)

// chain is the text of every answer, one token a word, from the start again when it is through.
var chain = [...]string{
	" watch", " from", " an", " old", " oak", " and", " count", " every", " star", " above", " quiet", " hills",
	" until", " morning", " light", " returns", " with", " rain", " on", " green", " fields",
}

// word is the text of token k.
func word(k int) string { return chain[k%len(chain)] }

// defaultTokens is the length of an answer when neither the request nor Config.Tokens gives one.
const defaultTokens = 128

// length is how many tokens an answer has, and whether it ends by itself rather than at the length asked for.
func (c *Config) length(r *request) (n int, natural bool) {
	end := c.Tokens
	switch {
	case r.maxTokens <= 0 && end > 0:
		return max(end, r.minTokens), true
	case r.maxTokens <= 0:
		return max(defaultTokens, r.minTokens), true
	case end <= 0 || r.ignoreEOS:
		return r.maxTokens, false
	}
	if end = max(end, r.minTokens); end < r.maxTokens {
		return end, true
	}
	return r.maxTokens, false
}

// stretch is d with the jitter of token k of the request that draws from key.
func (c *Config) stretch(d time.Duration, key uint64, k int) int64 {
	if c.Jitter == 0 {
		return int64(d)
	}
	return int64(math.Round(float64(d) * (1 + c.Jitter*(2*uniform(key+uint64(k))-1))))
}

// fails tells whether the request that draws from key is answered with an error.
func (c *Config) fails(key uint64) bool { return c.ErrorRate > 0 && uniform(^key) < c.ErrorRate }

// key is what a request's random numbers are drawn from: its id where it has one, so that a run with the same ids meets
// the same errors whatever the order of arrival, else its number.
func (c *Config) key(id []byte, number int64) uint64 {
	key := mix(uint64(c.Seed) + 1)
	if len(id) == 0 {
		return mix(key ^ uint64(number))
	}
	for _, b := range id {
		key = (key ^ uint64(b)) * 1099511628211 // FNV-1a
	}
	return mix(key)
}

// uniform is a number in [0, 1) that follows from x alone.
func uniform(x uint64) float64 { return float64(mix(x)>>11) / (1 << 53) }

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

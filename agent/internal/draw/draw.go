// Package draw makes random-looking numbers that follow from a seed and an index alone, so that no stream of them has to
// be kept in step between threads and client nodes.
package draw

import "math"

// Golden is 2⁶⁴ divided by the golden ratio: its multiples are spread evenly.
const Golden = 0x9e3779b97f4a7c15

// Uniform is a hash of seed and index as a number in (0, 1), never an end of it.
func Uniform(seed uint64, i int64) float64 {
	return (float64(Bits(seed, i)>>11) + 0.5) / (1 << 53)
}

// Exponential is a hash of seed and index as a number of the exponential distribution of mean 1, by inversion; at most
// 37.5.
func Exponential(seed uint64, i int64) float64 { return -math.Log(Uniform(seed, i)) }

// Bits is a hash of seed and index.
func Bits(seed uint64, i int64) uint64 { return mix(seed + uint64(i)*Golden) }

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

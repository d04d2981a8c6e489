// Package prompt makes the text of synthetic prompts.
//
// A prompt is lower-case words with a space between, so it needs no escaping in JSON. Its length is counted in words:
// the words are common and short, most tokenizers for English give one token to each, and the summary takes the true
// count from the server's usage.
package prompt

// unique is how many words of a prompt spell its id: eight of 256 words are 64 bits.
const unique = 8

// Append appends prompt n of a trial, so many words long, and returns the extended slice. It is a function of seed, n
// and words alone. Of two prompts of one seed the first eight words differ, and so no prefix cache of blocks of eight
// tokens or more holds anything of use; prompts shorter than eight words can repeat.
func Append(dst []byte, seed uint64, n int64, words int) []byte {
	state := seed
	bits := mix(seed ^ mix(uint64(n))) // one to one in n
	for i := range words {
		if i > 0 {
			dst = append(dst, ' ')
			if i%unique == 0 {
				state += 0x9e3779b97f4a7c15
				bits = mix(state ^ mix(uint64(n)+1))
			}
		}
		dst = append(dst, vocabulary[byte(bits)]...)
		bits >>= 8
	}
	return dst
}

// mix is the finaliser of SplitMix64: every bit of x touches every bit of the result, and no two x give the same.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

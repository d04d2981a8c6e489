// Package prompt makes the text of synthetic prompts.
//
// A prompt is lower-case words with a space between, so it needs no escaping in JSON. Its length is counted in words:
// the words are common and short, most tokenizers for English give one token to each, and the summary takes the true
// count from the server's usage.
package prompt

import (
	"encoding/binary"
	"slices"
)

// unique is how many words of a prompt spell its id: eight of 256 words are 64 bits.
const unique = 8

// Append appends prompt n of a trial, so many words long, and returns the extended slice. It is a function of seed, n
// and words alone. Of two prompts of one seed the first eight words differ, and so no prefix cache of blocks of eight
// tokens or more holds anything of use; prompts shorter than eight words can repeat.
func Append(dst []byte, seed uint64, n int64, words int) []byte {
	if words <= 0 {
		return dst
	}
	state := seed
	bits := mix(seed ^ mix(uint64(n))) // one to one in n
	at := len(dst)
	dst = slices.Grow(dst, words*wordLen)
	room := dst[at : at+words*wordLen]
	end := 0
	for i := range words {
		if i > 0 && i%unique == 0 {
			state += 0x9e3779b97f4a7c15
			bits = mix(state ^ mix(uint64(n)+1))
		}
		w := &spaced[byte(bits)]
		binary.LittleEndian.PutUint64(room[end:end+wordLen], w.text)
		end += w.length
		bits >>= 8
	}
	return dst[:at+end-1] // without the last space
}

// wordLen is the length of the longest word with the space behind it: a word is written in one store of so many bytes, and
// the next one over what of them it has no use for.
const wordLen = 8

// spaced are the words of the vocabulary with a space behind each.
var spaced = func() (all [256]struct {
	text   uint64
	length int
}) {
	for i, word := range vocabulary {
		var b [wordLen]byte
		all[i].length = copy(b[:], word+" ")
		all[i].text = binary.LittleEndian.Uint64(b[:])
	}
	return all
}()

// mix is the finaliser of SplitMix64: every bit of x touches every bit of the result, and no two x give the same.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

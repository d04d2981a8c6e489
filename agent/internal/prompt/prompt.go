// Package prompt makes the text of synthetic prompts.
//
// A prompt is lower-case words with a space between, so it needs no escaping in JSON. Without a tokenizer its length is
// counted in words: the words are common and short, most tokenizers for English give one token to each, and the summary
// takes the true count from the server's usage. With the model's tokenizer (choose.go) its words are such that each is
// one token wherever it stands, and so the prompt has exactly its length. With token ids (ids.go) it is no text at all.
package prompt

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Vocabulary is what prompts are made of: words, and how many bits of a prompt's id each of them spells.
type Vocabulary struct {
	first, rest         []word // of a prompt's first word, and of all others: powers of two
	firstBits, restBits int
	between             string // two words: a space, or nothing
	lead                int    // tokens that a text has beside its words
}

// wordLen is the length of the longest word with the space behind it: a word is written in one store of so many bytes, and
// the next one over what of them it has no use for.
const wordLen = 8

// word is a word with what stands behind it.
type word struct {
	text   uint64
	length int
}

// stored are words as they are written.
func stored(words []string, between string) []word {
	all := make([]word, len(words))
	for i, w := range words {
		var b [wordLen]byte
		all[i].length = copy(b[:], w+between)
		all[i].text = binary.LittleEndian.Uint64(b[:])
	}
	return all
}

// idBits are spelled by the first words of a prompt.
const idBits = 64

// english is the vocabulary without a tokenizer: 256 words, 8 of which spell an id.
var english = newVocabulary(words[:], words[:], " ", 0)

// newVocabulary makes a vocabulary of as many words as are a power of two, for bits spell them.
func newVocabulary(first, rest []string, between string, lead int) *Vocabulary {
	v := &Vocabulary{between: between, lead: lead, firstBits: bits.Len(uint(len(first))) - 1, restBits: bits.Len(uint(len(rest))) - 1}
	v.first, v.rest = stored(first[:1<<v.firstBits], between), stored(rest[:1<<v.restBits], between)
	return v
}

// Append appends prompt n of a trial, so many words of that vocabulary long, and returns the extended slice. It is
// a function of seed, n and words alone. Of two prompts of one seed the first eight words differ, and so no prefix cache
// of blocks of eight tokens or more holds anything of use; prompts shorter than eight words can repeat.
func Append(dst []byte, seed uint64, n int64, words int) []byte {
	return english.Append(dst, seed, n, words)
}

// Append appends prompt n of a trial, so many words long. Of two prompts of one seed the first Unique words differ.
func (v *Vocabulary) Append(dst []byte, seed uint64, n int64, words int) []byte {
	if words <= 0 {
		return dst
	}
	s := spelling{seed: seed, n: n, size: v.restBits}
	bits := s.begin()
	begin := len(dst)
	dst = slices.Grow(dst, words*wordLen)
	room := dst[begin : begin+words*wordLen]
	list, size, end := v.first, v.firstBits, 0
	for range words {
		if s.left <= 0 {
			bits = s.more()
		}
		w := &list[bits&(1<<size-1)]
		binary.LittleEndian.PutUint64(room[end:end+wordLen], w.text)
		end += w.length
		bits >>= size
		s.left -= size
		list, size = v.rest, v.restBits
	}
	return dst[:begin+end-len(v.between)] // without the last space
}

// Unique is how many words of a prompt spell its id.
func (v *Vocabulary) Unique() int { return 1 + (idBits-v.firstBits+v.restBits-1)/v.restBits }

// spelling is where the bits of a prompt come from. The first are its id, so that no two prompts of a seed have the same.
type spelling struct {
	seed uint64
	n    int64
	size int // of most words, in bits
	left int // bits that are not spelled yet
}

func (s *spelling) begin() uint64 {
	s.left = idBits
	return mix(s.seed ^ mix(uint64(s.n))) // one to one in n
}

// more are the bits after the id, as many as fill whole words.
func (s *spelling) more() uint64 {
	s.left = idBits - idBits%s.size
	s.seed += 0x9e3779b97f4a7c15
	return mix(s.seed ^ mix(uint64(s.n)+1))
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

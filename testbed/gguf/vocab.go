package main

import "strings"

// chain is what the model says, word by word and one token each. The words are such as no synthetic prompt ends with,
// for after one of them the model goes on in the middle.
var chain = strings.Fields("Alpha Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November " +
	"Oscar Papa Quebec Romeo Sierra Tango Uniform Victor Whiskey Xray Yankee Zulu")

// Kinds of tokens in a GGUF vocabulary.
const (
	normal  = 1
	unknown = 2
	control = 3
	raw     = 6 // a byte that no other token spells
)

// Ids of the tokens that a llama vocabulary begins with.
const (
	unk = iota
	bos
	eos
)

type token struct {
	text  string
	score float32 // of two possible merges the higher score is made first
	kind  int32
}

// vocabulary holds the tokens of a SentencePiece-like vocabulary, and where each of the chain's words is in it.
type vocabulary struct {
	tokens []token
	ids    map[string]int
	words  []int // the chain by token ids
}

// newVocabulary makes the vocabulary of the words: the control tokens, all bytes, the printable characters, and each
// word with each of its beginnings, for a tokenizer reaches a word by merging from the left.
func newVocabulary(words []string) *vocabulary {
	v := &vocabulary{ids: map[string]int{}}
	v.add("<unk>", 0, unknown)
	v.add("<s>", 0, control)
	v.add("</s>", 0, control)
	for b := range 256 {
		v.add(byteToken(b), 0, raw)
	}
	v.add(space, -1000, normal)
	for c := '!'; c <= '~'; c++ {
		v.add(string(c), -1000, normal)
	}
	for _, w := range words {
		runes := []rune(space + w)
		for n := 2; n < len(runes); n++ {
			v.add(string(runes[:n]), -100, normal)
		}
	}
	for i, w := range words {
		v.words = append(v.words, v.add(space+w, -float32(i)/100, normal))
	}
	return v
}

const space = "\u2581" // how such a vocabulary writes a blank

func byteToken(b int) string {
	const hex = "0123456789ABCDEF"
	return "<0x" + string(hex[b>>4]) + string(hex[b&15]) + ">"
}

// add gives the token's id. A token that is there already, as "an" is a beginning of "and", gets the better score.
func (v *vocabulary) add(text string, score float32, kind int32) int {
	if id, ok := v.ids[text]; ok {
		v.tokens[id].score = max(v.tokens[id].score, score)
		return id
	}
	id := len(v.tokens)
	v.ids[text] = id
	v.tokens = append(v.tokens, token{text, score, kind})
	return id
}

// followers tells for each token the one that is said after it: within the chain the next word, after its end eos or,
// with loop, the first word again, and after anything else the first word.
func (v *vocabulary) followers(loop bool) []int {
	next := make([]int, len(v.tokens))
	for t := range next {
		next[t] = v.words[0]
	}
	for i, w := range v.words[:len(v.words)-1] {
		next[w] = v.words[i+1]
	}
	if !loop {
		next[v.words[len(v.words)-1]] = eos
	}
	return next
}

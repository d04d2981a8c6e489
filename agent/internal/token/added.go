package token

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// added are the tokens that are found in a text before it is cut: special ones, and those added to a vocabulary. raw are
// found in a text as it is written, normal in what it becomes.
type added struct {
	raw, normal finder
}

// finder finds tokens by their text; of several that begin at one place the longest.
type finder struct {
	tokens map[string]addedToken
	begins [256]bool // first bytes
	sizes  []int     // lengths that there are, the longest first
}

type addedToken struct {
	id          int32
	left, right bool // takes the white space before it, after it
	word        bool // only as a word of its own
}

func (f *finder) add(text string, t addedToken) {
	if text == "" {
		return
	}
	if f.tokens == nil {
		f.tokens = map[string]addedToken{}
	}
	f.tokens[text] = t
	f.begins[text[0]] = true
	at := 0
	for at < len(f.sizes) && f.sizes[at] > len(text) {
		at++
	}
	if at == len(f.sizes) || f.sizes[at] != len(text) {
		f.sizes = append(f.sizes[:at], append([]int{len(text)}, f.sizes[at:]...)...)
	}
}

// find is what stands before the first of the tokens in a text, that token, or -1, and what stands after it.
func (f *finder) find(text string) (before string, token int32, rest string) {
	for at := range len(text) {
		if !f.begins[text[at]] {
			continue
		}
		for _, size := range f.sizes {
			if at+size > len(text) {
				continue
			}
			t, ok := f.tokens[text[at:at+size]]
			if !ok || t.word && !alone(text, at, at+size) {
				continue
			}
			before, rest = text[:at], text[at+size:]
			if t.left {
				before = strings.TrimRightFunc(before, unicode.IsSpace)
			}
			if t.right {
				rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
			}
			return before, t.id, rest
		}
	}
	return text, -1, ""
}

// alone reports whether no part of a word stands beside text[begin:end].
func alone(text string, begin, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:begin])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return (begin == 0 || !wordRune(before)) && (end == len(text) || !wordRune(after))
}

package token

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// model makes tokens of a piece of text by byte pair encoding: its runes or bytes, and then, again and again, the two
// neighbours of the best merge made one.
type model struct {
	ids   map[string]int32 // by their text: of a byte-level vocabulary as bytes, not as the letters that stand for them
	bytes [256]int32       // the token of each byte, where a rune has none; -1: there is none

	merges map[uint64]merge // by the two ids; nil: scores say
	scores []float32        // by id: two neighbours whose text is a token are merged, the highest score first

	byteLevel bool  // begins with bytes, not runes
	whole     bool  // a piece that is a token is that, whatever the merges say
	lines     bool  // the same of pieces of line ends alone
	unknown   int32 // the token of what has none; -1: such is left out
	fuse      bool  // of several unknown ones in a row, one

	works sync.Pool // of *work
}

// work is a piece of text while it is being merged.
type work struct {
	*model
	text  string
	parts []symbol
	heap  []candidate
}

// merge is what two neighbours become. The one of the lowest rank is made first.
type merge struct {
	rank float64
	id   int32
}

// symbol is a part of a piece while it is being merged.
type symbol struct {
	begin, end int
	id         int32
	prev, next int // -1: none
	gone       bool
}

// candidate is a merge that may be made of the symbol at left and the next one.
type candidate struct {
	merge
	left int
}

func pair(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// word appends the tokens of a piece.
func (m *model) word(dst []int32, text string) []int32 {
	if text == "" {
		return dst
	}
	if m.whole || m.lines && strings.Trim(text, "\n") == "" {
		if id, ok := m.ids[text]; ok {
			return append(dst, id)
		}
	}
	w, ok := m.works.Get().(*work)
	if !ok {
		w = &work{model: m}
	}
	defer m.works.Put(w)
	w.begin(text)
	for i := 0; i < len(w.parts)-1; i++ {
		w.offer(i)
	}
	for len(w.heap) > 0 {
		w.make(w.pop())
	}
	for i := 0; i >= 0 && i < len(w.parts); i = w.parts[i].next {
		dst = w.emit(dst, &w.parts[i])
	}
	return dst
}

// begin takes a piece apart.
func (w *work) begin(text string) {
	w.text, w.parts, w.heap = text, w.parts[:0], w.heap[:0]
	for at := 0; at < len(text); {
		size := 1
		if !w.byteLevel {
			_, size = utf8.DecodeRuneInString(text[at:])
		}
		if id, ok := w.ids[text[at:at+size]]; ok {
			w.add(at, at+size, id)
		} else {
			w.foreign(at, at+size)
		}
		at += size
	}
	if n := len(w.parts); n > 0 {
		w.parts[n-1].next = -1
	}
}

func (w *work) add(begin, end int, id int32) {
	n := len(w.parts)
	w.parts = append(w.parts, symbol{begin: begin, end: end, id: id, prev: n - 1, next: n + 1})
}

// none is the id of a symbol that is no token yet, and may not become one.
const none = -1

// foreign takes a rune that is no token: it is its bytes where these are tokens, else unknown. With scores that is found out
// after the merges, for the two are merged by their text.
func (w *work) foreign(begin, end int) {
	if w.merges == nil {
		w.add(begin, end, none)
		return
	}
	if w.spelt(w.text[begin:end]) {
		for at := begin; at < end; at++ {
			w.add(at, at+1, w.bytes[w.text[at]])
		}
		return
	}
	if w.unknown < 0 {
		return
	}
	if n := len(w.parts); w.fuse && n > 0 && w.parts[n-1].id == w.unknown {
		w.parts[n-1].end = end
		return
	}
	w.add(begin, end, w.unknown)
}

// spelt reports whether each byte is a token.
func (m *model) spelt(text string) bool {
	for i := range len(text) {
		if m.bytes[text[i]] < 0 {
			return false
		}
	}
	return true
}

// joined is what two neighbours become, if anything.
func (w *work) joined(a, b *symbol) (merge, bool) {
	if w.merges != nil {
		to, ok := w.merges[pair(a.id, b.id)]
		return to, ok
	}
	id, ok := w.ids[w.text[a.begin:b.end]]
	if !ok {
		return merge{}, false
	}
	return merge{-float64(w.scores[id]), id}, true
}

func (w *work) offer(left int) {
	if left < 0 || w.parts[left].next < 0 {
		return
	}
	if to, ok := w.joined(&w.parts[left], &w.parts[w.parts[left].next]); ok {
		w.push(candidate{to, left})
	}
}

// make makes a merge, if its two symbols are still what they were.
func (w *work) make(c candidate) {
	a := &w.parts[c.left]
	if a.gone || a.next < 0 {
		return
	}
	b := &w.parts[a.next]
	if now, ok := w.joined(a, b); !ok || now != c.merge {
		return
	}
	a.end, a.id, a.next, b.gone = b.end, c.id, b.next, true
	if b.next >= 0 {
		w.parts[b.next].prev = c.left
	}
	w.offer(a.prev)
	w.offer(c.left)
}

func (w *work) emit(dst []int32, s *symbol) []int32 {
	switch {
	case s.id != none:
		return append(dst, s.id)
	case w.spelt(w.text[s.begin:s.end]):
		for at := s.begin; at < s.end; at++ {
			dst = append(dst, w.bytes[w.text[at]])
		}
	case w.unknown >= 0:
		dst = append(dst, w.unknown)
	}
	return dst
}

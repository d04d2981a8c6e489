package prompt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Tokenizer is what a vocabulary is chosen by (package token).
type Tokenizer interface {
	Count(text string) (int, error)
	Words() []string // candidates beside the common words
}

// A vocabulary of words has fewest at least, and most at most.
const (
	fewest = 16
	most   = 256
)

// Choose finds words of which each is one token of the tokenizer wherever it stands in a prompt: the common ones, and
// where some of them are more, others of the model's own. A vocabulary that has no such words, for it is very small, gives
// single letters without spaces between.
//
// That it holds wherever they stand is shown by encoding one text in which each word follows each: byte pair encoding
// keeps a sequence of tokens if it keeps every two neighbours of it.
func Choose(t Tokenizer) (*Vocabulary, error) {
	for _, find := range []func(Tokenizer) (*chosen, error){spaced, letters} {
		c, err := find(t)
		if err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		if ok, err := c.holds(t); err != nil || ok {
			return newVocabulary(c.first, c.rest, c.between, c.lead), err
		}
	}
	return nil, errors.New("it has no words, nor letters, of which each is one token wherever it stands, so no prompt can be made to an exact length " +
		"(leave the tokenizer out: lengths are then in words, and the summary has the server's count)")
}

// chosen are the words of a vocabulary that may be.
type chosen struct {
	first, rest []string
	between     string
	lead        int
}

// spaced chooses words; nil: there are too few.
func spaced(t Tokenizer) (*chosen, error) {
	anchor, err := t.Count("the")
	if err != nil {
		return nil, err
	}
	v := &chosen{between: " "}
	seen := map[string]bool{}
	for _, w := range slices.Concat(words[:], t.Words()) {
		if len(v.rest) == most || len(w) >= wordLen || seen[w] {
			continue
		}
		seen[w] = true
		after, err := t.Count("the " + w)
		if err != nil {
			return nil, err
		}
		if after != anchor+1 {
			continue
		}
		v.rest = append(v.rest, w)
		alone, err := t.Count(w)
		if err != nil {
			return nil, err
		}
		if alone == 1 {
			v.first = append(v.first, w)
		}
	}
	if len(v.rest) < fewest || len(v.first) == 0 {
		return nil, nil
	}
	return v, nil
}

// letters chooses letters that never become one token with another of them; nil: there are none.
func letters(t Tokenizer) (*chosen, error) {
	v := &chosen{}
	var set []string
	for c := 'a'; c <= 'z'; c++ {
		alone, err := t.Count(string(c))
		if err != nil {
			return nil, err
		}
		if len(set) == 0 {
			v.lead = alone - 1
		}
		if alone-1 != v.lead {
			continue
		}
		ok, err := apart(t, set, string(c), v.lead)
		if err != nil {
			return nil, err
		}
		if ok {
			set = append(set, string(c))
		}
	}
	if len(set) < 2 || v.lead < 0 {
		return nil, nil
	}
	v.first, v.rest = set, set
	return v, nil
}

// apart reports whether a letter stays a token beside itself and each of a set.
func apart(t Tokenizer, set []string, c string, lead int) (bool, error) {
	text := c + c
	for _, s := range set {
		text += s + c
	}
	n, err := t.Count(text)
	return n == lead+len(text), err
}

// holds reports whether each word is one token after each other one, and each first one at the begin.
func (v *chosen) holds(t Tokenizer) (bool, error) {
	for _, w := range v.first {
		if n, err := t.Count(w + v.between + v.rest[0]); err != nil || n != 2+v.lead {
			return false, err
		}
	}
	for i, a := range v.rest { // all pairs, each once: a b, b a, a c, c a, …
		text := []string{v.first[0], a, a}
		for _, c := range v.rest[i+1:] {
			text = append(text, c, a)
		}
		if n, err := t.Count(strings.Join(text, v.between)); err != nil || n != len(text)+v.lead {
			return false, err
		}
	}
	return true, nil
}

// verify encodes some prompts and says whether they are as long as they are meant to be.
func (m *Made) verify(t Tokenizer) error {
	const samples, bound = 8, 1 << 15 // prompts, and tokens of all of them
	total := 0
	for i := int64(0); i < samples && total < bound; i++ {
		n := i * 104_729
		want := min(m.Words(n), bound)
		if want == 0 { // a trace says how long
			want = 128
		}
		got, err := t.Count(string(m.Append(nil, n, want)))
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("a prompt made to have %d tokens has %d: a mistake of this program", want, got)
		}
		total += want
	}
	return nil
}

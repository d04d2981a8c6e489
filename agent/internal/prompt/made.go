package prompt

import (
	"fmt"

	"hpcbench/agent/workload"
)

// Made are the made-up prompts of a trial: their lengths follow a law, and a share of them begin alike.
type Made struct {
	seed       uint64
	length     Length
	vocabulary *Vocabulary
	ids        *numbers // instead of words; nil: words
	share      float64  // of the prompts that begin with shared
	shared     []byte   // the common beginning
	common     int      // its length in tokens
}

// Salts keep what is drawn from one seed apart.
const (
	inputSalt  = 0x9d39247e33776d41
	prefixSalt = 0x2af7398005aaa5c7
	outputSalt = 0x44db015024623547
)

// sharedIndex is the index of the text that shared beginnings are taken from: no prompt's own.
const sharedIndex = -1

// NewMade returns the made-up prompts that a workload asks for, their lengths in words, or in token ids where it has such.
// The error says what makes no sense.
func NewMade(w workload.Workload) (*Made, error) { return NewExact(w, nil) }

// NewExact returns the made-up prompts that a workload asks for, of exactly their length in a tokenizer's tokens; nil: as
// NewMade. The error says what makes no sense, or why there are no such prompts.
func NewExact(w workload.Workload, t Tokenizer) (*Made, error) {
	length, err := NewLength(w.InputLaw, w.InputTokens)
	if err != nil {
		return nil, fmt.Errorf("input_law: %w", err)
	}
	m := &Made{seed: w.PromptSeed, length: length, vocabulary: english}
	switch {
	case w.TokenIDs != nil:
		if m.ids, err = newNumbers(*w.TokenIDs); err != nil {
			return nil, err
		}
	case t != nil:
		if m.vocabulary, err = Choose(t); err != nil {
			return nil, fmt.Errorf("%s: %w", w.Tokenizer, err)
		}
	}
	if p := w.Prefix; p != nil {
		if !(p.Share >= 0 && p.Share <= 1) || p.Tokens < 1 {
			return nil, fmt.Errorf("prefix of share %g and %d tokens: want a share from 0 to 1, and 1 token or more", p.Share, p.Tokens)
		}
		m.share, m.common, m.shared = p.Share, max(p.Tokens, m.least()), m.own(nil, sharedIndex, p.Tokens)
	}
	if t != nil && m.ids == nil {
		return m, m.verify(t)
	}
	return m, nil
}

// least is the length of the shortest prompt there can be, in tokens.
func (m *Made) least() int { return 1 + m.vocabulary.lead }

// Words is the length of prompt n: in tokens with a tokenizer or ids, otherwise in words. A length of 0, which only a
// workload without a law has, stays that.
func (m *Made) Words(n int64) int {
	length := m.length.At(m.seed^inputSalt, n)
	if length > 0 {
		length = max(length, m.least())
	}
	return length
}

// Append appends prompt n, so many words or tokens long. One with the shared beginning has its own words after it, and its
// length all the same; one that is no longer than the beginning is made of it alone.
func (m *Made) Append(dst []byte, n int64, length int) []byte {
	switch {
	case !m.Shares(n):
		return m.own(dst, n, length)
	case length <= m.common:
		return m.own(dst, sharedIndex, length)
	}
	dst = append(dst, m.shared...)
	if m.ids != nil {
		return m.ids.append(append(dst, ','), m.seed, n, length-m.common)
	}
	dst = append(dst, m.vocabulary.between...)
	return m.vocabulary.Append(dst, m.seed, n, length-m.common)
}

// own appends a text of its own, from its begin.
func (m *Made) own(dst []byte, n int64, length int) []byte {
	if m.ids != nil {
		return m.ids.append(dst, m.seed, n, length)
	}
	if length > 0 {
		length = max(1, length-m.vocabulary.lead)
	}
	return m.vocabulary.Append(dst, m.seed, n, length)
}

// Shares reports whether prompt n has the shared beginning.
func (m *Made) Shares(n int64) bool {
	return m.share > 0 && fraction(mix(m.seed^prefixSalt^mix(uint64(n)))) < m.share
}

// Outputs are the lengths asked of a trial's answers.
type Outputs struct {
	seed   uint64
	length Length
}

// NewOutputs returns the lengths that a workload asks for.
func NewOutputs(w workload.Workload) (Outputs, error) {
	length, err := NewLength(w.OutputLaw, w.MaxTokens)
	if err != nil {
		return Outputs{}, fmt.Errorf("output_law: %w", err)
	}
	return Outputs{w.PromptSeed, length}, nil
}

// At is the length asked of answer n; 0: the server's own limit.
func (o Outputs) At(n int64) int { return o.length.At(o.seed^outputSalt, n) }

package prompt

import (
	"fmt"

	"hpcbench/agent/workload"
)

// Made are the made-up prompts of a trial: their lengths follow a law, and a share of them begin alike.
type Made struct {
	seed   uint64
	length Length
	share  float64 // of the prompts that begin with shared
	shared []byte  // the common beginning
	common int     // its length in words
}

// Salts keep what is drawn from one seed apart.
const (
	inputSalt  = 0x9d39247e33776d41
	prefixSalt = 0x2af7398005aaa5c7
	outputSalt = 0x44db015024623547
)

// sharedIndex is the index of the text that shared beginnings are taken from: no prompt's own.
const sharedIndex = -1

// NewMade returns the made-up prompts that a workload asks for. The error says what makes no sense.
func NewMade(w workload.Workload) (*Made, error) {
	length, err := NewLength(w.InputLaw, w.InputTokens)
	if err != nil {
		return nil, fmt.Errorf("input_law: %w", err)
	}
	m := &Made{seed: w.PromptSeed, length: length}
	if p := w.Prefix; p != nil {
		if !(p.Share >= 0 && p.Share <= 1) || p.Tokens < 1 {
			return nil, fmt.Errorf("prefix of share %g and %d tokens: want a share from 0 to 1, and 1 token or more", p.Share, p.Tokens)
		}
		m.share, m.common, m.shared = p.Share, p.Tokens, Append(nil, m.seed, sharedIndex, p.Tokens)
	}
	return m, nil
}

// Words is the length of prompt n.
func (m *Made) Words(n int64) int { return m.length.At(m.seed^inputSalt, n) }

// Append appends prompt n, so many words long. One with the shared beginning has its own words after it, and its length all
// the same; one that is no longer than the beginning is made of it alone.
func (m *Made) Append(dst []byte, n int64, words int) []byte {
	switch {
	case !m.Shares(n):
		return Append(dst, m.seed, n, words)
	case words <= m.common:
		return Append(dst, m.seed, sharedIndex, words)
	}
	dst = append(append(dst, m.shared...), ' ')
	return Append(dst, m.seed, n, words-m.common)
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

package token

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Kinds of tokens in a GGUF vocabulary (tokenizer.ggml.token_type).
const (
	unknownToken = 2 // these three are found in a text, as a server of prompts does
	controlToken = 3
	userToken    = 4
)

// readGGUF reads the vocabulary of a GGUF file.
func readGGUF(r io.Reader) (*Tokenizer, error) {
	meta, err := readMetadata(r)
	if err != nil {
		return nil, err
	}
	tokens, _ := meta["tokens"].([]string)
	if len(tokens) == 0 {
		return nil, errNoVocabulary
	}
	t := &Tokenizer{size: len(tokens)}
	switch kind, _ := meta["model"].(string); kind {
	case "gpt2":
		err = t.byteLevel(meta, tokens)
	case "gemma4":
		err = t.gemma(meta, tokens)
	case "llama":
		err = t.sentencePiece(meta, tokens)
	default:
		err = fmt.Errorf("tokenizer.ggml.model is %q: only gpt2, llama and gemma4 are read", kind)
	}
	if err != nil {
		return nil, err
	}
	return t, t.special(meta, tokens)
}

// byteLevel is a byte-level vocabulary with merges.
func (t *Tokenizer) byteLevel(meta metadata, tokens []string) error {
	name, ok := meta["pre"].(string)
	if !ok {
		name = "default"
	}
	w, ok := ways[name]
	if !ok {
		return fmt.Errorf("tokenizer.ggml.pre is %q, which is not known (known: %s)", name, strings.Join(slices.Sorted(maps.Keys(ways)), ", "))
	}
	var err error
	if t.cut, err = patterns(w.patterns...); err != nil {
		return err
	}
	return t.bpe(meta, tokens, fileModel{IgnoreMerges: w.whole}, true)
}

// gemma is Gemma 4's: runes with merges, whose spaces are letters; a run of line ends that is a token is that.
func (t *Tokenizer) gemma(meta metadata, tokens []string) error {
	lines, err := patterns(`[^\n]+|[\n]+`)
	if err != nil {
		return err
	}
	t.cut = append([]cut{replaced(" ", lowBlock)}, lines...)
	t.model.lines = true
	return t.bpe(meta, tokens, fileModel{ByteFallback: true}, false)
}

// bpe takes a vocabulary and its merges.
func (t *Tokenizer) bpe(meta metadata, tokens []string, f fileModel, byteLevel bool) error {
	f.Vocab = make(map[string]int32, len(tokens))
	for id, text := range tokens {
		f.Vocab[text] = int32(id)
	}
	texts, _ := meta["merges"].([]string)
	if len(texts) == 0 {
		return fmt.Errorf("no merges in its metadata (tokenizer.ggml.merges)")
	}
	f.Merges = make(fileMerges, len(texts))
	for i, s := range texts {
		if err := f.Merges[i].split(s); err != nil {
			return err
		}
	}
	return f.into(&t.model, byteLevel)
}

// sentencePiece is a vocabulary of runes with scores.
func (t *Tokenizer) sentencePiece(meta metadata, tokens []string) error {
	scores, _ := meta["scores"].([]float32)
	if len(scores) != len(tokens) {
		return fmt.Errorf("tokenizer.ggml.scores has %d elements, and tokenizer.ggml.tokens %d", len(scores), len(tokens))
	}
	m := &t.model
	m.scores, m.unknown, m.ids = scores, none, make(map[string]int32, len(tokens))
	for id, text := range tokens {
		m.ids[text] = int32(id)
	}
	m.spellings()
	if unk, ok := meta["unknown_token_id"].(float64); ok && unk >= 0 && int(unk) < len(tokens) {
		m.unknown = int32(unk)
	}
	t.cut = []cut{replaced(" ", lowBlock)}
	if meta.flag("add_space_prefix", true) {
		t.cut = []cut{leading, replaced(" ", lowBlock)}
	}
	return nil
}

// leading puts a space before a piece, whatever it begins with.
func leading(dst []piece, p piece) ([]piece, error) {
	p.text = " " + p.text
	return append(dst, p), nil
}

// special takes the tokens that are found in a text before it is cut.
func (t *Tokenizer) special(meta metadata, tokens []string) error {
	kinds, ok := meta["token_type"].([]float32)
	if ok && len(kinds) != len(tokens) {
		return fmt.Errorf("tokenizer.ggml.token_type has %d elements, and tokenizer.ggml.tokens %d", len(kinds), len(tokens))
	}
	for id, kind := range kinds {
		if kind == unknownToken || kind == controlToken || kind == userToken {
			t.added.raw.add(tokens[id], addedToken{id: int32(id)})
		}
	}
	return nil
}

// flag is a value that is true or false, or what holds where the file says nothing.
func (m metadata) flag(key string, otherwise bool) bool {
	if b, ok := m[key].(bool); ok {
		return b
	}
	return otherwise
}

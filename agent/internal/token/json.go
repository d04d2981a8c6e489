package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// fileLimit bounds a tokenizer.json, in bytes: the largest known, of 262,144 tokens, has 33 MB.
const fileLimit = 256 << 20

// file is a tokenizer.json, as the Rust library tokenizers writes it.
type file struct {
	Added []struct {
		ID         int32  `json:"id"`
		Content    string `json:"content"`
		SingleWord bool   `json:"single_word"`
		Lstrip     bool   `json:"lstrip"`
		Rstrip     bool   `json:"rstrip"`
		Normalized bool   `json:"normalized"`
	} `json:"added_tokens"`
	Normalizer   json.RawMessage `json:"normalizer"`
	PreTokenizer json.RawMessage `json:"pre_tokenizer"`
	Model        *fileModel      `json:"model"`
}

type fileModel struct {
	Type         string           `json:"type"`
	Unknown      *string          `json:"unk_token"`
	Prefix       *string          `json:"continuing_subword_prefix"`
	Suffix       *string          `json:"end_of_word_suffix"`
	Dropout      *float64         `json:"dropout"`
	FuseUnk      bool             `json:"fuse_unk"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
	Vocab        map[string]int32 `json:"vocab"`
	Merges       fileMerges       `json:"merges"`
}

// fileMerge is "a b", or ["a", "b"] where a token has a space.
type fileMerge [2]string

// fileMerges are all of either form.
type fileMerges []fileMerge

// UnmarshalJSON reads either form, all at one go: there are hundreds of thousands.
func (m *fileMerges) UnmarshalJSON(b []byte) error {
	var lines []string
	if json.Unmarshal(b, &lines) == nil {
		*m = make(fileMerges, len(lines))
		for i, s := range lines {
			if err := (*m)[i].split(s); err != nil {
				return err
			}
		}
		return nil
	}
	var pairs [][]string
	if err := json.Unmarshal(b, &pairs); err != nil {
		return err
	}
	*m = make(fileMerges, len(pairs))
	for i, p := range pairs {
		if len(p) != 2 {
			return fmt.Errorf("merge %d has %d tokens: want two", i+1, len(p))
		}
		(*m)[i] = fileMerge(p)
	}
	return nil
}

// split takes "a b" apart.
func (m *fileMerge) split(s string) error {
	for i := 1; i < len(s)-1; i++ {
		if s[i] == ' ' {
			*m = fileMerge{s[:i], s[i+1:]}
			return nil
		}
	}
	return fmt.Errorf("the merge %.80q: want two tokens with a space between", s)
}

// readJSON reads a tokenizer.json.
func readJSON(r io.Reader) (*Tokenizer, error) {
	text, err := io.ReadAll(io.LimitReader(r, fileLimit+1))
	if err != nil {
		return nil, err
	}
	if len(text) > fileLimit {
		return nil, fmt.Errorf("no tokenizer.json: it has more than %d MiB", fileLimit>>20)
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("no tokenizer.json or GGUF: %w", lined(text, err))
	}
	return f.tokenizer()
}

// lined puts the line of a mistake in JSON before it.
func lined(text []byte, err error) error {
	at := int64(-1)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = syntax.Offset - 1
	}
	if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
		at = kind.Offset - 1
	}
	if at < 0 || at > int64(len(text)) {
		return err
	}
	line := 1 + bytes.Count(text[:at], []byte("\n"))
	column := at - int64(bytes.LastIndexByte(text[:at], '\n'))
	return fmt.Errorf("line %d, byte %d: %w", line, column, err)
}

// tokenizer makes a tokenizer of a file.
func (f *file) tokenizer() (*Tokenizer, error) {
	t := &Tokenizer{}
	if f.Model == nil {
		return nil, errors.New(`no "model" in it: want a tokenizer.json of Hugging Face's tokenizers, or a GGUF file`)
	}
	var err error
	if t.normal, err = normalizer(f.Normalizer); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	var byteLevel bool
	if t.cut, byteLevel, err = preTokenizer(f.PreTokenizer); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if err := f.Model.into(&t.model, byteLevel); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	for _, id := range f.Model.Vocab {
		t.size = max(t.size, int(id)+1)
	}
	for i, a := range f.Added {
		if a.ID < 0 {
			return nil, fmt.Errorf("added_tokens[%d]: an id of %d", i, a.ID)
		}
		t.size = max(t.size, int(a.ID)+1)
		one := addedToken{id: a.ID, left: a.Lstrip, right: a.Rstrip, word: a.SingleWord}
		if !a.Normalized {
			t.added.raw.add(a.Content, one)
			continue
		}
		content := a.Content
		for _, change := range t.normal {
			if content, err = change(content); err != nil {
				return nil, fmt.Errorf("added_tokens[%d]: %w", i, err)
			}
		}
		t.added.normal.add(content, one)
	}
	return t, nil
}

// into fills a model.
func (f *fileModel) into(m *model, byteLevel bool) error {
	switch {
	case f.Type != "BPE" && f.Type != "": // files of 2019 have no type
		return fmt.Errorf("type %s is not read: only BPE is", f.Type)
	case f.Prefix != nil && *f.Prefix != "", f.Suffix != nil && *f.Suffix != "":
		return errors.New("continuing_subword_prefix and end_of_word_suffix are not read")
	case f.Dropout != nil && *f.Dropout != 0:
		return errors.New("dropout: the same text has other tokens each time")
	case len(f.Vocab) == 0:
		return errors.New(`an empty "vocab"`)
	}
	m.byteLevel, m.whole, m.fuse, m.unknown = byteLevel, f.IgnoreMerges, f.FuseUnk, none
	m.ids = make(map[string]int32, len(f.Vocab))
	for text, id := range f.Vocab {
		if id < 0 {
			return fmt.Errorf("the token %q has the id %d", text, id)
		}
		if raw, ok := rawBytes(text); byteLevel && ok {
			m.ids[raw] = id
		} else if !byteLevel {
			m.ids[text] = id
		}
	}
	for b := range m.bytes {
		m.bytes[b] = none
	}
	if f.ByteFallback {
		m.spellings()
	}
	if f.Unknown != nil {
		id, ok := f.Vocab[*f.Unknown]
		if !ok {
			return fmt.Errorf("the unk_token %q is not in the vocabulary", *f.Unknown)
		}
		m.unknown = id
	}
	return m.take(f.Vocab, f.Merges)
}

// take takes the merges, the first of them the best. Of two that are alike the later holds, as in the library.
func (m *model) take(vocab map[string]int32, merges []fileMerge) error {
	m.merges = make(map[uint64]merge, len(merges))
	for rank, two := range merges {
		a, ok := vocab[two[0]]
		b, also := vocab[two[1]]
		to, all := vocab[two[0]+two[1]]
		if !ok || !also || !all {
			return fmt.Errorf("merge %d, %q and %q: they or what they become are not in the vocabulary", rank+1, two[0], two[1])
		}
		m.merges[pair(a, b)] = merge{float64(rank), to}
	}
	return nil
}

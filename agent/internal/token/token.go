// Package token turns text into the tokens of a model, as its server does.
//
// It reads two kinds of files: tokenizer.json of Hugging Face's tokenizers, with a model of type BPE, and the vocabulary in
// the metadata of a GGUF file. Both are read to be exact or not at all: what a file asks for that is not known here is an
// error that names it, and so is a text whose tokens can't be told for certain.
package token

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tokenizer is the tokenizer of a model. It is for any number of goroutines.
type Tokenizer struct {
	added  added  // tokens that are found in a text before all else
	normal []step // what a text becomes
	cut    []cut  // what it is cut into
	model  model  // what a piece becomes
	size   int    // how many ids there are
}

// step changes a text. The error says why its tokens can't be told.
type step func(string) (string, error)

// piece is a part of a text. first: nothing of the text is before it.
type piece struct {
	text  string
	first bool
}

// cut cuts a piece into pieces, which it appends to dst.
type cut func(dst []piece, p piece) ([]piece, error)

// Read reads the tokenizer in a file, or in the tokenizer.json of a model's directory. An error names the file and the place.
func Read(path string) (*Tokenizer, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var begin [4]byte
	if _, err := io.ReadFull(f, begin[:]); err != nil {
		return nil, fmt.Errorf("%s: no tokenizer: want a tokenizer.json or a GGUF file", path)
	}
	r := io.MultiReader(bytes.NewReader(begin[:]), f)
	var t *Tokenizer
	if string(begin[:]) == magic {
		t, err = readGGUF(r)
	} else {
		t, err = readJSON(r)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Size is how many ids the vocabulary has, from 0.
func (t *Tokenizer) Size() int { return t.size }

// Count is the number of a text's tokens, without what a server puts around a prompt: a token for its begin, a chat template.
func (t *Tokenizer) Count(text string) (int, error) {
	ids, err := t.Encode(nil, text)
	return len(ids), err
}

// Encode appends the tokens that Count counts. Bytes that are no UTF-8 stand for U+FFFD.
func (t *Tokenizer) Encode(dst []int32, text string) ([]int32, error) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	var err error
	for first := true; text != ""; first = false {
		before, token, rest := t.added.raw.find(text)
		if before != "" {
			if dst, err = t.plain(dst, before, first); err != nil {
				return dst, err
			}
		}
		if token >= 0 {
			dst = append(dst, token)
		}
		text = rest
	}
	return dst, nil
}

// plain encodes what lies between added tokens.
func (t *Tokenizer) plain(dst []int32, text string, first bool) ([]int32, error) {
	var err error
	for _, change := range t.normal {
		if text, err = change(text); err != nil {
			return dst, err
		}
	}
	for ; text != ""; first = false {
		before, token, rest := t.added.normal.find(text)
		if before != "" {
			if dst, err = t.encode(dst, piece{before, first}); err != nil {
				return dst, err
			}
		}
		if token >= 0 {
			dst = append(dst, token)
		}
		text = rest
	}
	return dst, nil
}

// encode encodes a piece without added tokens.
func (t *Tokenizer) encode(dst []int32, p piece) ([]int32, error) {
	from, to := []piece{p}, []piece(nil)
	for _, c := range t.cut {
		to = to[:0]
		for _, one := range from {
			var err error
			if to, err = c(to, one); err != nil {
				return dst, err
			}
		}
		from, to = to, from
	}
	for _, one := range from {
		dst = t.model.word(dst, one.text)
	}
	return dst, nil
}

// uncertain is the error of a text whose tokens can't be told.
func uncertain(form string) error {
	return errors.New("the tokenizer brings text into the form " + form + ", and this text has letters whose form is not known here")
}

// Words are the vocabulary's lower-case English words of two letters and more that have a space before them, by their ids.
func (t *Tokenizer) Words() []string {
	type word struct {
		text string
		id   int32
	}
	var all []word
	for text, id := range t.model.ids {
		w, ok := strings.CutPrefix(text, " ")
		if !ok {
			w, ok = strings.CutPrefix(text, lowBlock)
		}
		if ok && len(w) >= 2 && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") == "" {
			all = append(all, word{w, id})
		}
	}
	slices.SortFunc(all, func(a, b word) int { return cmp.Compare(a.id, b.id) })
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = w.text
	}
	return texts
}

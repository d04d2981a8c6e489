package token

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small is a tokenizer.json with the parts given.
func small(parts string) string {
	return `{` + parts + `"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "▁": 3, "<unk>": 4, "<0xC3>": 5, "<0xBC>": 6}, "merges": ["a b"]}}`
}

func TestWhatIsNotKnownIsNamed(t *testing.T) {
	for want, text := range map[string]string{
		"want a tokenizer.json or a GGUF file":            "ab",
		"line 2, byte 3: invalid character 'x'":           "{\n  x}",
		"line 1, byte 21: json: cannot unmarshal":         `{"added_tokens": "no"}`,
		`no "model" in it`:                                `{"version": "1.0"}`,
		"model: type Unigram is not read: only BPE is":    `{"model": {"type": "Unigram"}}`,
		`model: an empty "vocab"`:                         `{"model": {"type": "BPE"}}`,
		"model: dropout":                                  `{"model": {"type": "BPE", "dropout": 0.1}}`,
		"end_of_word_suffix are not read":                 `{"model": {"type": "BPE", "end_of_word_suffix": "</w>"}}`,
		`the token "a" has the id -1`:                     `{"model": {"type": "BPE", "vocab": {"a": -1}}}`,
		`the unk_token "?" is not in the vocabulary`:      `{"model": {"type": "BPE", "vocab": {"a": 1}, "unk_token": "?"}}`,
		`merge 1, "a" and "b": they or what they become`:  `{"model": {"type": "BPE", "vocab": {"a": 1}, "merges": [["a", "b"]]}}`,
		`merge 1 has 1 tokens: want two`:                  `{"model": {"type": "BPE", "vocab": {"a": 1}, "merges": [["a"]]}}`,
		"normalizer: [1]: Lowercase is not read":          small(`"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},`),
		"normalizer: a Replace of a pattern is not read":  small(`"normalizer": {"type": "Replace", "pattern": {"Regex": "a"}, "content": "b"},`),
		"pre_tokenizer: Whitespace is not read":           small(`"pre_tokenizer": {"type": "Whitespace"},`),
		"pre_tokenizer: (?< is not read (at byte 1 of th": small(`"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a(?<=b)"}, "behavior": "Isolated"},`),
		`a Split of behavior "Odd" is not known`:          small(`"pre_tokenizer": {"type": "Split", "pattern": {"String": "a"}, "behavior": "Odd"},`),
		`a Metaspace with prepend_scheme "odd"`:           small(`"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "odd"},`),
		"pre_tokenizer: [1]: a Digits after ByteLevel":    small(`"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]},`),
		"added_tokens[0]: an id of -1":                    small(`"added_tokens": [{"id": -1, "content": "x"}],`),
	} {
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for _, path := range []string{"/no/such/file", t.TempDir()} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("what is not there: %v", err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte(small("")), 0o644); err != nil {
		t.Fatal(err)
	}
	if tok, err := Read(dir); err != nil || tok.Size() != 7 {
		t.Errorf("a model's directory: %+v, %v", tok, err)
	}
}

func TestSmallTokenizers(t *testing.T) {
	replace := `"normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},`
	for _, c := range []struct {
		parts, text string
		want        []int32
	}{
		{"", "ab b", []int32{2, 1}}, // without an unknown token, what has none is left out
		{replace, "ab b", []int32{2, 3, 1}},
		{replace + `"added_tokens": [{"id": 7, "content": " ab ", "normalized": false}],`, "a ab b", []int32{0, 7, 1}},
		{replace + `"added_tokens": [{"id": 7, "content": " b", "normalized": true}],`, "ab b", []int32{2, 7}},
		{replace + `"added_tokens": [{"id": 7, "content": "b", "normalized": false, "lstrip": true}],`, "a  b a", []int32{0, 7, 3, 0}},
		{replace + `"added_tokens": [{"id": 7, "content": "b", "normalized": false, "rstrip": true}],`, "a b  a", []int32{0, 3, 7, 0}},
		{replace + `"added_tokens": [{"id": 7, "content": "b", "normalized": false, "single_word": true}],`, "ab b", []int32{2, 3, 7}},
		{`"added_tokens": [{"id": 7, "content": "a", "normalized": false}, {"id": 8, "content": "aa", "normalized": false}],`, "aaa", []int32{8, 7}},
		{`"pre_tokenizer": {"type": "Split", "pattern": {"String": "a"}, "behavior": "Removed"},`, "abab", []int32{1, 1}},
	} {
		tok, err := readJSON(strings.NewReader(small(c.parts)))
		if err != nil {
			t.Errorf("%s: %v", c.parts, err)
			continue
		}
		if got, err := tok.Encode(nil, c.text); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s of %q: %v (%v), want %v", c.parts, c.text, got, err, c.want)
		}
	}
}

func TestATextWhoseFormIsNotCertainIsRefused(t *testing.T) {
	tok, err := readJSON(strings.NewReader(small(`"normalizer": {"type": "NFC"},`)))
	if err != nil {
		t.Fatal(err)
	}
	for text, sure := range map[string]bool{"abé": true, "日本語 Привет 한국": true, "e\u0301": false, "\u212b": false, "\u1100\u1161": false, "\uf900": false, "สวัสดี": true, "हिन्दी": true, "\u0622\u064e": true, "a\u064e\u0651": false, "\u0c46\u0c56": false} {
		if _, err := tok.Count(text); (err == nil) != sure || err != nil && !strings.Contains(err.Error(), "NFC") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	f.Add(small(`"added_tokens": [{"id": 7, "content": " ab ", "normalized": false}], "normalizer": {"type": "NFC"},`))
	f.Add(small(`"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "\\s+(?!\\S)|[^\\r\\n\\p{L}]?+\\p{L}{1,3}"}, "behavior": "Isolated"}, {"type": "ByteLevel", "use_regex": false}]},`))
	f.Add(small(`"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "first", "split": true},`))
	f.Fuzz(func(t *testing.T, text string) {
		if tok, err := readJSON(strings.NewReader(text)); err == nil {
			encodes(t, tok)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		read(b, "testdata/bytes.json")
	}
}

func BenchmarkEncode(b *testing.B) {
	tok := read(b, "testdata/bytes.json")
	text := strings.Repeat("The quick brown fox jumps over the lazy dog, 1234 times. ", 100)
	b.SetBytes(int64(len(text)))
	var ids []int32
	for b.Loop() {
		var err error
		if ids, err = tok.Encode(ids[:0], text); err != nil {
			b.Fatal(err)
		}
	}
}

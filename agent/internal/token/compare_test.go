package token

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The tokenizers of testdata were trained on this repository's documents by the Python library tokenizers, and the tokens
// are what it made of the texts: bytes is byte-level with the pattern of Llama 3, pieces is SentencePiece's way with bytes
// for what has no token, tiny has 260 tokens and the pattern of GPT-2.
func TestTokensAreThoseOfTheLibrary(t *testing.T) {
	for _, name := range []string{"bytes", "pieces", "tiny"} {
		if refused := compare(t, "testdata/"+name+".json", "testdata/"+name+".jsonl"); refused != 0 {
			t.Errorf("%s: %d texts were refused", name, refused)
		}
	}
}

// What other programs made of the same texts is compared where HPCBENCH_TOKENS names a directory: beside each
// NAME.jsonl, whose lines are {"text": "…", "ids": […]}, lies the tokenizer NAME. docs/verified.md says how it was made.
func TestOthersSayTheSame(t *testing.T) {
	dir := os.Getenv("HPCBENCH_TOKENS")
	if dir == "" {
		t.Skip("HPCBENCH_TOKENS names no directory of texts and tokens to compare with")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no *.jsonl in %s (%v)", dir, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		t.Run(name, func(t *testing.T) { compare(t, strings.TrimSuffix(file, ".jsonl"), file) })
	}
}

// compare wants the tokens of a file of texts, and returns how many texts had none for certain.
func compare(t *testing.T, tokenizer, texts string) (refused int) {
	t.Helper()
	tok, n, tokens := read(t, tokenizer), 0, 0
	for _, c := range cases(t, texts) {
		n++
		got, err := tok.Encode(nil, c.Text)
		if err != nil {
			refused++
			continue
		}
		tokens += len(got)
		if !slices.Equal(got, c.IDs) {
			t.Errorf("%q:\n got %v\nwant %v", c.Text, got, c.IDs)
		}
	}
	t.Logf("%d texts of %d tokens, %d refused", n, tokens, refused)
	return refused
}

func read(t testing.TB, path string) *Tokenizer {
	t.Helper()
	tok, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// textCase is a text and its tokens.
type textCase struct {
	Text string
	IDs  []int32
}

func cases(t *testing.T, path string) (all []textCase) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 1<<26); lines.Scan(); {
		var c textCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if lines.Err() != nil || len(all) == 0 {
		t.Fatalf("%s: no text in it (%v)", path, lines.Err())
	}
	return all
}

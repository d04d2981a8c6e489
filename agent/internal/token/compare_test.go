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

func compare(t *testing.T, tokenizer, texts string) {
	tok, err := Read(tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(texts)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<26)
	n, refused, wrong, tokens := 0, 0, 0, 0
	for lines.Scan() {
		var c struct {
			Text string
			IDs  []int32
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		n++
		got, err := tok.Encode(nil, c.Text)
		if err != nil {
			refused++
			continue
		}
		tokens += len(got)
		if !slices.Equal(got, c.IDs) {
			if wrong++; wrong <= 5 {
				t.Errorf("%q:\n got %v\nwant %v", c.Text, got, c.IDs)
			}
		}
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	t.Logf("%d texts of %d tokens: %d differ, %d refused", n, tokens, wrong, refused)
}

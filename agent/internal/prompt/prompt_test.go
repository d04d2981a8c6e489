package prompt

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func text(seed uint64, n int64, words int) string { return string(Append(nil, seed, n, words)) }

func TestPromptIsAFunctionOfSeedAndIndex(t *testing.T) {
	if again := text(7, 3, 100); again != text(7, 3, 100) {
		t.Error("the same seed and index give two texts")
	}
	if text(7, 3, 100) == text(8, 3, 100) {
		t.Error("two seeds give one text")
	}
	if long := text(7, 3, 100); !strings.HasPrefix(long, text(7, 3, 40)+" ") {
		t.Error("a longer prompt of the same index does not begin as the shorter one")
	}
}

func TestPromptHasItsLengthInWordsThatNeedNoEscape(t *testing.T) {
	plain := regexp.MustCompile(`^[a-z]+( [a-z]+)*$`)
	for _, words := range []int{1, 7, 8, 9, 512} {
		p := text(1, 42, words)
		if got := len(strings.Fields(p)); got != words || !plain.MatchString(p) {
			t.Errorf("prompt of %d words has %d: %q", words, got, p)
		}
	}
	if text(1, 42, 0) != "" {
		t.Error("no words, yet a text")
	}
}

func TestNoTwoPromptsShareTheirFirstEightWords(t *testing.T) {
	seen := map[string]int64{}
	for n := range int64(200_000) {
		p := text(99, n, 8)
		if other, ok := seen[p]; ok {
			t.Fatalf("prompts %d and %d both begin %q", other, n, p)
		}
		seen[p] = n
	}
}

func TestPromptsShareNoStretchFurtherIn(t *testing.T) {
	seen := map[string]bool{}
	for n := range int64(2000) {
		words := strings.Fields(text(99, n, 64))
		for block := range slices.Chunk(words, 8) {
			key := strings.Join(block, " ")
			if seen[key] {
				t.Fatalf("prompt %d repeats the block %q", n, key)
			}
			seen[key] = true
		}
	}
}

func TestVocabularyHasNoWordTwice(t *testing.T) {
	seen := map[string]bool{}
	for i, word := range words {
		if word == "" || seen[word] {
			t.Errorf("word %d: %q is empty or there twice", i, word)
		}
		seen[word] = true
	}
}

func BenchmarkAppend(b *testing.B) {
	var buf []byte
	b.ReportAllocs()
	for n := int64(0); b.Loop(); n++ {
		buf = Append(buf[:0], 1, n, 1024)
	}
}

func TestEveryWordHasRoom(t *testing.T) {
	for i, w := range english.rest {
		if len(words[i]) >= wordLen || w.length != len(words[i])+1 {
			t.Errorf("%q has %d bytes, %d are kept with its space", words[i], len(words[i]), w.length)
		}
	}
}

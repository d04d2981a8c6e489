package prompt

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/token"
	"hpcbench/agent/workload"
)

func tokenizer(t *testing.T, name string) *token.Tokenizer {
	t.Helper()
	tok, err := token.Read("../token/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// The vocabularies: two of 1500 tokens have words, one of 260 has letters only.
var vocabularies = []string{"bytes", "pieces", "tiny"}

func TestPromptsHaveExactlyTheirLengthInTokens(t *testing.T) {
	for _, name := range vocabularies {
		tok := tokenizer(t, name)
		for _, w := range []workload.Workload{
			{InputLaw: &workload.Length{Law: "uniform", A: 1, B: 300}},
			{InputTokens: 2000},
			{InputLaw: &workload.Length{Law: "lognormal", A: 60, B: 80}, Prefix: &workload.Prefix{Share: 0.5, Tokens: 40}},
		} {
			w.PromptSeed = 17
			m, err := NewExact(w, tok)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for n := range int64(40) {
				length := m.Words(n)
				p := string(m.Append(nil, n, length))
				if got, err := tok.Count(p); err != nil || got != length {
					t.Fatalf("%s: prompt %d has %d tokens, want %d (%v): %q", name, n, got, length, err, p)
				}
			}
		}
	}
}

func TestAPrefixIsSharedInTokens(t *testing.T) {
	for _, name := range vocabularies {
		tok := tokenizer(t, name)
		m, err := NewExact(workload.Workload{InputTokens: 90, PromptSeed: 5, Prefix: &workload.Prefix{Share: 1, Tokens: 32}}, tok)
		if err != nil {
			t.Fatal(err)
		}
		ids := func(n int64) []int32 {
			all, err := tok.Encode(nil, string(m.Append(nil, n, m.Words(n))))
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		first := ids(0)
		for n := int64(1); n < 50; n++ {
			alike := 0
			for other := ids(n); alike < len(other) && other[alike] == first[alike]; {
				alike++
			}
			if alike < 32 || alike >= 32+m.vocabulary.Unique() {
				t.Errorf("%s: prompt %d begins with %d tokens of prompt 0, want 32 and few more", name, n, alike)
			}
		}
	}
}

func TestNoPromptRepeatsWhateverTheVocabulary(t *testing.T) {
	for _, name := range vocabularies {
		m, err := NewExact(workload.Workload{InputTokens: 9, PromptSeed: 5}, tokenizer(t, name))
		if err != nil {
			t.Fatal(err)
		}
		v := m.vocabulary
		if bits := v.firstBits + (v.Unique()-1)*v.restBits; bits < idBits {
			t.Errorf("%s: %d words spell %d bits", name, v.Unique(), bits)
		}
		seen := map[string]bool{}
		for n := range int64(50_000) {
			p := string(v.Append(nil, 5, n, v.Unique()))
			if seen[p] {
				t.Fatalf("%s: prompt %d repeats %q", name, n, p)
			}
			seen[p] = true
		}
		t.Logf("%s: %d and %d words, %d of them spell an id: %s", name, len(v.first), len(v.rest), v.Unique(), v.Append(nil, 5, 1, 12))
	}
}

// counting is a tokenizer of nothing but a rule.
type counting func(text string) int

func (c counting) Count(text string) (int, error) { return c(text), nil }
func (c counting) Words() []string                { return nil }

func TestChosenWords(t *testing.T) {
	word := counting(func(s string) int { return len(strings.Fields(s)) })
	v, err := Choose(word)
	if err != nil || len(v.first) != 256 || len(v.rest) != 256 || v.lead != 0 {
		t.Fatalf("of a token a word: %+v, %v", v, err)
	}
	if got, want := string(v.Append(nil, 7, 3, 100)), text(7, 3, 100); got != want {
		t.Errorf("where all common words are tokens, a prompt is\n%q, and without a tokenizer\n%q", got, want)
	}
	short := counting(func(s string) (n int) { // words of three letters are one token, all others one a letter
		for _, w := range strings.Fields(s) {
			n += map[bool]int{true: 1, false: len(w)}[len(w) == 3]
		}
		return n
	})
	if v, err = Choose(short); err != nil || len(v.rest) != 32 || v.rest[0].length != 4 {
		t.Errorf("of words of three letters: %+v, %v", v, err)
	}
	lead := counting(func(s string) int { return 1 + len(s) }) // a token a letter, and one for the begin
	if v, err = Choose(lead); err != nil || len(v.rest) != 16 || v.lead != 1 || v.between != "" || v.Unique() != 16 {
		t.Errorf("of letters: %+v, %v", v, err)
	}
	for name, none := range map[string]counting{
		"two tokens a letter": func(s string) int { return 2 * len(s) },
		"pairs of letters":    func(s string) int { return (len(s) + 1) / 2 },
	} {
		if v, err := Choose(none); err == nil || !strings.Contains(err.Error(), "no prompt can be made to an exact length") {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	broken := counting(func(s string) int { // is right of single words alone
		if n := len(strings.Fields(s)); n < 100 && len(s) > 50 || n < 3 {
			return n
		}
		return 1
	})
	if v, err := Choose(broken); err == nil {
		t.Errorf("a tokenizer that joins words: %+v", v)
	}
}

func TestPromptsOfTokenIDs(t *testing.T) {
	for _, ids := range []workload.IDs{{First: 0, Last: 1}, {First: 100, Last: 355}, {First: 1000, Last: 127_999}, {First: 5, Last: 7}} {
		m, err := NewMade(workload.Workload{InputTokens: 100, PromptSeed: 3, TokenIDs: &ids, Prefix: &workload.Prefix{Share: 0.5, Tokens: 16}})
		if err != nil {
			t.Fatal(err)
		}
		seen, counts, total := map[string]bool{}, map[int]int{}, 0
		for n := range int64(2000) {
			p := string(m.Append(nil, n, m.Words(n)))
			if seen[p] {
				t.Fatalf("%v: prompt %d repeats", ids, n)
			}
			seen[p] = true
			numbers := strings.Split(p, ",")
			if len(numbers) != 100 {
				t.Fatalf("%v: prompt %d has %d ids", ids, n, len(numbers))
			}
			for _, s := range numbers {
				id, err := strconv.Atoi(s)
				if err != nil || id < ids.First || id > ids.Last {
					t.Fatalf("%v: the id %q", ids, s)
				}
				total++
				counts[(id-ids.First)*8/(ids.Last-ids.First+1)]++
			}
		}
		if ids.Last > 100_000 {
			for eighth, n := range counts {
				if math.Abs(float64(n)*8/float64(total)-1) > 0.35 {
					t.Errorf("%v: the %d. eighth of the ids has %d of %d draws", ids, eighth+1, n, total)
				}
			}
		}
	}
	for _, ids := range []workload.IDs{{First: 3, Last: 3}, {First: -1, Last: 9}, {First: 9, Last: 1}} {
		if _, err := NewMade(workload.Workload{InputTokens: 9, TokenIDs: &ids}); err == nil || !strings.Contains(err.Error(), "want two ids or more") {
			t.Errorf("%v: %v", ids, err)
		}
	}
}

func TestPromptsOfAnyKindAllocateNothing(t *testing.T) {
	w := workload.Workload{InputTokens: 64, Prefix: &workload.Prefix{Share: 0.5, Tokens: 16}}
	words, err := NewExact(w, tokenizer(t, "bytes"))
	if err != nil {
		t.Fatal(err)
	}
	w.TokenIDs = &workload.IDs{First: 10, Last: 30_000}
	ids, err := NewMade(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Made{words, ids} {
		buf, n := make([]byte, 0, 1<<16), int64(0)
		if allocs := testing.AllocsPerRun(1000, func() { n++; buf = m.Append(buf[:0], n, m.Words(n)) }); allocs != 0 {
			t.Errorf("%v allocations a prompt", allocs)
		}
	}
}

func BenchmarkAppendIDs(b *testing.B) {
	ids, err := newNumbers(workload.IDs{First: 1000, Last: 127_999})
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for n := int64(0); b.Loop(); n++ {
		buf = ids.append(buf[:0], 1, n, 1024)
	}
}

func Example() {
	m, err := NewMade(workload.Workload{InputTokens: 4, TokenIDs: &workload.IDs{First: 0, Last: 9}, PromptSeed: 1})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(m.Append(nil, 0, 4)))
	// Output: 6,1,4,2
}

// The vocabularies of real models are tried where HPCBENCH_TOKENS names a directory of them (as in package token).
func TestRealVocabularies(t *testing.T) {
	dir := os.Getenv("HPCBENCH_TOKENS")
	if dir == "" {
		t.Skip("HPCBENCH_TOKENS names no directory of tokenizers")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		begin := time.Now()
		tok, err := token.Read(strings.TrimSuffix(file, ".jsonl"))
		if err != nil {
			t.Error(err)
			continue
		}
		read := time.Since(begin)
		m, err := NewExact(workload.Workload{InputTokens: 1024, PromptSeed: 5}, tok)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		own, common := 0, stored(words[:], m.vocabulary.between)
		for _, w := range m.vocabulary.rest {
			if !slices.Contains(common, w) {
				own++
			}
		}
		took := time.Since(begin) - read
		inWords, err := tok.Count(text(5, 1, 10_000)) // without the tokenizer
		if err != nil {
			t.Error(err)
		}
		t.Logf("%s: read in %d ms, chosen in %d ms: %d first and %d words, %d of the model's own; 10000 common words are %d tokens", filepath.Base(file), read.Milliseconds(),
			took.Milliseconds(), len(m.vocabulary.first), len(m.vocabulary.rest), own, inWords)
	}
}

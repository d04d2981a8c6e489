package token

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func pieces(t *testing.T, source, text string) []string {
	t.Helper()
	cuts, err := patterns(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	out, err := cuts[0](nil, piece{text, true})
	if err != nil {
		t.Fatalf("%s of %q: %v", source, text, err)
	}
	var all []string
	for _, p := range out {
		all = append(all, p.text)
	}
	return all
}

func TestPatternsCutAsTheirLanguageSays(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          []string
	}{
		{gpt2, "I'll go  there\n\n now!", []string{"I", "'ll", " go", " ", " there", "\n\n", " now", "!"}},
		{llama3, "I'LL 12345\r\n ok", []string{"I", "'LL", " ", "123", "45", "\r\n", " ok"}},
		{`(?i:'s)`, "x'S'ſ", []string{"x", "'S", "'ſ"}},
		{`a{2}`, "aaaaa", []string{"aa", "aa", "a"}},
		{`a{1,2}b?`, "aaab", []string{"aa", "ab"}},
		{`a{2,}`, "abaaa", []string{"ab", "aaa"}},
		{`(?:ab|a)c`, "abcac", []string{"abc", "ac"}},
		{`a++a`, "aaa", []string{"aaa"}}, // the whole is left over: possessive
		{`(?>ab|a)b`, "abab", []string{"abab"}},
		{`\d{1,3}(?=(?:\d{3})*\b)`, "1234567", []string{"1", "234", "567"}},
		{`[^\s\p{L}]+|\P{L}`, "a-1 b", []string{"a", "-1", " ", "b"}},
		{`\p{Han}+`, "a漢字b", []string{"a", "漢字", "b"}},
		{`[\x41-\x{43}\u0044]`, "ABCDE", []string{"A", "B", "C", "D", "E"}},
		{`[]a-]+`, "x]a-y", []string{"x", "]a-", "y"}},
		{`\s+$`, "a  b  ", []string{"a  b", "  "}},
		{`.`, "a\nb", []string{"a", "\n", "b"}},
		{`\w+`, "été_1-²", []string{"été_1", "-", "²"}},
		{`x*`, "axxa", []string{"a", "xx", "a"}}, // what is empty cuts nothing
	} {
		if got := pieces(t, c.pattern, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s of %q: %q, want %q", c.pattern, c.text, got, c.want)
		}
	}
}

func TestPatternsThatAreNotRead(t *testing.T) {
	for _, source := range []string{"(", ")", "[", "[a", "a**", "+", "^a", "a+?", "(?<=a)", "(?P<x>a)", `\1`, `\p{Nothing}`, `\h`, "[a&&b]", "[[:alpha:]]", "[b-a]", "a{", "a{2", "a{3,2}", "a{9999}",
		`\x{110000}`, `\`, "(a*)*", "(?=a)*", "(a{900}){900}", strings.Repeat("(", 200)} {
		if p, err := compile(source); err == nil {
			t.Errorf("%q is read: %v", source, p.code)
		} else if !strings.Contains(err.Error(), "not read (at byte ") && !strings.Contains(err.Error(), "is not read") {
			t.Errorf("%q: %v", source, err)
		}
	}
}

func TestAPatternThatNeverEndsIsGivenUp(t *testing.T) {
	p, err := compile(`(?:a+)+b`)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.next(strings.Repeat("a", 60), 0); err != errTooLong {
		t.Errorf("an exponential pattern: %v", err)
	}
}

// FuzzPattern compares with Go's own regexp, where that knows the pattern, on texts of ASCII.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{`'s| ?\p{L}+|\s+`, `[^a-c]{1,3}|b?`, `(?:ab|a)(?i:bc)+`, `\d+\b|\W`, `a{0,2}b{2,}`, `[\w-]+$`} {
		f.Add(s, "it's abc  abBc 12 aab")
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		p, err := compile(source)
		if err != nil || len(text) > 200 {
			return
		}
		begin, end, err := p.next(text, 0)
		if err == nil && begin >= 0 && (begin >= end || end > len(text)) {
			t.Fatalf("%q of %q: %d to %d", source, text, begin, end)
		}
		own, oerr := regexp.Compile(source)
		if err != nil || oerr != nil || strings.ContainsFunc(source+text, func(r rune) bool { return r >= 0x80 || r == '\v' || r == '_' }) || strings.ContainsAny(source, `$\[{.`) {
			return
		}
		want := slices.DeleteFunc(own.FindAllStringIndex(text, -1), func(at []int) bool { return at[0] == at[1] })
		switch {
		case len(want) == 0 && begin >= 0, len(want) > 0 && (begin != want[0][0] || end != want[0][1]):
			t.Fatalf("%q of %q: %d to %d, and Go's %v", source, text, begin, end, want)
		}
	})
}

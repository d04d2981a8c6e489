package diag

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestSortedIsSourceOrderWithoutRepeats(t *testing.T) {
	var l List
	at := func(file string, line, col int) Pos { return Pos{file, line, col} }
	l.Hintf(at("b", 1, 1), "x", "", "first file")
	l.Warnf(at("a", 9, 1), "x", "", "late")
	l.Errorf(at("a", 2, 5), "x", "", "same place")
	l.Hintf(at("a", 2, 5), "x", "", "same place")
	l.Errorf(at("a", 2, 5), "x", "", "same place")
	l.Errorf(at("a", 2, 3), "x", "", "early")
	var got []string
	for _, d := range l.Sorted() {
		got = append(got, d.String())
	}
	want := "b:1:1: hint: first file|a:2:3: error: early|a:2:5: error: same place|a:2:5: hint: same place|a:9:1: warning: late"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	if l[0].Message != "first file" {
		t.Error("Sorted changed its receiver")
	}
}

func TestStrictMakesWarningsErrors(t *testing.T) {
	var l List
	l.Warnf(Pos{}, "x", "", "w")
	l.Hintf(Pos{}, "x", "", "h")
	if s := l.Strict(); !s.Failed() || s.Count(Error) != 1 || s.Count(Hint) != 1 || l.Failed() {
		t.Errorf("got %v", l.Strict())
	}
}

func TestNearest(t *testing.T) {
	known := []string{"concurrency", "clients_per_node", "duration", "dialect", "rate", "batch"}
	for name, want := range map[string]string{
		"concurency":       "concurrency",
		"clients-per-node": "clients_per_node",
		"ratee":            "rate",
		"raet":             "rate",
		"batches":          "batch",
		"model":            "",
		"x":                "",
		"":                 "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestPrinterShowsTheLineButNoSecret(t *testing.T) {
	src := "a: 1\n\tb: ünï\nHF_TOKEN: hunter2\n"
	var l List
	l.Errorf(Pos{"f", 2, 5}, "x", "do this", "wrong")
	l.Errorf(Pos{"f", 3, 11}, "x", "", "secret")
	var b bytes.Buffer
	p := Printer{Source: func(string) []byte { return []byte(src) }}
	if err := p.Print(&b, l); err != nil {
		t.Fatal(err)
	}
	want := "f:2:5: error: wrong (do this)\n     b: ünï\n        ^\nf:3:11: error: secret\n"
	if b.String() != want {
		t.Errorf("got\n%q\nwant\n%q", b.String(), want)
	}
}

func TestPrinterTamesControlCharacters(t *testing.T) {
	var l List
	l.Errorf(Pos{"f\x1b[2J", 1, 1}, "x", "", "a\x1b[31mb\u202ec")
	var b bytes.Buffer
	if err := (Printer{}).Print(&b, l); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("got %q", b.String())
	}
}

func TestPrinterColours(t *testing.T) {
	var l List
	l.Warnf(Pos{"f", 1, 1}, "x", "", "w")
	var b bytes.Buffer
	if err := (Printer{Color: true}).Print(&b, l); err != nil {
		t.Fatal(err)
	}
	if b.String() != "f:1:1: \x1b[33mwarning:\x1b[0m w\n" {
		t.Errorf("got %q", b.String())
	}
}

func TestJSON(t *testing.T) {
	var l List
	var b bytes.Buffer
	if err := JSON(&b, l); err != nil || b.String() != "[]\n" {
		t.Errorf("an empty list is %q, %v", b.String(), err)
	}
	b.Reset()
	l.Errorf(Pos{"f", 2, 3}, "unknown-field", `did you mean "x"?`, "a < b")
	if err := JSON(&b, l); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	d := got[0]
	if d["file"] != "f" || d["line"] != 2.0 || d["col"] != 3.0 || d["severity"] != "error" || d["code"] != "unknown-field" ||
		d["message"] != "a < b" || d["hint"] != `did you mean "x"?` {
		t.Errorf("got %v", d)
	}
}

func TestMend(t *testing.T) {
	at := Pos{"f", 2, 3}
	for cure, want := range map[string]Fix{
		"delete it": Delete(at), "delete it: each has its own": Delete(at), "delete it; so": Delete(at),
		"delete it, or write 3": {}, "delete items": {}, "": {}, "write 3": {},
	} {
		if got := (Diagnostic{Pos: at, Cure: cure}).Mend(); got != want {
			t.Errorf("%q: got %v, want %v", cure, got, want)
		}
	}
	if got := (Diagnostic{Pos: at, Cure: "delete it", Fix: Add("a", "1")}).Mend(); got != Add("a", "1") {
		t.Errorf("its own is not taken: %v", got)
	}
	if got := (Diagnostic{Pos: Pos{File: "--set a"}, Cure: "delete it"}).Mend(); got != (Fix{}) {
		t.Errorf("a place that is none: %v", got)
	}
}

func TestJSONHasTheFix(t *testing.T) {
	var l List
	l.Errorf(Pos{"f", 2, 3}, "x", "write 3", "wrong")
	l.Fix(Replace(Pos{"f", 2, 5}, "3").Asked())
	var b bytes.Buffer
	if err := JSON(&b, l); err != nil {
		t.Fatal(err)
	}
	var got []struct{ Fix map[string]any }
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if f := got[0].Fix; f["do"] != "replace" || f["line"] != 2.0 || f["col"] != 5.0 || f["text"] != "3" || f["ask"] != true {
		t.Errorf("got %v", f)
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"abc", 0, "abc"}, {"e\u0301e\u0301", 2, "e\u0301e\u0301"},
	} {
		if got := Clip(c.text, c.width); got != c.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// Whatever the line and its width, the caret stands under its character and nothing is wider than the terminal.
func TestWindow(t *testing.T) {
	line := []rune(strings.Repeat("ab日e\u0301", 20))
	for width := 20; width < 110; width += 7 {
		for at := 0; at < len(line); at++ {
			shown, caret := window(line, at, width)
			if Columns(shown) > width || caret >= width {
				t.Fatalf("width %d, character %d: %d columns, the caret in %d", width, at, Columns(shown), caret)
			}
			n, under := 0, rune(0)
			for _, r := range shown {
				if n == caret && columns(r) > 0 {
					under = r
				}
				n += columns(r)
			}
			if columns(line[at]) > 0 && under != line[at] {
				t.Fatalf("width %d, character %d: the caret is under %q, not %q, of %q", width, at, under, line[at], shown)
			}
		}
	}
}

package logs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// Whatever a program writes becomes one line of JSON that has what it says, in words that command no terminal.
func FuzzParser(f *testing.F) {
	logs, err := filepath.Glob("testdata/formats/*.log")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("9999-99-99 99:99:99 x\n02-30 INFO\n0.99.999.999 I\n[GIN] 0000/00/00 - 00:00:00 | 999 |\n{\"time\":1e300,\"level\":{}}\n{{"))
	f.Add([]byte(`{"level":"info","message":"a\u001b]0;x\u0007\nb","node":"n\u001b[2J","x":"\u009b","\u001b[1m":1}` + "\n" +
		`time=2026-11-26T07:50:34.583Z level=INFO msg="\x1b[2Ja\nb"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := NewParser(Source{File: "logs/x.log", Rank: -1}, testJob(), time.Time{}, nil)
		for k, line := range strings.Split(string(text), "\n") {
			e := p.Entry([]byte(line), "")
			var back Entry
			if err := json.Unmarshal(e.JSON(), &back); err != nil || !back.Time.Equal(e.Time) || back.Message != e.Message {
				t.Fatalf("%q became %s, which reads as %+v, %v", line, e.JSON(), back, err)
			}
			shown := e.Text(time.UTC)
			if e.Line != k+1 || e.Time.IsZero() || !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
				t.Fatalf("%q became %+v", line, e)
			}
		}
	})
}

// However a file grows, its lines are those that were written.
func FuzzTail(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), uint8(3))
	f.Fuzz(func(t *testing.T, text []byte, step uint8) {
		if strings.Contains(string(text), "\x00") || len(text) > 1<<16 {
			t.Skip()
		}
		tr := newTrough(t)
		var got []string
		for len(text) > 0 {
			n := min(len(text), int(step)+1)
			tr.write(string(text[:n]))
			tr.got = append(tr.got, string(text[:n]))
			text = text[n:]
			if _, err := tr.tail.Poll(0, func(line []byte, _ string) { got = append(got, string(line)+"\n") }); err != nil {
				t.Fatal(err)
			}
			tr.reopen(tr.tail.Place)
		}
		tr.tail.Whole()
		if _, err := tr.tail.Poll(0, func(line []byte, _ string) { got = append(got, string(line)) }); err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(tr.got, ""); strings.Join(got, "") != all {
			t.Errorf("wrote %q, read %q", all, got)
		}
	})
}

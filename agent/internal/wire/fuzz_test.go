package wire

import (
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire/fixture"
)

// FuzzParser feeds the same bytes whole and in two other ways: what comes of them must not depend on the pieces.
func FuzzParser(f *testing.F) {
	for i, c := range fixture.All() {
		f.Add([]byte(c.Bytes), uint8(i%4), uint16(i*7), i%3 != 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, dialect uint8, piece uint16, stream bool) {
		name := Dialects()[int(dialect)%len(Dialects())]
		all, events := parse(t, name, stream, string(b), max(1, len(b)))
		some, n := parse(t, name, stream, string(b), 1+int(piece)%200)
		if all.Outcome == record.Invalid && some.Outcome == record.Invalid {
			return // the words may differ: they show what had come
		}
		if all.Reusable != some.Reusable {
			all.Reusable, some.Reusable = false, false // bytes after the end are seen in one read only
		}
		if all != some || events != n {
			t.Errorf("whole: %+v, %d events; in pieces of %d: %+v, %d events", all, events, 1+int(piece)%200, some, n)
		}
		if all.Outcome == record.OK && all.Status != 200 {
			t.Errorf("ok with status %d", all.Status)
		}
	})
}

// FuzzScan looks for text on which the scan does not end, or reads past the end.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{"choices":[{"delta":{"content":"x"}}]}`, `{"a":"\\\"","b":[{}]}`, `{"error":1}`, `{`, `{"done":tru`,
		`{"choices":[{"index":-1,"text":"x"},{"index":1e9,"text":""},{"index":1,"text":"y","tokens_predicted":3}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range Dialects() {
			d, err := Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			scan(b, d.fields, nil)
			more := details{choices: make([]choice, 2)}
			scan(b, d.fields, &more)
			more.own()
		}
	})
}

// FuzzEvents holds the stream's parser against a slow one that follows the standard's words.
func FuzzEvents(f *testing.F) {
	for _, s := range []string{hello + done, "data:x\r\rdata: y\r\n\r\n", ":c\n\n", "data\n\n", "\xEF\xBB\xBFdata: {}\n\n", "data: a\ndata: b\n\n"} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, piece uint16) {
		want := slowEvents(b)
		got := quickEvents(b, 1+int(piece)%64)
		if len(got) != len(want) {
			t.Fatalf("%d events %q, want %d %q", len(got), got, len(want), want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("event %d: %q, want %q", i, got[i], want[i])
			}
		}
	})
}

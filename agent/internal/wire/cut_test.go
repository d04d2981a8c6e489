package wire

import (
	"errors"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire/fixture"
)

// closedAt is what a parser makes of the first bytes of an answer, after which its connection ends as err says.
func closedAt(t *testing.T, c fixture.Answer, at int, err error) (a Answer, events int, complete bool) {
	t.Helper()
	d, unknown := Lookup(c.Dialect)
	if unknown != nil {
		t.Fatal(unknown)
	}
	var p Parser
	p.Reset(d, !c.Document)
	events, complete = p.Feed([]byte(c.Bytes[:at]))
	if !complete {
		events += p.Hangup(err)
	}
	return p.Answer(), events, complete
}

// A good answer whose connection is closed anywhere before its end is a disconnect, with the tokens seen until then, or, where
// the end of the connection is that of the body, truncated until the mark of its end has come.
func TestEveryGoodAnswerClosedAtEveryOffset(t *testing.T) {
	for _, c := range fixture.All() {
		if c.Want.Outcome != record.OK {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			seen, good := 0, false
			for at := range c.Bytes {
				a, events, complete := closedAt(t, c, at, nil)
				if events < seen || events > c.Want.Events {
					t.Fatalf("at %d: %d events after %d, of %d in all", at, events, seen, c.Want.Events)
				}
				seen = events
				switch marked := marked(c.Bytes[:at]); {
				case a.Reusable:
					t.Fatalf("at %d: reusable", at)
				case complete && !marked || a.Outcome == record.OK && !marked, good && a.Outcome != record.OK:
					t.Fatalf("at %d, %q: %v, complete: %v", at, c.Bytes[max(0, at-20):at], a.Outcome, complete)
				case a.Outcome != record.OK && a.Outcome != record.Disconnect && a.Outcome != record.Truncated, (a.Error == "") != (a.Outcome == record.OK):
					t.Fatalf("at %d: %v %q", at, a.Outcome, a.Error)
				}
				good = a.Outcome == record.OK
				if a, _, complete := closedAt(t, c, at, errors.New("reset")); !complete && (a.Outcome != record.Disconnect || a.Error != "reset") {
					t.Fatalf("reset at %d: %v %q", at, a.Outcome, a.Error)
				}
			}
			if framed := strings.Contains(c.Bytes, "chunked") || strings.Contains(c.Bytes, "Content-Length"); framed && good {
				t.Error("good without its last byte")
			}
		})
	}
}

// marked reports whether a mark of the end is in what came.
func marked(b string) bool {
	for _, mark := range []string{`"finish_reason":"`, `"finish_reason" : "`, "[DONE]", `"done":true`} {
		if strings.Contains(b, mark) {
			return true
		}
	}
	return false
}

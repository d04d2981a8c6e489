package wire

import (
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire/fixture"
)

// Which connections can carry another request.
func TestReuse(t *testing.T) {
	kept := map[string]bool{
		"length/plain": true, "length/twice the same": true, "length/none: to the connection's end": false, "connection/close": false, "connection/close among others": false,
		"connection/HTTP/1.0": false, "connection/HTTP/1.0 kept": true, "head/bare line feeds": true, "1xx/before the answer": true,
		"other statuses/204": true, "other statuses/redirect": true, "chunks/extensions and trailers": true, "chunks/closed before the last": false,
		"chunks and a length/the chunks count": false, "chunks and a length/chunks of HTTP/1.0": false, "codings that were not asked for/gzip content": false,
		"[DONE] absent/closed in order after it": false, "429 and 503/503 with text": true, "error in mid stream/after 200": true,
	}
	for _, c := range fixture.All() {
		want, ok := kept[c.Name]
		if !ok {
			continue
		}
		if _, a := seen(t, c, 1<<20); a.Reusable != want {
			t.Errorf("%s: reusable %v, want %v", c.Name, a.Reusable, want)
		}
		c.Bytes += "!"
		if _, a := seen(t, c, 1<<20); a.Reusable {
			t.Errorf("%s: reusable after a byte too many", c.Name)
		}
		delete(kept, c.Name)
	}
	if len(kept) > 0 {
		t.Errorf("no such answers: %v", kept)
	}
}

// A head that trickles is read once, not once for each byte.
func TestATrickledHeadIsSearchedOnce(t *testing.T) {
	whole := []byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a\n", 20) + "\r\n\r\n")
	for from := range whole {
		if got, want := headEnd(whole, max(0, from-2)), headEnd(whole, 0); from <= want-1 && got != want {
			t.Fatalf("from %d: %d, want %d", from, got, want)
		}
	}
}

func TestOneParserTakesOneAnswerAfterTheOther(t *testing.T) {
	d, err := Lookup("openai-chat")
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	for _, c := range []struct {
		bytes   string
		outcome record.Outcome
		events  int
	}{
		{stream(hello, world, stop, usage, done), record.OK, 2},
		{stream(hello, `data: {"error":"x"}`+"\n\n"), record.StreamError, 1},
		{"HTTP/1.1 500\r\nContent-Length: 1\r\n\r\nx", record.HTTPStatus, 0},
		{stream(hello[:20]), record.Truncated, 0},
		{stream(hello, stop, done), record.OK, 1},
	} {
		p.Reset(d, true)
		if p.Started() {
			t.Error("an answer has begun before a byte of it came")
		}
		events, complete := p.Feed([]byte(c.bytes))
		if a := p.Answer(); !complete || a.Outcome != c.outcome || events != c.events || a.OutputTokens > 2 {
			t.Errorf("%q: complete %v, %d events, %+v", c.bytes, complete, events, a)
		}
	}
}

func TestBytesAreThoseOfTheBody(t *testing.T) {
	for _, bytes := range []string{whole(tiny), chunked("application/json", tiny[:9], tiny[9:])} {
		if a, _ := parse(t, "openai-chat", false, bytes, 3); a.Bytes != int64(len(tiny)) {
			t.Errorf("%d bytes of %d", a.Bytes, len(tiny))
		}
	}
}

func TestHeadReadBySomebodyElse(t *testing.T) {
	d, err := Lookup("openai-chat")
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	p.Reset(d, true)
	headers := map[string]string{"Content-Type": "text/event-stream; charset=utf-8"}
	p.Headed(200, func(name string) string { return headers[name] })
	n, _ := p.Feed([]byte(hello + stop + done))
	p.Hangup(nil)
	if a := p.Answer(); n != 1 || a.Outcome != record.OK {
		t.Errorf("%d events, %+v", n, a)
	}
	p.Reset(d, true)
	headers = map[string]string{"Content-Type": "text/plain", "Retry-After": "7", "Location": "/there"}
	p.Headed(503, func(name string) string { return headers[name] })
	p.Feed([]byte("full"))
	p.Hangup(nil)
	if a := p.Answer(); a.Outcome != record.HTTPStatus || a.Error != "status 503: full (Retry-After: 7) (Location: /there)" {
		t.Errorf("%+v", a)
	}
	headers = map[string]string{"Content-Encoding": "gzip"}
	p.Reset(d, true)
	p.Headed(200, func(name string) string { return headers[name] })
	p.Feed([]byte{0x1f, 0x8b})
	p.Hangup(nil)
	if a := p.Answer(); a.Outcome != record.Invalid || !strings.Contains(a.Error, `coding "gzip"`) {
		t.Errorf("%+v", a)
	}
}

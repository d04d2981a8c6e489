package wire

import (
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
)

const tiny = `{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}`

func TestFraming(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		outcome     record.Outcome
		reusable    bool
		words       string
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n" + tiny, record.OK, true, ""},
		{"length twice the same", "HTTP/1.1 200 OK\r\nContent-Length: 65\r\nContent-Length: 65\r\n\r\n" + tiny, record.OK, true, ""},
		{"length twice, unequal", "HTTP/1.1 200 OK\r\nContent-Length: 65\r\nContent-Length: 64\r\n\r\n" + tiny, record.Invalid, false, "Content-Length"},
		{"length below zero", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + tiny, record.Invalid, false, "Content-Length"},
		{"length too short", "HTTP/1.1 200 OK\r\nContent-Length: 66\r\n\r\n" + tiny, record.Disconnect, false, "closed"},
		{"more than the length", "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n" + tiny + "!", record.OK, false, ""},
		{"closed after the body", "HTTP/1.1 200 OK\r\n\r\n" + tiny, record.OK, false, ""},
		{"connection close", "HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 65\r\n\r\n" + tiny, record.OK, false, ""},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 65\r\n\r\n" + tiny, record.OK, false, ""},
		{"HTTP/1.0 kept", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 65\r\n\r\n" + tiny, record.OK, true, ""},
		{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 65\n\n" + tiny, record.OK, true, ""},
		{"no reason", "HTTP/1.1 200\r\nContent-Length: 65\r\n\r\n" + tiny, record.OK, true, ""},
		{"folded header", "HTTP/1.1 200 OK\r\nX-A: b\r\n Content-Length: 3\r\nContent-Length: 65\r\n\r\n" + tiny, record.OK, true, ""},
		{"100 continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n" + tiny, record.OK, true, ""},
		{"101", "HTTP/1.1 101 Switching Protocols\r\n\r\n", record.Invalid, false, "protocols"},
		{"204", "HTTP/1.1 204 No Content\r\n\r\n", record.HTTPStatus, true, "status 204"},
		{"chunks with extensions and trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0041;a=b\r\n" + tiny + "\r\n000\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n", record.OK, true, ""},
		{"chunks with bare line feeds", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n41\n" + tiny + "\n0\n\n", record.OK, true, ""},
		{"chunks and a length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n41\r\n" + tiny + "\r\n0\r\n\r\n", record.OK, false, ""},
		{"chunk longer than its size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + tiny + "\r\n0\r\n\r\n", record.Invalid, false, "longer"},
		{"chunk size that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", record.Invalid, false, "size"},
		{"chunk size missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", record.Invalid, false, "size"},
		{"chunk size beyond reason", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", record.Invalid, false, "15 digits"},
		{"gzip transfer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", record.Invalid, false, "gzip"},
		{"gzip content", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx", record.Invalid, false, "gzip"},
		{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", record.Invalid, false, "not HTTP/1: S"},
		{"HTTP/2", "HTTP/2 200\r\n\r\n", record.Invalid, false, "HTTP/2"},
		{"status of letters", "HTTP/1.1 abc OK\r\n\r\n", record.Invalid, false, "status line"},
		{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", record.Invalid, false, "status line"},
		{"endless headers", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", headLimit+10), record.Invalid, false, "headers beyond"},
		{"endless trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + strings.Repeat("a", headLimit+10), record.Invalid, false, "trailers beyond"},
		{"nothing", "", record.Disconnect, false, "closed"},
		{"half a head", "HTTP/1.1 200 OK\r\nConte", record.Disconnect, false, "closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []int{1 << 20, 1, 5} {
				a, _ := parse(t, "openai-chat", false, c.bytes, n)
				if n == 1 && c.name == "more than the length" {
					continue // nobody asks for the byte after the end
				}
				if a.Outcome != c.outcome || !strings.Contains(a.Error, c.words) {
					t.Errorf("in pieces of %d: %v %q, want %v %q", n, a.Outcome, a.Error, c.outcome, c.words)
				}
				if n > len(c.bytes) && a.Reusable != c.reusable {
					t.Errorf("reusable %v, want %v", a.Reusable, c.reusable)
				}
			}
		})
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
	p.Headed(200, "text/event-stream; charset=utf-8", "")
	n, _ := p.Feed([]byte(hello + stop + done))
	p.Hangup(nil)
	if a := p.Answer(); n != 1 || a.Outcome != record.OK {
		t.Errorf("%d events, %+v", n, a)
	}
	p.Reset(d, true)
	p.Headed(503, "text/plain", "7")
	p.Feed([]byte("full"))
	p.Hangup(nil)
	if a := p.Answer(); a.Outcome != record.HTTPStatus || a.Error != "status 503: full (Retry-After: 7)" {
		t.Errorf("%+v", a)
	}
}

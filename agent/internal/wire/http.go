package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"hpcbench/agent/internal/record"
)

// headLimit bounds the status line and headers of an answer, and its trailers; errorLimit what is kept of the body of
// an answer that is no 200.
const (
	headLimit  = 64 << 10
	errorLimit = 16 << 10
)

// Parser takes the bytes of one connection's answers, one answer after the other. The zero value is not ready: Reset
// begins each answer.
type Parser struct {
	dialect Dialect
	stream  bool

	stage stage
	head  []byte // of a status line and headers that came in pieces
	chunk chunks
	left  int64 // of a body of known length

	status     int
	keepAlive  bool
	retryAfter string
	location   string // of a redirect
	started    bool
	body       body
	broken     string // why it is not HTTP
	closed     string // how the connection ended before the body did
	surplus    bool   // bytes came after the end
}

// stage is what the next byte belongs to.
type stage uint8

const (
	inHead    stage = iota
	inLength        // a body of known length
	inChunks        // a chunked body
	inClosing       // a body that lasts until the connection is closed
	ended
)

// Reset begins a new answer to a request of dialect d, asked to be streamed or not. Buffers are kept.
func (p *Parser) Reset(d Dialect, stream bool) {
	p.dialect, p.stream, p.stage, p.head, p.chunk, p.left = d, stream, inHead, spare(p.head), chunks{}, 0
	p.status, p.keepAlive, p.retryAfter, p.location, p.started = 0, false, "", "", false
	p.broken, p.closed, p.surplus = "", "", false
	p.body.reset(d)
}

// Remember lets the parser share forms with others of its goroutine.
func (p *Parser) Remember(forms *Forms) { p.body.forms = forms }

// Expect says that the answer is to so many prompts at once, and whether its text is wanted. It follows Reset.
func (p *Parser) Expect(prompts int, text bool) {
	p.body.keep = text
	for len(p.body.details.choices) < prompts && prompts > 1 {
		p.body.details.choices = append(p.body.details.choices, choice{})
	}
}

// Text is the answer's text so far, as it stood in JSON, where Expect asked for it. It is good until the next Reset.
func (p *Parser) Text() []byte { return p.body.text }

// Fresh is how many content events of prompt i of a group were in what was fed last.
func (p *Parser) Fresh(i int) int { return p.body.details.choices[i].fresh }

// Answered reports whether any content came so far that is no reasoning: a token of the answer itself.
func (p *Parser) Answered() bool { return p.body.answered }

// aged says that something new is fed.
func (p *Parser) aged() {
	for i := range p.body.details.choices {
		p.body.details.choices[i].fresh = 0
	}
}

// Headed begins an answer whose status line, headers and framing somebody else has read: what is fed now is its body,
// and Hangup with no error is its proper end. header gives a header's value, empty where there is none.
func (p *Parser) Headed(status int, header func(name string) string) {
	p.started, p.status, p.stage = true, status, inClosing
	h := headers{length: -1}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Retry-After", "Location"} {
		h.set([]byte(name), []byte(header(name)))
	}
	p.retryAfter, p.location = h.retryAfter, h.location
	if why := h.refused(status); why != "" {
		p.fail("%s", why)
	}
	if status == 200 {
		p.body.format = p.format(h.kind)
	}
}

// Reject says that somebody else could not read the answer as HTTP.
func (p *Parser) Reject(err error) { p.fail("not HTTP: %s", excerpt([]byte(err.Error()))) }

// Started reports whether any byte of the answer has come.
func (p *Parser) Started() bool { return p.started }

// Feed takes what one read brought. It returns how many content events, which stand for tokens, became complete in it,
// and whether the answer is complete. A document has no content events: its tokens came at an unknown time before its
// end. Feed keeps no reference to b.
func (p *Parser) Feed(b []byte) (tokens int, complete bool) {
	p.aged()
	before := p.body.tokens
	p.started = p.started || len(b) > 0
	for len(b) > 0 && p.stage != ended {
		b = p.take(b)
	}
	p.surplus = p.surplus || len(b) > 0
	if p.body.format != document {
		tokens = p.body.tokens - before
	}
	return tokens, p.stage == ended
}

// Hangup says that the connection ended: in order when err is nil, else as err says. It is the proper end of a body
// that has no other. It returns the content events that only the end completed.
func (p *Parser) Hangup(err error) (tokens int) {
	p.aged()
	before := p.body.tokens
	switch {
	case p.stage == ended:
	case p.stage == inClosing && err == nil:
		p.finish()
	case err != nil:
		p.closed = err.Error()
	default:
		p.closed = "connection closed"
	}
	p.keepAlive = false
	if p.body.format == document {
		return 0
	}
	return p.body.tokens - before
}

// take consumes a first part of b.
func (p *Parser) take(b []byte) []byte {
	switch p.stage {
	case inHead:
		return p.takeHead(b)
	case inChunks:
		return p.takeChunks(b)
	case inLength:
		n := min(p.left, int64(len(b)))
		p.feedBody(b[:n])
		if p.left -= n; p.left == 0 {
			p.finish()
		}
		return b[n:]
	}
	p.feedBody(b)
	return nil
}

func (p *Parser) feedBody(b []byte) {
	p.body.bytes += int64(len(b))
	if p.status != 200 {
		b = b[:max(0, min(len(b), errorLimit-len(p.body.whole)))]
	}
	p.body.feed(b)
}

// finish is the proper end of the answer.
func (p *Parser) finish() {
	if p.status == 200 {
		p.body.end()
	}
	p.stage = ended
}

// fail ends an answer that is not HTTP.
func (p *Parser) fail(format string, args ...any) {
	p.broken, p.keepAlive, p.stage = fmt.Sprintf(format, args...), false, ended
}

// takeHead consumes b up to the end of the headers, or all of it.
func (p *Parser) takeHead(b []byte) []byte {
	if n, h := p.body.forms.recall(b); n > 0 && len(p.head) == 0 {
		p.headed(h)
		return b[n:]
	}
	head, rest, had := b, []byte(nil), len(p.head)
	if had > 0 {
		p.head = append(p.head, b...)
		head = p.head
	}
	end := headEnd(head, max(0, had-2))
	switch {
	case !bytes.HasPrefix(head, []byte("HTTP/1.")[:min(7, len(head))]):
		p.fail("not HTTP/1: %s", excerpt(head))
	case end < 0 && len(head) > headLimit:
		p.fail("headers beyond %d bytes", headLimit)
	case end < 0 && len(p.head) == 0:
		p.head = append(p.head, b...)
	case end >= 0:
		rest = b[len(b)-(len(head)-end):]
		p.readHead(head[:end])
		p.head = p.head[:0]
	}
	return rest
}

// headEnd is the index after the empty line that ends the headers, or -1. It is looked for from an index on: no more than
// two bytes before what is new, for a head may come byte by byte.
func headEnd(b []byte, from int) int {
	for i := from; ; {
		lf := bytes.IndexByte(b[i:], '\n')
		if lf < 0 {
			return -1
		}
		i += lf + 1
		switch {
		case bytes.HasPrefix(b[i:], []byte("\n")):
			return i + 1
		case bytes.HasPrefix(b[i:], []byte("\r\n")):
			return i + 2
		}
	}
}

// readHead takes a whole status line with its headers and chooses the framing of the body (RFC 9112 §6.3).
func (p *Parser) readHead(b []byte) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	minor, status, ok := statusLine(bytes.TrimSuffix(line, []byte("\r")))
	if !ok {
		p.fail("not an HTTP status line: %s", excerpt(line))
		return
	}
	if status < 200 && status != 101 {
		return // an interim answer; the real one follows
	}
	h := readHeaders(rest)
	h.minor, h.status = minor, status
	p.body.forms.keep(b, h)
	p.headed(h)
}

// headed takes a head that was read.
func (p *Parser) headed(h headers) {
	p.status, p.retryAfter, p.location = h.status, h.retryAfter, h.location
	p.keepAlive = h.minor == '1' && h.connection != "close" || h.connection == "keep-alive"
	if h.minor == '0' && h.chunked {
		p.keepAlive = false // HTTP/1.0 knows no chunks: RFC 9112 §6.1
	}
	if why := h.refused(h.status); why != "" {
		p.fail("%s", why)
		return
	}
	p.body.format = document
	if h.status == 200 {
		p.body.format = p.format(h.kind)
	}
	p.frame(h)
}

func (p *Parser) frame(h headers) {
	switch {
	case p.status == 204 || p.status == 304 || !h.chunked && h.length == 0:
		p.finish()
	case h.chunked:
		p.keepAlive = p.keepAlive && h.length < 0 // both at once smells of smuggling: RFC 9112 §6.1
		p.stage = inChunks
	case h.length > 0:
		p.stage, p.left = inLength, h.length
	default:
		p.stage, p.keepAlive = inClosing, false
	}
}

// format chooses how the body is read: by its type where that is plain, else by the dialect.
func (p *Parser) format(kind string) format {
	kind, _, _ = strings.Cut(kind, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "text/event-stream":
		return sse
	case "application/x-ndjson", "application/ndjson", "application/jsonl":
		return ndjson
	case "application/json":
		if p.dialect.format == sse {
			return document // asked to stream, it answered at once
		}
	}
	if p.stream {
		return p.dialect.format
	}
	return document
}

// Answer tells how the answer ended. It is asked after Feed said complete, or after Hangup.
func (p *Parser) Answer() Answer {
	a := p.body.told()
	a.Outcome, a.Error = p.outcome()
	a.Status = p.status
	a.Reusable = p.keepAlive && p.stage == ended && !p.surplus
	return a
}

func (p *Parser) outcome() (record.Outcome, string) {
	switch {
	case p.broken != "":
		return record.Invalid, p.broken
	case p.body.failed != "":
		return record.StreamError, p.body.failed
	case p.stage != ended:
		return record.Disconnect, p.closed
	case p.status != 200:
		return record.HTTPStatus, p.refusal()
	}
	return p.body.outcome()
}

// refusal is the error of an answer that is no 200: its status, the server's words, when to come again, and where else to go
// (no redirect is followed: what it led to would be another server than the one that is measured).
func (p *Parser) refusal() string {
	s := "status " + strconv.Itoa(p.status)
	if words := describe(p.body.whole); words != "" {
		s += ": " + words
	}
	if p.retryAfter != "" {
		s += " (Retry-After: " + p.retryAfter + ")"
	}
	if p.location != "" {
		s += " (Location: " + p.location + ")"
	}
	return s
}

package wire

import (
	"bytes"

	"hpcbench/agent/internal/record"
)

// bodyLimit bounds what is kept of one event or of one whole JSON body: beyond it the answer is invalid.
const bodyLimit = 64 << 20

// body takes an answer's body and finds out what it holds. It is fed in any pieces.
type body struct {
	format format
	fields *field
	lines  lines
	event  event  // of an SSE stream
	whole  []byte // of a document

	bytes    int64
	tokens   int // content events so far
	pings    int
	prompt   int // Unknown until said
	output   int
	known    bool // something of the dialect was there
	foreign  bool // something that is not SSE was there
	ending   bool // what comes now stands at the body's end and may be cut short
	finished bool
	failed   string // the error event in mid-stream, as it came
	invalid  string // why it is not the dialect
}

func (b *body) reset(d Dialect, f format) {
	*b = body{
		format: f, fields: d.fields, prompt: Unknown, output: Unknown, whole: b.whole[:0],
		lines: lines{rest: b.lines.rest[:0]},
		event: event{kept: b.event.kept[:0]},
	}
}

// feed takes a piece of the body.
func (b *body) feed(p []byte) {
	switch b.format {
	case sse:
		b.feedSSE(p)
	case ndjson:
		b.feedLines(p)
	default:
		b.whole = b.keep(b.whole, p)
	}
}

// keep appends p to what is kept of an unfinished line, event or document.
func (b *body) keep(kept, p []byte) []byte {
	if len(kept)+len(p) > bodyLimit {
		b.refuse("an event or body beyond 64 MiB")
		return kept[:0]
	}
	return append(kept, p...)
}

// end says that the body came to its proper end.
func (b *body) end() {
	switch b.format {
	case sse:
		b.endSSE()
	case ndjson:
		b.ending = true
		b.message(b.lines.take())
	default:
		b.ending = true
		b.message(b.whole)
	}
}

// message takes the JSON of one event, one line or a whole body.
func (b *body) message(p []byte) {
	if len(bytes.TrimSpace(p)) == 0 {
		return
	}
	f, ok := scan(p, b.fields)
	if !ok {
		if begun := bytes.TrimSpace(p)[0] == '{' || b.format == sse; !begun || !b.ending {
			b.refuse("no JSON object: " + excerpt(p))
		}
		return
	}
	b.foreign = b.foreign || !f.known
	b.known = b.known || f.known
	b.finished = b.finished || f.finish
	b.prompt = max(b.prompt, f.prompt) // some servers send zeros in every chunk until the last
	b.output = max(b.output, f.output)
	if f.failed && b.failed == "" {
		b.failed = describe(p)
	}
	if f.content {
		b.tokens++
	}
}

func (b *body) refuse(why string) {
	if b.invalid == "" {
		b.invalid = why
	}
}

// told is what the body has said so far.
func (b *body) told() (a Answer) {
	a.Bytes, a.Pings = b.bytes, b.pings
	a.PromptTokens, a.OutputTokens = Unknown, Unknown
	if b.prompt > 0 { // no prompt is empty: a 0 means that the server did not count
		a.PromptTokens = b.prompt
	}
	switch {
	case b.output > 0:
		a.OutputTokens, a.TokenSource = b.output, record.Usage
	case b.tokens > 0 && b.format != document:
		a.OutputTokens, a.TokenSource = b.tokens, record.Events
	}
	return a
}

// outcome tells how a body that came with status 200 and to its proper end has ended.
func (b *body) outcome() (record.Outcome, string) {
	switch {
	case b.failed != "":
		return record.StreamError, b.failed
	case b.invalid != "":
		return record.Invalid, b.invalid
	case !b.finished && !b.known && b.foreign:
		return record.Invalid, "nothing of the dialect in the answer"
	case !b.finished && b.format == document && b.tokens > 0:
		return record.OK, "" // a whole JSON value can't be cut short
	case !b.finished:
		return record.Truncated, "the answer ended without a finish mark"
	case b.tokens == 0 && b.output <= 0:
		return record.Empty, "a finished answer without a token"
	}
	return record.OK, ""
}

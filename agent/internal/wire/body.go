package wire

import (
	"bytes"
	"cmp"
	"fmt"

	"hpcbench/agent/internal/record"
)

// keepLimit bounds what is kept of one event or of a whole JSON body. What is longer is cut, and so no JSON.
const keepLimit = 128 << 20

// body takes an answer's body, in any pieces, and finds out what it holds.
type body struct {
	format format
	fields *field
	sse    events
	lines  lines
	whole  []byte // of a document
	forms  *Forms // nil: every event is scanned

	bytes    int64
	tokens   int // content events so far
	prompt   int // Unknown until said
	output   int
	times    times
	answered bool   // content that is no reasoning was there
	known    bool   // something of the dialect was there
	foreign  bool   // JSON without anything of the dialect was there
	ending   bool   // what comes now stands at the body's end and may be cut short
	finished bool   // [DONE], a finish_reason or done:true was there
	failed   string // the error in mid stream, in the server's words
	invalid  string // why it is not the dialect

	unmarked, growing bool    // as the dialect says
	details           details // with the answers to a group
	keep              bool    // the answer's text is wanted
	text              []byte  // as it stood in JSON
}

func (b *body) reset(d Dialect) {
	b.sse.reset()
	b.lines.reset()
	*b = body{
		fields: d.fields, unmarked: d.unmarked, growing: d.growing, prompt: Unknown, output: Unknown,
		sse: b.sse, lines: b.lines, whole: spare(b.whole), text: spare(b.text),
		details: details{choices: b.details.choices[:0]}, forms: b.forms,
	}
}

// spareLimit bounds the buffers that are kept from one answer to the next.
const spareLimit = 1 << 20

// spare is a buffer to be used again, without what it held; nil where it grew so large that a connection must not keep it.
func spare(b []byte) []byte {
	if cap(b) > spareLimit {
		return nil
	}
	return b[:0]
}

// feed takes a piece of the body.
func (b *body) feed(p []byte) {
	switch b.format {
	case sse:
		b.sse.feed(p, b)
	case ndjson:
		b.lines.feed(p, b)
	default:
		b.whole = grow(b.whole, p)
	}
}

// end says that the body came to its proper end.
func (b *body) end() {
	b.ending = true
	switch b.format {
	case sse:
		b.sse.end(b)
	case ndjson:
		b.lines.end(b)
	default:
		if b.bytes > keepLimit {
			b.invalid = fmt.Sprintf("%d bytes in one piece: %d are the most that is read", b.bytes, keepLimit)
		}
		b.event(b.whole, false)
	}
	b.finished = b.finished || b.unmarked && b.known
}

// grow appends p to what is kept, up to the limit.
func grow(kept, p []byte) []byte {
	return append(kept, p[:max(0, min(len(p), keepLimit-len(kept)))]...)
}

// event takes one event, one line or a whole body.
func (b *body) event(p []byte, failed bool) {
	p = bytes.TrimSpace(p)
	switch {
	case len(p) == 0:
	case failed:
		b.fail(p)
	case string(p) == "[DONE]":
		b.finished = true
	case string(p) == "null": // llama.cpp begins its answer to a group with it
	default:
		b.json(p)
	}
}

func (b *body) json(p []byte) {
	var more *details
	if b.keep || len(b.details.choices) > 0 {
		more = &b.details
		more.begin()
	}
	f, ok := b.scan(p, more)
	switch {
	case ok:
		b.learn(f, p)
	case len(p) >= keepLimit-len("data: ") && b.invalid == "": // it was cut, with its name
		b.invalid = fmt.Sprintf("an event of more than the %d bytes that are read", keepLimit)
	case b.ending && (p[0] == '{' || b.format == sse): // cut short
	case b.invalid == "":
		b.invalid = "no JSON object: " + excerpt(p)
	}
}

func (b *body) scan(p []byte, more *details) (found, bool) {
	if b.forms == nil {
		return scan(p, b.fields, more)
	}
	return b.forms.scan(p, b.fields, more)
}

func (b *body) learn(f found, p []byte) {
	b.foreign = b.foreign || !f.known
	b.known = b.known || f.known
	b.finished = b.finished || f.finish
	if b.growing {
		f.content = f.output > max(0, b.output)
		f.answer = f.content // such a dialect does not tell reasoning apart; a token may have no text yet
	}
	b.answered = b.answered || f.answer
	if f.more != nil {
		b.detail(&f)
	}
	b.prompt = max(b.prompt, f.prompt) // some servers send zeros in every chunk until the last
	b.output = max(b.output, f.output)
	if f.times != (times{}) {
		b.times.learn(f.times)
	}
	if f.content {
		b.tokens++
	}
	switch {
	case f.failed:
		b.fail(p)
	case f.aborted && b.failed == "":
		b.failed = "the server gave the answer up: " + excerpt(p[max(0, bytes.LastIndex(p, []byte(`"finish_reason"`))):])
	}
}

// detail takes what an event says of each answer to a group, which is counted there and not as one, and the answer's text.
func (b *body) detail(f *found) {
	if own := b.details.own(); own != nil {
		own.prompt, own.output = max(own.prompt, f.prompt), max(own.output, f.output)
		f.prompt, f.output = b.sums()
	}
	if len(b.details.choices) > 0 {
		b.tokens += b.details.events
		f.content = false
	}
	if text := b.details.text; b.keep && len(text) > 2 {
		if b.details.all {
			b.text = b.text[:0]
		}
		b.text = grow(b.text, text[1:len(text)-1])
	}
}

// sums are the counts of all answers to a group together, Unknown while one of them has none.
func (b *body) sums() (prompt, output int) {
	prompts, outputs := true, true
	for _, c := range b.details.choices {
		prompts, outputs = prompts && c.prompt > 0, outputs && c.output > 0
		prompt, output = prompt+c.prompt, output+c.output
	}
	if !prompts {
		prompt = Unknown
	}
	if !outputs {
		output = Unknown
	}
	return prompt, output
}

func (b *body) fail(p []byte) {
	if b.failed == "" {
		b.failed = cmp.Or(describe(p), "an error without words")
	}
}

// told is what the body has said so far.
func (b *body) told() (a Answer) {
	a.Bytes, a.Pings = b.bytes, b.sse.pings
	a.ServerLoad, a.ServerPrompt, a.ServerDecode = b.times.load, b.times.prompt, b.times.decode
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
	case !b.finished && !b.known && (b.foreign || b.sse.foreign):
		return record.Invalid, "nothing of the dialect in the answer"
	case !b.finished && b.format == document && b.tokens > 0: // a whole JSON value can't be cut short
	case !b.finished:
		return record.Truncated, "the answer ended without a finish mark"
	case b.tokens == 0 && b.output <= 0:
		return record.Empty, "a finished answer without a token"
	}
	return record.OK, ""
}

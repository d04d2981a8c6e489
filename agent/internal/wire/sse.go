package wire

import "bytes"

// event is the SSE event that is being collected. While all of it lies in one piece, data is a part of that piece;
// what outlives the piece is copied to kept.
type event struct {
	data   []byte
	kept   []byte
	copied bool // data is kept
	has    bool // a data field was there
	failed bool // its type, or the name of the field, is "error"
	begun  int  // how much of a byte order mark was seen; markLen: past it
}

// mark is the byte order mark that may begin a stream.
const mark, markLen = "\xEF\xBB\xBF", 3

// feedSSE takes a piece of a text/event-stream body, by the rules of the WHATWG's HTML standard, §9.2.6.
func (b *body) feedSSE(p []byte) {
	p = b.event.skipMark(p)
	for len(p) > 0 {
		if b.lines.skipLF {
			b.lines.skipLF = false
			if p[0] == '\n' {
				p = p[1:]
				continue
			}
		}
		line, rest, last, ok := cut(p)
		if !ok {
			b.lines.rest = b.keep(b.lines.rest, p)
			break
		}
		b.lines.skipLF = last
		b.line(line)
		p = rest
	}
	b.event.save(b)
}

// skipMark drops a byte order mark at the begin of the stream, even when it comes in pieces.
func (e *event) skipMark(p []byte) []byte {
	for e.begun < markLen && len(p) > 0 {
		if p[0] != mark[e.begun] {
			e.begun = markLen
			break
		}
		e.begun++
		p = p[1:]
	}
	return p
}

// line takes one whole line, or its last part when its begin came in an earlier piece.
func (b *body) line(line []byte) {
	if len(b.lines.rest) > 0 {
		b.lines.rest = b.keep(b.lines.rest, line)
		b.field(b.lines.rest)
		b.event.save(b) // the line's buffer is used again
		b.lines.rest = b.lines.rest[:0]
		return
	}
	b.field(line)
}

// field takes a line apart: "name: value", with one space after the colon that does not count.
func (b *body) field(line []byte) {
	if len(line) == 0 {
		b.dispatch()
		return
	}
	colon := bytes.IndexByte(line, ':')
	if colon == 0 {
		b.pings++
		return
	}
	name, value := line, line[len(line):]
	if colon > 0 {
		name, value = line[:colon], bytes.TrimPrefix(line[colon+1:], []byte(" "))
	}
	switch string(name) {
	case "data":
		b.data(value)
	case "event":
		b.event.failed = string(value) == "error"
	case "error": // llama.cpp's older servers
		b.event.failed = true
		b.data(value)
	case `{"error"`: // servers that forget the field's name
		b.event.failed = true
		b.data(line)
	case "id", "retry":
	default:
		b.foreign = true // to be ignored; a body of nothing else is no stream
	}
}

// data adds one data line to the event.
func (b *body) data(value []byte) {
	e := &b.event
	if !e.has {
		e.has, e.copied, e.data = true, false, value
		return
	}
	e.save(b)
	e.kept = b.keep(b.keep(e.kept, []byte("\n")), value)
	e.data = e.kept
}

// save copies what the event holds of the piece that is about to go.
func (e *event) save(b *body) {
	if e.has && !e.copied {
		e.kept = b.keep(e.kept[:0], e.data)
		e.data, e.copied = e.kept, true
	}
}

// dispatch ends an event, at an empty line.
func (b *body) dispatch() {
	e := &b.event
	data, failed := e.data, e.failed
	e.has, e.failed, e.data = false, false, nil
	switch {
	case len(data) == 0:
	case failed && b.failed == "":
		b.failed = describe(data)
	case string(bytes.TrimSpace(data)) == "[DONE]":
		b.finished = true
	default:
		b.message(data)
	}
}

// endSSE dispatches what stands at the stream's proper end. The standard discards an event that no empty line ends;
// servers that forget the last line end have still sent it.
func (b *body) endSSE() {
	if len(b.lines.rest) > 0 {
		b.line(nil)
	}
	b.ending = true
	b.dispatch()
}

package wire

import "bytes"

// listener hears of each event of a stream. data is only good during the call.
type listener interface {
	event(data []byte, failed bool) // failed: the stream calls it an error
}

// events takes a text/event-stream apart, by the rules of the HTML standard, §9.2.6. What lies within one piece is not
// copied; what outlives its piece is kept.
type events struct {
	begun  int    // how much of a byte order mark was seen; len(mark): past it
	rest   []byte // a line that has not ended yet
	skipLF bool   // a line ended in CR at the end of a piece; an LF that follows belongs to it
	ending bool   // what comes now stands at the stream's end and may be cut short

	data   []byte // of the event that is being collected: a part of the piece, or kept
	kept   []byte
	copied bool // data is kept
	has    bool // a data field was there
	failed bool // the event's type, or the name of a field, is "error"

	pings   int  // comments
	foreign bool // lines that are no field were there
}

// mark is the byte order mark that may begin a stream.
const mark = "\xEF\xBB\xBF"

func (e *events) reset() { *e = events{rest: spare(e.rest), kept: spare(e.kept)} }

// feed takes a piece of the stream.
func (e *events) feed(p []byte, to listener) {
	p = e.skipMark(p)
	for len(p) > 0 {
		if e.skipLF && p[0] == '\n' {
			p = p[1:]
		}
		e.skipLF = false
		if data, rest, ok := e.wholeEvent(p); ok {
			to.event(data, false)
			p = rest
			continue
		}
		line, rest, open, ok := cut(p)
		if !ok {
			e.rest = grow(e.rest, p)
			break
		}
		e.line(line, to)
		e.skipLF, p = open, rest
	}
	e.save()
}

// end takes the end of the stream. The standard discards an event that no empty line ends; servers that forget the last
// line end have still sent it.
func (e *events) end(to listener) {
	e.ending = true
	if len(e.rest) > 0 {
		e.line(nil, to)
	}
	e.dispatch(to)
}

// wholeEvent splits p after its first event, if that is all there and plainly written: nothing of an event came before, and
// it is one data line and an empty one, both ended by LF. It is what the lines would give one by one.
func (e *events) wholeEvent(p []byte) (data, rest []byte, ok bool) {
	const name = "data: "
	if e.has || e.failed || len(e.rest) > 0 || len(p) < len(name) || string(p[:len(name)]) != name {
		return nil, nil, false
	}
	lf := bytes.IndexByte(p, '\n')
	if lf < 0 || lf+1 == len(p) || p[lf+1] != '\n' || bytes.IndexByte(p[:lf], '\r') >= 0 {
		return nil, nil, false
	}
	return p[len(name):lf], p[lf+2:], true
}

// skipMark drops a byte order mark at the begin of the stream, even when it comes in pieces. What begins like one and goes on
// otherwise is the begin of a line.
func (e *events) skipMark(p []byte) []byte {
	for e.begun < len(mark) && len(p) > 0 {
		if p[0] != mark[e.begun] {
			e.rest = append(e.rest, mark[:e.begun]...)
			e.begun = len(mark)
			break
		}
		e.begun++
		p = p[1:]
	}
	return p
}

// cut splits p after its first line, which ends in LF, CRLF or CR. open tells that it ended in CR and p with it.
func cut(p []byte) (line, rest []byte, open, ok bool) {
	lf := bytes.IndexByte(p, '\n')
	head := p
	if lf >= 0 {
		head = p[:lf]
	}
	cr := bytes.IndexByte(head, '\r')
	switch {
	case cr < 0 && lf < 0:
		return nil, p, false, false
	case cr < 0:
		return head, p[lf+1:], false, true
	case cr+1 == lf:
		return p[:cr], p[lf+1:], false, true
	}
	return p[:cr], p[cr+1:], cr+1 == len(p), true
}

// line takes one whole line, or its last part when its begin came in an earlier piece.
func (e *events) line(line []byte, to listener) {
	if len(e.rest) == 0 {
		e.field(line, to)
		return
	}
	e.rest = grow(e.rest, line)
	e.field(e.rest, to)
	e.save() // the line's buffer is used again
	e.rest = e.rest[:0]
}

// field takes a line apart: "name: value", with one space after the colon that does not count.
func (e *events) field(line []byte, to listener) {
	colon := bytes.IndexByte(line, ':')
	switch {
	case len(line) == 0:
		e.dispatch(to)
		return
	case colon == 0:
		e.pings++
		return
	}
	name, value := line, line[len(line):]
	if colon > 0 {
		name, value = line[:colon], line[colon+1:]
	}
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	e.set(name, value, line)
}

func (e *events) set(name, value, line []byte) {
	switch string(name) {
	case "data":
		e.add(value)
	case "event":
		e.failed = string(value) == "error"
	case "error": // llama.cpp's older servers
		e.failed = true
		e.add(value)
	case `{"error"`: // servers that forget the field's name
		e.failed = true
		e.add(line)
	case "id", "retry":
	default:
		e.foreign = e.foreign || !e.ending // to be ignored; a body of nothing else is no stream
	}
}

// add adds one data line to the event.
func (e *events) add(value []byte) {
	if !e.has {
		e.has, e.copied, e.data = true, false, value
		return
	}
	e.save()
	e.kept = grow(append(e.kept, '\n'), value)
	e.data = e.kept
}

// save copies what the event holds of the piece that is about to go.
func (e *events) save() {
	if e.has && !e.copied {
		e.kept = grow(e.kept[:0], e.data)
		e.data, e.copied = e.kept, true
	}
}

// dispatch ends an event, at an empty line.
func (e *events) dispatch(to listener) {
	if e.has {
		to.event(e.data, e.failed)
	}
	e.has, e.failed, e.data = false, false, nil
}

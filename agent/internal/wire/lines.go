package wire

import "bytes"

// lines takes NDJSON apart: each line is an event.
type lines struct {
	rest []byte // a line that has not ended yet
}

func (l *lines) reset() { l.rest = spare(l.rest) }

// feed takes a piece of the body.
func (l *lines) feed(p []byte, to listener) {
	for {
		lf := bytes.IndexByte(p, '\n')
		if lf < 0 {
			l.rest = grow(l.rest, p)
			return
		}
		l.line(p[:lf], to)
		p = p[lf+1:]
	}
}

// line takes one whole line, or its last part when its begin came in an earlier piece.
func (l *lines) line(line []byte, to listener) {
	if len(l.rest) > 0 {
		l.rest = grow(l.rest, line)
		line = l.rest
	}
	to.event(line, false)
	l.rest = l.rest[:0]
}

// end takes the end of the body, which may stand for the last line's.
func (l *lines) end(to listener) { l.line(nil, to) }

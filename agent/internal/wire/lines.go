package wire

import "bytes"

// lines holds the end of what was fed, as far as it is no whole line yet.
type lines struct {
	rest   []byte
	skipLF bool // the last line ended in CR at the end of a piece; an LF that follows belongs to it
}

// take returns the unfinished line and forgets it.
func (l *lines) take() []byte {
	rest := l.rest
	l.rest = l.rest[:0]
	return rest
}

// cut splits p after its first line, which ends in LF, CRLF or CR. last tells that CR ended the piece.
func cut(p []byte) (line, rest []byte, last, ok bool) {
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

// feedLines takes a piece of an NDJSON body.
func (b *body) feedLines(p []byte) {
	for {
		lf := bytes.IndexByte(p, '\n')
		if lf < 0 {
			b.lines.rest = b.keep(b.lines.rest, p)
			return
		}
		line := p[:lf]
		if len(b.lines.rest) > 0 {
			b.lines.rest = b.keep(b.lines.rest, line)
			line = b.lines.take()
		}
		b.message(line)
		p = p[lf+1:]
	}
}

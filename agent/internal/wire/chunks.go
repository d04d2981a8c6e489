package wire

import "bytes"

// chunks is the place in a chunked body (RFC 9112 §7.1).
type chunks struct {
	stage  chunkStage
	size   int64 // of the chunk, then what is left of it
	digits int   // of the size line so far
	line   int   // bytes of the trailer line so far, and of all of them
	total  int
}

type chunkStage uint8

const (
	chunkSize chunkStage = iota
	chunkExtension
	chunkData
	chunkEnd // the line end after the data
	chunkTrailer
)

// takeChunks consumes a first part of b, at least a byte.
func (p *Parser) takeChunks(b []byte) []byte {
	switch p.chunk.stage {
	case chunkSize:
		if data, rest, ok := wholeChunk(b); ok && p.chunk.digits == 0 {
			p.feedBody(data)
			return rest
		}
		return p.takeSize(b)
	case chunkExtension:
		return p.takeExtension(b)
	case chunkData:
		n := min(p.chunk.size, int64(len(b)))
		p.feedBody(b[:n])
		if p.chunk.size -= n; p.chunk.size == 0 {
			p.chunk.stage = chunkEnd
		}
		return b[n:]
	case chunkEnd:
		return p.takeEnd(b)
	}
	return p.takeTrailer(b)
}

// wholeChunk splits b after its first chunk, if that is all there and plainly written: a size of one to five digits,
// nothing after it, data, and line ends of two bytes. It is what takeSize and those after it would take.
func wholeChunk(b []byte) (data, rest []byte, ok bool) {
	size, i := 0, 0
	for ; i < len(b) && i < 5; i++ {
		n := hex(b[i])
		if n < 0 {
			break
		}
		size = size<<4 | n
	}
	end := i + 2 + size
	if size == 0 || len(b) < end+2 || b[i] != '\r' || b[i+1] != '\n' || b[end] != '\r' || b[end+1] != '\n' {
		return nil, nil, false
	}
	return b[i+2 : end], b[end+2:], true
}

// takeSize consumes the hexadecimal digits of a size.
func (p *Parser) takeSize(b []byte) []byte {
	c := &p.chunk
	for i, d := range b {
		n := hex(d)
		if n < 0 {
			if c.digits == 0 || bytes.IndexByte([]byte("\r\n; \t"), d) < 0 {
				p.fail("not a chunk's size: %s", excerpt(b))
				return nil
			}
			c.stage = chunkExtension
			return b[i:]
		}
		if c.digits++; c.digits > 15 {
			p.fail("a chunk's size of more than 15 digits")
			return nil
		}
		c.size = c.size<<4 | int64(n)
	}
	return nil
}

func hex(d byte) int {
	switch {
	case '0' <= d && d <= '9':
		return int(d - '0')
	case 'a' <= d|0x20 && d|0x20 <= 'f':
		return int(d|0x20-'a') + 10
	}
	return -1
}

// takeExtension consumes the rest of the size's line, which says nothing of use.
func (p *Parser) takeExtension(b []byte) []byte {
	lf := bytes.IndexByte(b, '\n')
	if lf < 0 {
		return nil
	}
	c := &p.chunk
	c.digits = 0
	c.stage = chunkData
	if c.size == 0 {
		c.stage = chunkTrailer
	}
	return b[lf+1:]
}

// takeEnd consumes the line end after a chunk's data.
func (p *Parser) takeEnd(b []byte) []byte {
	switch {
	case b[0] == '\n':
		p.chunk.stage = chunkSize
	case b[0] != '\r':
		p.fail("a chunk longer than its size")
		return nil
	}
	return b[1:]
}

// takeTrailer consumes the lines after the last chunk, up to the empty one that ends the body.
func (p *Parser) takeTrailer(b []byte) []byte {
	c := &p.chunk
	for i, d := range b {
		if c.total++; c.total > headLimit {
			p.fail("trailers beyond %d bytes", headLimit)
			return nil
		}
		switch {
		case d == '\n' && c.line == 0:
			p.finish()
			return b[i+1:]
		case d == '\n':
			c.line = 0
		case d != '\r':
			c.line++
		}
	}
	return nil
}

package wire

import "bytes"

// scan reads one JSON object and reports whether it is one. It does not validate further than it needs to find its
// way: the fields it is after are found wherever the syntax around them is sound. More gets the
// details; nil: they are not wanted.
func scan(b []byte, root *field, more *details) (found, bool) {
	return scanNoting(b, root, more, nil)
}

// scanNoting is scan that also appends to places, unless it is nil, where it took note.
func scanNoting(b []byte, root *field, more *details, places *[]place) (found, bool) {
	c := cursor{b: b, places: places}
	f := found{prompt: Unknown, output: Unknown, more: more}
	if c.peek() != '{' {
		return f, false
	}
	c.object(root, &f)
	c.peek()
	return f, !c.bad && c.i == len(b)
}

// cursor walks JSON text. Once bad, it stands at the end.
type cursor struct {
	b      []byte
	i      int
	bad    bool
	places *[]place // nil: nobody asks
}

// value reads one value as the field it belongs to; at nil, it is skipped. An array stands for its elements, one level
// deep, so that recursion goes no deeper than the tree.
func (c *cursor) value(at *field, f *found) {
	switch {
	case at == nil || at.meaning != nothing:
		c.leaf(at, f)
	case c.peek() == '[':
		for c.i++; c.more(']'); {
			c.object(at, f)
		}
	default:
		c.object(at, f)
	}
}

// object reads the members of an object; any other value is skipped.
func (c *cursor) object(at *field, f *found) {
	if c.peek() != '{' {
		c.skip()
		return
	}
	for c.i++; c.more('}'); {
		name := c.text()
		if c.peek() != ':' {
			c.fail()
			return
		}
		c.i++
		c.value(at.child(name), f)
	}
	if at.choices {
		f.end(at)
		c.mark(at, c.i)
	}
}

// mark notes that a value ends here.
func (c *cursor) mark(at *field, start int) {
	if c.places != nil {
		*c.places = append(*c.places, place{at: at, start: start, end: c.i})
	}
}

// leaf skips a value and, where the field means something, takes note of it.
func (c *cursor) leaf(at *field, f *found) {
	c.peek()
	start := c.i
	c.skip()
	c.mark(at, start)
	if at == nil || c.bad {
		return
	}
	f.known = true
	f.note(at.meaning, c.b[start:c.i])
}

// peek goes to the next byte that is not white space and returns it, 0 at the end.
func (c *cursor) peek() byte {
	for c.i < len(c.b) {
		switch b := c.b[c.i]; b {
		case ' ', '\t', '\n', '\r':
			c.i++
		default:
			return b
		}
	}
	return 0
}

// more reports whether an element follows, and steps over the comma before it or over the closing bracket.
func (c *cursor) more(end byte) bool {
	b := c.peek()
	if b == ',' {
		c.i++
		b = c.peek()
	}
	switch b {
	case end:
		c.i++
		return false
	case 0, '}', ']', ':', ',':
		c.fail()
		return false
	}
	return true
}

func (c *cursor) fail() { c.bad, c.i = true, len(c.b) }

// text reads a string and returns what stands between its quotes, escapes and all.
func (c *cursor) text() []byte {
	if c.peek() != '"' {
		c.fail()
		return nil
	}
	start := c.i + 1
	for at := start; ; {
		n := bytes.IndexByte(c.b[at:], '"')
		if n < 0 {
			c.fail()
			return nil
		}
		at += n
		if !escaped(c.b[start:at]) {
			c.i = at + 1
			return c.b[start:at]
		}
		at++
	}
}

// escaped reports whether the byte after b is escaped: b ends in an odd number of backslashes.
func escaped(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}

// skip steps over one value of any depth, without recursion: what comes from a server must not exhaust the stack.
func (c *cursor) skip() {
	for depth := 0; ; {
		switch b := c.peek(); {
		case b == 0, depth == 0 && (b == ',' || b == ':' || b == '}' || b == ']'):
			c.fail()
			return
		case b == '"':
			c.text()
		case b == '{' || b == '[':
			depth++
			c.i++
		case b == '}' || b == ']':
			depth--
			c.i++
		case b == ',' || b == ':':
			c.i++
		default:
			c.word()
		}
		if depth == 0 {
			return
		}
	}
}

// word steps over a number, true, false or null.
func (c *cursor) word() {
	for ; c.i < len(c.b); c.i++ {
		switch c.b[c.i] {
		case ' ', '\t', '\n', '\r', ',', ':', '}', ']', '"', '{', '[':
			return
		}
	}
}

package wire

import (
	"bytes"
	"strconv"
	"strings"
)

// meaning is what a field of an answer tells.
type meaning uint8

const (
	nothing      meaning = iota
	content              // text or a tool call: a token if it is not empty
	words                // the same, and a part of the answer as a conversation goes on with it
	thought              // reasoning: a token if it is not empty, but none of the answer
	choiceIndex          // which of several answers the object tells of
	finish               // the answer is complete, if it is a word or true
	promptTokens         // the server's count of the prompt
	outputTokens         // the server's count of the output
	failure              // an error, if it is not null or empty
	failureName          // an error, if it is the word "error"
	loadNS               // how long the server says it took to have the model ready, to read the prompt, to write the output
	promptNS
	decodeNS
	promptMS
	decodeMS
)

// field is a node in the tree of the fields that a dialect cares for. Everything else is skipped.
type field struct {
	name     string
	meaning  meaning
	children []*field
	choices  bool // each object is about one of several answers
}

// choosing marks the objects at a name below the root as each about one of several answers.
func choosing(root *field, name string) *field {
	root.child([]byte(name)).choices = true
	return root
}

// tree builds the tree of paths such as "choices.delta.content".
func tree(paths map[string]meaning) *field {
	root := &field{}
	for path, m := range paths {
		at := root
		for name := range strings.SplitSeq(path, ".") {
			next := at.child([]byte(name))
			if next == nil {
				next = &field{name: name}
				at.children = append(at.children, next)
			}
			at = next
		}
		at.meaning = m
	}
	return root
}

func (f *field) child(name []byte) *field {
	for _, c := range f.children {
		if c.name == string(name) {
			return c
		}
	}
	return nil
}

// found is what one event says.
type found struct {
	known   bool // a field of the dialect was there
	content bool
	answer  bool // content that is no reasoning
	finish  bool
	failed  bool
	prompt  int // Unknown: not said
	output  int
	times   times
	more    *details // nil: not wanted
}

// times are how long a server says that the parts of a request took, in seconds; 0: it does not say.
type times struct{ load, prompt, decode float64 }

// learn takes what is said now for what was said before.
func (t *times) learn(now times) {
	if now.load > 0 {
		t.load = now.load
	}
	if now.prompt > 0 {
		t.prompt = now.prompt
	}
	if now.decode > 0 {
		t.decode = now.decode
	}
}

// details is what an event says beyond that, for those who want it.
type details struct {
	text []byte // the last text of the answer, as a JSON string; nil: none

	choices []choice // of several answers; empty: it is one
	events  int      // those of them with content in this event
	choice  int      // which of them the object tells of that is being read
	filled  bool     // that object has content
	objects int      // that the event has of them
	last    int      // which of them the last object told of
}

// choice is one of the answers to a group of prompts.
type choice struct {
	tokens int // content events so far
	fresh  int // of the piece that was fed last
	prompt int // the server's counts for it alone; 0: it gave none
	output int
}

// begin makes ready for an event.
func (d *details) begin() { *d = details{choices: d.choices} }

// content notes that an answer has content.
func (d *details) content(text bool, raw []byte) {
	d.filled = d.filled || filled(raw)
	if text && raw[0] == '"' {
		d.text = raw
	}
}

// chosen ends an object about one of several answers.
func (d *details) chosen() {
	if d.filled && d.choice < len(d.choices) {
		d.choices[d.choice].tokens++
		d.choices[d.choice].fresh++
		d.events++
	}
	d.objects++
	d.last, d.choice, d.filled = d.choice, 0, false
}

// own is the answer that the counts of an event are of: of an event that tells of one answer it is that one; nil: of all.
func (d *details) own() *choice {
	if d.objects != 1 || d.last >= len(d.choices) {
		return nil
	}
	return &d.choices[d.last]
}

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

// end ends an object of a field whose objects are each about one of several answers.
func (f *found) end(at *field) {
	if at.choices && f.more != nil {
		f.more.chosen()
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

// note takes note of the value of a field.
func (f *found) note(m meaning, raw []byte) {
	switch m {
	case content, words, thought:
		some := filled(raw)
		f.content, f.answer = f.content || some, f.answer || some && m != thought
		if f.more != nil {
			f.more.content(m == words, raw)
		}
	case choiceIndex:
		if f.more != nil {
			f.more.choice = count(raw, 0)
		}
	case finish:
		f.finish = f.finish || filled(raw)
	case failure:
		f.failed = f.failed || filled(raw)
	case failureName:
		f.failed = f.failed || string(raw) == `"error"`
	case promptTokens:
		f.prompt = count(raw, f.prompt)
	case outputTokens:
		f.output = count(raw, f.output)
	case loadNS:
		f.times.load = seconds(raw, 1e9)
	case promptNS:
		f.times.prompt = seconds(raw, 1e9)
	case promptMS:
		f.times.prompt = seconds(raw, 1e3)
	case decodeNS:
		f.times.decode = seconds(raw, 1e9)
	case decodeMS:
		f.times.decode = seconds(raw, 1e3)
	}
}

// seconds reads a duration of which so many units are a second; what is none, or a month and more, is 0.
func seconds(raw []byte, units float64) float64 {
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(n > 0 && n/units < 30*24*3600) {
		return 0
	}
	return n / units
}

// filled reports whether a value says something: not null, false, or an empty string, array or object.
func filled(raw []byte) bool {
	switch raw[0] {
	case '"':
		return len(raw) > 2
	case '[', '{':
		return len(bytes.TrimSpace(raw[1:len(raw)-1])) > 0
	}
	return raw[0] != 'n' && raw[0] != 'f'
}

// count reads a whole number below a thousand million; what is none leaves the old count.
func count(raw []byte, old int) int {
	n := 0
	for _, d := range raw {
		if d < '0' || d > '9' || n >= 1e8 {
			return old
		}
		n = n*10 + int(d-'0')
	}
	return n
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

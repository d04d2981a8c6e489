package wire

import "bytes"

// Forms remembers what the events of a server look like, so that most need no scan. The events of a stream, and of all
// streams of a server, differ in a few values and in nothing else; a text that follows a form, but for the values in its
// blanks, takes the scan along the same way, so that what the scan would note of it can be noted at once. Whatever follows
// no form is scanned, and so every event is read as the scan alone would have read it (FuzzForms).
//
// Forms are for one goroutine; its parsers share them. The zero value is ready.
type Forms struct {
	root   *field // of the dialect that they are of
	known  []*form
	places []place // of the text that is being scanned
	shifts shifts

	head    []byte // of the last answer, and what it says
	headers headers

	misses int // since the last text that followed a form
}

// The bounds of what is remembered. A chat's stream has events of four forms: the role, a token, the end, the usage.
const (
	formsMost  = 8
	formLen    = 4 << 10 // bytes of a text
	placesMost = 40
)

// form is a text that was scanned, with its values: those that have differed from one text to the next are its blanks.
type form struct {
	text   []byte
	places []place
	blanks []int // indices of places
	fixed  found // what the other values say
	plain  bool  // and they say it whatever the blanks do
}

// place is a point of a text where the scan stopped to take note: a value that has no others in it for the dialect, or the
// end of an object about one of several answers.
type place struct {
	at         *field // nil: the dialect does not care for it
	start, end int    // in the text; the same: an end
	before     int    // blanks before it
	blank      bool
}

// scan is scan, at less cost where the text follows a form.
func (k *Forms) scan(b []byte, root *field, more *details) (found, bool) {
	if k.root != root {
		*k = Forms{root: root, head: k.head, headers: k.headers}
	}
	for i, f := range k.known {
		if f.follows(b, &k.shifts) {
			k.misses = 0
			if i > 0 { // the most frequent come first
				k.known[i-1], k.known[i] = f, k.known[i-1]
			}
			return f.note(b, &k.shifts, more), true
		}
	}
	k.misses++
	if len(b) > formLen || k.misses > patience && k.misses%patience != 0 {
		return scan(b, root, more)
	}
	k.places = k.places[:0]
	f, ok := scanNoting(b, root, more, &k.places)
	if ok && len(k.places) <= placesMost {
		k.learn(b)
	}
	return f, ok
}

// patience is how many texts in a row may follow no form before one in so many is learned from.
const patience = 64

// shifts are how far what follows the first blanks of a form, by their number, lies from where it lies in the form.
type shifts [placesMost + 1]int

// follows reports whether b is the form with other values in its blanks, and finds the shifts.
func (f *form) follows(b []byte, shifts *shifts) bool {
	from, at := 0, 0 // in the form, in b
	for n, i := range f.blanks {
		m := &f.places[i]
		common := m.start - from
		if len(b)-at <= common || string(b[at:at+common]) != string(f.text[from:m.start]) {
			return false
		}
		at += common
		length := valueLen(b[at:], f.text[m.start] == '"')
		if length == 0 {
			return false
		}
		at, from = at+length, m.end
		shifts[n+1] = at - from
	}
	return string(b[at:]) == string(f.text[from:])
}

// valueLen is the length of the string, or of the number or word, that b begins with, as the scan reads it; 0: there is
// none.
func valueLen(b []byte, quoted bool) int {
	switch b[0] {
	case '"':
		if !quoted {
			return 0
		}
	case 0, ' ', '\t', '\n', '\r', ',', ':', '}', ']', '{', '[':
		return 0
	default:
		if quoted {
			return 0
		}
		c := cursor{b: b}
		c.word()
		return c.i
	}
	for at := 1; ; at++ {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return 0
		}
		at += n
		if b[at-1] != '\\' || !escaped(b[1:at]) {
			return at + 1
		}
	}
}

// note is what the scan would have found in b, which follows the form.
func (f *form) note(b []byte, shifts *shifts, more *details) found {
	if more == nil && f.plain {
		v := f.fixed
		for _, i := range f.blanks {
			v.take(&f.places[i], b, shifts)
		}
		return v
	}
	v := found{prompt: Unknown, output: Unknown, more: more}
	for i := range f.places {
		v.take(&f.places[i], b, shifts)
	}
	return v
}

// take notes what a place of a form says in b.
func (v *found) take(m *place, b []byte, shifts *shifts) {
	switch {
	case m.at == nil:
	case m.start == m.end:
		v.end(m.at)
	default:
		after := m.before
		if m.blank {
			after++
		}
		v.known = true
		v.note(m.at.meaning, b[m.start+shifts[m.before]:m.end+shifts[after]])
	}
}

// fix finds what the values say that are no blanks. It holds whatever the blanks say where these are text, whose note adds to
// the others'; of several counts the last one counts, and so each text with such a blank is noted from its begin.
func (f *form) fix() {
	f.fixed, f.plain = found{prompt: Unknown, output: Unknown}, true
	var none shifts
	for i := range f.places {
		switch m := &f.places[i]; {
		case !m.blank:
			f.fixed.take(m, f.text, &none)
		case m.at != nil:
			f.plain = f.plain && m.at.meaning.isText()
		}
	}
}

// learn makes the text that was scanned a form, or finds the blanks of the form that it is of.
func (k *Forms) learn(b []byte) {
	for _, f := range k.known {
		if f.fits(b, k.places) {
			f.widen(b, k.places)
			f.fix()
			return
		}
	}
	if len(k.known) < formsMost {
		k.known = append(k.known, new(form))
	}
	f := k.known[len(k.known)-1] // the least used gives way
	f.text = append(f.text[:0], b...)
	f.places = append(f.places[:0], k.places...)
	f.blanks = f.blanks[:0]
	f.fix()
}

// fits reports whether a text, with its places, differs from the form in single values only.
func (f *form) fits(b []byte, places []place) bool {
	if len(places) != len(f.places) {
		return false
	}
	from, at := 0, 0
	for i, m := range places {
		own := &f.places[i]
		if m.at != own.at || (m.start == m.end) != (own.start == own.end) || !bytes.Equal(b[at:m.start], f.text[from:own.start]) {
			return false
		}
		if m.end > m.start && !alike(b[m.start:m.end], f.text[own.start:own.end]) {
			return false
		}
		from, at = own.end, m.end
	}
	return bytes.Equal(b[at:], f.text[from:])
}

// alike reports whether two values can stand for one another in a form: two strings, or two numbers or words; of a value
// that has others in it, only the same.
func alike(a, b []byte) bool {
	ka, kb := kind(a[0]), kind(b[0])
	return ka == kb && (ka != compound || bytes.Equal(a, b))
}

// The kinds of values.
const (
	text = iota
	word
	compound
)

// kind is the kind of a value, by its first byte.
func kind(first byte) int {
	switch first {
	case '"':
		return text
	case '{', '[':
		return compound
	}
	return word
}

// widen makes blanks of the values in which a text that fits differs.
func (f *form) widen(b []byte, places []place) {
	f.blanks = f.blanks[:0]
	for i, m := range places {
		own := &f.places[i]
		own.before = len(f.blanks)
		own.blank = own.blank || !bytes.Equal(b[m.start:m.end], f.text[own.start:own.end])
		if own.blank {
			f.blanks = append(f.blanks, i)
		}
	}
}

// recall returns what the head says that b begins with, and its length, where it is the last one again; 0: it is not.
func (k *Forms) recall(b []byte) (int, headers) {
	if k == nil || len(k.head) == 0 || !bytes.HasPrefix(b, k.head) {
		return 0, headers{}
	}
	return len(k.head), k.headers
}

// keep remembers a head, which may well be that of the next answer too.
func (k *Forms) keep(head []byte, h headers) {
	if k != nil && len(head) <= formLen {
		k.head, k.headers = append(k.head[:0], head...), h
	}
}

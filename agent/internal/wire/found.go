package wire

import (
	"bytes"
	"strconv"
)

// found is what one event says.
type found struct {
	known   bool // a field of the dialect was there
	content bool
	answer  bool // content that is no reasoning
	finish  bool
	failed  bool
	aborted bool // the finish reason is one of an answer that was given up
	prompt  int  // Unknown: not said
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
	all  bool   // it is the whole answer up to here

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
func (d *details) content(m meaning, raw []byte) {
	d.filled = d.filled || filled(raw)
	if (m == words || m == allWords) && raw[0] == '"' {
		d.text, d.all = raw, m == allWords
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

// end ends an object of a field whose objects are each about one of several answers.
func (f *found) end(at *field) {
	if at.choices && f.more != nil {
		f.more.chosen()
	}
}

// isText reports whether a value of this meaning is text. What such a value says is added to what others of its event said,
// and takes nothing of it away (Forms live by that).
func (m meaning) isText() bool { return m == content || m == words || m == allWords || m == thought }

// note takes note of the value of a field.
func (f *found) note(m meaning, raw []byte) {
	switch m {
	case content, words, allWords, thought:
		some := filled(raw)
		f.content, f.answer = f.content || some, f.answer || some && m != thought
		if f.more != nil {
			f.more.content(m, raw)
		}
	case choiceIndex:
		if f.more != nil {
			f.more.choice = count(raw, 0)
		}
	case finish:
		some := filled(raw)
		f.finish, f.aborted = f.finish || some, f.aborted || some && aborted(raw)
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

// aborted reports whether a finish reason is that of an answer the server gave up: abort or error, of vLLM and of gateways
// that pass on what became of theirs; with SGLang it is the type of an object.
func aborted(raw []byte) bool {
	if kind, ok := bytes.CutPrefix(raw, []byte(`{"type"`)); ok {
		raw = bytes.TrimLeft(kind, ": ")
		raw = raw[:min(len(raw), len(`"abort"`))]
	}
	return string(raw) == `"abort"` || string(raw) == `"error"`
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

package wire

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file reads answers a second time, slowly and with encoding/json: what the parsers are held against.

// slowEvent is an event of a stream.
type slowEvent struct {
	data   string
	failed bool
}

// slowStream is a whole text/event-stream, by the words of the HTML standard §9.2.6, and what this package makes of lines that
// are no fields and of an end without a line end.
type slowStream struct {
	events  []slowEvent
	tail    []slowEvent // that only the end of the stream dispatches
	pings   int
	foreign bool
}

func slowSSE(b []byte) (s slowStream) {
	text := strings.TrimPrefix(string(b), mark)
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	var data []string
	failed := false
	dispatch := func(to *[]slowEvent) {
		if data != nil {
			*to = append(*to, slowEvent{strings.Join(data, "\n"), failed})
		}
		data, failed = nil, false
	}
	for i, line := range lines {
		last := i == len(lines)-1 // what no line end follows
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimPrefix(value, " "); {
		case line == "" && last:
		case line == "":
			dispatch(&s.events)
		case name == "":
			s.pings++
		case name == "data":
			data = append(data, value)
		case name == "event":
			failed = value == "error"
		case name == "error":
			data, failed = append(data, value), true
		case name == `{"error"`:
			data, failed = append(data, line), true
		case name != "id" && name != "retry":
			s.foreign = s.foreign || !last
		}
	}
	dispatch(&s.tail)
	return s
}

// slowScan is scan of what encoding/json takes for an object; ok is false of anything else.
func slowScan(b []byte, root *field, choices int) (f found, own []choice, ok bool) {
	f = found{prompt: Unknown, output: Unknown}
	if !json.Valid(b) || bytes.TrimSpace(b)[0] != '{' {
		return f, nil, false
	}
	s := slowScanner{found: &f, own: make([]choice, choices)}
	s.object(b, root)
	return f, s.own, true
}

type slowScanner struct {
	found  *found
	own    []choice
	index  int  // of the choice that is being read
	filled bool // it has content
}

// object reads the members of an object, in order; any other value says nothing.
func (s *slowScanner) object(b []byte, at *field) {
	if b = bytes.TrimSpace(b); b[0] != '{' {
		return
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	_, _ = dec.Token() // {; it is valid
	for dec.More() {
		begin := dec.InputOffset()
		_, _ = dec.Token()
		raw := string(bytes.Trim(b[begin:dec.InputOffset()], ", \t\r\n"))
		var value json.RawMessage
		_ = dec.Decode(&value)
		if i := slices.IndexFunc(at.children, func(c *field) bool { return `"`+c.name+`"` == raw }); i >= 0 {
			s.value(value, at.children[i])
		}
	}
	if at.choices {
		if s.filled && s.index < len(s.own) {
			s.own[s.index].tokens++
		}
		s.index, s.filled = 0, false
	}
}

// value is one value of a field that means something, or that has children; an array stands for its elements.
func (s *slowScanner) value(b []byte, at *field) {
	if at.meaning != nothing {
		s.leaf(b, at.meaning)
		return
	}
	var elements []json.RawMessage
	if json.Unmarshal(b, &elements) == nil && elements != nil {
		for _, e := range elements {
			s.object(e, at)
		}
		return
	}
	s.object(b, at)
}

var whole9 = regexp.MustCompile(`^[0-9]{1,9}$`)

func (s *slowScanner) leaf(b []byte, m meaning) {
	f, some := s.found, says(b)
	f.known = true
	switch m {
	case content, words, allWords, thought:
		f.content, f.answer, s.filled = f.content || some, f.answer || some && m != thought, s.filled || some
	case finish:
		f.finish = f.finish || some
		f.aborted = f.aborted || string(b) == `"abort"` || string(b) == `"error"` || slowAbort.Match(b)
	case failure:
		f.failed = f.failed || some
	case failureName:
		f.failed = f.failed || string(b) == `"error"`
	case choiceIndex:
		s.index = slowCount(b, 0)
	case promptTokens:
		f.prompt = slowCount(b, f.prompt)
	case outputTokens:
		f.output = slowCount(b, f.output)
	case loadNS:
		f.times.load = slowSeconds(b, 1e9)
	case promptNS:
		f.times.prompt = slowSeconds(b, 1e9)
	case promptMS:
		f.times.prompt = slowSeconds(b, 1e3)
	case decodeNS:
		f.times.decode = slowSeconds(b, 1e9)
	case decodeMS:
		f.times.decode = slowSeconds(b, 1e3)
	}
}

// says reports whether a value is not null, false or empty.
func says(b []byte) bool {
	var v any
	_ = json.Unmarshal(b, &v) // valid, or a number beyond all floats
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return string(b) != "null"
}

var slowAbort = regexp.MustCompile(`^\{"type"[: ]*"(abort|error)"`)

func slowCount(b []byte, old int) int {
	if !whole9.Match(b) {
		return old
	}
	n, _ := strconv.Atoi(string(b)) // nine digits
	return n
}

func slowSeconds(b []byte, units float64) float64 {
	var n float64
	if json.Unmarshal(b, &n) != nil || n <= 0 || n/units >= 30*24*3600 {
		return 0
	}
	return n / units
}

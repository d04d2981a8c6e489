package dummy

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// request is what the server reads of a request's body. Its slices lie in the body.
type request struct {
	model        []byte // the JSON string between its quotes, escapes and all: it goes back as it came
	stream       bool
	streamSet    bool // stream was said
	maxTokens    int  // 0: none asked
	minTokens    int
	ignoreEOS    bool
	includeUsage bool
	inputs       bool // the body has "inputs", TGI's word for the prompt
	promptTokens int  // blank-separated words, and token ids
	prompts      int  // texts under "prompt": several are a group
}

// parse reads a body of any dialect in one walk and without allocation. The dialects agree well enough that a key means
// the same wherever it stands: num_predict in options, max_new_tokens in parameters or sampling_params.
func parse(body []byte) (request, error) {
	s := scanner{b: body}
	if s.peek() != '{' {
		return s.r, s.unexpected()
	}
	if err := s.value(nil, 0); err != nil {
		return s.r, err
	}
	if s.peek() != 0 {
		return s.r, s.unexpected()
	}
	return s.r, nil
}

// scanner walks over JSON and keeps what it knows the key of.
type scanner struct {
	b []byte
	i int
	r request
}

// maxDepth bounds the recursion, so that a hostile body can't use up the stack.
const maxDepth = 200

var errShort = errors.New("unexpected end of JSON input")

// peek skips blanks and returns the byte that follows, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) unexpected() error {
	if s.i >= len(s.b) {
		return errShort
	}
	return fmt.Errorf("invalid character %q at byte %d of the JSON input", s.b[s.i], s.i)
}

// value reads one value, whose nearest key is key.
func (s *scanner) value(key []byte, depth int) error {
	if depth > maxDepth {
		return errors.New("JSON is nested too deeply")
	}
	switch s.peek() {
	case '{':
		return s.list('}', depth, func(depth int) error { return s.member(depth) })
	case '[':
		return s.list(']', depth, func(depth int) error { return s.value(key, depth) })
	case '"':
		text, err := s.text()
		if err != nil {
			return err
		}
		return s.keepText(key, text)
	}
	return s.literal(key)
}

// list reads what stands between a bracket and its counterpart close, items apart by commas.
func (s *scanner) list(close byte, depth int, item func(depth int) error) error {
	s.i++
	if s.peek() == close {
		s.i++
		return nil
	}
	for {
		if err := item(depth + 1); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case close:
			s.i++
			return nil
		default:
			return s.unexpected()
		}
	}
}

func (s *scanner) member(depth int) error {
	if s.peek() != '"' {
		return s.unexpected()
	}
	key, err := s.text()
	if err != nil {
		return err
	}
	if s.peek() != ':' {
		return s.unexpected()
	}
	s.i++
	return s.value(key, depth)
}

// text reads a string and returns what stands between its quotes.
func (s *scanner) text() ([]byte, error) {
	s.i++
	start := s.i
	for {
		next := bytes.IndexByte(s.b[s.i:], '"')
		if next < 0 {
			s.i = len(s.b)
			return nil, errShort
		}
		s.i += next
		escapes := 0
		for s.i-escapes > start && s.b[s.i-escapes-1] == '\\' {
			escapes++
		}
		s.i++
		if escapes%2 == 0 {
			return s.b[start : s.i-1], nil
		}
	}
}

// literal reads a number, true, false or null.
func (s *scanner) literal(key []byte) error {
	start := s.i
	for s.i < len(s.b) && !ends(s.b[s.i]) {
		s.i++
	}
	word := s.b[start:s.i]
	switch string(word) {
	case "true", "false", "null":
		s.keepBool(key, string(word) == "true")
		return nil
	}
	if n, ok := whole(word); ok {
		s.keepNumber(key, n)
		return nil
	}
	if _, err := strconv.ParseFloat(string(word), 64); err != nil {
		s.i = start
		return s.unexpected()
	}
	return s.wantsNumber(key)
}

// whole is the whole number that word is. (The error of strconv.Atoi would cost an allocation for every 0.5.)
func whole(word []byte) (n int, ok bool) {
	digits := bytes.TrimPrefix(word, []byte("-"))
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	if len(digits) < len(word) {
		n = -n
	}
	return n, 0 < len(digits) && len(digits) < 19
}

// ends tells whether c ends a literal.
func ends(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ']', '}', ':', '"':
		return true
	}
	return false
}

// number is where the whole number under key is kept, nil where key has none.
func (s *scanner) number(key []byte) *int {
	switch string(key) {
	case "max_tokens", "max_completion_tokens", "max_new_tokens", "n_predict", "num_predict":
		return &s.r.maxTokens
	case "min_tokens", "min_new_tokens":
		return &s.r.minTokens
	}
	return nil
}

func (s *scanner) keepNumber(key []byte, n int) {
	if at := s.number(key); at != nil {
		*at = max(n, 0) // -1 is Ollama's and llama.cpp's word for no limit
	}
	if string(key) == "prompt" || string(key) == "input_ids" {
		s.r.promptTokens++
	}
}

// wantsNumber is the error for a value that is no whole number, if key needs one.
func (s *scanner) wantsNumber(key []byte) error {
	if s.number(key) != nil {
		return fmt.Errorf("%s must be a whole number", key)
	}
	return nil
}

func (s *scanner) keepText(key, text []byte) error {
	switch string(key) {
	case "model":
		s.r.model = text
	case "content", "prompt", "system", "text", "text_input", "inputs":
		s.r.inputs = s.r.inputs || string(key) == "inputs"
		if string(key) == "prompt" {
			s.r.prompts++
		}
		s.r.promptTokens += words(text)
	}
	return s.wantsNumber(key)
}

func (s *scanner) keepBool(key []byte, yes bool) {
	switch string(key) {
	case "stream":
		s.r.stream, s.r.streamSet = yes, true
	case "ignore_eos":
		s.r.ignoreEOS = yes
	case "include_usage":
		s.r.includeUsage = yes
	}
}

// words counts the runs of characters other than blanks in a JSON string, whose line ends and tabs are escapes.
func words(text []byte) int {
	n, inside := 0, false
	for i := 0; i < len(text); i++ {
		blank := text[i] == ' '
		if text[i] == '\\' && i+1 < len(text) {
			i++
			blank = text[i] == 'n' || text[i] == 't' || text[i] == 'r'
		}
		if !blank && !inside {
			n++
		}
		inside = !blank
	}
	return n
}

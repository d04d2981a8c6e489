package server

import (
	"bytes"
	"errors"
	"strconv"
)

// request is what the server reads of a request.
type request struct {
	path   []byte
	id     []byte // X-Request-Id
	stream bool
	usage  bool // include_usage
	tokens int  // of the answer
	prompt int  // its words
	close  bool // the client wants no other request on the connection
}

// parse reads the request at the beginning of in and returns what follows it; nil: it is not whole yet.
func parse(in []byte) (*request, []byte, error) {
	head, rest, whole := bytes.Cut(in, []byte("\r\n\r\n"))
	if !whole {
		return nil, nil, nil
	}
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	words := bytes.SplitN(line, []byte(" "), 3)
	if len(words) < 3 {
		return nil, nil, errors.New("the request line is none")
	}
	r := &request{path: bytes.Clone(words[1])}
	length, err := r.header(fields)
	if err != nil || len(rest) < length {
		return nil, nil, err
	}
	r.body(rest[:length])
	return r, rest[length:], nil
}

// header reads the fields that matter and returns the length of the body.
func (r *request) header(fields []byte) (length int, err error) {
	for line := range bytes.SplitSeq(fields, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 {
				return 0, errors.New("the Content-Length is no number")
			}
		case bytes.EqualFold(name, []byte("x-request-id")):
			r.id = bytes.Clone(value)
		case bytes.EqualFold(name, []byte("connection")):
			r.close = bytes.EqualFold(value, []byte("close"))
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			return 0, errors.New("a body in chunks is not read here: send a Content-Length")
		}
	}
	return length, nil
}

// body reads what the answer depends on. It looks for the keys wherever they stand: no prompt of a measurement has them.
func (r *request) body(body []byte) {
	is := func(key string) bool {
		value, ok := after(body, key)
		return ok && bytes.HasPrefix(value, []byte("true"))
	}
	r.stream, r.usage, r.tokens = is("stream"), is("include_usage"), 128
	for _, key := range []string{"max_tokens", "max_completion_tokens"} {
		if value, ok := after(body, key); ok {
			r.tokens = max(1, leading(value))
		}
	}
	r.prompt = prompt(body)
}

// after is what follows the first such key of a JSON object and its colon.
func after(body []byte, key string) ([]byte, bool) {
	for {
		i := bytes.Index(body, []byte(key))
		if i < 0 {
			return nil, false
		}
		quoted := i > 0 && body[i-1] == '"'
		body = body[i+len(key):]
		if quoted && bytes.HasPrefix(body, []byte(`"`)) {
			value := bytes.TrimLeft(body[1:], " ")
			return bytes.TrimLeft(bytes.TrimPrefix(value, []byte(":")), " "), bytes.HasPrefix(value, []byte(":"))
		}
	}
}

// leading is the number at the beginning of text.
func leading(text []byte) (n int) {
	for _, c := range text {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// prompt counts the words of the first message, a text or a list that begins with one.
func prompt(body []byte) int {
	text, ok := after(body, "content")
	if ok && bytes.HasPrefix(text, []byte("[")) {
		text, ok = after(text, "text")
		if ok && !bytes.HasPrefix(text, []byte(`"`)) {
			return 0
		}
	}
	if !ok || len(text) == 0 {
		return 0
	}
	words, _, _ := bytes.Cut(text[1:], []byte(`"`))
	return len(bytes.Fields(words))
}

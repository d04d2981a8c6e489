package wire

import (
	"bytes"
	"strconv"
	"strings"
)

// headers is what matters of an answer's status line and headers.
type headers struct {
	minor      byte // of the version: '1' of HTTP/1.1
	status     int
	length     int64 // -1: not given
	chunked    bool
	coding     string // a transfer or content coding that is not read here
	connection string
	kind       string // Content-Type
	retryAfter string
	location   string
	bad        string
}

// refused says why an answer with these headers can't be read, if so.
func (h headers) refused(status int) string {
	switch {
	case h.bad != "":
		return h.bad
	case status == 101:
		return "switched protocols unasked"
	case h.coding != "":
		return "unasked coding " + strconv.Quote(h.coding)
	case status == 200 && strings.HasPrefix(h.kind, "text/html"):
		return "a page of HTML instead of an answer"
	}
	return ""
}

// statusLine reads "HTTP/1.x NNN words".
func statusLine(b []byte) (minor byte, status int, ok bool) {
	const form = "HTTP/1.1 200"
	if len(b) < len(form) || string(b[:7]) != form[:7] || b[8] != ' ' || len(b) > len(form) && b[12] != ' ' {
		return 0, 0, false
	}
	for _, d := range b[9:12] {
		if d < '0' || d > '9' {
			return 0, 0, false
		}
		status = status*10 + int(d-'0')
	}
	return b[7], status, status >= 100
}

// readHeaders reads the header lines. Lines that continue one before them are skipped: no header that matters here has
// any.
func readHeaders(b []byte) headers {
	h := headers{length: -1}
	for len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte("\n"))
		name, value, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte(":"))
		if ok && len(name) > 0 && name[0] != ' ' && name[0] != '\t' {
			h.set(bytes.TrimRight(name, " \t"), bytes.Trim(value, " \t"))
		}
	}
	return h
}

func (h *headers) set(name, value []byte) {
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 || value[0] == '+' || h.length >= 0 && h.length != n {
			h.bad = "Content-Length " + strconv.Quote(excerpt(value))
		}
		h.length = n
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		h.chunked = bytes.EqualFold(value, []byte("chunked"))
		h.encoded(value, "chunked")
	case bytes.EqualFold(name, []byte("Content-Encoding")):
		h.encoded(value, "identity")
	case bytes.EqualFold(name, []byte("Connection")):
		h.connect(lower(value))
	case bytes.EqualFold(name, []byte("Content-Type")):
		h.kind = lower(value)
	case bytes.EqualFold(name, []byte("Retry-After")):
		h.retryAfter = excerpt(value)
	case bytes.EqualFold(name, []byte("Location")):
		h.location = excerpt(value)
	}
}

// connect takes a Connection header, which may name several things, and may come again. What closes wins.
func (h *headers) connect(value string) {
	if !strings.Contains(h.connection, "close") {
		h.connection = value
	}
	if strings.Contains(value, "close") {
		h.connection = "close"
	}
}

func (h *headers) encoded(value []byte, known string) {
	if !bytes.EqualFold(value, []byte(known)) && len(value) > 0 {
		h.coding = excerpt(value)
	}
}

// lower returns a header's value in lower case, without an allocation for the values that every answer has.
func lower(value []byte) string {
	switch string(value) {
	case "close":
		return "close"
	case "keep-alive":
		return "keep-alive"
	case "text/event-stream":
		return "text/event-stream"
	case "application/json":
		return "application/json"
	case "application/x-ndjson":
		return "application/x-ndjson"
	}
	return strings.ToLower(string(value))
}

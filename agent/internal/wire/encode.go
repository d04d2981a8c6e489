package wire

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hpcbench/agent/workload"
)

// Call is what makes one request differ from the next.
type Call struct {
	ID    int64   // index of the request, and of its prompt
	Group []int64 // of a request with several prompts: their indices, ID the first; nil: it has one
	Past  []byte  // of a later turn: what was said before, as Remember wrote it
}

// Encoder makes the requests of one trial to one endpoint. It is for one goroutine.
type Encoder struct {
	*Requests
	target  string
	host    string
	headers []string // sent beside the dialect's own
	head    string   // request line and headers, up to the id
	scratch []byte   // a body

	readiest float64 // the shortest time in s that the server took to have its model ready; 0: none yet
}

// NewEncoder reads a workload and returns its encoder to the endpoint with base URL base, each request with the headers
// given ("Name: value") beside its own.
func NewEncoder(w workload.Workload, base string, headers []string) (*Encoder, error) {
	r, err := NewRequests(w)
	if err != nil {
		return nil, err
	}
	return r.Encoder(base, headers)
}

// Encoder returns the encoder to the endpoint with base URL base, each request with the headers given ("Name: value")
// beside those of the workload. The error is about the base URL or the headers.
func (r *Requests) Encoder(base string, headers []string) (*Encoder, error) {
	if named(headers, "Authorization") && named(r.headers, "Authorization") {
		return nil, errors.New("a header Authorization beside the API key: want one of them")
	}
	e := &Encoder{Requests: r, headers: slices.Concat(r.headers, headers)}
	var err error
	if e.target, e.host, err = target(base, r.path); err != nil {
		return nil, err
	}
	e.head = requestHead(e.target, e.host, r.stream, e.headers)
	return e, nil
}

// URL is where the requests go, for a driver that makes its own request lines; the scheme is always http.
func (e *Encoder) URL() string { return "http://" + e.host + e.target }

// Headers are those beside the dialect's own, "Name: value".
func (e *Encoder) Headers() []string { return e.headers }

// target splits a base URL into the request target of a path below it and the value of the Host header. A base that ends
// in the first part of the path, such as /v1, does not get it twice.
func target(base, path string) (target, host string, err error) {
	u, err := Endpoint(base)
	if err != nil {
		return "", "", err
	}
	if u.Scheme == "unix" {
		return path, "localhost", nil
	}
	prefix := strings.TrimRight(u.EscapedPath(), "/")
	return strings.TrimSuffix(prefix, first(path)) + path, u.Host, nil
}

// first is the first part of a path that has several, such as /v1.
func first(path string) string { return path[:1+strings.IndexByte(path[min(1, len(path)):], '/')] }

// Endpoint reads the base URL of a server. The error says what a good one looks like, and has no password of a bad one.
func Endpoint(base string) (*url.URL, error) {
	_, rest, _ := strings.Cut(base, "//")
	authority, _, _ := strings.Cut(rest, "/")
	u, err := url.Parse(base)
	switch {
	case err == nil && u.Scheme == "unix" && u.Opaque+u.Path != "":
		return u, nil
	case strings.Contains(authority, "@"):
		return nil, fmt.Errorf("endpoint …%s: a name and password in it are not sent (use a header Authorization)", authority[strings.LastIndex(authority, "@"):])
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("endpoint %q: want http://host:port, https://host or unix:/path", base)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("endpoint %s://%s%s: what follows a ? or # is not sent (leave it out)", u.Scheme, u.Host, u.EscapedPath())
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("endpoint %q: port %s: want 1 to 65535", base, p)
		}
	}
	return u, nil
}

// requestHead is a request up to its id. A header given takes the place of one of ours.
func requestHead(target, host string, stream bool, headers []string) string {
	accept := "application/json"
	if stream {
		accept = "text/event-stream, application/x-ndjson, application/json"
	}
	lines := []string{"POST " + target + " HTTP/1.1"}
	for _, own := range []string{"Host: " + host, "User-Agent: hpcbench", "Accept: " + accept, "Content-Type: application/json"} {
		if name, _, _ := strings.Cut(own, ":"); !named(headers, name) {
			lines = append(lines, own)
		}
	}
	return strings.Join(slices.Concat(lines, headers, []string{"X-Request-Id: "}), "\r\n")
}

// Append appends a request of the trial, whose id is prefix and its index, and returns the extended slice.
func (e *Encoder) Append(dst []byte, prefix string, c Call) []byte {
	e.scratch = e.Body(e.scratch[:0], c)
	dst = append(dst, e.head...)
	dst = append(dst, prefix...)
	dst = strconv.AppendInt(dst, c.ID, 10)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(e.scratch)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, e.scratch...)
}

// Body appends the body alone of a request, for a driver that makes its own headers.
func (e *Encoder) Body(dst []byte, c Call) []byte {
	_, limit := e.Asked(c.ID)
	for _, p := range e.body {
		dst = append(dst, p.text...)
		switch p.then {
		case promptHole:
			dst = e.appendPrompts(dst, c, `","`)
		case idsHole:
			dst = append(dst, '[')
			dst = e.appendPrompts(dst, c, "],[")
			dst = append(dst, ']')
		case tokensHole:
			dst = strconv.AppendInt(dst, int64(limit), 10)
		case pastHole:
			dst = append(dst, c.Past...)
		}
	}
	return dst
}

// appendPrompts appends the prompts of a request, with so much between two.
func (e *Encoder) appendPrompts(dst []byte, c Call, between string) []byte {
	dst = e.appendPrompt(dst, c.ID)
	for _, n := range c.Group[min(1, len(c.Group)):] {
		dst = append(dst, between...)
		dst = e.appendPrompt(dst, n)
	}
	return dst
}

// Remember appends what was said in a turn to what was said before it: the prompt, and the answer as it stood in JSON.
func (e *Encoder) Remember(past []byte, c Call, answer []byte) []byte {
	past = append(past, `{"role":"user","content":"`...)
	past = e.appendPrompt(past, c.ID)
	past = append(past, `"},{"role":"assistant","content":"`...)
	past = append(past, answer...)
	return append(past, `"},`...)
}

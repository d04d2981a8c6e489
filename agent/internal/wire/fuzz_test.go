package wire

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire/fixture"
)

// FuzzSplits feeds the same bytes whole and in two other ways: what comes of them must not depend on the pieces.
func FuzzSplits(f *testing.F) {
	for i, c := range fixture.All() {
		f.Add([]byte(c.Bytes), uint8(i%8), uint16(i*7), i%3 != 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, dialect uint8, piece uint16, stream bool) {
		name := Dialects()[int(dialect)%len(Dialects())]
		all, events := parse(t, name, stream, string(b), max(1, len(b)))
		for _, size := range []int{1, 1 + int(piece)%200} {
			some, n := parse(t, name, stream, string(b), size)
			if all.Outcome == record.Invalid && some.Outcome == record.Invalid {
				continue // the words may differ: they show what had come
			}
			if all.Reusable != some.Reusable {
				all.Reusable, some.Reusable = false, false // bytes after the end are seen in one read only
			}
			if all != some || events != n {
				t.Errorf("whole: %+v, %d events; in pieces of %d: %+v, %d events", all, events, size, some, n)
			}
			if all.Outcome == record.OK && all.Status != 200 {
				t.Errorf("ok with status %d", all.Status)
			}
		}
	})
}

// FuzzScan holds the scan against encoding/json, in every dialect, alone and as an answer to a group.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{"choices":[{"delta":{"content":"x"}}]}`, `{"a":"\\\"","b":[{}]}`, `{"error":1}`, `{`, `{"done":tru`,
		`{"choices":[{"index":-1,"text":"x"},{"index":1e9,"text":""},{"index":1,"text":"y","tokens_predicted":3}]}`,
		`{"load_duration":1,"eval_duration":2.5e3,"timings":{"prompt_ms":1.5,"predicted_ms":-1}}`, `{"choices":[[{"text":"x"}],3,{"text":[0]}]}`,
		`{"meta_info":{"finish_reason":{"type":"length"},"prompt_tokens":7}} `, `{"object":"error","usage":{"prompt_tokens":123456789}}`,
		`{"message":{"tool_calls":[ ],"content":"\u0000"},"message":{"thinking":{ }}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range Dialects() {
			d, err := Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := scan(b, d.fields, nil)
			more := details{choices: make([]choice, 3)}
			grouped, _ := scan(b, d.fields, &more)
			more.own()
			want, own, valid := slowScan(b, d.fields, 3)
			if !valid {
				continue // it may be taken for one: no more is checked than to find the way
			}
			if grouped.more = nil; !ok || got != want || grouped != want {
				t.Fatalf("%s: %s: %v %+v and %+v, want %+v", name, b, ok, got, grouped, want)
			}
			for i, c := range more.choices {
				if c.tokens != own[i].tokens {
					t.Fatalf("%s: %s: choice %d has %d events, want %d", name, b, i, c.tokens, own[i].tokens)
				}
			}
		}
	})
}

// FuzzEvents holds the stream's parser against a slow one that follows the standard's words.
func FuzzEvents(f *testing.F) {
	for _, s := range []string{hello + done, "data:x\r\rdata: y\r\n\r\n", ":c\n\n", "data\n\n", "\xEF\xBB\xBFdata: {}\n\n", "data: a\ndata: b\n\n",
		"event: error\ndata: x\n\n", "error: x\n\n", "{\"error\":1}\n\n", "\xEF\xBBdata: x\n\n", "\r\n\r\r\n", "data: x\r\n\rdata: y"} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, piece uint16) {
		slow := slowSSE(b)
		want := append(slow.events, slow.tail...)
		var got slowListener
		var e events
		for p := range pieces(string(b), 1+int(piece)%64) {
			e.feed([]byte(p), &got)
		}
		if !slices.Equal(got, slow.events) {
			t.Fatalf("before the end %+v, want %+v", got, slow.events)
		}
		if e.end(&got); !slices.Equal(got, want) || e.pings != slow.pings || e.foreign != slow.foreign {
			t.Fatalf("%+v, %d pings, foreign %v; want %+v, %d, %v", got, e.pings, e.foreign, want, slow.pings, slow.foreign)
		}
	})
}

// slowListener keeps events as slowSSE has them.
type slowListener []slowEvent

func (l *slowListener) event(data []byte, failed bool) {
	*l = append(*l, slowEvent{string(data), failed})
}

// FuzzLines holds the parser of lines against a split.
func FuzzLines(f *testing.F) {
	f.Add([]byte("{}\n{\"a\":1}\r\n\n{}"), uint16(2))
	f.Fuzz(func(t *testing.T, b []byte, piece uint16) {
		var got heard
		var l lines
		for p := range pieces(string(b), 1+int(piece)%64) {
			l.feed([]byte(p), &got)
		}
		l.end(&got)
		if want := strings.Split(string(b), "\n"); !slices.Equal([]string(got), want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

// FuzzFraming holds the framing against net/http: where both take an answer, it has the same status and body; where net/http
// finds it cut short, so does the parser.
func FuzzFraming(f *testing.F) {
	for i, c := range fixture.All() {
		if len(c.Bytes) < 4<<10 {
			f.Add([]byte(c.Bytes), uint16(i))
		}
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=\"\n\"\r\na\r\n00\r\nA: b\r\n\r\n"), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, piece uint16) {
		d, _ := Lookup("openai-chat")
		var p Parser
		p.Reset(d, false)
		for part := range pieces(string(b), 1+int(piece)%100) {
			if _, complete := p.Feed([]byte(part)); complete {
				break
			}
		}
		p.Hangup(nil)
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
		if err != nil || p.broken != "" || resp.StatusCode != p.status || odd(b, resp) {
			return // one is stricter than the other
		}
		body, err := io.ReadAll(resp.Body)
		switch ended := p.stage == ended; {
		case err == io.ErrUnexpectedEOF && ended:
			t.Fatalf("net/http finds %q cut short; taken was %q", b, p.body.whole)
		case err == nil && !ended:
			t.Fatalf("net/http has all of %q in %q; closed: %q", b, body, p.closed)
		case err == nil && p.body.format == document && (p.status == 200 && !bytes.Equal(p.body.whole, body) || p.body.bytes != int64(len(body))):
			t.Fatalf("of %q the body is %q, want %q", b, p.body.whole, body)
		}
	})
}

var blankBeforeColon = regexp.MustCompile(`(?m)^[^:]*[ \t]:`)

// odd reports whether net/http takes an answer otherwise on purpose: it drops what HTTP/1.0 says of chunks, reads no body with
// an interim answer, reads on in a header whose line was folded, and does not know a header with a blank before its colon.
func odd(b []byte, resp *http.Response) bool {
	head, _, _ := strings.Cut(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n\n")
	return blankBeforeColon.MatchString(head) || resp.StatusCode < 200 || !resp.ProtoAtLeast(1, 1) || strings.Contains(head, "\n ") || strings.Contains(head, "\n\t")
}

// FuzzAnswers holds all of the parser against a slow one: a body, in chunks and reads of any lengths, as a stream, as lines and as a
// document of each dialect. Most of its seeds are events that repeat, as those of a real stream do.
func FuzzAnswers(f *testing.F) {
	for i, c := range fixture.All() {
		if _, body, ok := strings.Cut(c.Bytes, "\r\n\r\n"); ok && len(body) < 4<<10 {
			f.Add([]byte(unchunked(body)), uint8(i), uint16(i*7), uint8(i))
		}
	}
	for i, text := range []string{hello + hello + world + hello + stop, strings.Repeat(`data: {"id":"c-1","choices":[{"index":0,"delta":{"content":" a"}}]}`+"\n\n", 9) + done,
		strings.Repeat(`{"model":"m","created_at":"T","response":" a","done":false}`+"\n", 9) + `{"response":"","done":true,"eval_count":9,"load_duration":7}`} {
		f.Add([]byte(text), uint8(i*3), uint16(i*100), uint8(11*i))
	}
	f.Fuzz(func(t *testing.T, b []byte, dialect uint8, piece uint16, chunk uint8) {
		d, err := Lookup(Dialects()[int(dialect)%len(Dialects())])
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"text/event-stream", "application/x-ndjson", "application/json"} {
			if kind == "application/json" && d.format != sse {
				kind = ""
			}
			checkSlowly(t, d, kind, b, 1+int(chunk)%97, 1+int(piece)%331)
		}
	})
}

// unchunked is a body without the lines that frame its chunks, as far as it has any.
func unchunked(body string) string {
	var b strings.Builder
	for rest := body; ; {
		size, after, ok := strings.Cut(rest, "\r\n")
		n, err := strconv.ParseInt(size, 16, 32)
		if !ok || err != nil || n <= 0 || int(n)+2 > len(after) {
			break
		}
		b.WriteString(after[:n])
		rest = after[n+2:]
	}
	if b.Len() == 0 {
		return body
	}
	return b.String()
}

// checkSlowly feeds a body in chunks and reads, and wants of it what a slow reading makes of it.
func checkSlowly(t *testing.T, d Dialect, kind string, b []byte, chunk, piece int) {
	t.Helper()
	want, sure := slowBody(d, kind, b)
	if !sure {
		return
	}
	var parts []string
	for part := range pieces(string(b), chunk) {
		parts = append(parts, part)
	}
	forms := new(Forms)
	for _, known := range []*Forms{nil, forms, forms} { // by the scan alone; learning forms; knowing them
		var p Parser
		p.Remember(known)
		p.Reset(d, kind != "" && kind != "application/json")
		events := 0
		for part := range pieces(chunked(kind, parts...), piece) {
			n, _ := p.Feed([]byte(part))
			events += n
		}
		got := slowState{events, p.body.prompt, p.body.output, p.body.times, p.body.answered, p.body.finished, p.body.known, p.body.foreign, p.body.failed != "", p.body.invalid != ""}
		if got != want || p.stage != ended || p.body.bytes != int64(len(b)) {
			t.Fatalf("%s, %q, chunks of %d, reads of %d, forms %p: %q\n%+v, want\n%+v", d.Name, kind, chunk, piece, known, b, got, want)
		}
	}
}

// slowState is what is known of a body at its end.
type slowState struct {
	events, prompt, output                              int
	times                                               times
	answered, finished, known, foreign, failed, invalid bool
}

// slowBody reads a whole body slowly; it is not sure of one with text that the scan takes for JSON though it is none.
func slowBody(d Dialect, kind string, b []byte) (s slowState, sure bool) {
	s.prompt, s.output, sure = Unknown, Unknown, true
	take := func(text string, failed, last bool) {
		p := bytes.TrimSpace([]byte(text))
		f, _, valid := slowScan(p, d.fields, 0)
		_, taken := scan(p, d.fields, nil)
		switch {
		case len(p) == 0 || string(p) == "null" && !failed:
		case failed:
			s.failed = true
		case string(p) == "[DONE]":
			s.finished = true
		case !valid && taken:
			sure = false
		case valid:
			s.learn(d, f)
		case last && (p[0] == '{' || kind == "text/event-stream"):
		default:
			s.invalid = true
		}
	}
	switch kind {
	case "text/event-stream":
		stream := slowSSE(b)
		for _, e := range stream.events {
			take(e.data, e.failed, false)
		}
		for _, e := range stream.tail {
			take(e.data, e.failed, true)
		}
	case "application/x-ndjson":
		lines := strings.Split(string(b), "\n")
		for i, line := range lines {
			take(line, false, i == len(lines)-1)
		}
	default:
		take(string(b), false, true)
		s.events = 0
	}
	s.finished = s.finished || d.unmarked && s.known
	return s, sure
}

// learn takes what an event says.
func (s *slowState) learn(d Dialect, f found) {
	if d.growing {
		f.content = f.output > max(0, s.output)
		f.answer = f.content
	}
	if f.content {
		s.events++
	}
	s.prompt, s.output = max(s.prompt, f.prompt), max(s.output, f.output)
	for _, part := range []struct{ old, now *float64 }{{&s.times.load, &f.times.load}, {&s.times.prompt, &f.times.prompt}, {&s.times.decode, &f.times.decode}} {
		if *part.now > 0 {
			*part.old = *part.now
		}
	}
	s.known, s.foreign = s.known || f.known, s.foreign || !f.known
	s.answered, s.finished, s.failed = s.answered || f.answer, s.finished || f.finish, s.failed || f.failed || f.aborted
}

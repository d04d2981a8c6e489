package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire/fixture"
)

// The answers of package fixture, by the names that they have here.
var (
	chunked = fixture.Chunked
	stream  = fixture.Stream
	whole   = fixture.Whole
	closing = fixture.Closing
)

const (
	role  = fixture.Role
	hello = fixture.Hello
	world = fixture.World
	stop  = fixture.Stop
	usage = fixture.Usage
	done  = fixture.Done
	tiny  = fixture.Tiny
)

// parse feeds an answer in pieces of n bytes and then closes the connection.
func parse(t *testing.T, dialect string, stream bool, bytes string, n int) (Answer, int) {
	t.Helper()
	return remembered(t, nil, dialect, stream, bytes, n)
}

// remembered is parse with forms; nil: without.
func remembered(t *testing.T, k *Forms, dialect string, stream bool, bytes string, n int) (Answer, int) {
	t.Helper()
	d, err := Lookup(dialect)
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	p.Remember(k)
	p.Reset(d, stream)
	events := 0
	for piece := range pieces(bytes, n) {
		tokens, complete := p.Feed([]byte(piece))
		events += tokens
		if complete {
			return p.Answer(), events
		}
	}
	events += p.Hangup(nil)
	return p.Answer(), events
}

func pieces(s string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			k := min(n, len(s))
			if !yield(s[:k]) {
				return
			}
			s = s[k:]
		}
	}
}

// seen is what a parser makes of an answer that comes in pieces of so many bytes.
func seen(t *testing.T, c fixture.Answer, piece int) (fixture.Want, Answer) {
	t.Helper()
	d, err := Lookup(c.Dialect)
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	p.Reset(d, !c.Document)
	events, thoughts := 0, -1
	took := func(n int) {
		if p.Answered() && thoughts < 0 && (n > 0 || p.body.format == document) {
			thoughts = max(0, events+n-1)
		}
		events += n
	}
	complete := false
	for part := range pieces(c.Bytes, piece) {
		var n int
		if n, complete = p.Feed([]byte(part)); complete {
			took(n)
			break
		}
		took(n)
	}
	if !complete {
		took(p.Hangup(nil))
	}
	a := p.Answer()
	return fixture.Want{Outcome: a.Outcome, Events: events, Prompt: a.PromptTokens, Output: a.OutputTokens, Source: a.TokenSource,
		Words: c.Want.Words, Thoughts: thoughts, Pings: a.Pings}, a
}

func TestAnswers(t *testing.T) {
	for _, c := range fixture.All() {
		t.Run(c.Name, func(t *testing.T) {
			for _, n := range []int{1 << 20, 1, 2, 3, 7, 64} {
				got, a := seen(t, c, n)
				if n > 1 || c.Want.Outcome != record.OK { // events that come in one read can't be told apart
					got.Thoughts = c.Want.Thoughts
				}
				if got != c.Want || !strings.Contains(a.Error, c.Want.Words) {
					t.Fatalf("in pieces of %d: %+v %q, want %+v", n, got, a.Error, c.Want)
				}
				if (a.Outcome == record.OK) != (a.Error == "") {
					t.Errorf("outcome %v with error %q", a.Outcome, a.Error)
				}
			}
		})
	}
}

// A stream that is closed anywhere before its end is a disconnect, with the tokens seen until then.
func TestClosedAtEveryOffset(t *testing.T) {
	chunkedStream := stream(role, hello, world, stop, usage, done)
	for cut := range len(chunkedStream) {
		a, events := parse(t, "openai-chat", true, chunkedStream[:cut], 1<<20)
		whole := strings.Count(chunkedStream[:cut], `"content":"H`) + strings.Count(chunkedStream[:cut], `"content":" w`)
		if a.Outcome != record.Disconnect || a.Reusable || a.Error == "" {
			t.Fatalf("cut at %d: %v %q", cut, a.Outcome, a.Error)
		}
		if events > whole || events < whole-1 {
			t.Fatalf("cut at %d: %d events of %d begun", cut, events, whole)
		}
	}
	a, _ := parse(t, "openai-chat", true, chunkedStream, 1<<20)
	if a.Outcome != record.OK || !a.Reusable {
		t.Errorf("whole: %v, reusable %v", a.Outcome, a.Reusable)
	}
}

// Where the end of the connection is the end of the body, the same cut is a truncation, until the finish mark came.
func TestClosedInOrderAtEveryOffset(t *testing.T) {
	body := role + hello + world + stop + usage + done
	text := closing(body)
	head := len(text) - len(body)
	finished := head + strings.Index(body, stop) + len(stop) - 2 // its line may be the last
	for cut := range len(text) + 1 {
		a, _ := parse(t, "openai-chat", true, text[:cut], 1<<20)
		want := record.Truncated
		switch {
		case cut < head:
			want = record.Disconnect
		case cut >= finished:
			want = record.OK
		}
		if a.Outcome != want && !(cut > finished && a.Outcome == record.OK) {
			t.Fatalf("cut at %d (%q): %v %q, want %v", cut, text[max(0, cut-20):cut], a.Outcome, a.Error, want)
		}
	}
}

func TestNDJSONClosedAtEveryOffset(t *testing.T) {
	body := `{"response":" a","done":false}` + "\n" + `{"response":"","done":true,"eval_count":1}` + "\n"
	text := chunked("application/x-ndjson", body)
	for cut := range len(text) {
		if a, _ := parse(t, "ollama-generate", true, text[:cut], 1<<20); a.Outcome != record.Disconnect {
			t.Fatalf("cut at %d: %v", cut, a.Outcome)
		}
	}
}

func TestResetIsADisconnectInItsWords(t *testing.T) {
	d, err := Lookup("openai-chat")
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	p.Reset(d, true)
	p.Feed([]byte(closing(hello)))
	p.Hangup(errors.New("connection reset by peer"))
	if a := p.Answer(); a.Outcome != record.Disconnect || a.Error != "connection reset by peer" || a.OutputTokens != 1 {
		t.Errorf("%+v", a)
	}
}

func TestAnAnswerTooLongToKeepSaysSo(t *testing.T) {
	d, err := Lookup("openai-chat")
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	p.Reset(d, false)
	p.Feed([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for range keepLimit/len(piece) + 1 {
		p.Feed(piece)
	}
	p.Hangup(nil)
	if a := p.Answer(); a.Outcome != record.Invalid || !strings.Contains(a.Error, "135266304 bytes in one piece") {
		t.Errorf("%v: %s", a.Outcome, a.Error)
	}
	if p.Reset(d, false); p.body.whole != nil {
		t.Errorf("%d bytes are kept for the next answer", cap(p.body.whole))
	}
}

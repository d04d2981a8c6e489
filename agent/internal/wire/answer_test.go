package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
)

// chunked is a 200 answer whose body comes in the chunks given.
func chunked(kind string, chunks ...string) string {
	var b strings.Builder
	b.WriteString("HTTP/1.1 200 OK\r\nContent-Type: " + kind + "\r\nTransfer-Encoding: chunked\r\n\r\n")
	for _, c := range chunks {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(c), c)
	}
	return b.String() + "0\r\n\r\n"
}

func stream(events ...string) string { return chunked("text/event-stream", events...) }

// whole is a 200 answer of one JSON value.
func whole(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// closing is a 200 stream that lasts until the connection is closed.
func closing(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + body
}

const (
	role  = `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}` + "\n\n"
	hello = `data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}` + "\n\n"
	world = `data: {"choices":[{"index":0,"delta":{"content":" world"},"finish_reason":null}]}` + "\n\n"
	stop  = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	usage = `data: {"choices":[],"usage":{"prompt_tokens":7,"total_tokens":9,"completion_tokens":2}}` + "\n\n"
	done  = "data: [DONE]\n\n"
)

// seen is what a test expects of an answer: its outcome, the count of content events, and the tokens with their source.
type seen struct {
	outcome        record.Outcome
	events         int
	prompt, output int
	source         record.TokenSource
	words          string // part of the error
}

// The rows of load.md §5.2, and what lies between them.
var answers = []struct {
	name, dialect string
	document      bool // asked for without a stream
	bytes         string
	want          seen
}{
	{"plain chat stream", "openai-chat", false, stream(role, hello, world, stop, usage, done), seen{record.OK, 2, 7, 2, record.Usage, ""}},
	{"role-only first chunk is no token", "openai-chat", false, stream(role, hello, stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"empty content in mid stream is no token", "openai-chat", false, stream(hello, role, world, stop, done), seen{record.OK, 2, -1, 2, record.Events, ""}},
	{"null content is no token", "openai-chat", false, stream(`data: {"choices":[{"delta":{"content":null}}]}`+"\n\n", hello, stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"reasoning_content is content", "openai-chat", false, stream(`data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}`+"\n\n", hello, stop, done), seen{record.OK, 2, -1, 2, record.Events, ""}},
	{"reasoning is content", "openai-chat", false, stream(`data: {"choices":[{"delta":{"reasoning":"hm","content":null}}]}`+"\n\n", stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"tool calls are content", "openai-chat", false, stream(`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{"}}]}}]}`+"\n\n", stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"no tool calls are none", "openai-chat", false, stream(`data: {"choices":[{"delta":{"tool_calls":[ ],"content":""}}]}`+"\n\n", hello, stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"several tokens in a chunk are one event", "openai-chat", false, stream(strings.Replace(hello, "Hello", "Hello big wide", 1), stop, strings.Replace(usage, `completion_tokens":2`, `completion_tokens":3`, 1), done), seen{record.OK, 1, 7, 3, record.Usage, ""}},
	{"several events in a chunk", "openai-chat", false, stream(hello + world + stop + done), seen{record.OK, 2, -1, 2, record.Events, ""}},
	{"an event over several chunks", "openai-chat", false, stream(hello[:9], hello[9:30], hello[30:], stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"usage in every chunk: the last counts", "openai-chat", false, stream(
		`data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`+"\n\n",
		`data: {"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}`+"\n\n", done), seen{record.OK, 2, 7, 2, record.Usage, ""}},
	{"usage of zeros until the last chunk (Ollama)", "openai-completions", false, stream(
		`data: {"choices":[{"text":" watch","finish_reason":null}],"usage":{"prompt_tokens":0,"completion_tokens":0}}`+"\n\n",
		`data: {"choices":[{"text":"","finish_reason":"length"}],"usage":{"prompt_tokens":0,"completion_tokens":0}}`+"\n\n",
		`data: {"choices":[],"usage":{"prompt_tokens":22,"completion_tokens":1}}`+"\n\n", done), seen{record.OK, 1, 22, 1, record.Usage, ""}},
	{"usage of zeros alone is none", "openai-chat", false, stream(hello, `data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":0,"completion_tokens":0}}`+"\n\n", done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"finish_reason without [DONE]", "openai-chat", false, stream(hello, stop), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"[DONE] without finish_reason", "openai-chat", false, stream(hello, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"neither: truncated", "openai-chat", false, stream(role, hello, world), seen{record.Truncated, 2, -1, 2, record.Events, "finish mark"}},
	{"closed in order without either: truncated", "openai-chat", false, closing(hello + world), seen{record.Truncated, 2, -1, 2, record.Events, "finish mark"}},
	{"closed in order after [DONE]", "openai-chat", false, closing(hello + stop + done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"last line end forgotten", "openai-chat", false, closing(hello + "data: [DONE]"), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"runner died (Ollama /v1)", "openai-chat", false, stream(hello, `data: {"model":"","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`+"\n\n"), seen{record.Truncated, 1, -1, 1, record.Events, ""}},
	{"error in mid stream", "openai-chat", false, stream(hello, `data: {"error":{"message":"out of memory","type":"server_error"}}`+"\n\n", done), seen{record.StreamError, 1, -1, 1, record.Events, "out of memory"}},
	{"error in mid stream, older vLLM", "openai-chat", false, stream(hello, `data: {"object":"error","message":"no room","code":400}`+"\n\n", done), seen{record.StreamError, 1, -1, 1, record.Events, "no room"}},
	{"error by event type", "openai-chat", false, stream(hello, "event: error\ndata: {\"message\":\"bad luck\"}\n\n"), seen{record.StreamError, 1, -1, 1, record.Events, "bad luck"}},
	{"error by field name, older llama.cpp", "openai-chat", false, stream(hello, "error: {\"code\":500,\"message\":\"slot lost\"}\n\n"), seen{record.StreamError, 1, -1, 1, record.Events, "slot lost"}},
	{"error without a field name", "openai-chat", false, stream(hello, "{\"error\":{\"message\":\"bare\"}}\n\n"), seen{record.StreamError, 1, -1, 1, record.Events, "bare"}},
	{"a null error is none", "openai-chat", false, stream(`data: {"error":null,"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}`+"\n\n", done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"zero tokens", "openai-chat", false, stream(role, stop, done), seen{record.Empty, 0, -1, -1, record.NoTokens, "without a token"}},
	{"nothing but [DONE]", "openai-chat", false, stream(done), seen{record.Empty, 0, -1, -1, record.NoTokens, ""}},
	{"tokens that are no text", "openai-chat", false, stream(role, stop, usage, done), seen{record.OK, 0, 7, 2, record.Usage, ""}},
	{"no body at all", "openai-chat", false, stream(), seen{record.Truncated, 0, -1, -1, record.NoTokens, ""}},
	{"comments are pings", "openai-chat", false, stream(": ping\n\n", hello, ":\n", stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"no space after the colon", "openai-chat", false, stream(strings.Replace(hello, "data: ", "data:", 1), "data:[DONE]\n\n"), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"CRLF line ends", "openai-chat", false, stream(strings.ReplaceAll(hello+world+stop+done, "\n", "\r\n")), seen{record.OK, 2, -1, 2, record.Events, ""}},
	{"CR line ends", "openai-chat", false, stream(strings.ReplaceAll(hello+world+stop+done, "\n", "\r")), seen{record.OK, 2, -1, 2, record.Events, ""}},
	{"an event of several data lines", "openai-chat", false, stream("data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"x\"},\ndata:\"finish_reason\":\"stop\"}]}\n\n"), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"id, retry and event fields", "openai-chat", false, stream("event: message\nid: 4\nretry: 10\n"+hello, stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"byte order mark", "openai-chat", false, stream("\xEF\xBB\xBF"+hello, stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"blanks in the JSON", "openai-chat", false, stream(`data: { "choices" : [ { "delta" : { "content" : "x" } , "finish_reason" : "stop" } ] }`+"\n\n", done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"text that looks like fields", "openai-chat", false, stream(`data: {"choices":[{"delta":{"content":"\"finish_reason\":\"stop\",\"error\":{\"message\":\"x\"}\\"}}]}`+"\n\n", stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"logprobs have a content of their own", "openai-chat", false, stream(`data: {"choices":[{"delta":{"content":""},"logprobs":{"content":[{"token":"x"}]}}]}`+"\n\n", stop, done), seen{record.Empty, 0, -1, -1, record.NoTokens, ""}},
	{"event that is no JSON", "openai-chat", false, stream(hello, "data: oops\n\n", done), seen{record.Invalid, 1, -1, 1, record.Events, "oops"}},
	{"another dialect's events", "openai-chat", false, stream("data: {\"foo\":1}\n\n"), seen{record.Invalid, 0, -1, -1, record.NoTokens, "dialect"}},
	{"streamed though it was asked in one piece", "openai-chat", true, stream(hello, stop, done), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"in one piece though a stream was asked", "openai-chat", false, whole(`{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`), seen{record.OK, 0, 7, 1, record.Usage, ""}},

	{"chat in one piece", "openai-chat", true, whole(`{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`), seen{record.OK, 0, 7, 1, record.Usage, ""}},
	{"chat in one piece without usage", "openai-chat", true, whole(`{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}`), seen{record.OK, 0, -1, -1, record.NoTokens, ""}},
	{"completion in one piece", "openai-completions", true, whole(`{"choices":[{"text":"hi","finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`), seen{record.OK, 0, 7, 1, record.Usage, ""}},
	{"empty text in one piece", "openai-completions", true, whole(`{"choices":[{"text":"","finish_reason":"stop"}]}`), seen{record.Empty, 0, -1, -1, record.NoTokens, ""}},
	{"an error with status 200", "openai-chat", true, whole(`{"error":"busy"}`), seen{record.StreamError, 0, -1, -1, record.NoTokens, "busy"}},
	{"half a JSON value", "openai-chat", true, whole(`{"choices":[{"message":{"content":"h`), seen{record.Truncated, 0, -1, -1, record.NoTokens, ""}},
	{"plain text for an answer", "openai-chat", true, whole(`it works`), seen{record.Invalid, 0, -1, -1, record.NoTokens, "it works"}},
	{"a page for an answer", "openai-chat", false, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", seen{record.Invalid, 0, -1, -1, record.NoTokens, "HTML"}},

	{"ollama generate", "ollama-generate", false, chunked("application/x-ndjson",
		`{"response":" watch","done":false}`+"\n", `{"response":" from","done":false}`+"\n",
		`{"response":"","done":true,"done_reason":"stop","context":[418,342],"total_duration":9,"load_duration":1,"prompt_eval_count":22,"eval_count":2}`+"\n"), seen{record.OK, 2, 22, 2, record.Usage, ""}},
	{"ollama generate, cached prompt not counted", "ollama-generate", false, chunked("application/x-ndjson",
		`{"response":" a","done":false}`+"\n", `{"response":"","done":true,"eval_count":1}`+"\n"), seen{record.OK, 1, -1, 1, record.Usage, ""}},
	{"ollama thinking", "ollama-generate", false, chunked("application/x-ndjson", `{"response":"","thinking":"hm","done":false}`+"\n", `{"done":true}`+"\n"), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"ollama chat", "ollama-chat", false, chunked("application/x-ndjson",
		`{"message":{"role":"assistant","content":" a"},"done":false}`+"\n"+`{"message":{"role":"assistant","content":""},"done":true,"prompt_eval_count":3,"eval_count":1}`+"\n"), seen{record.OK, 1, 3, 1, record.Usage, ""}},
	{"ollama runner died", "ollama-generate", false, chunked("application/x-ndjson", `{"response":" a","done":false}`+"\n", `{"error":"an error was encountered while running the model: unexpected EOF"}`+"\n"), seen{record.StreamError, 1, -1, 1, record.Events, "unexpected EOF"}},
	{"ollama without done", "ollama-generate", false, chunked("application/x-ndjson", `{"response":" a","done":false}`+"\n"), seen{record.Truncated, 1, -1, 1, record.Events, ""}},
	{"ollama loads and says nothing", "ollama-generate", false, chunked("application/x-ndjson", `{"response":"","done":true,"done_reason":"load"}`+"\n"), seen{record.Empty, 0, -1, -1, record.NoTokens, ""}},
	{"lines that end in CRLF, one without an end", "ollama-generate", false, chunked("application/x-ndjson", `{"response":" a","done":false}`+"\r\n\r\n", `{"done":true}`), seen{record.OK, 1, -1, 1, record.Events, ""}},
	{"ollama in one piece", "ollama-generate", true, whole(`{"response":" a b","done":true,"prompt_eval_count":22,"eval_count":2}`), seen{record.OK, 0, 22, 2, record.Usage, ""}},

	{"429", "openai-chat", false, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 30\r\n\r\n{\"error\":{\"message\":\"slower\"}}", seen{record.HTTPStatus, 0, -1, -1, record.NoTokens, "status 429: slower (Retry-After: 3)"}},
	{"503 with text", "openai-chat", false, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfull", seen{record.HTTPStatus, 0, -1, -1, record.NoTokens, "status 503: full"}},
	{"404 with a detail", "openai-chat", false, "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n16\r\n{\"detail\":\"Not Found\"}\r\n0\r\n\r\n", seen{record.HTTPStatus, 0, -1, -1, record.NoTokens, "status 404: Not Found"}},
	{"500 without a body", "openai-chat", false, "HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", seen{record.HTTPStatus, 0, -1, -1, record.NoTokens, "status 500"}},
}

// parse feeds an answer in pieces of n bytes and then closes the connection.
func parse(t *testing.T, dialect string, stream bool, bytes string, n int) (Answer, int) {
	t.Helper()
	d, err := Lookup(dialect)
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
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

func TestAnswers(t *testing.T) {
	for _, c := range answers {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []int{1 << 20, 1, 2, 3, 7, 64} {
				a, events := parse(t, c.dialect, !c.document, c.bytes, n)
				got := seen{a.Outcome, events, a.PromptTokens, a.OutputTokens, a.TokenSource, c.want.words}
				if got != c.want || !strings.Contains(a.Error, c.want.words) {
					t.Fatalf("in pieces of %d: %+v %q, want %+v", n, got, a.Error, c.want)
				}
				if (a.Outcome == record.OK) != (a.Error == "") {
					t.Errorf("outcome %v with error %q", a.Outcome, a.Error)
				}
			}
		})
	}
}

func TestPingsAreCounted(t *testing.T) {
	a, _ := parse(t, "openai-chat", true, stream(": ping\n\n", hello, ":\n", stop, done), 5)
	if a.Pings != 2 {
		t.Errorf("%d pings, want 2", a.Pings)
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
	if a := p.Answer(); a.Outcome != record.Invalid || !strings.Contains(a.Error, "68157440 bytes in one piece") {
		t.Errorf("%v: %s", a.Outcome, a.Error)
	}
	if p.Reset(d, false); p.body.whole != nil {
		t.Errorf("%d bytes are kept for the next answer", cap(p.body.whole))
	}
}

package wire

import (
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
)

// share is what one prompt's part of a group's answer says.
type share struct {
	outcome        record.Outcome
	prompt, output int
	source         record.TokenSource
	words          string
}

func TestTritonClosedEarlyIsADisconnect(t *testing.T) {
	text := stream(`data: {"model_name":"m","model_version":"1","text_output":" a"}` + "\n\n")
	for cut := range len(text) {
		if a, _ := parse(t, "triton-generate", true, text[:cut], 1<<20); a.Outcome != record.Disconnect {
			t.Fatalf("cut at %d: %v", cut, a.Outcome)
		}
	}
}

func TestPathsOfTheDialects(t *testing.T) {
	for _, c := range []struct {
		dialect, base string
		stream        bool
		want          string
	}{
		{"triton-generate", "http://h:1", true, "/v2/models/a%2Fb%20c/generate_stream"},
		{"triton-generate", "http://h:1/v2", false, "/v2/models/a%2Fb%20c/generate"},
		{"sglang-generate", "http://h:1/", true, "/generate"},
		{"tgi-generate", "http://h:1", true, "/generate_stream"},
		{"tgi-generate", "http://h:1/under", false, "/under/generate"},
		{"llamacpp-completion", "http://h:1", true, "/completion"},
	} {
		d, err := Lookup(c.dialect)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := target(c.base, d.path("a/b c", c.stream)); got != c.want || err != nil {
			t.Errorf("%s at %s: %s, %v; want %s", c.dialect, c.base, got, err, c.want)
		}
	}
}

// said is the text that the parser keeps of an answer, and the content events of each of so many prompts.
func said(t *testing.T, dialect string, streamed bool, bytes string, prompts, piece int) (string, []int) {
	t.Helper()
	d, err := Lookup(dialect)
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	p.Reset(d, streamed)
	p.Expect(prompts, true)
	counts := make([]int, prompts)
	for b := range pieces(bytes, piece) {
		n, _ := p.Feed([]byte(b))
		for i := range counts[:prompts*min(1, prompts-1)] {
			counts[i] += p.Fresh(i)
			n -= p.Fresh(i)
		}
		if prompts > 1 && n != 0 {
			t.Errorf("%d content events belong to no prompt", n)
		}
	}
	return string(p.Text()), counts
}

func TestTheAnswersTextIsKeptAsItStoodInJSON(t *testing.T) {
	escaped := strings.Replace(world, " world", ` \"wor\\ld\" \ud83d`, 1) + strings.Replace(world, " world", `\ude00`, 1)
	reasoned := `data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}` + "\n\n"
	for _, c := range []struct {
		dialect, bytes string
		streamed       bool
		want           string
	}{
		{"openai-chat", stream(role, reasoned, hello, escaped, stop, usage, done), true, `Hello \"wor\\ld\" \ud83d\ude00`},
		{"openai-chat", whole(`{"choices":[{"message":{"role":"assistant","content":"hi\n"},"finish_reason":"stop"}]}`), false, `hi\n`},
		{"ollama-chat", chunked("application/x-ndjson", `{"message":{"content":"a","thinking":"hm"},"done":false}`+"\n", `{"message":{"content":" b"},"done":true}`+"\n"), true, `a b`},
	} {
		for _, piece := range []int{1, 5, 1 << 20} {
			if got, _ := said(t, c.dialect, c.streamed, c.bytes, 1, piece); got != c.want {
				t.Errorf("%s in pieces of %d: %q, want %q", c.dialect, piece, got, c.want)
			}
		}
	}
}

// Events of a group of three: llama.cpp has the index last, vLLM first; some servers put several choices in an event.
const (
	ofFirst  = `data: {"choices":[{"index":0,"text":" a","finish_reason":null}]}` + "\n\n"
	ofThird  = `data: {"choices":[{"text":" c","finish_reason":null,"index":2}]}` + "\n\n"
	ofTwo    = `data: {"choices":[{"index":0,"text":" a"},{"index":1,"text":" b"},{"index":2,"text":""}]}` + "\n\n"
	ofNobody = `data: {"choices":[{"index":9,"text":" z"}]}` + "\n\n"
	closed   = `data: {"choices":[{"index":0,"text":"","finish_reason":"length"}]}` + "\n\n"
	counted  = `data: {"choices":[],"usage":{"prompt_tokens":31,"completion_tokens":5}}` + "\n\n"
)

func TestContentEventsAreToldApartByTheIndexOfTheirChoice(t *testing.T) {
	for _, piece := range []int{1, 40, 1 << 20} {
		_, got := said(t, "openai-completions", true, stream(ofFirst, ofThird, ofTwo, ofNobody, ofThird, closed, counted, done), 3, piece)
		if want := []int{2, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: %v content events, want %v", piece, got, want)
		}
	}
}

func TestPartsOfAGroup(t *testing.T) {
	group := func(bytes string, streamed bool) []share {
		d, err := Lookup("openai-completions")
		if err != nil {
			t.Fatal(err)
		}
		var p Parser
		p.Reset(d, streamed)
		p.Expect(3, false)
		p.Feed([]byte(bytes))
		p.Hangup(nil)
		var all []share
		whole := int64(0)
		for i := range 3 {
			a := p.Part(p.Answer(), i, 3)
			whole += a.Bytes
			all = append(all, share{a.Outcome, a.PromptTokens, a.OutputTokens, a.TokenSource, a.Error})
		}
		if whole != p.Answer().Bytes {
			t.Errorf("the parts have %d bytes of %d", whole, p.Answer().Bytes)
		}
		return all
	}
	for _, c := range []struct {
		name, bytes string
		streamed    bool
		want        []share
	}{
		{"the count is that of the events", stream(ofFirst, ofThird, ofTwo, ofThird, closed, counted, done), true, []share{
			{record.OK, 11, 2, record.Usage, ""}, {record.OK, 10, 1, record.Usage, ""}, {record.OK, 10, 2, record.Usage, ""}}},
		{"the count is another: even parts", stream(ofFirst, ofThird, ofTwo, closed, counted, done), true, []share{
			{record.OK, 11, 2, record.UsageSplit, ""}, {record.OK, 10, 2, record.UsageSplit, ""}, {record.OK, 10, 1, record.UsageSplit, ""}}},
		{"no count: events", stream(ofFirst, ofThird, ofTwo, closed, done), true, []share{
			{record.OK, -1, 2, record.Events, ""}, {record.OK, -1, 1, record.Events, ""}, {record.OK, -1, 1, record.Events, ""}}},
		{"each has its own count, as llama.cpp gives it", stream("data: null\n\n", ofThird, ofFirst,
			`data: {"choices":[{"text":"","index":2,"finish_reason":"length"}],"usage":{"completion_tokens":2,"prompt_tokens":7,"total_tokens":9}}`+"\n\n",
			`data: {"choices":[{"text":"","index":0,"finish_reason":"length"}],"usage":{"completion_tokens":4,"prompt_tokens":8,"total_tokens":12}}`+"\n\n",
			`data: {"usage":{"completion_tokens":1,"prompt_tokens":9},"choices":[{"text":"","index":1,"finish_reason":"stop"}]}`+"\n\n", done), true, []share{
			{record.OK, 8, 4, record.Usage, ""}, {record.OK, 9, 1, record.Usage, ""}, {record.OK, 7, 2, record.Usage, ""}}},
		{"one says nothing", stream(ofFirst, ofThird, closed, done), true, []share{
			{record.OK, -1, 1, record.Events, ""}, {record.Empty, -1, -1, record.NoTokens, "no token for this prompt of the group"}, {record.OK, -1, 1, record.Events, ""}}},
		{"in one piece", whole(`{"choices":[{"index":0,"text":"a"},{"index":1,"text":"b"},{"index":2,"text":"c"}],"usage":{"prompt_tokens":30,"completion_tokens":7}}`), false, []share{
			{record.OK, 10, 3, record.UsageSplit, ""}, {record.OK, 10, 2, record.UsageSplit, ""}, {record.OK, 10, 2, record.UsageSplit, ""}}},
		{"refused", "HTTP/1.1 400\r\nContent-Length: 16\r\n\r\n{\"error\":\"much\"}", true, []share{
			{record.HTTPStatus, -1, -1, record.NoTokens, "status 400: much"}, {record.HTTPStatus, -1, -1, record.NoTokens, "status 400: much"}, {record.HTTPStatus, -1, -1, record.NoTokens, "status 400: much"}}},
	} {
		got := group(c.bytes, c.streamed)
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: prompt %d: %+v, want %+v", c.name, i, got[i], c.want[i])
			}
		}
	}
}

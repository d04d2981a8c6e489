package wire

import (
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire/fixture"
)

// feeder is a parser in mid stream, with buffers that have grown.
func feeder(tb testing.TB, dialect, head string) *Parser {
	tb.Helper()
	d, err := Lookup(dialect)
	if err != nil {
		tb.Fatal(err)
	}
	p := new(Parser)
	p.Reset(d, true)
	p.Feed([]byte(head))
	return p
}

const (
	sseHead    = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	ndjsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
)

func TestATokenAllocatesNothing(t *testing.T) {
	sseToken := strings.TrimPrefix(strings.TrimSuffix(stream(hello), "0\r\n\r\n"), sseHead)
	line := strings.TrimPrefix(strings.TrimSuffix(chunked("application/x-ndjson", `{"response":" a","done":false}`+"\n"), "0\r\n\r\n"), ndjsonHead)
	split := strings.TrimPrefix(strings.TrimSuffix(stream(hello[:11], hello[11:40], hello[40:]), "0\r\n\r\n"), sseHead)
	for _, c := range []struct{ name, dialect, head, token string }{
		{"sse", "openai-chat", sseHead, sseToken},
		{"sse with CRLF and a comment", "openai-chat", sseHead, strings.TrimPrefix(strings.TrimSuffix(stream(":\r\n\r\n"+strings.ReplaceAll(hello, "\n", "\r\n")), "0\r\n\r\n"), sseHead)},
		{"sse in three chunks", "openai-chat", sseHead, split},
		{"ndjson", "ollama-generate", ndjsonHead, line},
	} {
		p, b, tokens := feeder(t, c.dialect, c.head), []byte(c.token), 0
		p.Feed(b)
		allocs := testing.AllocsPerRun(1000, func() {
			n, _ := p.Feed(b[:len(b)/2]) // a read ends anywhere
			m, _ := p.Feed(b[len(b)/2:])
			tokens += n + m
		})
		if allocs != 0 || tokens != 1001 {
			t.Errorf("%s: %v allocations a token, %d tokens", c.name, allocs, tokens)
		}
	}
}

func TestAnAnswerAllocatesNothing(t *testing.T) {
	timings := `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2},"timings":{"prompt_ms":29.846153846153844,"predicted_ms":1.963}}` + "\n\n"
	for name, c := range map[string]struct{ dialect, bytes string }{
		"openai-chat": {"openai-chat", stream(role, hello, world, stop, usage, done)},
		"reasoning":   {"openai-chat", stream(role, strings.Replace(hello, "content", "reasoning_content", 1), world, stop, usage, done)},
		"llama.cpp":   {"openai-chat", stream(role, hello, stop, timings, done)},
		"ollama": {"ollama-generate", fixture.Lines(`{"response":" a","done":false}`,
			`{"response":"","done":true,"load_duration":1444174,"prompt_eval_count":22,"prompt_eval_duration":236091478,"eval_count":1,"eval_duration":713103120}`)},
	} {
		d, err := Lookup(c.dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, forms := range []*Forms{nil, new(Forms)} {
			var p Parser
			var r record.Record
			var e Encoder
			p.Remember(forms)
			b := []byte(c.bytes)
			once := func() {
				p.Reset(d, true)
				p.Feed(b)
				a := p.Answer()
				a.Cold = e.Cold(a.ServerLoad)
				a.Fill(&r)
			}
			once()
			once()
			if allocs := testing.AllocsPerRun(1000, once); allocs != 0 || r.Outcome != record.OK {
				t.Errorf("%s: %v allocations an answer, forms: %v, %+v", name, allocs, forms != nil, r)
			}
		}
	}
}

func BenchmarkTokenAtATime(b *testing.B) {
	p := feeder(b, "openai-chat", sseHead)
	token := []byte(strings.TrimPrefix(strings.TrimSuffix(stream(hello), "0\r\n\r\n"), sseHead))
	b.ReportAllocs()
	for b.Loop() {
		p.Feed(token)
	}
}

func BenchmarkTokensInLargeReads(b *testing.B) {
	p := feeder(b, "openai-chat", sseHead)
	token := []byte(strings.TrimPrefix(strings.TrimSuffix(stream(hello), "0\r\n\r\n"), sseHead))
	read := []byte(strings.Repeat(string(token), 256))
	b.ReportAllocs()
	for b.Loop() {
		p.Feed(read)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/token")
}

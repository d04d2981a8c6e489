package dummy

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       request
	}{
		{"chat", `{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"a\nb"}],"max_tokens":7}`,
			request{promptTokens: 4, maxTokens: 7}},
		{"content parts", `{"messages":[{"role":"user","content":[{"type":"text","text":"one two"},{"type":"text","text":"three"}]}]}`,
			request{promptTokens: 3}},
		{"prompts as token ids", `{"prompt":[1,2,3,4]}`, request{promptTokens: 4}},
		{"stream options", `{"stream":true,"stream_options":{"include_usage":true},"ignore_eos":true,"min_tokens":3,"max_completion_tokens":3}`,
			request{stream: true, streamSet: true, includeUsage: true, ignoreEOS: true, minTokens: 3, maxTokens: 3}},
		{"Ollama without a limit", `{"stream":false,"options":{"num_predict":-1,"temperature":0.5}}`, request{streamSet: true}},
		{"quotes in text are text", `{"prompt":"\"max_tokens\": 9, \\"}`, request{promptTokens: 3}},
		{"null is not said", `{"max_tokens":null,"stream":null}`, request{streamSet: true}},
	} {
		got, err := parse([]byte(c.body))
		if got.model = nil; err != nil || !same(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func same(a, b request) bool {
	a.model, b.model = nil, nil
	return a.stream == b.stream && a.streamSet == b.streamSet && a.maxTokens == b.maxTokens && a.minTokens == b.minTokens &&
		a.ignoreEOS == b.ignoreEOS && a.includeUsage == b.includeUsage && a.promptTokens == b.promptTokens
}

func FuzzParse(f *testing.F) {
	f.Add(`{"model":"m","messages":[{"content":"a b"}],"max_tokens":3}`)
	f.Add(`{"prompt":["a",[1,2]],"x":{"y":[true,null,-1.5e3]}}`)
	f.Add(`{"a":"\\\"","b":`)
	f.Add(strings.Repeat("[", 1000))
	f.Fuzz(func(t *testing.T, body string) {
		_, err := parse([]byte(body))
		if object := strings.HasPrefix(strings.TrimSpace(body), "{"); object && err != nil && json.Valid([]byte(body)) &&
			!strings.Contains(err.Error(), "whole number") && !strings.Contains(err.Error(), "deeply") {
			t.Errorf("%v for the valid %s", err, body)
		}
	})
}

func TestParseAllocatesNothing(t *testing.T) {
	body := []byte(`{"model":"m","stream":true,"messages":[{"role":"user","content":"a b c"}],"max_tokens":7,"options":{"x":[1,2.5]}}`)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := parse(body); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}

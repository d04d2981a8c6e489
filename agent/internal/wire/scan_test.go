package wire

import (
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	none := found{prompt: Unknown, output: Unknown}
	for _, c := range []struct {
		json string
		ok   bool
		want found
	}{
		{`{}`, true, none},
		{` { } `, true, none},
		{``, false, none},
		{`[]`, false, none},
		{`"x"`, false, none},
		{`{`, false, none},
		{`{"a"}`, false, none},
		{`{"a":}`, false, none},
		{`{"a":1]`, false, none},
		{`{"a":[1,2}`, false, none},
		{`{"a":1} x`, false, none},
		{`{"a":"\"}`, false, none},
		{`{"a":"\\"}`, true, none},
		{`{"a":{"b":[[{"c":"]}"}]]},"d":-1.5e3,"e":true}`, true, none},
		{`{"response":"x"}`, true, found{known: true, content: true, answer: true, prompt: Unknown, output: Unknown}},
		{`{"thinking":"x"}`, true, found{known: true, content: true, prompt: Unknown, output: Unknown}},
		{`{"load_duration":1500000,"prompt_eval_duration":2e9,"eval_duration":250000000}`, true, found{known: true, prompt: Unknown, output: Unknown, times: times{0.0015, 2, 0.25}}},
		{`{"load_duration":-1,"prompt_eval_duration":"7","eval_duration":1e300}`, true, found{known: true, prompt: Unknown, output: Unknown}},
		{`{"response":""}`, true, found{known: true, prompt: Unknown, output: Unknown}},
		{`{"message":{"content":"x","tool_calls":null}}`, true, found{known: true, content: true, answer: true, prompt: Unknown, output: Unknown}},
		{`{"message":"response"}`, true, none},
		{`{"x":{"response":"y"}}`, true, none},
		{`{"done":true,"eval_count":12,"prompt_eval_count":3}`, true, found{known: true, finish: true, prompt: 3, output: 12}},
		{`{"done":false,"eval_count":null}`, true, found{known: true, prompt: Unknown, output: Unknown}},
		{`{"eval_count":-3,"prompt_eval_count":1.5}`, true, found{known: true, prompt: Unknown, output: Unknown}},
		{`{"eval_count":99999999999999999999}`, true, found{known: true, prompt: Unknown, output: Unknown}},
		{`{"error":{"message":"x"}}`, true, found{known: true, failed: true, prompt: Unknown, output: Unknown}},
		{`{"error":""}`, true, found{known: true, prompt: Unknown, output: Unknown}},
	} {
		got, ok := scan([]byte(c.json), ollama, nil)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("scan(%s) = %+v, %v; want %+v, %v", c.json, got, ok, c.want, c.ok)
		}
	}
}

func TestNestingDoesNotExhaustTheStack(t *testing.T) {
	const deep = 4 << 20
	for _, json := range []string{
		`{"choices":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `}`,
		`{"x":` + strings.Repeat(`{"a":`, deep) + `1` + strings.Repeat("}", deep) + `}`,
		`{"choices":` + strings.Repeat("[", deep),
	} {
		scan([]byte(json), openai, nil) // it returns
	}
}

func BenchmarkScan(b *testing.B) {
	event := []byte(`{"id":"chatcmpl-840","object":"chat.completion.chunk","created":1795445366,"model":"tiny","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":" watch"},"finish_reason":null}]}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		scan(event, openai, nil)
	}
}

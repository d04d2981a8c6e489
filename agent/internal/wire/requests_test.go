package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hpcbench/agent/internal/prompt"
	"hpcbench/agent/workload"
)

// bodyOf is the body of a request as a server reads it.
func bodyOf(t *testing.T, e *Encoder, c Call) map[string]any {
	t.Helper()
	var v map[string]any
	if body := e.Body(nil, c); json.Unmarshal(body, &v) != nil {
		t.Fatalf("no JSON: %s", body)
	}
	return v
}

func encoder(t *testing.T, w workload.Workload) *Encoder {
	t.Helper()
	e, err := NewEncoder(w, "http://h", nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEachRequestAsksForTheLengthsThatItsIndexDraws(t *testing.T) {
	e := encoder(t, workload.Workload{
		Dialect: "openai-completions", Model: "m", Stream: true, IgnoreEOS: true, PromptSeed: 4, InputTokens: 30, MaxTokens: 50,
		InputLaw: &workload.Length{Law: "uniform", A: 20, B: 40}, OutputLaw: &workload.Length{Law: "normal", A: 50, B: 20},
	})
	inputs, outputs := map[int]bool{}, map[int]bool{}
	for n := range int64(200) {
		v := bodyOf(t, e, Call{ID: n})
		input, output := e.Asked(n)
		if got := len(strings.Fields(v["prompt"].(string))); got != input || input < 20 || input > 40 {
			t.Errorf("request %d: %d words, %d asked", n, got, input)
		}
		if v["max_tokens"] != float64(output) || v["min_tokens"] != float64(output) {
			t.Errorf("request %d: max_tokens %v and min_tokens %v, %d asked", n, v["max_tokens"], v["min_tokens"], output)
		}
		inputs[input], outputs[output] = true, true
	}
	if len(inputs) < 15 || len(outputs) < 30 {
		t.Errorf("%d lengths of prompts and %d of answers in 200 requests", len(inputs), len(outputs))
	}
}

func TestContentLengthFollowsTheLengthsDrawn(t *testing.T) {
	w := workload.Workload{Dialect: "sglang-generate", InputLaw: &workload.Length{Law: "lognormal", A: 30, B: 30},
		OutputLaw: &workload.Length{Law: "uniform", A: 1, B: 2000}}
	ask(t, w, "http://h") // net/http reads as much as Content-Length says, and ask reads it as JSON
}

func TestDatasetsGivePromptsAndLengths(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.jsonl")
	if err := os.WriteFile(path, []byte("{\"prompt\":\"say \\\"one\\\"\",\"output_tokens\":11}\n{\"prompt\":\"two\"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e := encoder(t, workload.Workload{Dialect: "openai-chat", Model: "m", Dataset: path, MaxTokens: 5})
	got := map[string]any{}
	for n := range int64(2) {
		v := bodyOf(t, e, Call{ID: n})
		got[v["messages"].([]any)[0].(map[string]any)["content"].(string)] = v["max_tokens"]
	}
	if want := map[string]any{`say "one"`: 11.0, "two": 5.0}; !reflect.DeepEqual(got, want) || e.Prompts() != 2 {
		t.Errorf("%d prompts and lengths %v, want %v", e.Prompts(), got, want)
	}
}

func TestReplayedTrafficHasTheLengthsOfItsTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.jsonl")
	if err := os.WriteFile(path, []byte("{\"timestamp\":0,\"input_tokens\":5,\"output_tokens\":2}\n{\"timestamp\":1,\"input_tokens\":7,\"output_tokens\":3}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := workload.Workload{Dialect: "openai-chat", Model: "m", Arrival: "replay", Trace: path, InputTokens: 6, MaxTokens: 3}
	for name, c := range map[string]struct {
		change func(*workload.Workload)
		want   [4][2]int
	}{
		"as recorded":     {func(*workload.Workload) {}, [4][2]int{{5, 2}, {7, 3}, {5, 2}, {7, 3}}},
		"turns":           {func(w *workload.Workload) { w.Turns = 2 }, [4][2]int{{5, 2}, {5, 2}, {7, 3}, {7, 3}}},
		"a law of inputs": {func(w *workload.Workload) { w.InputLaw = &workload.Length{Law: "uniform", A: 4, B: 4} }, [4][2]int{{4, 2}, {4, 3}, {4, 2}, {4, 3}}},
		"a fixed prompt":  {func(w *workload.Workload) { w.Prompt, w.InputTokens = "one two three", 0 }, [4][2]int{{0, 2}, {0, 3}, {0, 2}, {0, 3}}},
	} {
		v := w
		c.change(&v)
		e := encoder(t, v)
		for n, want := range c.want {
			input, output := e.Asked(int64(n))
			body := bodyOf(t, e, Call{ID: int64(n)})
			words := len(strings.Fields(body["messages"].([]any)[0].(map[string]any)["content"].(string)))
			if input != want[0] || output != want[1] || body["max_tokens"] != float64(want[1]) || v.Prompt == "" && words != want[0] {
				t.Errorf("%s: request %d: asked %d and %d, words %d, max_tokens %v; want %v", name, n, input, output, words, body["max_tokens"], want)
			}
		}
	}
	w.Trace = "/no/such/trace"
	if _, err := NewRequests(w); err == nil || !strings.Contains(err.Error(), "/no/such/trace") {
		t.Errorf("a missing trace: %v", err)
	}
}

func TestExtraBodyIsMergedAsRFC7386Says(t *testing.T) {
	w := workload.Workload{Dialect: "openai-chat", Model: "m", Stream: true, InputTokens: 3, MaxTokens: 9, IgnoreEOS: true}
	w.ExtraBody = map[string]any{
		"top_k": 20.0, "temperature": 0.7, "min_tokens": nil, "chat_template_kwargs": map[string]any{"enable_thinking": false, "gone": nil},
		"stream_options": map[string]any{"continuous_usage_stats": true}, "stop": []any{"a"},
	}
	v := bodyOf(t, encoder(t, w), Call{})
	delete(v, "messages")
	want := map[string]any{
		"model": "m", "stream": true, "seed": 0.0, "max_tokens": 9.0, "ignore_eos": true, "top_k": 20.0, "temperature": 0.7, "stop": []any{"a"},
		"stream_options":       map[string]any{"include_usage": true, "continuous_usage_stats": true},
		"chat_template_kwargs": map[string]any{"enable_thinking": false},
	}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("body %v, want %v", v, want)
	}
	w.Dialect, w.ExtraBody = "ollama-chat", map[string]any{"options": map[string]any{"num_ctx": 8192.0}, "keep_alive": "1h"}
	v = bodyOf(t, encoder(t, w), Call{})
	if options := v["options"].(map[string]any); options["num_ctx"] != 8192.0 || options["num_predict"] != 9.0 || v["keep_alive"] != "1h" {
		t.Errorf("body %v", v)
	}
}

func TestWhatTheWorkloadSaysElsewhereIsNoExtra(t *testing.T) {
	for _, extra := range []map[string]any{{"messages": []any{}}, {"stream": false}, {"stream": nil}} {
		w := workload.Workload{Dialect: "openai-chat", Model: "m", Stream: true, InputTokens: 3, ExtraBody: extra}
		if _, err := NewRequests(w); err == nil || !strings.Contains(err.Error(), "can't be set there") {
			t.Errorf("extra_body %v: %v", extra, err)
		}
	}
}

func TestHeadersAndTheKeyGoWithEachRequest(t *testing.T) {
	const secret = "sk-0123456789abcdef"
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("  "+secret+" \r\nsecond line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := workload.Workload{Dialect: "openai-chat", Model: "m", InputTokens: 3, APIKeyFile: key,
		Headers: map[string]string{"X-Team": "hpc: 7", "user-agent": "mine", "Host": "gate.example"}}
	r, _ := ask(t, w, "http://h", "X-Also: 1")
	want := http.Header{
		"Authorization": {"Bearer " + secret}, "X-Team": {"hpc: 7"}, "X-Also": {"1"}, "User-Agent": {"mine"},
		"Accept": {"application/json"}, "Content-Type": {"application/json"}, "X-Request-Id": {"0001-c0-17"},
	}
	r.Header.Del("Content-Length")
	if !reflect.DeepEqual(r.Header, want) || r.Host != "gate.example" {
		t.Errorf("host %s, headers %v, want %v", r.Host, r.Header, want)
	}
	e, err := NewEncoder(w, "http://h", []string{"authorization: Basic x"})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("two authorizations: %v, %v", e, err)
	}
}

func TestKeysAndHeadersThatAreNoneAreRefusedWithoutTheirText(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "\nsecret\n", "blanks": "sec ret\n", "binary": "sec\x00ret"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := NewRequests(workload.Workload{Dialect: "openai-chat", InputTokens: 3, APIKeyFile: path})
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "ret\n") || strings.Contains(err.Error(), "sec") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := NewRequests(workload.Workload{Dialect: "openai-chat", InputTokens: 3, APIKeyFile: filepath.Join(dir, "gone")})
	if err == nil || !strings.Contains(err.Error(), "API key: open ") {
		t.Errorf("a missing file: %v", err)
	}
	for name, value := range map[string]string{"X A": "1", "X-A": "1\r\nX-B: 2", "content-length": "7", "X-Request-Id": "1"} {
		_, err := NewRequests(workload.Workload{Dialect: "openai-chat", InputTokens: 3, Headers: map[string]string{name: value}})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("headers: %q", name)) {
			t.Errorf("header %q: %v", name, err)
		}
	}
}

func TestAServerThatRepeatsTheKeyDoesNotSpreadIt(t *testing.T) {
	headers := []string{"X-Team: hpc team", "authorization: Bearer sk-0123456789abcdef", "X-API-Key: no", "Proxy-Authorization: Basic dXNlcjpwYXNz", "Cookie: sid=abcd1234; theme=dark"}
	for words, want := range map[string]string{
		"": "", "status 503": "status 503", "no such team: hpc team": "no such team: hpc team",
		"bad key sk-0123456789abcdef, Bearer sk-0123456789abcdef": "bad key [key], Bearer [key]",
		"basic of Basic dXNlcjpwYXNz":                             "basic of Basic [key]",
		"who is sid=abcd1234; theme=dark":                         "who is [key]; [key]",
		"no session abcd1234 here":                                "no session [key] here",
		"cut in the middle: sk-01234…":                            "cut in the middle: [key]",
		"cut in the middle: sk-01234":                             "cut in the middle: [key]",
		"status 401: bad key sk-01234… (Retry-After: 5)":          "status 401: bad key [key] (Retry-After: 5)",
	} {
		if got := Conceal(words, headers); got != want {
			t.Errorf("%q became %q, want %q", words, got, want)
		}
	}
}

func TestAConversationGoesOnWithWhatWasSaid(t *testing.T) {
	e := encoder(t, workload.Workload{Dialect: "ollama-chat", Model: "m", InputTokens: 9, MaxTokens: 4, Turns: 3, PromptSeed: 5})
	past := e.Remember(nil, Call{ID: 6}, []byte(`an \"answer\"`))
	past = e.Remember(past, Call{ID: 7, Past: past}, []byte(`another`))
	want := []any{
		map[string]any{"role": "user", "content": string(prompt.Append(nil, 5, 6, 9))},
		map[string]any{"role": "assistant", "content": `an "answer"`},
		map[string]any{"role": "user", "content": string(prompt.Append(nil, 5, 7, 9))},
		map[string]any{"role": "assistant", "content": `another`},
		map[string]any{"role": "user", "content": string(prompt.Append(nil, 5, 8, 9))},
	}
	if got := bodyOf(t, e, Call{ID: 8, Past: past})["messages"]; !reflect.DeepEqual(got, want) {
		t.Errorf("messages %v, want %v", got, want)
	}
}

func TestAGroupIsOneRequestWithItsPrompts(t *testing.T) {
	e := encoder(t, workload.Workload{Dialect: "openai-completions", Model: "m", InputTokens: 9, MaxTokens: 4, Batch: 3, PromptSeed: 5})
	want := []any{string(prompt.Append(nil, 5, 6, 9)), string(prompt.Append(nil, 5, 8, 9)), string(prompt.Append(nil, 5, 10, 9))}
	if got := bodyOf(t, e, Call{ID: 6, Group: []int64{6, 8, 10}})["prompt"]; !reflect.DeepEqual(got, want) {
		t.Errorf("prompt %v, want %v", got, want)
	}
	if got := bodyOf(t, e, Call{ID: 6, Group: []int64{6}})["prompt"]; !reflect.DeepEqual(got, want[:1]) {
		t.Errorf("prompt of a group of one %v, want %v", got, want[:1])
	}
}

func TestWorkloadsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, c := range []struct {
		w    workload.Workload
		want string
	}{
		{workload.Workload{Dialect: "openai-completions", InputTokens: 1, Turns: 2}, "openai-completions has no conversations (use openai-chat"},
		{workload.Workload{Dialect: "openai-chat", Prompt: "x", Turns: 2}, "one fixed prompt"},
		{workload.Workload{Dialect: "openai-chat", Prompt: "x", Prefix: &workload.Prefix{Share: 1, Tokens: 1}}, "made-up prompts"},
		{workload.Workload{Dialect: "openai-chat", Dataset: "x", InputTokens: 5}, "want one of them"},
		{workload.Workload{Dialect: "openai-chat", Dataset: "/no/such/file"}, "/no/such/file"},
		{workload.Workload{Dialect: "openai-chat", InputTokens: 5, InputLaw: &workload.Length{Law: "x"}}, "input_law: unknown law"},
		{workload.Workload{Dialect: "openai-chat", InputTokens: 5, OutputLaw: &workload.Length{Law: "x"}}, "output_law: unknown law"},
	} {
		if _, err := NewRequests(c.w); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewRequests(%+v) = %v, want %q", c.w, err, c.want)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	e, err := NewEncoder(workload.Workload{Dialect: "openai-chat", Model: "m", Stream: true, InputTokens: 128, MaxTokens: 128, IgnoreEOS: true}, "http://h", nil)
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for n := int64(0); b.Loop(); n++ {
		buf = e.Append(buf[:0], "0001-node-", Call{ID: n})
	}
}

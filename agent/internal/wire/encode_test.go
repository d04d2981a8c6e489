package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"hpcbench/agent/internal/prompt"
	"hpcbench/agent/workload"
)

// ask encodes request 17 and reads it back with net/http, as a server would.
func ask(t *testing.T, w workload.Workload, base string, headers ...string) (*http.Request, map[string]any) {
	t.Helper()
	e, err := NewEncoder(w, base, headers)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(e.Append(nil, "0001-c0-", Call{ID: 17}))))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if alone := e.Body(nil, Call{ID: 17}); !bytes.Equal(alone, body) {
		t.Errorf("Body gives %q, the request has %q", alone, body)
	}
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("body %q: %v", body, err)
	}
	return r, v
}

func TestRequestsOfEveryDialect(t *testing.T) {
	text := string(prompt.Append(nil, 5, 17, 9))
	messages := []any{map[string]any{"role": "user", "content": text}}
	for _, c := range []struct {
		dialect, path string
		stream        bool
		want          map[string]any
	}{
		{"openai-chat", "/v1/chat/completions", true, map[string]any{"model": "m", "messages": messages, "max_tokens": 64.0,
			"temperature": 0.0, "seed": 3.0, "stream": true, "stream_options": map[string]any{"include_usage": true}, "ignore_eos": true, "min_tokens": 64.0}},
		{"openai-completions", "/v1/completions", false, map[string]any{"model": "m", "prompt": text, "max_tokens": 64.0,
			"temperature": 0.0, "seed": 3.0, "stream": false, "ignore_eos": true, "min_tokens": 64.0}},
		{"ollama-generate", "/api/generate", true, map[string]any{"model": "m", "prompt": text, "stream": true,
			"options": map[string]any{"num_predict": 64.0, "temperature": 0.0, "seed": 3.0}}},
		{"ollama-chat", "/api/chat", false, map[string]any{"model": "m", "messages": messages, "stream": false,
			"options": map[string]any{"num_predict": 64.0, "temperature": 0.0, "seed": 3.0}}},
		{"triton-generate", "/v2/models/m/generate_stream", true, map[string]any{"text_input": text, "parameters": map[string]any{"stream": true,
			"temperature": 0.0, "seed": 3.0, "max_tokens": 64.0, "min_tokens": 64.0, "ignore_eos": true}}},
		{"triton-generate", "/v2/models/m/generate", false, map[string]any{"text_input": text, "parameters": map[string]any{"stream": false,
			"temperature": 0.0, "seed": 3.0, "max_tokens": 64.0, "min_tokens": 64.0, "ignore_eos": true}}},
		{"sglang-generate", "/generate", true, map[string]any{"text": text, "stream": true, "sampling_params": map[string]any{
			"temperature": 0.0, "max_new_tokens": 64.0, "ignore_eos": true}}},
		{"tgi-generate", "/generate_stream", true, map[string]any{"inputs": text, "parameters": map[string]any{
			"details": true, "do_sample": false, "max_new_tokens": 64.0, "seed": 3.0}}},
		{"tgi-generate", "/generate", false, map[string]any{"inputs": text, "parameters": map[string]any{
			"details": true, "do_sample": false, "max_new_tokens": 64.0, "seed": 3.0}}},
		{"llamacpp-completion", "/completion", true, map[string]any{"model": "m", "prompt": text, "stream": true, "temperature": 0.0,
			"seed": 3.0, "n_predict": 64.0, "ignore_eos": true}},
	} {
		w := workload.Workload{Dialect: c.dialect, Model: "m", Stream: c.stream, MaxTokens: 64, IgnoreEOS: true, InputTokens: 9, PromptSeed: 5, Seed: 3}
		r, body := ask(t, w, "http://10.0.0.1:8000", "Authorization: Bearer x")
		if r.Method != "POST" || r.URL.Path != c.path || r.Host != "10.0.0.1:8000" || r.Header.Get("X-Request-Id") != "0001-c0-17" ||
			r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "Bearer x" {
			t.Errorf("%s: %s %s, host %s, headers %v", c.dialect, r.Method, r.URL, r.Host, r.Header)
		}
		if !reflect.DeepEqual(body, c.want) {
			t.Errorf("%s: body %v, want %v", c.dialect, body, c.want)
		}
	}
}

func TestWithoutALengthTheServersOwnHolds(t *testing.T) {
	_, body := ask(t, workload.Workload{Dialect: "openai-chat", Model: "m", InputTokens: 1, IgnoreEOS: true}, "http://h")
	for _, key := range []string{"max_tokens", "min_tokens", "ignore_eos"} {
		if _, ok := body[key]; ok {
			t.Errorf("body has %s", key)
		}
	}
}

func TestFixedPromptAndModelAreQuoted(t *testing.T) {
	nasty := "say \"hi\"\n\x00 <b>&amp; \u2028 ü \\"
	_, body := ask(t, workload.Workload{Dialect: "ollama-generate", Model: nasty, Prompt: nasty}, "http://h")
	if body["prompt"] != nasty || body["model"] != nasty {
		t.Errorf("prompt %q, model %q", body["prompt"], body["model"])
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct{ base, target, host, err string }{
		{"http://10.0.0.1:8000", "/v1/chat/completions", "10.0.0.1:8000", ""},
		{"http://10.0.0.1:8000/", "/v1/chat/completions", "10.0.0.1:8000", ""},
		{"https://api.example.com/v1", "/v1/chat/completions", "api.example.com", ""},
		{"http://gate/models/a b/v1/", "/models/a%20b/v1/chat/completions", "gate", ""},
		{"http://[::1]:80", "/v1/chat/completions", "[::1]:80", ""},
		{"unix:///run/server.sock", "/v1/chat/completions", "localhost", ""},
		{"10.0.0.1:8000", "", "", "endpoint"},
		{"localhost:8000", "", "", "want http://host:port"},
		{"http://gate/@cf/v1", "/@cf/v1/chat/completions", "gate", ""},
		{"http://me:hush@gate:1", "", "", "endpoint …@gate:1: a name and password in it are not sent"},
		{"http://me:hush@gate:port", "", "", "endpoint …@gate:port: a name"},
		{"http://gate/v1?key=hush", "", "", "endpoint http://gate/v1: what follows a ?"},
	} {
		target, host, err := target(c.base, "/v1/chat/completions")
		if target != c.target || host != c.host || (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("target(%q) = %q, %q, %v; want %q, %q, %q", c.base, target, host, err, c.target, c.host, c.err)
		}
	}
}

func TestEncoderRefuses(t *testing.T) {
	for _, c := range []struct {
		w    workload.Workload
		want string
	}{
		{workload.Workload{Dialect: "grpc", InputTokens: 1}, `unknown dialect "grpc" (known: llamacpp-completion, ollama-chat, ollama-generate, openai-chat, openai-completions, sglang-generate, tgi-generate, triton-generate)`},
		{workload.Workload{Dialect: "openai-chat"}, "no prompt, no dataset and no input_tokens"},
		{workload.Workload{Dialect: "openai-chat", Prompt: "x", InputTokens: 1}, "want one of them"},
	} {
		if _, err := NewEncoder(c.w, "http://h", nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewEncoder(%+v) = %v, want %q", c.w, err, c.want)
		}
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	e, err := NewEncoder(workload.Workload{Dialect: "openai-chat", Model: "m", InputTokens: 64}, "http://h", nil)
	if err != nil {
		t.Fatal(err)
	}
	buf := e.Append(nil, "p-", Call{})
	n := int64(0)
	if allocs := testing.AllocsPerRun(1000, func() { n++; buf = e.Append(buf[:0], "p-", Call{ID: n}) }); allocs > 0 {
		t.Errorf("%v allocations a request", allocs)
	}
}

func TestProbe(t *testing.T) {
	for _, dialect := range Dialects() {
		path, body := Probe(dialect, "m")
		var v map[string]any
		if err := json.Unmarshal(body, &v); err != nil || path == "" || strings.Contains(path, "stream") || v["stream"] == true ||
			strings.Count(string(body), "Say a word.") != 1 || strings.Contains(string(body), "ignore_eos") || !strings.Contains(string(body), ":2") {
			t.Errorf("%s: %s %s: %v", dialect, path, body, err)
		}
	}
	if path, body := Probe("grpc", "m"); path != "" || body != nil {
		t.Errorf("a probe of no dialect: %s %s", path, body)
	}
}

func TestGenerated(t *testing.T) {
	for _, c := range []struct {
		dialect, body string
		tokens        int
		err           string
	}{
		{"openai-chat", `{"choices":[{"message":{"content":"hi"}}],"usage":{"completion_tokens":2}}`, 2, ""},
		{"openai-completions", `{"choices":[{"text":"hi"}]}`, 1, ""},
		{"openai-chat", `{"choices":[{"message":{"content":"","reasoning_content":"hm"}}]}`, 1, ""},
		{"ollama-generate", `{"response":" watch","done":true,"eval_count":1}`, 1, ""},
		{"ollama-chat", `{"message":{"content":""},"done":true,"done_reason":"load"}`, 0, "no token"},
		{"openai-chat", `{"error":{"message":"model 'x' not found"}}`, 0, "model 'x' not found"},
		{"openai-chat", `<html>`, 0, "not an answer in openai-chat: <html>"},
		{"openai-chat", ``, 0, "not an answer"},
		{"grpc", `{}`, 0, "unknown dialect"},
	} {
		tokens, err := Generated(c.dialect, []byte(c.body))
		if tokens != c.tokens || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("Generated(%s, %s) = %d, %v; want %d, %q", c.dialect, c.body, tokens, err, c.tokens, c.err)
		}
	}
}

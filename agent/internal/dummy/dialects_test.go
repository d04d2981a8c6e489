package dummy

import (
	"encoding/json"
	"strings"
	"testing"
)

// dialectAnswers are the exact answers of every dialect, streamed and not.
var dialectAnswers = []struct{ name, path, body, want string }{
	{"openai-chat streamed", "/v1/chat/completions",
		`{"model":"m","stream":true,"max_tokens":2,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"a b c"}]}`,
		`data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[{"index":0,"delta":{"content":" watch"},"finish_reason":null}]}

data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[{"index":0,"delta":{"content":" from"},"finish_reason":null}]}

data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}

data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

data: [DONE]

`},
	{"openai-chat", "/v1/chat/completions", `{"model":"m","max_tokens":2,"messages":[{"role":"user","content":"a"}]}`,
		`{"id":"chatcmpl-N","object":"chat.completion","created":N,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":" watch from"},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`},
	{"openai-completions streamed, no usage asked", "/v1/completions", `{"model":"m","max_tokens":1,"prompt":"a","stream":true}`,
		`data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":" watch","finish_reason":null}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":"","finish_reason":"length"}]}

data: [DONE]

`},
	{"openai-completions", "/v1/completions", `{"model":"m","max_tokens":2,"prompt":"a"}`,
		`{"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":" watch from","finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`},
	{"openai-completions, a group", "/v1/completions", `{"model":"m","max_tokens":2,"prompt":["a b","c"]}`,
		`{"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":" watch from","finish_reason":"length"},{"index":1,"text":" watch from","finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`},
	{"openai-completions streamed, a group", "/v1/completions", `{"model":"m","max_tokens":1,"prompt":["a b","c"],"stream":true,"stream_options":{"include_usage":true}}`,
		`data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":" watch","finish_reason":null}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":1,"text":" watch","finish_reason":null}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":"","finish_reason":"length"}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":1,"text":"","finish_reason":"length"}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

data: [DONE]

`},
	{"ollama-generate streamed", "/api/generate", `{"model":"m","prompt":"hello you","options":{"num_predict":1}}`,
		`{"model":"m","created_at":"T","response":" watch","done":false}
{"model":"m","created_at":"T","response":"","done":true,"done_reason":"length","context":[1,2,3],"total_duration":N,"load_duration":N,"prompt_eval_count":N,"prompt_eval_duration":N,"eval_count":N}
`},
	{"ollama-generate", "/api/generate", `{"model":"m:latest","prompt":"hello","stream":false,"options":{"num_predict":2}}`,
		`{"model":"m:latest","created_at":"T","response":" watch from","done":true,"done_reason":"length","context":[1,2,3],"total_duration":N,"load_duration":N,"prompt_eval_count":N,"eval_count":N,"eval_duration":N}`},
	{"ollama-generate, load only", "/api/generate", `{"model":"m","stream":false}`,
		`{"model":"m","created_at":"T","response":"","done":true,"done_reason":"load"}`},
	{"ollama-chat streamed", "/api/chat", `{"model":"m","messages":[{"role":"user","content":"hello"}],"options":{"num_predict":1}}`,
		`{"model":"m","created_at":"T","message":{"role":"assistant","content":" watch"},"done":false}
{"model":"m","created_at":"T","message":{"role":"assistant","content":""},"done":true,"done_reason":"length","total_duration":N,"load_duration":N,"prompt_eval_count":N,"prompt_eval_duration":N,"eval_count":N}
`},
	{"triton-generate streamed", "/v2/models/m/generate_stream", `{"text_input":"a b","max_tokens":2}`,
		`data: {"model_name":"m","model_version":"1","text_output":" watch"}

data: {"model_name":"m","model_version":"1","text_output":" from"}

`},
	{"sglang-generate streamed", "/generate", `{"text":"a b","stream":true,"sampling_params":{"max_new_tokens":2}}`,
		`data: {"text":" watch","meta_info":{"id":"N","finish_reason":null,"prompt_tokens":2,"completion_tokens":1,"cached_tokens":0}}

data: {"text":" watch from","meta_info":{"id":"N","finish_reason":{"type":"length","length":2},"prompt_tokens":2,"completion_tokens":2,"cached_tokens":0}}

data: [DONE]

`},
	{"tgi-generate streamed", "/generate_stream", `{"inputs":"a b","parameters":{"max_new_tokens":2}}`,
		`data:{"index":1,"token":{"id":1,"text":" watch","logprob":-0.1,"special":false},"generated_text":null,"details":null}

data:{"index":2,"token":{"id":1,"text":" from","logprob":-0.1,"special":false},"generated_text":" watch from","details":{"finish_reason":"length","generated_tokens":2,"seed":null,"input_length":2}}

`},
	{"tgi-generate", "/generate", `{"inputs":"a b","parameters":{"max_new_tokens":1}}`,
		`{"generated_text":" watch","details":{"finish_reason":"length","generated_tokens":1,"seed":null,"input_length":2}}`},
	{"llamacpp-completion streamed", "/completion", `{"prompt":"a b","n_predict":1,"stream":true}`,
		`data: {"index":0,"content":" watch","tokens":[1],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":2}

data: {"index":0,"content":"","tokens":[],"id_slot":0,"stop":true,"model":"m","tokens_predicted":1,"tokens_evaluated":2,"stop_type":"limit","truncated":false,"timings":{"cache_n":0,"prompt_n":2,"prompt_ms":N,"predicted_n":1,"predicted_ms":N}}

`},
}

// What changes from run to run is masked.
func TestDialects(t *testing.T) {
	url, _ := start(t, Config{Model: "m"})
	for _, c := range dialectAnswers {
		t.Run(c.name, func(t *testing.T) {
			status, answer := post(t, url+c.path, c.body)
			if got, want := masked(answer), masked(c.want); status != 200 || got != want {
				t.Errorf("status %d\n got %s\nwant %s", status, got, want)
			}
			for line := range strings.Lines(answer) {
				line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "data:"))
				if line != "" && line != "[DONE]" && !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
		})
	}
}

package wire

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Dialect is one way of asking a server for text: a path, a request body and the fields of its answers.
type Dialect struct {
	Name   string
	format format // of a stream whose Content-Type says nothing
	fields *field
	path   func(model string, stream bool) string // below the endpoint's base URL
	encode func(Ask) map[string]any
	prompt string // the field of a request that carries the prompt

	chat     bool // a request can carry a conversation
	groups   bool // a request can carry several prompts
	unmarked bool // a stream has no mark of its end: that it ends in order is the mark
	growing  bool // an event is a token where the count of output tokens has grown: its text repeats what came before
}

// Chats reports whether a request of the dialect can carry a conversation.
func (d Dialect) Chats() bool { return d.chat }

// Groups reports whether a request of the dialect can carry several prompts.
func (d Dialect) Groups() bool { return d.groups }

// format is how the events of an answer's body are told apart.
type format uint8

const (
	document format = iota // the whole body is one JSON value
	sse                    // text/event-stream
	ndjson                 // a JSON value a line
)

// The fields of the dialects' answers, streamed and not. A path goes through arrays as if they were not there.
var (
	openaiFields = map[string]meaning{
		"choices.index":                     choiceIndex,
		"choices.finish_reason":             finish,
		"choices.text":                      words,
		"choices.delta.content":             words,
		"choices.delta.reasoning_content":   thought,
		"choices.delta.reasoning":           thought,
		"choices.delta.refusal":             content,
		"choices.delta.tool_calls":          content,
		"choices.delta.function_call":       content,
		"choices.message.content":           words,
		"choices.message.reasoning_content": thought,
		"choices.message.reasoning":         thought,
		"choices.message.refusal":           content,
		"choices.message.tool_calls":        content,
		"choices.message.function_call":     content,
		"usage.prompt_tokens":               promptTokens,
		"usage.completion_tokens":           outputTokens,
		"error":                             failure,
		"object":                            failureName, // older vLLM: {"object":"error","message":…}
		"timings.prompt_ms":                 promptMS,    // llama.cpp, in the last chunk
		"timings.predicted_ms":              decodeMS,
	}
	ollamaFields = map[string]meaning{
		"response":             content,
		"thinking":             thought,
		"message.content":      words,
		"message.thinking":     thought,
		"message.tool_calls":   content,
		"done":                 finish,
		"prompt_eval_count":    promptTokens,
		"eval_count":           outputTokens,
		"load_duration":        loadNS,
		"prompt_eval_duration": promptNS,
		"eval_duration":        decodeNS,
		"error":                failure,
	}
)

// The fields of the servers' own dialects, from their documentation:
//
//	Triton     docs.nvidia.com/deeplearning/triton-inference-server, "Generate Extension"; finish_reason where
//	           return_finish_reason asks for it (vllm_backend, docs/additional_outputs.md)
//	SGLang     docs.sglang.io, "Sampling Parameters" and "SGLang Native APIs"
//	TGI        huggingface/text-generation-inference, router/src/lib.rs: StreamResponse, GenerateResponse
//	llama.cpp  ggml-org/llama.cpp, tools/server/README.md, "POST /completion"
var (
	tritonFields = map[string]meaning{
		"text_output": content,
		"error":       failure,
	}
	sglangFields = map[string]meaning{
		"text":                        content,
		"meta_info.finish_reason":     finish,
		"meta_info.prompt_tokens":     promptTokens,
		"meta_info.completion_tokens": outputTokens,
		"error":                       failure,
	}
	tgiFields = map[string]meaning{
		"token.text":               content,
		"generated_text":           content,
		"details.finish_reason":    finish,
		"details.generated_tokens": outputTokens,
		"details.input_length":     promptTokens,
		"error":                    failure,
	}
	llamacppFields = map[string]meaning{
		"content":              content,
		"stop":                 finish,
		"tokens_predicted":     outputTokens,
		"tokens_evaluated":     promptTokens,
		"timings.prompt_ms":    promptMS,
		"timings.predicted_ms": decodeMS,
		"error":                failure,
	}
)

var (
	openai = choosing(tree(openaiFields), "choices")
	ollama = tree(ollamaFields)
)

var dialects = map[string]Dialect{
	"openai-chat": {path: always("/v1/chat/completions"), format: sse, fields: openai, encode: openaiChat, prompt: "messages", chat: true},
	"openai-completions": {path: always("/v1/completions"), format: sse, fields: openai, encode: openaiCompletions, prompt: "prompt",
		groups: true},
	"ollama-generate": {path: always("/api/generate"), format: ndjson, fields: ollama, encode: ollamaGenerate, prompt: "prompt"},
	"ollama-chat":     {path: always("/api/chat"), format: ndjson, fields: ollama, encode: ollamaChat, prompt: "messages", chat: true},
	"triton-generate": {path: tritonPath, format: sse, fields: tree(tritonFields), encode: tritonGenerate, prompt: "text_input", unmarked: true},
	"sglang-generate": {path: always("/generate"), format: sse, fields: tree(sglangFields), encode: sglangGenerate, prompt: "text", growing: true},
	"tgi-generate":    {path: tgiPath, format: sse, fields: tree(tgiFields), encode: tgiGenerate, prompt: "inputs"},
	"llamacpp-completion": {path: always("/completion"), format: sse, fields: tree(llamacppFields), encode: llamacppCompletion,
		prompt: "prompt"},
}

func always(path string) func(string, bool) string { return func(string, bool) string { return path } }

func tritonPath(model string, stream bool) string {
	path := "/v2/models/" + url.PathEscape(model) + "/generate"
	if stream {
		return path + "_stream"
	}
	return path
}

func tgiPath(_ string, stream bool) string {
	if stream {
		return "/generate_stream"
	}
	return "/generate"
}

// Dialects lists the names that Lookup knows, sorted.
func Dialects() []string { return slices.Sorted(maps.Keys(dialects)) }

// Lookup returns the dialect of a name. The error of an unknown one lists those there are.
func Lookup(name string) (Dialect, error) {
	d, ok := dialects[name]
	if !ok {
		return Dialect{}, fmt.Errorf("unknown dialect %q (known: %s)", name, strings.Join(Dialects(), ", "))
	}
	d.Name = name
	return d, nil
}

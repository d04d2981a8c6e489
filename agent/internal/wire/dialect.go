package wire

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Dialect is one way of asking a server for text: a path, a request body and the fields of its answers.
type Dialect struct {
	Name   string
	Path   string // below the endpoint's base URL
	format format // of a stream whose Content-Type says nothing
	fields *field
	encode func(Ask) (head, tail string)
}

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
		"choices.finish_reason":             finish,
		"choices.text":                      content,
		"choices.delta.content":             content,
		"choices.delta.reasoning_content":   content,
		"choices.delta.reasoning":           content,
		"choices.delta.refusal":             content,
		"choices.delta.tool_calls":          content,
		"choices.delta.function_call":       content,
		"choices.message.content":           content,
		"choices.message.reasoning_content": content,
		"choices.message.reasoning":         content,
		"choices.message.refusal":           content,
		"choices.message.tool_calls":        content,
		"choices.message.function_call":     content,
		"usage.prompt_tokens":               promptTokens,
		"usage.completion_tokens":           outputTokens,
		"error":                             failure,
		"object":                            failureName, // older vLLM: {"object":"error","message":…}
	}
	ollamaFields = map[string]meaning{
		"response":           content,
		"thinking":           content,
		"message.content":    content,
		"message.thinking":   content,
		"message.tool_calls": content,
		"done":               finish,
		"prompt_eval_count":  promptTokens,
		"eval_count":         outputTokens,
		"error":              failure,
	}
)

var (
	openai = tree(openaiFields)
	ollama = tree(ollamaFields)
)

var dialects = map[string]Dialect{
	"openai-chat":        {Path: "/v1/chat/completions", format: sse, fields: openai, encode: openaiChat},
	"openai-completions": {Path: "/v1/completions", format: sse, fields: openai, encode: openaiCompletions},
	"ollama-generate":    {Path: "/api/generate", format: ndjson, fields: ollama, encode: ollamaGenerate},
	"ollama-chat":        {Path: "/api/chat", format: ndjson, fields: ollama, encode: ollamaChat},
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

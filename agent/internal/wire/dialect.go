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
	ids      bool // a prompt can be token ids
	unmarked bool // a stream has no mark of its end: that it ends in order is the mark
	mute     bool // answers never say how many tokens they have
	growing  bool // an event is a token where the count of output tokens has grown: its text repeats what came before
}

// Chats reports whether a request of the dialect can carry a conversation.
func (d Dialect) Chats() bool { return d.chat }

// Groups reports whether a request of the dialect can carry several prompts.
func (d Dialect) Groups() bool { return d.groups }

// TakesIDs reports whether a prompt can be a list of token ids.
func (d Dialect) TakesIDs() bool { return d.ids }

// format is how the events of an answer's body are told apart.
type format uint8

const (
	document format = iota // the whole body is one JSON value
	sse                    // text/event-stream
	ndjson                 // a JSON value a line
)

var dialects = map[string]Dialect{
	"openai-chat": {path: always("/v1/chat/completions"), format: sse, fields: openai, encode: openaiChat, prompt: "messages", chat: true},
	"openai-completions": {path: always("/v1/completions"), format: sse, fields: openai, encode: openaiCompletions, prompt: "prompt",
		groups: true, ids: true},
	"ollama-generate": {path: always("/api/generate"), format: ndjson, fields: ollama, encode: ollamaGenerate, prompt: "prompt"},
	"ollama-chat":     {path: always("/api/chat"), format: ndjson, fields: ollama, encode: ollamaChat, prompt: "messages", chat: true},
	"triton-generate": {path: tritonPath, format: sse, fields: tree(tritonFields), encode: tritonGenerate, prompt: "text_input", unmarked: true, mute: true},
	"sglang-generate": {path: always("/generate"), format: sse, fields: tree(sglangFields), encode: sglangGenerate, prompt: "text", growing: true},
	"tgi-generate":    {path: tgiPath, format: sse, fields: tree(tgiFields), encode: tgiGenerate, prompt: "inputs"},
	"llamacpp-completion": {path: always("/completion"), format: sse, fields: tree(llamacppFields), encode: llamacppCompletion,
		prompt: "prompt", ids: true},
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

package dummy

import "strconv"

// The OpenAI dialects, in vLLM's manner: a chunk with the role first, the finish reason in a chunk of its own, the
// usage in a last chunk without choices if stream_options.include_usage asks for it, then [DONE].
var (
	openaiChat = dialect{
		name: "openai-chat", streamType: typeSSE, problem: openaiError,
		opening: func(b []byte, g *generation) []byte {
			return append(chatChunk(b, g), `{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`+"\n\n"...)
		},
		token: func(b []byte, g *generation, word string, _ int64) []byte {
			b = append(chatChunk(b, g), `{"index":0,"delta":{"content":"`...)
			return append(append(b, word...), `"},"finish_reason":null}]}`+"\n\n"...)
		},
		ending: func(b []byte, g *generation) []byte {
			b = append(chatChunk(b, g), `{"index":0,"delta":{},"finish_reason":"`...)
			b = append(append(b, g.reason("stop", "length")...), `"}]}`+"\n\n"...)
			if g.req.includeUsage {
				b = append(usage(append(chatChunk(b, g), `]`...), g), "}\n\n"...)
			}
			return append(b, "data: [DONE]\n\n"...)
		},
		whole: func(b []byte, g *generation) []byte {
			b = openaiHead(b, g, "chatcmpl-", "chat.completion")
			b = append(b, `{"index":0,"message":{"role":"assistant","content":"`...)
			b = append(appendText(b, g), `"},"finish_reason":"`...)
			b = append(append(b, g.reason("stop", "length")...), `"}]`...)
			return append(usage(b, g), '}')
		},
	}

	openaiCompletions = dialect{
		name: "openai-completions", streamType: typeSSE, problem: openaiError, opening: none, groups: true,
		token: func(b []byte, g *generation, word string, _ int64) []byte {
			for i := range g.choices {
				b = append(choice(textChunk(b, g), i), word...)
				b = append(b, `","finish_reason":null}]}`+"\n\n"...)
			}
			return b
		},
		ending: func(b []byte, g *generation) []byte {
			for i := range g.choices {
				b = append(choice(textChunk(b, g), i), `","finish_reason":"`...)
				b = append(append(b, g.reason("stop", "length")...), `"}]}`+"\n\n"...)
			}
			if g.req.includeUsage {
				b = append(usage(append(textChunk(b, g), `]`...), g), "}\n\n"...)
			}
			return append(b, "data: [DONE]\n\n"...)
		},
		whole: func(b []byte, g *generation) []byte {
			b = openaiHead(b, g, "cmpl-", "text_completion")
			for i := range g.choices {
				if i > 0 {
					b = append(b, ',')
				}
				b = append(appendText(choice(b, i), g), `","finish_reason":"`...)
				b = append(append(b, g.reason("stop", "length")...), `"}`...)
			}
			return append(usage(append(b, ']'), g), '}')
		},
	}
)

// choice is the beginning of the i-th answer, up to its text.
func choice(b []byte, i int) []byte {
	return append(strconv.AppendInt(append(b, `{"index":`...), int64(i), 10), `,"text":"`...)
}

func chatChunk(b []byte, g *generation) []byte {
	return openaiHead(append(b, "data: "...), g, "chatcmpl-", "chat.completion.chunk")
}

func textChunk(b []byte, g *generation) []byte {
	return openaiHead(append(b, "data: "...), g, "cmpl-", "text_completion")
}

// openaiHead is an object up to and with the bracket that opens its choices.
func openaiHead(b []byte, g *generation, prefix, object string) []byte {
	b = append(append(b, `{"id":"`...), prefix...)
	b = strconv.AppendInt(b, g.number, 10)
	b = append(append(append(b, `","object":"`...), object...), `","created":`...)
	b = strconv.AppendInt(b, g.s.wall(g.arrived)/1e9, 10)
	return append(append(append(b, `,"model":"`...), g.model...), `","choices":[`...)
}

// usage is the member of that name, with the comma before it.
func usage(b []byte, g *generation) []byte {
	b = strconv.AppendInt(append(b, `,"usage":{"prompt_tokens":`...), int64(g.req.promptTokens), 10)
	b = strconv.AppendInt(append(b, `,"completion_tokens":`...), int64(g.written*g.choices), 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), int64(g.req.promptTokens+g.written*g.choices), 10)
	return append(b, '}')
}

// openaiError is the body of an error in the OpenAI dialects.
func openaiError(b []byte, status int, words string) []byte {
	kind := "api_error"
	switch status {
	case 400:
		kind = "invalid_request_error"
	case 404:
		kind = "not_found_error"
	case 503:
		kind = "unavailable_error"
	}
	b = append(append(append(b, `{"error":{"message":"`...), quote(words)...), `","type":"`...)
	b = append(append(b, kind...), `","param":null,"code":`...)
	return append(strconv.AppendInt(b, int64(status), 10), "}}"...)
}

package dummy

import "strconv"

// The servers' own dialects besides Ollama's. Triton's generate extension and TGI's two paths each have a twin that does
// not stream.
var (
	tritonGenerate = dialect{
		name: "triton-generate", streamType: typeSSE, always: true, modelless: true, problem: plainError,
		opening: none, ending: none,
		token: func(b []byte, g *generation, word string, _ int64) []byte {
			b = append(tritonHead(append(b, "data: "...), g), word...)
			return append(b, `"}`+"\n\n"...)
		},
		whole: tritonWhole,
	}
	tritonPlain = dialect{
		name: "triton-generate", never: true, modelless: true, problem: plainError, whole: tritonWhole,
	}

	tgiGenerate = dialect{
		name: "tgi-generate", streamType: typeSSE, always: true, modelless: true, problem: plainError,
		opening: none, ending: none,
		token: func(b []byte, g *generation, word string, _ int64) []byte {
			b = strconv.AppendInt(append(b, `data:{"index":`...), int64(g.written+1), 10)
			b = append(append(b, `,"token":{"id":1,"text":"`...), word...)
			b = append(b, `","logprob":-0.1,"special":false},"generated_text":`...)
			if g.written+1 < g.length {
				return append(b, `null,"details":null}`+"\n\n"...)
			}
			b = append(appendText(append(b, '"'), g), `","details":`...)
			return append(tgiDetails(b, g, g.length), "}\n\n"...)
		},
		whole: tgiWhole,
	}
	tgiPlain = dialect{name: "tgi-generate", never: true, modelless: true, problem: plainError, whole: tgiWhole}

	sglangGenerate = dialect{
		name: "sglang-generate", streamType: typeSSE, modelless: true, problem: openaiError, opening: none,
		token: func(b []byte, g *generation, word string, _ int64) []byte {
			g.text = append(g.text, word...) // each event repeats the text from the start
			b = append(append(append(b, `data: {"text":"`...), g.text...), `",`...)
			return append(sglangMeta(b, g, g.written+1), "}\n\n"...)
		},
		ending: func(b []byte, _ *generation) []byte { return append(b, "data: [DONE]\n\n"...) },
		whole: func(b []byte, g *generation) []byte {
			b = append(appendText(append(b, `{"text":"`...), g), `",`...)
			return append(sglangMeta(b, g, g.length), '}')
		},
	}

	llamacppCompletion = dialect{
		name: "llamacpp-completion", streamType: typeSSE, modelless: true, problem: openaiError, opening: none,
		token: func(b []byte, g *generation, word string, _ int64) []byte {
			b = append(append(append(b, `data: {"index":0,"content":"`...), word...), `","tokens":[1],"stop":false,"id_slot":-1`...)
			b = member(b, "tokens_predicted", int64(g.written+1))
			return append(member(b, "tokens_evaluated", int64(g.req.promptTokens)), "}\n\n"...)
		},
		ending: func(b []byte, g *generation) []byte {
			b = append(b, `data: {"index":0,"content":""`...)
			return append(llamacppEnd(b, g), "\n\n"...)
		},
		whole: func(b []byte, g *generation) []byte {
			b = append(appendText(append(b, `{"index":0,"content":"`...), g), '"')
			return llamacppEnd(b, g)
		},
	}
)

func tritonHead(b []byte, g *generation) []byte {
	b = append(append(b, `{"model_name":"`...), g.model...)
	return append(b, `","model_version":"1","text_output":"`...)
}

func tritonWhole(b []byte, g *generation) []byte {
	return append(appendText(tritonHead(b, g), g), `"}`...)
}

func tgiWhole(b []byte, g *generation) []byte {
	b = append(appendText(append(b, `{"generated_text":"`...), g), `","details":`...)
	return append(tgiDetails(b, g, g.length), '}')
}

func tgiDetails(b []byte, g *generation, n int) []byte {
	b = append(append(append(b, `{"finish_reason":"`...), g.reason("eos_token", "length")...), `","generated_tokens":`...)
	b = append(strconv.AppendInt(b, int64(n), 10), `,"seed":null,"input_length":`...)
	return append(strconv.AppendInt(b, int64(g.req.promptTokens), 10), '}')
}

// sglangMeta is the member meta_info after n tokens.
func sglangMeta(b []byte, g *generation, n int) []byte {
	b = strconv.AppendInt(append(b, `"meta_info":{"id":"`...), g.number, 10)
	b = append(b, `","finish_reason":`...)
	switch {
	case n < g.length:
		b = append(b, `null`...)
	case g.natural:
		b = append(b, `{"type":"stop","matched":2}`...)
	default:
		b = append(strconv.AppendInt(append(b, `{"type":"length","length":`...), int64(n), 10), '}')
	}
	b = strconv.AppendInt(append(b, `,"prompt_tokens":`...), int64(g.req.promptTokens), 10)
	b = strconv.AppendInt(append(b, `,"completion_tokens":`...), int64(n), 10)
	return append(b, `,"cached_tokens":0}`...)
}

func llamacppEnd(b []byte, g *generation) []byte {
	b = append(append(append(b, `,"tokens":[],"id_slot":0,"stop":true,"model":"`...), g.model...), '"')
	b = member(b, "tokens_predicted", int64(g.written))
	b = member(b, "tokens_evaluated", int64(g.req.promptTokens))
	b = append(append(append(b, `,"stop_type":"`...), g.reason("eos", "limit")...), `","truncated":false`...)
	return append(llamacppTimings(b, g), '}')
}

// llamacppTimings is the member timings, of an answer of any length.
func llamacppTimings(b []byte, g *generation) []byte {
	if len(g.stamps) == 0 {
		return b
	}
	prompt, output := g.times()
	b = strconv.AppendInt(append(b, `,"timings":{"cache_n":0,"prompt_n":`...), int64(g.req.promptTokens), 10)
	b = strconv.AppendFloat(append(b, `,"prompt_ms":`...), float64(prompt)/1e6, 'f', 6, 64)
	b = strconv.AppendInt(append(b, `,"predicted_n":`...), int64(g.written), 10)
	b = strconv.AppendFloat(append(b, `,"predicted_ms":`...), float64(output)/1e6, 'f', 6, 64)
	return append(b, '}')
}

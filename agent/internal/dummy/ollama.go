package dummy

import (
	"strconv"
	"time"
)

// Ollama's own dialects: one JSON object a line, the last of them with done:true and durations in nanoseconds.
var (
	ollamaGenerate = dialect{
		name: "ollama-generate", streamType: typeNDJSON, byDefault: true, loads: true, problem: plainError, opening: none,
		token: func(b []byte, g *generation, word string, now int64) []byte {
			return append(ollamaLine(b, g, now, `,"response":"`, word, `"`), `,"done":false}`+"\n"...)
		},
		ending: func(b []byte, g *generation) []byte {
			b = ollamaLine(b, g, g.last(), `,"response":"`, "", `"`)
			return append(ollamaDone(b, g, true), '\n')
		},
		whole: func(b []byte, g *generation) []byte {
			b = append(ollamaHead(b, g, g.last()), `,"response":"`...)
			return ollamaDone(append(appendText(b, g), '"'), g, true)
		},
	}

	ollamaChat = dialect{
		name: "ollama-chat", streamType: typeNDJSON, byDefault: true, loads: true, problem: plainError, opening: none,
		token: func(b []byte, g *generation, word string, now int64) []byte {
			b = ollamaLine(b, g, now, `,"message":{"role":"assistant","content":"`, word, `"}`)
			return append(b, `,"done":false}`+"\n"...)
		},
		ending: func(b []byte, g *generation) []byte {
			b = ollamaLine(b, g, g.last(), `,"message":{"role":"assistant","content":"`, "", `"}`)
			return append(ollamaDone(b, g, false), '\n')
		},
		whole: func(b []byte, g *generation) []byte {
			b = append(ollamaHead(b, g, g.last()), `,"message":{"role":"assistant","content":"`...)
			return ollamaDone(append(appendText(b, g), `"}`...), g, false)
		},
	}
)

// last is the instant of the last token written, or of the arrival.
func (g *generation) last() int64 {
	if n := len(g.stamps); n > 0 {
		return g.stamps[n-1]
	}
	return g.arrived
}

func ollamaHead(b []byte, g *generation, now int64) []byte {
	b = append(append(append(b, `{"model":"`...), g.model...), `","created_at":"`...)
	b = time.Unix(0, g.s.wall(now)).UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func ollamaLine(b []byte, g *generation, now int64, before, word, after string) []byte {
	b = append(ollamaHead(b, g, now), before...)
	return append(append(b, word...), after...)
}

// loadNS is the load_duration of a model that is loaded: what Ollama 0.24 takes to see that it is.
const loadNS = 1_500_000

// ollamaDone is the end of the last object. As Ollama does, it leaves out what is zero. The wait for a slot is in
// total_duration alone.
func ollamaDone(b []byte, g *generation, context bool) []byte {
	if g.length == 0 {
		return append(b, `,"done":true,"done_reason":"load"}`...)
	}
	b = append(append(append(b, `,"done":true,"done_reason":"`...), g.reason("stop", "length")...), '"')
	if context {
		b = append(b, `,"context":[1,2,3]`...)
	}
	prompt, output := g.times()
	b = member(b, "total_duration", g.last()-g.arrived)
	b = member(b, "load_duration", loadNS+g.ready-g.arrived)
	b = member(b, "prompt_eval_count", int64(g.req.promptTokens))
	b = member(b, "prompt_eval_duration", prompt)
	b = member(b, "eval_count", int64(g.written))
	b = member(b, "eval_duration", output)
	return append(b, '}')
}

// member appends a number under key, unless it is zero.
func member(b []byte, key string, n int64) []byte {
	if n == 0 {
		return b
	}
	b = append(append(append(b, `,"`...), key...), `":`...)
	return strconv.AppendInt(b, n, 10)
}

// plainError is the body of an error where it is one string: Ollama, TGI, Triton.
func plainError(b []byte, _ int, words string) []byte {
	return append(append(append(b, `{"error":"`...), quote(words)...), `"}`...)
}

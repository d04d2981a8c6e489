package wire

import "maps"

// Ask is what all requests of a trial have in common. What differs from one to the next are holes in the body.
type Ask struct {
	Model       string
	Stream      bool
	Limited     bool // the request says how long the answer may be; otherwise the server's own limit holds
	IgnoreEOS   bool // exactly so long, where the dialect can say so
	Temperature float64
	Seed        int64 // of the server's sampling
}

// seed is the sampler's seed as every server takes it: llama.cpp wants 32 bits and reads -1 as random.
func (a Ask) seed() int64 { return a.Seed & 0x7fffffff }

// exact reports whether the answer is asked to be exactly as long as its limit.
func (a Ask) exact() bool { return a.Limited && a.IgnoreEOS }

// openaiBody are the fields that both dialects of OpenAI share. ignore_eos and min_tokens are vLLM's and SGLang's;
// llama.cpp knows ignore_eos, and Ollama skips what it does not know.
func openaiBody(a Ask) map[string]any {
	body := map[string]any{"model": a.Model, "stream": a.Stream, "temperature": a.Temperature, "seed": a.seed()}
	if a.Stream {
		body["stream_options"] = map[string]any{"include_usage": true}
	}
	if a.Limited {
		body["max_tokens"] = tokensHole
	}
	if a.exact() {
		body["ignore_eos"], body["min_tokens"] = true, tokensHole
	}
	return body
}

func openaiChat(a Ask) map[string]any { return with(openaiBody(a), "messages", messages()) }

func openaiCompletions(a Ask) map[string]any { return with(openaiBody(a), "prompt", promptHole) }

// ollamaBody are the fields that both dialects of Ollama share. It can't be told to go on after an end of sequence.
func ollamaBody(a Ask) map[string]any {
	options := map[string]any{"temperature": a.Temperature, "seed": a.seed()}
	if a.Limited {
		options["num_predict"] = tokensHole
	}
	return map[string]any{"model": a.Model, "stream": a.Stream, "options": options}
}

func ollamaGenerate(a Ask) map[string]any { return with(ollamaBody(a), "prompt", promptHole) }

func ollamaChat(a Ask) map[string]any { return with(ollamaBody(a), "messages", messages()) }

// tritonGenerate is Triton's generate extension. Parameters are the model's: max_tokens and temperature are known to
// its backends of vLLM and TensorRT-LLM; the others are vLLM's sampling parameters.
func tritonGenerate(a Ask) map[string]any {
	parameters := map[string]any{"stream": a.Stream, "temperature": a.Temperature, "seed": a.seed()}
	if a.Limited {
		parameters["max_tokens"] = tokensHole
	}
	if a.exact() {
		parameters["ignore_eos"], parameters["min_tokens"] = true, tokensHole
	}
	return map[string]any{"text_input": promptHole, "parameters": parameters}
}

// sglangGenerate is SGLang's own /generate. Its sampling has a seed only where the server was started for determinism,
// so none is sent.
func sglangGenerate(a Ask) map[string]any {
	sampling := map[string]any{"temperature": a.Temperature}
	if a.Limited {
		sampling["max_new_tokens"] = tokensHole
	}
	if a.exact() {
		sampling["ignore_eos"] = true
	}
	return map[string]any{"text": promptHole, "stream": a.Stream, "sampling_params": sampling}
}

// tgiGenerate is TGI's own /generate and /generate_stream. It refuses a temperature of 0: to sample nothing is do_sample
// false, its default. It can't be told over HTTP to go on after an end of sequence.
func tgiGenerate(a Ask) map[string]any {
	parameters := map[string]any{"details": true, "do_sample": a.Temperature > 0, "seed": a.seed()}
	if a.Temperature > 0 {
		parameters["temperature"] = a.Temperature
	}
	if a.Limited {
		parameters["max_new_tokens"] = tokensHole
	}
	return map[string]any{"inputs": promptHole, "parameters": parameters}
}

// llamacppCompletion is llama-server's own /completion. The model's name is for a server that has several.
func llamacppCompletion(a Ask) map[string]any {
	body := map[string]any{"model": a.Model, "stream": a.Stream, "temperature": a.Temperature, "seed": a.seed()}
	if a.Limited {
		body["n_predict"] = tokensHole
	}
	if a.exact() {
		body["ignore_eos"] = true
	}
	return with(body, "prompt", promptHole)
}

// messages are those of a conversation, whose last is the prompt.
func messages() []any {
	return []any{pastHole, map[string]any{"role": "user", "content": promptHole}}
}

func with(body map[string]any, name string, value any) map[string]any {
	body[name] = value
	return body
}

// merged is body with the fields of more in it, as RFC 7386 merges JSON: a field of more takes the place of one of
// body's, objects are merged member by member, and null takes a field away.
func merged(body, more map[string]any) map[string]any {
	all := maps.Clone(body)
	for name, value := range more {
		inner, object := value.(map[string]any)
		old, before := all[name].(map[string]any)
		switch {
		case value == nil:
			delete(all, name)
		case object && before:
			all[name] = merged(old, inner)
		case object:
			all[name] = merged(map[string]any{}, inner)
		default:
			all[name] = value
		}
	}
	return all
}

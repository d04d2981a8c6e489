package wire

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
		"response":             words,
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
		"text_output": words,
		"error":       failure,
	}
	sglangFields = map[string]meaning{
		"text":                        allWords,
		"meta_info.finish_reason":     finish,
		"meta_info.prompt_tokens":     promptTokens,
		"meta_info.completion_tokens": outputTokens,
		"error":                       failure,
	}
	tgiFields = map[string]meaning{
		"token.text":               words,
		"generated_text":           allWords,
		"details.finish_reason":    finish,
		"details.generated_tokens": outputTokens,
		"details.input_length":     promptTokens,
		"error":                    failure,
	}
	llamacppFields = map[string]meaning{
		"content":              words,
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

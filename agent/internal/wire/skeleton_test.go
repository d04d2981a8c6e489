package wire

import (
	"bytes"
	"testing"
)

// skeletons are events of each dialect as real servers send them, one after the other with little that differs.
var skeletons = map[string][]string{
	"openai-chat": {
		`{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1795667341,"id":"chatcmpl-V","model":"m","object":"chat.completion.chunk"}`,
		`{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"@"}}],"created":1795667341,"id":"chatcmpl-V","model":"m","object":"chat.completion.chunk"}`,
		`{"id":"chatcmpl-7","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"reasoning_content":"@"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":7,"completion_tokens":@}}`,
		`{"id":"chatcmpl-7","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"@"},"logprobs":null,"finish_reason":"@"}]}`,
		`{"choices":[],"usage":{"completion_tokens":3,"prompt_tokens":13},"timings":{"prompt_ms":@.88,"predicted_ms":1.963}}`,
		`[DONE]`, `null`, `{"error":{"message":"@"}}`,
	},
	"openai-completions": {
		`{"choices":[{"text":"@","index":0,"logprobs":null,"finish_reason":null}],"created":1,"model":"m","object":"text_completion","id":"c"}`,
		`{"choices":[{"text":"","index":0,"finish_reason":"length"}],"usage":{"completion_tokens":@,"prompt_tokens":21}}`, `[DONE]`,
	},
	"ollama-generate": {
		`{"model":"m","created_at":"2026-11-23T14:49:24.0978Z","response":"@","done":false}`,
		`{"model":"m","created_at":"2026-11-23T14:49:24.0978Z","response":"","thinking":"@","done":false}`,
		`{"model":"m","response":"","done":true,"done_reason":"stop","context":[1,@],"load_duration":@,"prompt_eval_count":22,"eval_count":@,"eval_duration":7}`,
	},
	"ollama-chat": {
		`{"model":"m","created_at":"T","message":{"role":"assistant","content":"@"},"done":false}`,
		`{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"@"}}]},"done":false}`,
		`{"model":"m","message":{"role":"assistant","content":""},"done":true,"eval_count":@}`,
	},
	"llamacpp-completion": {
		`{"index":0,"content":"@","tokens":[467],"stop":false,"id_slot":-1,"tokens_predicted":@,"tokens_evaluated":21}`,
		`{"index":0,"content":"","tokens":[],"stop":true,"tokens_predicted":@,"timings":{"prompt_n":7,"prompt_ms":30.5,"predicted_ms":@}}`,
	},
	"sglang-generate": {
		`{"text":"@","meta_info":{"id":"1","finish_reason":null,"prompt_tokens":7,"completion_tokens":@,"cached_tokens":0}}`,
		`{"text":"@","meta_info":{"finish_reason":{"type":"length","length":2},"prompt_tokens":7,"completion_tokens":@}}`,
	},
	"tgi-generate": {
		`{"index":1,"token":{"id":7,"text":"@","logprob":-0.1,"special":false},"generated_text":null,"details":null}`,
		`{"index":1,"token":{"id":7,"text":"@"},"generated_text":"@","details":{"finish_reason":"length","generated_tokens":@,"input_length":7}}`,
	},
	"triton-generate": {`{"model_name":"m","model_version":"1","text_output":"@"}`, `{"error":"@"}`},
}

// fillings stand where a skeleton has an @, in text or as a number: most are neither, in one of the two places.
var fillings = []string{" a", "", "1", "22", "0", `\"`, `\\`, `\\\"`, `é`, `\u00e9`, `}`, `"`, `]}`, `","done":true,"x":"`, `\n`, "\xff", "999999999", "1e3", "\x00", ":",
	" a much longer token than all of the others before it, with a comma, and a {brace}"}

// written is the text that a program writes: each of its pairs of bytes takes a skeleton and fills it, or spoils the event before.
func written(dialect string, program []byte) [][]byte {
	all, last := [][]byte(nil), []byte(nil)
	from := skeletons[dialect]
	for ; len(program) >= 2; program = program[2:] {
		op, arg := program[0], program[1]
		switch event := bytes.Clone(last); {
		case op < 160 || len(event) == 0:
			last = bytes.ReplaceAll([]byte(from[int(op)%len(from)]), []byte("@"), []byte(fillings[int(arg)%len(fillings)]))
			all = append(all, last)
		case op < 192:
			event[int(arg)%len(event)] ^= 1 << (op % 7)
			all = append(all, event)
		case op < 208:
			all = append(all, event[:int(arg)%len(event)])
		case op < 224:
			at := int(arg) % len(event)
			all = append(all, append(event[:at:at], append([]byte(" "), event[at:]...)...))
		default:
			all = append(all, event) // the same again
		}
	}
	return all
}

// FuzzSkeletons holds all of the parser against a slow one, with events that repeat and differ in a little: what a parser is
// tempted to take for the same.
func FuzzSkeletons(f *testing.F) {
	for i := range 16 {
		f.Add([]byte("\x01\x00\xf0\x00\x01\x02\x01\x03\xf0\x00\xa3\x11\x01\x05\x02\x02\x03\x02\x05\x00"), uint8(i), uint16(1+i*i*5), uint8(i*11), uint8(i))
	}
	ends := []string{"\n\n", "\r\n\r\n", "\r\r", "\n: ping\n\n"}
	f.Fuzz(func(t *testing.T, program []byte, dialect uint8, piece uint16, chunk, end uint8) {
		d, err := Lookup(Dialects()[int(dialect)%len(Dialects())])
		if err != nil {
			t.Fatal(err)
		}
		kind, before, after := "text/event-stream", []string{"data: ", "data:"}[end/16%2], ends[end%4]
		if d.format == ndjson {
			kind, before, after = "application/x-ndjson", "", []string{"\n", "\r\n"}[end%2]
		}
		var text []byte
		for _, event := range written(d.Name, program) {
			text = append(append(append(text, before...), event...), after...)
		}
		checkSlowly(t, d, kind, text, 1+int(chunk)%255, 1+int(piece)%2000)
	})
}

func TestEveryDialectHasSkeletons(t *testing.T) {
	for _, name := range Dialects() {
		events := written(name, []byte("\x00\x00\x01\x00\xf0\x00\x01\x01"))
		if len(events) != 4 || bytes.Contains(bytes.Join(events, nil), []byte("@")) {
			t.Errorf("%s: %q", name, events)
		}
	}
}

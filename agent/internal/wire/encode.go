package wire

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hpcbench/agent/internal/prompt"
	"hpcbench/agent/workload"
)

// Ask is what all requests of a trial have in common.
type Ask struct {
	Model       string
	Stream      bool
	MaxTokens   int  // 0: the server's own limit
	IgnoreEOS   bool // exactly MaxTokens, where the dialect can say so
	Temperature float64
	Seed        int64 // of the server's sampling
}

// seed is the sampler's seed as every server takes it: llama.cpp wants 32 bits and reads -1 as random.
func (a Ask) seed() int64 { return a.Seed & 0x7fffffff }

// openaiBody are the fields that both dialects of OpenAI share. ignore_eos and min_tokens are vLLM's and SGLang's;
// llama.cpp knows ignore_eos, and Ollama skips what it does not know.
func openaiBody(a Ask) map[string]any {
	body := map[string]any{"model": a.Model, "stream": a.Stream, "temperature": a.Temperature, "seed": a.seed()}
	if a.Stream {
		body["stream_options"] = map[string]bool{"include_usage": true}
	}
	if a.MaxTokens > 0 {
		body["max_tokens"] = a.MaxTokens
	}
	if a.IgnoreEOS && a.MaxTokens > 0 {
		body["ignore_eos"], body["min_tokens"] = true, a.MaxTokens
	}
	return body
}

// ollamaBody are the fields that both dialects of Ollama share. It can't be told to go on after an end of sequence.
func ollamaBody(a Ask) map[string]any {
	options := map[string]any{"temperature": a.Temperature, "seed": a.seed()}
	if a.MaxTokens > 0 {
		options["num_predict"] = a.MaxTokens
	}
	return map[string]any{"model": a.Model, "stream": a.Stream, "options": options}
}

func openaiChat(a Ask) (head, tail string)        { return around(chat(openaiBody(a))) }
func openaiCompletions(a Ask) (head, tail string) { return around(plain(openaiBody(a))) }
func ollamaGenerate(a Ask) (head, tail string)    { return around(plain(ollamaBody(a))) }
func ollamaChat(a Ask) (head, tail string)        { return around(chat(ollamaBody(a))) }

// hole stands where the prompt goes.
const hole = "\x00prompt\x00"

func plain(body map[string]any) map[string]any {
	body["prompt"] = hole
	return body
}

func chat(body map[string]any) map[string]any {
	body["messages"] = []map[string]string{{"role": "user", "content": hole}}
	return body
}

// around is the JSON of a body before and after its prompt.
func around(body map[string]any) (head, tail string) {
	head, tail, _ = strings.Cut(string(marshal(body)), strings.Trim(string(marshal(hole)), `"`))
	return head, tail
}

// marshal is for strings, numbers and maps of them, which always have a JSON form but for NaN and infinity.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("wire: %v has no JSON form: %v", v, err))
	}
	return b
}

// Encoder makes the requests of one trial to one endpoint.
type Encoder struct {
	head       string // request line and headers, up to the id
	bodyHead   string
	bodyTail   string
	fixed      string // the prompt as it stands in JSON; empty: synthetic ones
	promptSeed uint64
	words      int
	scratch    []byte
}

// NewEncoder returns the encoder of workload w to the endpoint with base URL base, each request with the headers given
// ("Name: value") beside its own. The error is about the base URL, the dialect or a missing prompt.
func NewEncoder(w workload.Workload, base string, headers []string) (*Encoder, error) {
	d, err := Lookup(w.Dialect)
	if err != nil {
		return nil, err
	}
	e := &Encoder{promptSeed: w.PromptSeed, words: w.InputTokens}
	switch {
	case w.Prompt != "" && w.InputTokens != 0:
		return nil, fmt.Errorf("workload has a prompt and input_tokens: want one of them")
	case w.Prompt != "":
		quoted := string(marshal(w.Prompt))
		e.fixed = quoted[1 : len(quoted)-1]
	case w.InputTokens <= 0:
		return nil, fmt.Errorf("workload has no prompt and no input_tokens")
	}
	target, host, err := d.Target(base)
	if err != nil {
		return nil, err
	}
	e.head = requestHead(target, host, w.Stream, headers)
	e.bodyHead, e.bodyTail = d.encode(Ask{Model: w.Model, Stream: w.Stream, MaxTokens: w.MaxTokens,
		IgnoreEOS: w.IgnoreEOS, Temperature: w.Temperature, Seed: w.Seed})
	return e, nil
}

// Target splits a base URL into the request target of this dialect and the value of the Host header. A base that ends
// in the first part of the dialect's path, such as /v1, does not get it twice.
func (d Dialect) Target(base string) (target, host string, err error) {
	u, err := Endpoint(base)
	if err != nil {
		return "", "", err
	}
	if u.Scheme == "unix" {
		return d.Path, "localhost", nil
	}
	prefix := strings.TrimRight(u.EscapedPath(), "/")
	first := d.Path[:1+strings.IndexByte(d.Path[1:], '/')]
	return strings.TrimSuffix(prefix, first) + d.Path, u.Host, nil
}

// Endpoint reads the base URL of a server. The error says what a good one looks like.
func Endpoint(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	switch {
	case err == nil && u.Scheme == "unix" && u.Opaque+u.Path != "":
		return u, nil
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("endpoint %q: want http://host:port, https://host or unix:/path", base)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("endpoint %q: port %s: want 1 to 65535", base, p)
		}
	}
	return u, nil
}

func requestHead(target, host string, stream bool, headers []string) string {
	accept := "application/json"
	if stream {
		accept = "text/event-stream, application/x-ndjson, application/json"
	}
	lines := slices.Concat([]string{
		"POST " + target + " HTTP/1.1", "Host: " + host, "User-Agent: hpcbench", "Accept: " + accept,
		"Content-Type: application/json",
	}, headers, []string{"X-Request-Id: "})
	return strings.Join(lines, "\r\n")
}

// Append appends request n of the trial, whose id is prefix and n, and returns the extended slice.
func (e *Encoder) Append(dst []byte, prefix string, n int64) []byte {
	dst = append(dst, e.head...)
	dst = append(dst, prefix...)
	dst = strconv.AppendInt(dst, n, 10)
	dst = append(dst, "\r\nContent-Length: "...)
	text := e.prompt(n)
	dst = strconv.AppendInt(dst, int64(len(e.bodyHead)+len(text)+len(e.bodyTail)), 10)
	dst = append(dst, "\r\n\r\n"...)
	dst = append(dst, e.bodyHead...)
	dst = append(dst, text...)
	return append(dst, e.bodyTail...)
}

// Body appends the body alone of request n, for a driver that makes its own headers.
func (e *Encoder) Body(dst []byte, n int64) []byte {
	dst = append(dst, e.bodyHead...)
	dst = append(dst, e.prompt(n)...)
	return append(dst, e.bodyTail...)
}

func (e *Encoder) prompt(n int64) []byte {
	if e.fixed != "" {
		e.scratch = append(e.scratch[:0], e.fixed...)
		return e.scratch
	}
	e.scratch = prompt.Append(e.scratch[:0], e.promptSeed, n, e.words)
	return e.scratch
}

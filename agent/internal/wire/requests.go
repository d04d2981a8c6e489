package wire

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"hpcbench/agent/internal/dataset"
	"hpcbench/agent/internal/prompt"
	"hpcbench/agent/internal/trace"
	"hpcbench/agent/workload"
)

// Requests is what the requests of a trial say, whatever endpoint they go to. It is read once, with the files that the
// workload names, and shared by all encoders.
type Requests struct {
	dialect Dialect
	path    string
	stream  bool
	turns   int
	headers []string // of the workload, "Name: value"

	body    []segment
	fixed   string       // the prompt as it stands in JSON; empty: another one each time
	made    *prompt.Made // nil: from a file
	set     *dataset.Set // nil: made up
	outputs prompt.Outputs

	inputs, answers *trace.Trace // that say how long prompts and answers are; nil: the workload does
}

// NewRequests reads what a workload asks for. The error is about the dialect, the prompt, a field that makes no sense, or
// a file that can't be read: an API key never is in it.
func NewRequests(w workload.Workload) (*Requests, error) {
	d, err := Lookup(w.Dialect)
	if err != nil {
		return nil, err
	}
	r := &Requests{dialect: d, path: d.path(w.Model, w.Stream), stream: w.Stream, turns: max(1, w.Turns)}
	if err := r.check(w); err != nil {
		return nil, err
	}
	if r.outputs, err = prompt.NewOutputs(w); err != nil {
		return nil, err
	}
	if r.body, err = d.body(w); err != nil {
		return nil, err
	}
	if r.headers, err = HeadersOf(w); err != nil {
		return nil, err
	}
	if err := r.replay(w); err != nil {
		return nil, err
	}
	return r, r.take(w)
}

// replay takes the lengths of recorded traffic where it is replayed and no law says otherwise.
func (r *Requests) replay(w workload.Workload) error {
	if w.Arrival != "replay" {
		return nil
	}
	t, err := trace.Open(w.Trace)
	if w.InputLaw == nil {
		r.inputs = t
	}
	if w.OutputLaw == nil {
		r.answers = t
	}
	return err
}

// check says what in a workload makes no sense to its dialect.
func (r *Requests) check(w workload.Workload) error {
	switch {
	case w.Turns > 1 && !r.dialect.chat:
		return fmt.Errorf("%d turns: %s has no conversations (use openai-chat or ollama-chat)", w.Turns, w.Dialect)
	case w.Turns > 1 && w.Prompt != "":
		return errors.New("workload has turns and one fixed prompt: want input_tokens or a dataset")
	case w.Prefix != nil && (w.Prompt != "" || w.Dataset != ""):
		return errors.New("workload has a prefix: want input_tokens, for it is the beginning of made-up prompts")
	case w.MaxTokens < 0:
		return fmt.Errorf("max_tokens %d: want 0 or more", w.MaxTokens)
	}
	return nil
}

// take finds the prompts.
func (r *Requests) take(w workload.Workload) (err error) {
	made := w.InputTokens != 0 || w.InputLaw != nil
	switch {
	case w.Prompt != "" && made, w.Dataset != "" && made, w.Prompt != "" && w.Dataset != "":
		return errors.New("workload has more than one of prompt, dataset and input_tokens: want one of them")
	case w.Prompt != "":
		text := quoted(w.Prompt)
		r.fixed = text[1 : len(text)-1]
	case w.Dataset != "":
		r.set, err = dataset.Read(w.Dataset, w.PromptSeed)
	case w.InputTokens <= 0 && w.InputLaw == nil && r.inputs == nil:
		return errors.New("workload has no prompt, no dataset and no input_tokens")
	default:
		r.made, err = prompt.NewMade(w)
	}
	return err
}

// body is the body of a workload's requests, taken apart where they differ.
func (d Dialect) body(w workload.Workload) ([]segment, error) {
	own := d.encode(Ask{Model: w.Model, Stream: w.Stream, Limited: w.MaxTokens > 0 || w.OutputLaw != nil || w.Arrival == "replay", IgnoreEOS: w.IgnoreEOS,
		Temperature: w.Temperature, Seed: w.Seed})
	if w.Batch > 1 && d.groups {
		own[d.prompt] = []any{promptHole}
	}
	for _, name := range []string{d.prompt, "stream"} {
		if _, ok := w.ExtraBody[name]; ok && !reflect.DeepEqual(w.ExtraBody[name], own[name]) {
			return nil, fmt.Errorf("extra_body: %s can't be set there: the workload says it elsewhere", name)
		}
	}
	return segments(merged(own, w.ExtraBody))
}

// Dialect is the dialect they are in.
func (r *Requests) Dialect() Dialect { return r.dialect }

// Prompts is how many prompts the dataset has; 0: there is none.
func (r *Requests) Prompts() int {
	if r.set == nil {
		return 0
	}
	return r.set.Len()
}

// Asked is the length in tokens of prompt n, and the one asked of its answer; 0: none in particular.
func (r *Requests) Asked(n int64) (input, output int) {
	switch {
	case r.made != nil && r.inputs != nil:
		input, _ = r.inputs.Lengths(n / int64(r.turns)) // an arrival's turns are as long as it
	case r.made != nil:
		input = r.made.Words(n)
	case r.set != nil:
		_, output = r.set.At(n)
	}
	switch {
	case output > 0:
	case r.answers != nil:
		_, output = r.answers.Lengths(n / int64(r.turns))
	default:
		output = r.outputs.At(n)
	}
	return input, output
}

// appendPrompt appends prompt n as it stands in JSON between quotes.
func (r *Requests) appendPrompt(dst []byte, n int64) []byte {
	switch {
	case r.made != nil:
		words, _ := r.Asked(n)
		return r.made.Append(dst, n, words)
	case r.set != nil:
		text, _ := r.set.At(n)
		return append(dst, text...)
	}
	return append(dst, r.fixed...)
}

// HeadersOf are the headers that a workload asks for, "Name: value" in the order of their names, and the one with its API
// key, which is read from its file. The error holds no value of any.
func HeadersOf(w workload.Workload) ([]string, error) {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		line := name + ": " + w.Headers[name]
		if err := CheckHeader(line); err != nil {
			return nil, fmt.Errorf("headers: %q: %w", name, err)
		}
		lines = append(lines, line)
	}
	if w.APIKeyFile == "" {
		return lines, nil
	}
	if named(lines, "Authorization") {
		return nil, errors.New("workload has an api_key_file and a header Authorization: want one of them")
	}
	key, err := ReadKey(w.APIKeyFile)
	return append(lines, Authorization(key)), err
}

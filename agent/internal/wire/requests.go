package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"hpcbench/agent/internal/dataset"
	"hpcbench/agent/internal/prompt"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/token"
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
	from    int64        // index in set of the first request's prompt
	outputs prompt.Outputs
	counted int // tokens of the fixed prompt; 0: nobody counted

	tokenizer *token.Tokenizer // that counts answers; nil: none has to. Of a large model it has 100 MB

	inputs, answers *trace.Trace // that say how long prompts and answers are; nil: the workload does
}

// NewRequests reads what a workload asks for. The error is about the dialect, the prompt, a field that makes no sense, or
// a file that can't be read: an API key never is in it.
func NewRequests(w workload.Workload) (*Requests, error) {
	d, err := Lookup(w.Dialect)
	if err != nil {
		return nil, err
	}
	r := &Requests{dialect: d, path: d.path(w.Model, w.Stream), stream: w.Stream, turns: max(1, w.Turns), from: w.DatasetFrom}
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
	case w.TokenIDs != nil && !r.dialect.ids:
		return fmt.Errorf("token ids: %s takes no token ids for a prompt (use openai-completions, llamacpp-completion, or a tokenizer)", w.Dialect)
	case w.TokenIDs != nil && (w.Prompt != "" || w.Dataset != "" || w.Tokenizer != ""):
		return errors.New("workload has token ids and a prompt, a dataset or a tokenizer: want one of them, for token ids are made-up prompts")
	case w.DatasetFrom < 0 || w.DatasetFrom > 0 && w.Dataset == "":
		return fmt.Errorf("dataset_from %d: want 0 or more, and a dataset that it is of", w.DatasetFrom)
	case w.MaxTokens < 0:
		return fmt.Errorf("max_tokens %d: want 0 or more", w.MaxTokens)
	}
	return nil
}

// take finds the prompts.
func (r *Requests) take(w workload.Workload) (err error) {
	made := w.InputTokens != 0 || w.InputLaw != nil
	tokenizer, err := tokenizerOf(w)
	if err != nil {
		return err
	}
	if r.dialect.mute {
		r.tokenizer = tokenizer
	}
	switch {
	case w.Prompt != "" && made, w.Dataset != "" && made, w.Prompt != "" && w.Dataset != "":
		return errors.New("workload has more than one of prompt, dataset and input_tokens: want one of them")
	case w.Prompt != "":
		text := quoted(w.Prompt)
		r.fixed = text[1 : len(text)-1]
		if tokenizer != nil {
			r.counted, err = tokenizer.Count(w.Prompt)
		}
	case w.Dataset != "":
		r.set, err = dataset.Read(w.Dataset, w.PromptSeed, counter(tokenizer))
	case w.InputTokens <= 0 && w.InputLaw == nil && r.inputs == nil:
		return errors.New("workload has no prompt, no dataset and no input_tokens")
	case tokenizer == nil:
		r.made, err = prompt.NewMade(w)
	default:
		r.made, err = prompt.NewExact(w, tokenizer)
	}
	return err
}

// tokenizerOf reads the tokenizer that a workload names; nil: it names none.
func tokenizerOf(w workload.Workload) (*token.Tokenizer, error) {
	if w.Tokenizer == "" {
		return nil, nil
	}
	return token.Read(w.Tokenizer)
}

// counter is a tokenizer as a dataset wants it.
func counter(t *token.Tokenizer) func(string) (int, error) {
	if t == nil {
		return nil
	}
	return t.Count
}

// body is the body of a workload's requests, taken apart where they differ.
func (d Dialect) body(w workload.Workload) ([]segment, error) {
	own := d.encode(Ask{Model: w.Model, Stream: w.Stream, Limited: w.MaxTokens > 0 || w.OutputLaw != nil || w.Arrival == "replay", IgnoreEOS: w.IgnoreEOS,
		Temperature: w.Temperature, Seed: w.Seed})
	hole := promptHole
	if w.TokenIDs != nil {
		hole = idsHole
		own[d.prompt] = hole
	}
	if w.Batch > 1 && d.groups {
		own[d.prompt] = []any{hole}
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

// Asked is the length in tokens of prompt n, and the one asked of its answer; 0: none in particular. What a server puts around
// a prompt, a token for its begin or a chat template, is not in it.
func (r *Requests) Asked(n int64) (input, output int) {
	switch {
	case r.made != nil && r.inputs != nil:
		input, _ = r.inputs.Lengths(n / int64(r.turns)) // an arrival's turns are as long as it
	case r.made != nil:
		input = r.made.Words(n)
	case r.set != nil:
		_, output = r.set.At(n + r.from)
	default:
		input = r.counted
	}
	switch {
	case output > 0:
	case r.answers != nil:
		_, output = r.answers.Lengths(n / int64(r.turns))
	default:
		output = r.outputs.At(n + r.from)
	}
	return input, output
}

// Graded reports whether answers can be compared with the right ones, for which their text is wanted.
func (r *Requests) Graded() bool { return r.set != nil && r.set.Graded() }

// Grade compares the answer to prompt n, as it stands between the quotes of a JSON string, with the right one. ok: there is a
// right one.
func (r *Requests) Grade(n int64, answer []byte) (ok, right bool) {
	if !r.Graded() {
		return false, false
	}
	return r.set.Grade(n+r.from, answer)
}

// Counts reports whether the tokens of answers are counted here, for which their text is wanted: the dialect has no count of
// them, and there is a tokenizer.
func (r *Requests) Counts() bool { return r.tokenizer != nil }

// Count counts the tokens of a record's answer where its server did not. It takes microseconds a token, so it is not for a
// load thread. An answer's end of sequence, which is no text, is not among them.
func (r *Requests) Count(rec *record.Record) {
	if len(rec.Text) == 0 || rec.TokenSource == record.Usage || !r.Counts() {
		return
	}
	var text string
	if json.Unmarshal(slices.Concat([]byte{'"'}, rec.Text, []byte{'"'}), &text) != nil {
		return // cut short: the events stand
	}
	if n, err := r.tokenizer.Count(text); err == nil && n > 0 {
		rec.OutputTokens, rec.TokenSource = n, record.Tokenizer
	}
}

// appendPrompt appends prompt n as it stands in JSON between quotes.
func (r *Requests) appendPrompt(dst []byte, n int64) []byte {
	switch {
	case r.made != nil:
		words, _ := r.Asked(n)
		return r.made.Append(dst, n, words)
	case r.set != nil:
		text, _ := r.set.At(n + r.from)
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

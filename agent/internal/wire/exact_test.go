package wire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/token"
	"hpcbench/agent/workload"
)

const smallVocabulary = "../token/testdata/bytes.json"

func TestPromptsOfTokenIDsStandInTheBodyAsNumbers(t *testing.T) {
	w := workload.Workload{Model: "m", InputTokens: 5, PromptSeed: 5, TokenIDs: &workload.IDs{First: 1000, Last: 1999}}
	for _, dialect := range []string{"openai-completions", "llamacpp-completion"} {
		w.Dialect = dialect
		_, v := ask(t, w, "http://h")
		ids, ok := v["prompt"].([]any)
		if !ok || len(ids) != 5 {
			t.Fatalf("%s: the prompt is %v, want 5 ids", dialect, v["prompt"])
		}
		for _, id := range ids {
			if n, ok := id.(float64); !ok || n < 1000 || n > 1999 {
				t.Errorf("%s: the id %v", dialect, id)
			}
		}
	}
	w.Dialect, w.Batch = "openai-completions", 3
	e, err := NewEncoder(w, "http://h", nil)
	if err != nil {
		t.Fatal(err)
	}
	lists, _ := bodyOf(t, e, Call{ID: 6, Group: []int64{6, 8, 10}})["prompt"].([]any)
	if len(lists) != 3 {
		t.Fatalf("a group of %d lists, want 3", len(lists))
	}
	for _, list := range lists {
		if ids, ok := list.([]any); !ok || len(ids) != 5 {
			t.Errorf("a prompt of the group is %v, want 5 ids", list)
		}
	}
}

func TestAPromptHasTheLengthThatIsAsked(t *testing.T) {
	tok, err := token.Read(smallVocabulary)
	if err != nil {
		t.Fatal(err)
	}
	w := workload.Workload{Dialect: "openai-completions", Model: "m", InputLaw: &workload.Length{Law: "uniform", A: 20, B: 200}, Tokenizer: smallVocabulary}
	e, err := NewEncoder(w, "http://h", nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(20) {
		asked, _ := e.Asked(n)
		got, err := tok.Count(bodyOf(t, e, Call{ID: n})["prompt"].(string))
		if err != nil || got != asked {
			t.Errorf("prompt %d has %d tokens, %d are asked (%v)", n, got, asked, err)
		}
	}
	fixed := workload.Workload{Dialect: "openai-chat", Prompt: "the same prompt", Tokenizer: smallVocabulary}
	want, err := tok.Count(fixed.Prompt)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRequests(fixed)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Asked(3); got != want {
		t.Errorf("a fixed prompt is said to have %d tokens, want %d", got, want)
	}
}

func TestRecordedRepliesSayHowLongAnswersAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "talks.json")
	if err := os.WriteFile(path, []byte(`[{"conversations":[{"from":"human","value":"hi"},{"from":"gpt","value":"The quick brown fox jumps."}]}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	tok, err := token.Read(smallVocabulary)
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := tok.Count("The quick brown fox jumps.")
	if err != nil {
		t.Fatal(err)
	}
	for tokenizer, want := range map[string]int{"": 77, smallVocabulary: recorded} {
		r, err := NewRequests(workload.Workload{Dialect: "openai-chat", Dataset: path, MaxTokens: 77, Tokenizer: tokenizer})
		if err != nil {
			t.Fatal(err)
		}
		if _, got := r.Asked(0); got != want {
			t.Errorf("with tokenizer %q %d tokens are asked, want %d", tokenizer, got, want)
		}
	}
}

func TestTokenizersAndIDsThatMakeNoSense(t *testing.T) {
	ids := &workload.IDs{First: 1, Last: 99}
	for want, w := range map[string]workload.Workload{
		"openai-chat takes no token ids":      {Dialect: "openai-chat", InputTokens: 5, TokenIDs: ids},
		"ollama-generate takes no token ids":  {Dialect: "ollama-generate", InputTokens: 5, TokenIDs: ids},
		"token ids and a prompt, a dataset":   {Dialect: "openai-completions", Prompt: "x", TokenIDs: ids},
		"a dataset or a tokenizer: want one":  {Dialect: "openai-completions", InputTokens: 5, TokenIDs: ids, Tokenizer: smallVocabulary},
		"want two ids or more":                {Dialect: "openai-completions", InputTokens: 5, TokenIDs: &workload.IDs{First: 4, Last: 4}},
		"/no/such/tokenizer.json: no such":    {Dialect: "openai-chat", InputTokens: 5, Tokenizer: "/no/such/tokenizer.json"},
		"bytes.jsonl: no tokenizer.json or G": {Dialect: "openai-chat", InputTokens: 5, Tokenizer: "../token/testdata/bytes.jsonl"},
	} {
		if _, err := NewRequests(w); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The text of an answer is kept of every dialect, from deltas, from texts that repeat what came before, and from one piece.
func TestTextsOfAnswers(t *testing.T) {
	sse := func(events ...string) string {
		return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: " + strings.Join(events, "\n\ndata: ") + "\n\n"
	}
	for dialect, answer := range map[string]string{
		"openai-chat":        sse(`{"choices":[{"delta":{"reasoning":"hm"}}]}`, `{"choices":[{"delta":{"content":"The "}}]}`, `{"choices":[{"delta":{"content":"\"B\""}}]}`, `[DONE]`),
		"openai-completions": sse(`{"choices":[{"text":"The "}]}`, `{"choices":[{"text":"\"B\""}]}`, `[DONE]`),
		"ollama-generate": "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n" +
			`{"response":"The ","done":false}` + "\n" + `{"response":"\"B\"","done":false}` + "\n" + `{"response":"","done":true}` + "\n",
		"triton-generate":     sse(`{"text_output":"The "}`, `{"text_output":"\"B\""}`),
		"sglang-generate":     sse(`{"text":"The ","meta_info":{"completion_tokens":1}}`, `{"text":"The \"B\"","meta_info":{"completion_tokens":2,"finish_reason":"stop"}}`, `[DONE]`),
		"tgi-generate":        sse(`{"token":{"text":"The "}}`, `{"token":{"text":"\"B\""},"generated_text":"The \"B\"","details":{"finish_reason":"length"}}`),
		"llamacpp-completion": sse(`{"content":"The ","stop":false}`, `{"content":"\"B\"","stop":false}`, `{"content":"","stop":true}`),
	} {
		d, err := Lookup(dialect)
		if err != nil {
			t.Fatal(err)
		}
		var p Parser
		p.Reset(d, true)
		p.Expect(1, true)
		for i := range len(answer) {
			p.Feed([]byte(answer[i : i+1]))
		}
		p.Hangup(nil)
		var text string
		if err := json.Unmarshal([]byte(`"`+string(p.Text())+`"`), &text); err != nil || text != `The "B"` {
			t.Errorf("%s: the text is %q (%v)", dialect, p.Text(), err)
		}
	}
}

func TestTokensThatNoServerCounts(t *testing.T) {
	tok, err := token.Read(smallVocabulary)
	if err != nil {
		t.Fatal(err)
	}
	const text = `The "quick" brown fox – \u00fc`
	want, err := tok.Count(`The "quick" brown fox – ü`)
	if err != nil {
		t.Fatal(err)
	}
	quoted := strings.ReplaceAll(text, `"`, `\"`)
	for _, c := range []struct {
		dialect, tokenizer, text string
		source                   record.TokenSource
		tokens                   int
		want                     record.TokenSource
	}{
		{"triton-generate", smallVocabulary, quoted, record.Events, want, record.Tokenizer},
		{"triton-generate", smallVocabulary, quoted, record.NoTokens, want, record.Tokenizer},
		{"triton-generate", smallVocabulary, quoted, record.Usage, 3, record.Usage},
		{"triton-generate", smallVocabulary, quoted + `\`, record.Events, 3, record.Events},
		{"triton-generate", smallVocabulary, "", record.NoTokens, 3, record.NoTokens},
		{"triton-generate", "", quoted, record.Events, 3, record.Events},
		{"openai-chat", smallVocabulary, quoted, record.Events, 3, record.Events},
	} {
		r, err := NewRequests(workload.Workload{Dialect: c.dialect, InputTokens: 5, Tokenizer: c.tokenizer})
		if err != nil {
			t.Fatal(err)
		}
		rec := record.Record{OutputTokens: 3, TokenSource: c.source, Text: []byte(c.text)}
		if r.Count(&rec); rec.OutputTokens != c.tokens || rec.TokenSource != c.want {
			t.Errorf("%+v: %d tokens by %v", c, rec.OutputTokens, rec.TokenSource)
		}
	}
}

package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
)

// real are the answers that a file of testdata has, each with what was asked.
func real(t *testing.T, name string) (asked, answers []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if ask, answer, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok && !strings.HasPrefix(line, "#") {
			asked, answers = append(asked, ask), append(answers, answer)
		}
	}
	return asked, answers
}

// Ollama's own figures are in the record, in seconds, where it gives them; of all its answers only the one for which it
// started a runner again, with a smaller context, is cold.
func TestOllamasOwnFigures(t *testing.T) {
	asked, answers := real(t, "ollama-0.24.tsv")
	if len(answers) != 10 {
		t.Fatalf("%d answers, want 10", len(answers))
	}
	var e Encoder
	for i, text := range answers {
		var want struct {
			Load   float64 `json:"load_duration"`
			Prompt float64 `json:"prompt_eval_duration"`
			Decode float64 `json:"eval_duration"`
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		dialect := "ollama-generate"
		if strings.Contains(text, `"message"`) {
			dialect = "ollama-chat"
		}
		a, _ := parse(t, dialect, false, whole(text), 1<<20)
		a.Cold = e.Cold(a.ServerLoad)
		var r record.Record
		a.Fill(&r)
		for _, part := range []struct{ got, ns float64 }{{r.ServerLoad, want.Load}, {r.ServerPrompt, want.Prompt}, {r.ServerDecode, want.Decode}} {
			if unknown := part.ns == 0; unknown != math.IsNaN(part.got) || !unknown && math.Abs(part.got*1e9-part.ns) > 0.5 {
				t.Errorf("%s: got %v s, the answer has %v ns", asked[i], part.got, part.ns)
			}
		}
		if cold := strings.Contains(asked[i], "num_ctx"); r.Cold != cold {
			t.Errorf("%s: cold %v, loaded in %v s", asked[i], r.Cold, r.ServerLoad)
		}
	}
}

// llama-server's timings are in the record, from the answers of build b11669 as they came, streamed and in one piece.
func TestLlamaServersOwnFigures(t *testing.T) {
	files, err := filepath.Glob("testdata/llamacpp/*.http")
	if err != nil || len(files) != 6 {
		t.Fatalf("answers %q (%v), want 6", files, err)
	}
	dialects := map[string]string{"chat-completions": "openai-chat", "completions": "openai-completions", "completion": "llamacpp-completion"}
	told := regexp.MustCompile(`"prompt_ms":([0-9.]+),.*"predicted_ms":([0-9.]+),`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		api, kind, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".http"), ".")
		m := told.FindSubmatch(text)
		for _, piece := range []int{1 << 20, 1, 13} {
			a, events := parse(t, dialects[api], kind == "stream", string(text), piece)
			if streamed := kind == "stream"; streamed && events != 5 || !streamed && events != 0 {
				t.Errorf("%s: %d events", file, events)
			}
			prompt, decode := fmt.Sprintf("%.6g", a.ServerPrompt*1e3), fmt.Sprintf("%.6g", a.ServerDecode*1e3)
			if a.Outcome != record.OK || a.OutputTokens != 5 || a.PromptTokens <= 5 || !a.Reusable || prompt != string(m[1]) || decode != string(m[2]) || a.ServerLoad != 0 {
				t.Errorf("%s in pieces of %d: %+v, want %s and %s ms", file, piece, a, m[1], m[2])
			}
		}
	}
}

package wire

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
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

func TestColdStarts(t *testing.T) {
	for name, c := range map[string]struct {
		loads []float64
		cold  string // of each: y or n
	}{
		"a model that is loaded first":              {[]float64{3.2, 0.0015, 0.002}, "ynn"},
		"those that wait for the load are cold too": {[]float64{3.2, 3.2, 3.1, 0.0015}, "yyyn"},
		"evicted and loaded again":                  {[]float64{0.0015, 3.2, 0.0015}, "nyn"},
		"a tiny model loaded again":                 {[]float64{0.0014, 0.0056, 0.28}, "nny"},
		"a busy server is no load":                  {[]float64{0.0014, 0.15, 0.24}, "nnn"},
		"a server that reads its metadata anew":     {[]float64{0.66, 0.81, 0.844, 0.7}, "nnnn"}, // Ollama 0.32
		"the same, and a load":                      {[]float64{0.66, 3.0, 0.7}, "nyn"},
		"not told":                                  {[]float64{0, 0, 5, 0}, "nnyn"},
	} {
		var e Encoder
		got := ""
		for _, s := range c.loads {
			if e.Cold(s) {
				got += "y"
			} else {
				got += "n"
			}
		}
		if got != c.cold {
			t.Errorf("%s: %v: cold %s, want %s", name, c.loads, got, c.cold)
		}
	}
}

package dataset

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzRead looks for a file that ends the program, and for a prompt that is no text in JSON.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"prompt": "one", "output_tokens": 5}` + "\n\n" + `{"prompt": "t\u0000wo\ud800", "max_tokens": 7}`, `{"ctx": "HellaSwag", "endings": ["a", "b", "c", "d"], "label": 3}`,
		`[{"conversations": [{"from": "gpt", "value": "x"}, {"from": "human", "value": "ShareGPT"}]}, {"conversations": []}]`,
		"\ufeff [{\"conversations\":[{\"from\":\"human\",\"value\":\"cut", `[{}`, `[1,`, `{"prompt":""}`, "\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &Set{limit: 1 << 16}
		if err := s.read(strings.NewReader(text)); err != nil || s.Len() == 0 {
			return
		}
		s.shuffle(1)
		for n := range int64(s.Len()) {
			var prompt string
			quoted, tokens := s.At(n)
			if err := json.Unmarshal([]byte(`"`+string(quoted)+`"`), &prompt); err != nil || strings.TrimSpace(prompt) == "" || tokens < 0 {
				t.Fatalf("prompt %d: %q, %d tokens: %v", n, quoted, tokens, err)
			}
		}
	})
}

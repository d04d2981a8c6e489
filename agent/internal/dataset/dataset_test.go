package dataset

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prompts")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// prompts are those of a set, as "text/tokens", sorted.
func prompts(t *testing.T, s *Set) []string {
	t.Helper()
	var all []string
	for n := range int64(s.Len()) {
		raw, tokens := s.At(n)
		var text string
		if err := json.Unmarshal([]byte(`"`+string(raw)+`"`), &text); err != nil {
			t.Fatalf("prompt %d is %q: %v", n, raw, err)
		}
		all = append(all, fmt.Sprintf("%s/%d", text, tokens))
	}
	slices.Sort(all)
	return all
}

func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"lines", "{\"prompt\":\"one\"}\n\n{\"prompt\":\"two\",\"output_tokens\":7}\r\n{\"prompt\":\"three\",\"max_tokens\":9,\"id\":3}",
			[]string{"one/0", "three/9", "two/7"}},
		{"text that JSON escapes", "\xEF\xBB\xBF" + `{"prompt":"a \"b\" \n ü \\ \u2028 <x>"}`, []string{"a \"b\" \n ü \\ \u2028 <x>/0"}},
		{"HellaSwag", `{"ind": 24, "activity_label": "Roof shingle removal", "ctx_a": "A man", "ctx": "A man is sitting on a roof. he", "split": "val", "endings": ["a", "b"], "label": 3}` + "\n",
			[]string{"A man is sitting on a roof. he/0"}},
		{"ShareGPT", ` [{"id":"a","conversations":[{"from":"human","value":"hi"},{"from":"gpt","value":"ho"}]},
			{"id":"b","conversations":[]}, {"id":"c","conversations":[{"from":"gpt","value":"first"},{"from":"user","value":"second"}]}]`,
			[]string{"hi/0", "second/0"}},
	} {
		s, err := Read(file(t, c.text), 1)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := prompts(t, s); !slices.Equal(got, c.want) {
			t.Errorf("%s: prompts %q, want %q", c.name, got, c.want)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no JSON", "\n{\"prompt\":\"one\"}\nprompt two\n", "prompts:3: want a JSON object"},
		{"no prompt", "{\"prompt\":\"one\"}\n\n{\"text\":\"two\"}\n", `prompts:3: neither "prompt" nor`},
		{"a prompt that is no text", `{"prompt":["one"]}`, "prompts:1: want a JSON object"},
		{"an empty prompt", `{"prompt":" "}`, "prompts:1: an empty prompt"},
		{"no length", "{\"prompt\":\"x\",\"output_tokens\":0}", "prompts:1: 0 tokens asked"},
		{"nothing", "", "prompts: no prompt in it"},
		{"blanks", " \n\n", "prompts: no prompt in it"},
		{"an array cut short", "[\n{\"conversations\":[{\"from\":\"human\",\"value\":\"hi\"}]},\n{\"conversations\":[", "prompts:3: want"},
		{"an array without its end", "[\n{\"conversations\":[{\"from\":\"human\",\"value\":\"hi\"}]}\n", "the file ends in the middle of the array"},
		{"an array with a mistake", "\n [\n{\"conversations\":[{\"from\":\"human\",\"value\":\"hi\"}]},\n\n{\"conversations\":[}]\n", "prompts:5: want"},
		{"an array of no conversations", "[{\"conversations\":[]}]", "prompts: no prompt in it"},
	} {
		_, err := Read(file(t, c.text), 1)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Read("/no/such/file", 1); err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestEveryPromptComesOnceBeforeOneComesTwice(t *testing.T) {
	var text strings.Builder
	for n := range 100 {
		fmt.Fprintf(&text, "{\"prompt\":\"%d\"}\n", n)
	}
	path := file(t, text.String())
	first, err := Read(path, 7)
	if err != nil {
		t.Fatal(err)
	}
	seen, inOrder := map[string]bool{}, 0
	for n := range int64(100) {
		p, _ := first.At(n)
		if seen[string(p)] {
			t.Fatalf("prompt %s comes twice", p)
		}
		seen[string(p)] = true
		if string(p) == fmt.Sprint(n) {
			inOrder++
		}
		if again, _ := first.At(n + 100); string(again) != string(p) {
			t.Fatalf("the second round has %s for %s", again, p)
		}
	}
	if inOrder > 10 {
		t.Errorf("%d of 100 prompts are at their place in the file", inOrder)
	}
	same, err := Read(path, 7)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Read(path, 8)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first.order, same.order) || slices.Equal(first.order, other.order) {
		t.Error("the order does not follow from the seed")
	}
}

func TestTheTextInMemoryIsBounded(t *testing.T) {
	s := &Set{limit: 10}
	err := s.read(strings.NewReader("{\"prompt\":\"12345\"}\n{\"prompt\":\"123456\"}\n"))
	if err == nil || !strings.Contains(located("f", err).Error(), "f:2: the prompts up to here have more than") {
		t.Errorf("11 bytes of prompts where 10 are allowed: %v", err)
	}
}

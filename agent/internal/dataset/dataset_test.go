package dataset

import (
	"encoding/json"
	"errors"
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
		said := fmt.Sprintf("%s/%d", text, tokens)
		for c := 'A'; c <= 'Z'; c++ {
			if _, right := s.Grade(n, []byte(string(c))); right {
				said += "/" + string(c)
			}
		}
		all = append(all, said)
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
		{"HellaSwag", `{"ind": 24, "activity_label": "Roof shingle removal", "ctx_a": "A man", "ctx": "A man is sitting on a roof. he", "split": "val", "endings": ["falls.", "starts pulling up roofing."], "label": 1}` + "\n" +
			`{"ctx": "A cat", "endings": ["sits."], "label": ""}` + "\n" + `{"ctx": "no endings", "label": 3}`,
			[]string{"A cat\n\nWhich ending fits best? Answer with its letter alone.\nA. sits.\nAnswer:/0",
				"A man is sitting on a roof. he\n\nWhich ending fits best? Answer with its letter alone.\nA. falls.\nB. starts pulling up roofing.\nAnswer:/0/B", "no endings/0"}},
		{"choices of our own", `{"prompt": "Which? A, B or C", "answer": "C", "max_tokens": 4}`, []string{"Which? A, B or C/4/C"}},
		{"ShareGPT", ` [{"id":"a","conversations":[{"from":"human","value":"hi"},{"from":"gpt","value":"ho"}]},
			{"id":"b","conversations":[]}, {"id":"c","conversations":[{"from":"gpt","value":"first"},{"from":"user","value":"second"}]}]`,
			[]string{"hi/0", "second/0"}},
	} {
		s, err := Read(file(t, c.text), 1, nil)
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
		{"an answer that is no letter", `{"prompt":"x","answer":"all"}`, `prompts:1: the answer "all": want the letter`},
		{"a label past the endings", `{"ctx":"x","endings":["a","b"],"label":2}`, "prompts:1: the label 2 of 2 endings"},
		{"a label that is no number", `{"ctx":"x","endings":["a","b"],"label":"B"}`, `prompts:1: the label "B" of 2 endings`},
		{"nothing", "", "prompts: no prompt in it"},
		{"blanks", " \n\n", "prompts: no prompt in it"},
		{"an array cut short", "[\n{\"conversations\":[{\"from\":\"human\",\"value\":\"hi\"}]},\n{\"conversations\":[", "prompts:3: want"},
		{"an array without its end", "[\n{\"conversations\":[{\"from\":\"human\",\"value\":\"hi\"}]}\n", "the file ends in the middle of the array"},
		{"an array with a mistake", "\n [\n{\"conversations\":[{\"from\":\"human\",\"value\":\"hi\"}]},\n\n{\"conversations\":[}]\n", "prompts:5: want"},
		{"an array of no conversations", "[{\"conversations\":[]}]", "prompts: no prompt in it"},
	} {
		_, err := Read(file(t, c.text), 1, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Read("/no/such/file", 1, nil); err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestEveryPromptComesOnceBeforeOneComesTwice(t *testing.T) {
	var text strings.Builder
	for n := range 100 {
		fmt.Fprintf(&text, "{\"prompt\":\"%d\"}\n", n)
	}
	path := file(t, text.String())
	first, err := Read(path, 7, nil)
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
	same, err := Read(path, 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Read(path, 8, nil)
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

func TestLettersThatRepliesChoose(t *testing.T) {
	for reply, want := range map[string]string{
		"B": "B", " B.": "B", "**C**": "C", "(D)": "D", "“A”": "A", `\u201cB\u201d`: "B", "Answer: C": "C", "The answer is B.": "B", "B. He falls.": "B", "A": "A", "A.": "A",
		"b": "B", "c)": "C", "A is right": "A", "A man climbs. So D": "D", "I think it is B": "B", "I'm sure: C": "C", "Option A and B differ. The answer is D": "D",
		`\n\nB`: "B", `\"C\"`: "C", "Both A and C are odd; answer: B, I'd say": "B", "no idea": "", "": "", "Déjà vu": "", `D\u00e9j\u00e0 vu`: "", "the best": "", "BAD": "", "B2": "",
		"The answer is A? No. Answer: B": "B", "Answer: A? No, the answer is B": "B", "The answer is D. Is there another answer: no": "D",
		"A." + strings.Repeat(" thought", 5000) + ". The answer is C.": "C", "A." + strings.Repeat(" thought", 5000): "A",
		"The answer is not clear. C": "C", `\ud83d\ude00 B`: "B", `\`: "", `\u12`: "",
	} {
		got := ""
		if c := chosen([]byte(reply)); c != 0 {
			got = string(c)
		}
		if got != want {
			t.Errorf("%.90q chooses %q, want %q", reply, got, want)
		}
	}
}

func TestRecordedRepliesSayHowLong(t *testing.T) {
	text := `[{"conversations":[{"from":"human","value":"one"},{"from":"gpt","value":"four words it has"}]},
		{"conversations":[{"from":"human","value":"two"}]},
		{"conversations":[{"from":"system","value":"x"},{"from":"user","value":"three"},{"from":"assistant","value":"two words"},{"from":"gpt","value":"no"}]},
		{"conversations":[{"from":"human","value":"four"},{"from":"gpt","value":"?"}]}]`
	count := func(s string) (int, error) {
		if s == "?" {
			return 0, errors.New("not certain")
		}
		return len(strings.Fields(s)), nil
	}
	s, err := Read(file(t, text), 1, count)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := prompts(t, s), []string{"four/0", "one/4", "three/2", "two/0"}; !slices.Equal(got, want) {
		t.Errorf("prompts %q, want %q", got, want)
	}
	if s.Graded() {
		t.Error("ShareGPT has no right answers")
	}
	if _, err := Read(file(t, "[{\"conversations\":["), 1, count); err == nil {
		t.Error("a broken file is read")
	}
}

func FuzzChoice(f *testing.F) {
	f.Add([]byte(`The answer is \u201cB`))
	f.Add([]byte("A man\xff I’m \\"))
	f.Fuzz(func(t *testing.T, reply []byte) {
		if c := chosen(reply); c != 0 && (c < 'A' || c > 'Z') {
			t.Errorf("%q chooses %q", reply, c)
		}
	})
}

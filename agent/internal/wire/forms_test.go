package wire

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"hpcbench/agent/internal/wire/fixture"
)

// same holds what forms find in a text against what the scan finds.
func same(t *testing.T, k *Forms, text string, root *field, group int) {
	t.Helper()
	var quick, slow *details
	if group > 0 {
		quick, slow = &details{choices: make([]choice, group-1)}, &details{choices: make([]choice, group-1)}
	}
	got, ok := k.scan([]byte(text), root, quick)
	want, wantOK := scan([]byte(text), root, slow)
	got.more, want.more = nil, nil
	if ok != wantOK || ok && (got != want || !reflect.DeepEqual(quick, slow)) {
		t.Errorf("%s: %+v, %v, %+v; the scan finds %+v, %v, %+v", text, got, ok, quick, want, wantOK, slow)
	}
}

// FuzzForms holds forms against the scan on texts that resemble one another.
func FuzzForms(f *testing.F) {
	f.Add(`{"choices":[{"index":0,"delta":{"content":"`, `x`, `y\"`, `"},"finish_reason":null}]}`, uint8(3))
	f.Add(`{"error":`, `1`, `"x"`, `,"object":"error"}`, uint8(0))
	f.Add(`{"id":"`, `a`, `","x":"`, `","choices":[{"text":"z"},{"index":1,"text":"z"}]}`, uint8(3))
	f.Add(`{"usage":{"completion_tokens":`, `1 `, `2e`, `,"prompt_tokens":[{"x":1}]}}`, uint8(1))
	f.Add(`{"done":`, `true`, `fals`, `}`, uint8(2))
	f.Fuzz(func(t *testing.T, head, a, b, tail string, group uint8) {
		for _, root := range []*field{openai, ollama} {
			k := new(Forms)
			for _, value := range []string{a, b, a + b, b + a, "", a, b, `\` + a, a + `\"` + b, `"`, `,`, `\`} {
				same(t, k, head+value+tail, root, int(group%4))
			}
		}
	})
}

// TestFormsFindWhatTheScanFinds feeds texts of a few shapes with values of every kind in all their places.
func TestFormsFindWhatTheScanFinds(t *testing.T) {
	shapes := []string{
		`{"id":%s,"object":%s,"choices":[{"index":%s,"delta":{"content":%s,"reasoning":%s},"finish_reason":%s}],"usage":%s}`,
		`{"choices":[{"text":%s,"index":%s},{"text":%s,"index":%s,"x":{"text":%s}}], "usage": {"prompt_tokens": %s ,"completion_tokens":%s}}`,
		`{"usage":{"completion_tokens":%s,"completion_tokens":%s},"error":%s,"x":[%s,%s],"y":%s,"z":%s}`,
	}
	values := []string{`"x"`, `" y"`, `""`, `"\""`, `"\\"`, `"\\\""`, `"a,b}"`, `"error"`, `null`, `true`, `false`, `0`, `1`, `12`, `1e9`, `-3`, `[]`,
		`[{}]`, `[{"content":"q"}]`, `{}`, `{"a":"b"}`, ` 7`, `7 `, `x`, ``, `"`, `,`, `]`, `"a"b"`, "\x00", "1\x00"}
	r := rand.New(rand.NewPCG(1, 2))
	k := new(Forms)
	usual := []any{`"x"`, `"error"`, `0`, `" w"`, `" v"`, `null`, `3`}
	hits := 0
	for range 60_000 {
		fields := append([]any(nil), usual...)
		for range r.IntN(3) {
			fields[r.IntN(len(fields))] = values[r.IntN(len(values))]
		}
		same(t, k, fmt.Sprintf(shapes[r.IntN(len(shapes))], fields...), openai, r.IntN(4))
		if k.misses == 0 {
			hits++
		}
	}
	if hits < 10_000 {
		t.Errorf("%d of 60000 texts followed a form: nothing is tested", hits)
	}
}

func TestTheTokensOfAStreamFollowOneForm(t *testing.T) {
	k := new(Forms)
	event := func(id, created int, content string) string {
		return fmt.Sprintf(`{"id":"chat-%d","created":%d,"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}`, id, created, content)
	}
	for i := range 10 {
		same(t, k, event(i/4, 99+i/4, strings.Repeat(`é\"`, 1+i)), openai, 0)
		if i > 4 && k.misses > 0 {
			t.Errorf("event %d followed no form", i)
		}
	}
	if len(k.known) != 1 {
		t.Errorf("%d forms, want one", len(k.known))
	}
}

func TestTextsThatResembleNothingAreNotAllLearned(t *testing.T) {
	k, learned := new(Forms), 0
	for i := range 1000 {
		same(t, k, `{"choices":[`+strings.Repeat(`{"index":0},`, i%30)+`{"text":[`+strings.Repeat("1,", i)+`1]}]}`, openai, 0)
		if k.places != nil {
			learned++
			k.places = nil
		}
	}
	if len(k.known) > formsMost || learned > 2*patience+1000/patience {
		t.Errorf("%d forms, learned from %d texts", len(k.known), learned)
	}
}

func BenchmarkForms(b *testing.B) {
	k := new(Forms)
	var events [][]byte
	for i := range 16 {
		events = append(events, fmt.Appendf(nil, `{"id":"chatcmpl-840","object":"chat.completion.chunk","created":1795445366,"model":"tiny","choices":[{"index":0,"delta":{"content":" watch%d"},"finish_reason":null}]}`, i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		k.scan(events[i&15], openai, nil)
	}
}

// alikeAnswers compares two answers, in which what the server did not say is NaN.
func alikeAnswers(a, b Answer) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }

// FuzzAnswersWithForms parses two answers that resemble one another with shared forms, and each without.
func FuzzAnswersWithForms(f *testing.F) {
	for i, c := range fixture.All() {
		f.Add([]byte(c.Bytes), uint8(i%8), uint16(i*7), uint16(i*13), byte(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, dialect uint8, piece, at uint16, put byte) {
		name, k := Dialects()[int(dialect)%len(Dialects())], new(Forms)
		other := []byte(string(b))
		if len(b) > 0 {
			other[int(at)%len(b)] = put
		}
		for i, text := range [][]byte{b, other, b, other} {
			for _, n := range []int{max(1, len(b)), 1 + int(piece)%200} {
				want, events := parse(t, name, true, string(text), n)
				got, n := remembered(t, k, name, true, string(text), n)
				if !alikeAnswers(got, want) || n != events {
					t.Errorf("answer %d: %+v, %d events; without forms %+v, %d", i, got, n, want, events)
				}
			}
		}
	})
}

func TestEveryAnswerIsTheSameWithForms(t *testing.T) {
	k := new(Forms)
	for range 3 {
		for _, c := range fixture.All() {
			for _, n := range []int{1, 50, 1 << 20} {
				want, events := parse(t, c.Dialect, !c.Document, c.Bytes, n)
				if got, m := remembered(t, k, c.Dialect, !c.Document, c.Bytes, n); !alikeAnswers(got, want) || m != events {
					t.Errorf("%s in pieces of %d: %+v, %d events; without forms %+v, %d", c.Name, n, got, m, want, events)
				}
			}
		}
	}
}

package trace

import (
	"strings"
	"testing"
)

// FuzzRead looks for a file that ends the program, and for a trace that breaks a promise: times that go on, and lengths of
// 1 or more.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"timestamp": 27, "input_length": 6758, "output_length": 500}` + "\n" + `{"timestamp": 30, "input_length": 1, "output_length": 0}`,
		`{"timestamp": 0.027, "input_tokens": 6758, "output_tokens": 500}`,
		"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n",
		"\ufeff\n\nTimestamp,Request tokens,Response tokens\n\"5\n\",1,1", `{"timestamp":1e999}`, `{"timestamp":-1,"input_tokens":1,"output_tokens":1}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(strings.NewReader(text))
		if err != nil {
			if before, _, _ := strings.Cut(err.Error(), ":"); before == "" || strings.Trim(before, "0123456789") != "" {
				t.Errorf("error %q begins with no line", err)
			}
			return
		}
		last := 0.0
		for i := range int64(got.Len()) {
			if in, out := got.Lengths(i); in < 1 || out < 1 || !(got.At(i) >= last) {
				t.Fatalf("request %d at %v after %v, %d and %d tokens", i, got.At(i), last, in, out)
			}
			last = got.At(i)
		}
	})
}

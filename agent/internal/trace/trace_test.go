package trace

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	mooncake = `{"timestamp": 1000, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}
{"timestamp": 1000, "input_length": 7322, "output_length": 490}

{"timestamp": 4500.5, "input_length": 10, "output_length": 1}`
	burstGPT = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\r\n" +
		"5,ChatGPT,472,18,490,Conversation log\r\n45.5,GPT-4,1087,0,1087,\"API, log\"\r\n"
	plain = "\n{\"timestamp\": 0.25, \"input_tokens\": 12, \"output_tokens\": 3}\n{\"timestamp\": 0.75, \"input_tokens\": 13, \"output_tokens\": 4}\n"
)

// near holds what rounding does to differences of times.
func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func TestThreeLayoutsAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		at      []float64
		in, out []int
		mean    float64
	}{
		"mooncake": {text: mooncake, at: []float64{0, 0, 3.5005}, in: []int{6758, 7322, 10}, out: []int{500, 490, 1}, mean: 3.5005 / 2},
		"BurstGPT": {text: burstGPT, at: []float64{0, 40.5}, in: []int{472, 1087}, out: []int{18, 1}, mean: 40.5},
		"BurstGPT with sessions": {text: "Timestamp, Session ID,Elapsed time,model,REQUEST TOKENS,Response tokens,Total tokens,Log Type\n" +
			"0.5,,1.5,GPT-4,472,18,490,Conversation log\n\n2,7,1.5,GPT-4,9,1,10,API log\n", at: []float64{0, 1.5}, in: []int{472, 9}, out: []int{18, 1}, mean: 1.5},
		"byte order mark": {text: "\ufeff" + burstGPT, at: []float64{0, 40.5}, in: []int{472, 1087}, out: []int{18, 1}, mean: 40.5},
		"plain":           {text: plain, at: []float64{0, 0.5}, in: []int{12, 13}, out: []int{3, 4}, mean: 0.5},
		"one request":     {text: plain[:strings.LastIndex(plain, "{")], at: []float64{0}, in: []int{12}, out: []int{3}},
	} {
		got, err := Read(strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Len() != len(c.at) || !near(got.MeanGap(), c.mean) {
			t.Errorf("%s: %d requests, mean gap %v; want %d and %v", name, got.Len(), got.MeanGap(), len(c.at), c.mean)
		}
		for i, at := range c.at {
			if in, out := got.Lengths(int64(i)); !near(got.At(int64(i)), at) || in != c.in[i] || out != c.out[i] {
				t.Errorf("%s: request %d at %v with %d and %d tokens; want %v, %d, %d", name, i, got.At(int64(i)), in, out, at, c.in[i], c.out[i])
			}
		}
	}
}

func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "1: no request in it"},
		{"Timestamp,Model\n1,x\n", `1: no column "Request tokens"`},
		{"\n\nhello\n", `3: no column "Timestamp"`},
		{strings.Replace(burstGPT, "45.5", "4.5", 1), "3: the request comes 0.5 s before the one above it: sort the file by time"},
		{strings.Replace(burstGPT, "1087,0", "many,0", 1), `3: Request tokens: "many" is no number`},
		{strings.Replace(burstGPT, "1087,0,1087,", "1087,0,", 1), "3: wrong number of fields"},
		{strings.Replace(plain, `"input_tokens": 13`, `"input_tokens": 0`, 1), "3: 0 input tokens: want a whole number from 1"},
		{strings.Replace(plain, `"output_tokens": 4`, `"output_tokens": 4.5`, 1), "3: 4.5 output tokens"},
		{strings.Replace(plain, `"input_tokens": 13`, `"length": 13`, 1), `3: want "input_length"`},
		{strings.Replace(plain, `0.75`, `-1`, 1), "3: time -1 s: want 0 or more"},
		{strings.Replace(mooncake, `"timestamp": 4500.5, `, "", 1), `4: no "timestamp"`},
		{mooncake + "\n{torn", "5: not JSON of a request"},
		{burstGPT + `46,"open` + strings.Repeat("quote\n", lineLimit/6+2000), "4: a row of more than 1 MiB (is a quote left open?)"},
		{burstGPT + "46," + strings.Repeat("x", lineLimit+9000), "4: a row of more than 1 MiB"},
		{strings.Repeat("x", lineLimit+9000), "1: a row of more than 1 MiB"},
		{mooncake + "\n{" + strings.Repeat(" ", lineLimit), "5: a line of more than 1 MiB"},
	} {
		if _, err := Read(strings.NewReader(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.500q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestAFileIsReadOnceWhileItIsUsedAndAnewWhenItChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(plain)
	a, err := Open(path)
	b, again := Open(path)
	if err != nil || again != nil || a != b {
		t.Errorf("%p and %p, %v, %v; want one trace", a, b, err, again)
	}
	put(mooncake)
	if c, err := Open(path); err != nil || c == a || c.Len() != 3 {
		t.Errorf("%+v, %v; want the new one", c, err)
	}
	put("{}")
	if _, err := Open(path); err == nil || !strings.HasPrefix(err.Error(), path+":1: ") {
		t.Errorf("%v, want the path and the line", err)
	}
	if a.Len() != 2 {
		t.Error("the first trace changed")
	}
}

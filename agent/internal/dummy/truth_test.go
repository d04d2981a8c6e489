package dummy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTruthOfEveryRequest(t *testing.T) {
	var out bytes.Buffer
	url, stop := start(t, Config{Truth: &out})
	before := time.Now().UnixNano()
	post(t, url+"/v1/completions", `{"model":"m","prompt":"a b","max_tokens":3,"stream":true}`, "X-Request-Id", "r-1")
	post(t, url+"/api/chat", `{"model":"m","messages":[{"content":"a"}],"stream":false,"options":{"num_predict":4}}`, "X-Request-Id", "probe-2")
	post(t, url+"/api/chat", `{`)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	lines := truthLines(t, out.String())
	if len(lines) != 3 {
		t.Fatalf("%d lines for 3 requests:\n%s", len(lines), out.String())
	}
	a, b, c := lines[0], lines[1], lines[2]
	if a.ID != "r-1" || a.Dialect != "openai-completions" || a.Path != "/v1/completions" || !a.Stream || a.PromptTokens != 2 ||
		a.OutputTokens != 3 || len(a.Tokens) != 3 || !a.Done || a.Status != 200 || a.Probe {
		t.Errorf("streamed: %+v", a)
	}
	if a.Tokens[0] < a.ArrivedMonoNS || a.Tokens[2] < a.Tokens[0] || a.LastUnixNS-a.FirstUnixNS != a.Tokens[2]-a.Tokens[0] ||
		a.FirstUnixNS < before || a.LastUnixNS > time.Now().UnixNano() {
		t.Errorf("instants out of order: %+v", a)
	}
	if b.ID != "probe-2" || !b.Probe || b.OutputTokens != 4 || len(b.Tokens) != 1 || !b.Done {
		t.Errorf("not streamed: %+v", b)
	}
	if a.Number != 1 || b.Number != 2 || c.Number != 3 {
		t.Errorf("numbers %d, %d, %d", a.Number, b.Number, c.Number)
	}
	if c.Status != 400 || c.OutputTokens != 0 || !c.Done {
		t.Errorf("refused: %+v", c)
	}
}

func truthLines(t *testing.T, text string) (lines []Truth) {
	t.Helper()
	for line := range strings.Lines(text) {
		var one Truth
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		lines = append(lines, one)
	}
	return lines
}

func TestStopCutsStreamsAndKeepsTheirTruth(t *testing.T) {
	var out bytes.Buffer
	url, stop := start(t, Config{ITL: time.Hour, Truth: &out})
	resp, err := http.Post(url+"/api/generate", "application/json", strings.NewReader(`{"model":"m","prompt":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the client took a cut stream for a whole one")
	}
	lines := truthLines(t, out.String())
	if len(lines) != 1 || lines[0].Done || len(lines[0].Tokens) != 1 {
		t.Errorf("truth: %s", out.String())
	}
}

// TestBrokenTruthIsTold: a truth that could not be written must not pass for a complete one.
func TestBrokenTruthIsTold(t *testing.T) {
	url, stop := start(t, Config{Truth: full{}})
	post(t, url+"/v1/completions", `{"prompt":"a","max_tokens":1}`)
	if err := stop(); !errors.Is(err, errFull) {
		t.Errorf("Serve returned %v", err)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

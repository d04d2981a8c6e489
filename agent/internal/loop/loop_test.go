package loop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// server answers every dialect with so many words as were asked for.
type server struct {
	mu  sync.Mutex
	ids map[string]string // prompt by X-Request-Id
}

func (s *server) saw(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.ids[id]
	return ok
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	type limits struct {
		NumPredict   int `json:"num_predict"`
		MaxTokens    int `json:"max_tokens"`
		MaxNewTokens int `json:"max_new_tokens"`
	}
	var ask struct {
		Prompt, Text, Inputs string
		TextInput            string `json:"text_input"`
		Messages             []struct{ Content string }
		Stream               bool
		MaxTokens            int `json:"max_tokens"`
		NPredict             int `json:"n_predict"`
		Options, Parameters  limits
		SamplingParams       limits `json:"sampling_params"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ask.Prompt += ask.Text + ask.Inputs + ask.TextInput
	for _, m := range ask.Messages {
		ask.Prompt += m.Content
	}
	s.mu.Lock()
	s.ids[r.Header.Get("X-Request-Id")] = ask.Prompt
	s.mu.Unlock()
	n := max(ask.MaxTokens, ask.NPredict, ask.Options.NumPredict, ask.Parameters.MaxTokens, ask.Parameters.MaxNewTokens, ask.SamplingParams.MaxNewTokens)
	words, path := len(strings.Fields(ask.Prompt)), r.URL.Path
	if ask.Inputs != "" {
		path = strings.Replace(path, "/generate", "/tgi", 1)
	}
	if !ask.Stream && !strings.HasSuffix(path, "_stream") {
		fmt.Fprint(w, whole(path, words, n))
		return
	}
	out := bufio.NewWriter(w)
	w.Header().Set("Content-Type", "text/event-stream")
	if strings.HasPrefix(path, "/api") {
		w.Header().Set("Content-Type", "application/x-ndjson")
	}
	for i := range n + 1 {
		fmt.Fprint(out, event(path, words, i, n))
		out.Flush()
		w.(http.Flusher).Flush()
	}
}

func whole(path string, prompt, n int) string {
	text := strings.Repeat(" x", n)
	switch path {
	case "/api/generate":
		return fmt.Sprintf(`{"response":%q,"done":true,"prompt_eval_count":%d,"eval_count":%d}`, text, prompt, n)
	case "/api/chat":
		return fmt.Sprintf(`{"message":{"content":%q},"done":true,"prompt_eval_count":%d,"eval_count":%d}`, text, prompt, n)
	case "/v2/models/m/generate":
		return fmt.Sprintf(`{"model_name":"m","text_output":%q}`, text)
	case "/generate":
		return fmt.Sprintf(`{"text":%q,"meta_info":{"prompt_tokens":%d,"completion_tokens":%d,"finish_reason":{"type":"length"}}}`, text, prompt, n)
	case "/tgi":
		return fmt.Sprintf(`{"generated_text":%q,"details":{"finish_reason":"length","input_length":%d,"generated_tokens":%d}}`, text, prompt, n)
	case "/completion":
		return fmt.Sprintf(`{"content":%q,"stop":true,"tokens_evaluated":%d,"tokens_predicted":%d}`, text, prompt, n)
	}
	return fmt.Sprintf(`{"choices":[{"text":%q,"finish_reason":"length"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, text, prompt, n)
}

func event(path string, prompt, i, n int) string {
	last := i == n
	switch {
	case path == "/api/generate" && last, path == "/api/chat" && last:
		return fmt.Sprintf(`{"done":true,"prompt_eval_count":%d,"eval_count":%d}`+"\n", prompt, n)
	case path == "/api/generate":
		return `{"response":" x","done":false}` + "\n"
	case path == "/api/chat":
		return `{"message":{"content":" x"},"done":false}` + "\n"
	case strings.HasPrefix(path, "/v2") && last:
		return ""
	case strings.HasPrefix(path, "/v2"):
		return "data: {\"text_output\":\" x\"}\n\n"
	case path == "/generate" && last:
		return "data: [DONE]\n\n"
	case path == "/generate":
		return fmt.Sprintf("data: {\"text\":%q,\"meta_info\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"finish_reason\":null}}\n\n", strings.Repeat(" x", i+1), prompt, i+1)
	case path == "/tgi_stream" && last:
		return ""
	case path == "/tgi_stream" && i == n-1:
		return fmt.Sprintf("data:{\"token\":{\"text\":\" x\"},\"generated_text\":\" x\",\"details\":{\"finish_reason\":\"length\",\"input_length\":%d,\"generated_tokens\":%d}}\n\n", prompt, n)
	case path == "/tgi_stream":
		return "data:{\"token\":{\"text\":\" x\"},\"generated_text\":null,\"details\":null}\n\n"
	case path == "/completion":
		return fmt.Sprintf("data: {\"content\":%q,\"stop\":%v,\"tokens_evaluated\":%d,\"tokens_predicted\":%d}\n\n", strings.Repeat(" x", min(1, n-i)), last, prompt, min(i+1, n))
	case last:
		return fmt.Sprintf("data: {\"choices\":[{\"finish_reason\":\"length\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", prompt, n)
	case path == "/v1/completions":
		return "data: {\"choices\":[{\"text\":\" x\"}]}\n\n"
	}
	return "data: {\"choices\":[{\"delta\":{\"content\":\" x\"}}]}\n\n"
}

func assignment(w workload.Workload, endpoints ...string) workload.Assignment {
	w.Model = "m"
	w.MaxTokens = 5
	if w.InputTokens == 0 {
		w.InputTokens = 12
	}
	if w.DurationS == 0 && w.Requests == 0 {
		w.DurationS = 0.2
	}
	w.DrainS, w.TimeoutS = 10, 10
	return workload.Assignment{Trial: workload.Trial{ID: "0001", Workload: w}, Node: "c0", Parts: 1, Endpoints: endpoints}
}

func run(t *testing.T, a workload.Assignment, opt Options) ([]record.Record, Facts) {
	t.Helper()
	var records []record.Record
	facts, err := Run(t.Context(), a, opt, func(r *record.Record) {
		keep := *r
		keep.Gaps = append([]float32(nil), r.Gaps...)
		records = append(records, keep)
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, facts
}

func TestEveryDialectStreamedAndNotClosedAndOpen(t *testing.T) {
	t.Run("loop", func(t *testing.T) { everyDialect(t, httptest.NewServer) })
	t.Run("fasthttp", func(t *testing.T) { everyDialect(t, httptest.NewTLSServer) })
}

func everyDialect(t *testing.T, serve func(http.Handler) *httptest.Server) {
	for _, dialect := range wire.Dialects() {
		for _, stream := range []bool{true, false} {
			for _, rate := range []float64{0, 200} {
				t.Run(fmt.Sprintf("%s/stream=%v/rate=%v", dialect, stream, rate), func(t *testing.T) {
					s := &server{ids: map[string]string{}}
					web := serve(s)
					defer web.Close()
					w := workload.Workload{Dialect: dialect, Stream: stream, Rate: rate, Concurrency: 4, Requests: 24}
					records, facts := run(t, assignment(w, web.URL), Options{Insecure: true})
					if len(records) != 24 {
						t.Fatalf("%d records, want 24", len(records))
					}
					for _, r := range records {
						checkRecord(t, r, dialect, stream)
						if !s.saw(fmt.Sprintf("0001-c0-%d", r.ID)) {
							t.Errorf("no request came with the id of record %d", r.ID)
						}
					}
					if facts.Connections < 1 || facts.Connections > 8 {
						t.Errorf("%d connections for 4 requests at once: they are not kept", facts.Connections)
					}
				})
			}
		}
	}
}

func checkRecord(t *testing.T, r record.Record, dialect string, stream bool) {
	t.Helper()
	prompt, output, source := 12, 5, record.Usage
	if dialect == "triton-generate" { // it tells no counts
		prompt, source = -1, record.Events
		if !stream {
			output, source = -1, record.NoTokens
		}
	}
	if r.Outcome != record.OK || r.Status != 200 || r.OutputTokens != output || r.PromptTokens != prompt || r.TokenSource != source {
		t.Errorf("record %+v: want ok, 200, %d and %d tokens by %s", r, prompt, output, source)
	}
	if r.AskedPrompt != 12 || r.AskedOutput != 5 {
		t.Errorf("record %+v: asked are %d and %d tokens, want 12 and 5", r, r.AskedPrompt, r.AskedOutput)
	}
	if !(r.Scheduled <= r.Sent && r.Sent < r.Done) {
		t.Errorf("scheduled %v, sent %v, done %v", r.Scheduled, r.Sent, r.Done)
	}
	if !stream {
		if !math.IsNaN(r.FirstToken) || !math.IsNaN(r.LastToken) {
			t.Errorf("an answer in one piece has token instants: %v, %v", r.FirstToken, r.LastToken)
		}
		return
	}
	if !(r.Sent < r.FirstToken && r.FirstToken <= r.LastToken && r.LastToken <= r.Done) || len(r.Gaps) != 4 {
		t.Errorf("sent %v, first %v, last %v, done %v, gaps %v", r.Sent, r.FirstToken, r.LastToken, r.Done, r.Gaps)
	}
}

func TestCancelEndsWhatIsInFlight(t *testing.T) {
	t.Run("loop", func(t *testing.T) { cancelled(t, httptest.NewServer) })
	t.Run("fasthttp", func(t *testing.T) { cancelled(t, httptest.NewTLSServer) })
}

func cancelled(t *testing.T, serve func(http.Handler) *httptest.Server) {
	arrived := make(chan struct{})
	var once sync.Once
	web := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the hang-up
		once.Do(func() { close(arrived) })
		<-r.Context().Done()
	}))
	defer web.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { <-arrived; cancel() }()
	var outcomes []record.Outcome
	_, err := Run(ctx, assignment(workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: 2, DurationS: 60}, web.URL),
		Options{Insecure: true}, func(r *record.Record) { outcomes = append(outcomes, r.Outcome) })
	if err != context.Canceled {
		t.Errorf("Run returned %v, want %v", err, context.Canceled)
	}
	for _, o := range outcomes {
		if o != record.Cancelled && o != record.NotSent {
			t.Errorf("outcome %v, want cancelled", o)
		}
	}
	if len(outcomes) != 2 {
		t.Errorf("%d records, want one for each slot", len(outcomes))
	}
}

func TestNoServerIsRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"http://" + addr, "https://" + addr, "unix:" + t.TempDir() + "/none"} {
		records, facts := run(t, assignment(workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: 2, Requests: 4}, url), Options{})
		if len(records) != 4 || facts.ConnErrors != 0 {
			t.Fatalf("%s: %d records, %d for want of something here; want 4 and none", url, len(records), facts.ConnErrors)
		}
		for _, r := range records {
			if r.Outcome != record.Refused || !math.IsNaN(r.Sent) || r.Error == "" {
				t.Errorf("%s: record %+v: want refused, never sent, and why", url, r)
			}
		}
	}
}

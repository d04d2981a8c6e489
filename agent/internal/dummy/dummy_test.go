package dummy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// start serves cfg on a free port until the test ends, and returns its URL and a func that stops it and gives what
// Serve returned.
func start(t *testing.T, cfg Config) (url string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	var served error
	var wg sync.WaitGroup
	wg.Go(func() { served = Serve(ctx, ln, cfg) })
	stop = sync.OnceValue(func() error { cancel(errors.New("terminated")); wg.Wait(); return served }) // as a signal does it
	t.Cleanup(func() { stop() })
	return "http://" + ln.Addr().String(), stop
}

// post sends body and returns status and answer.
func post(t *testing.T, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// TestDialects shows the exact answer of every dialect, streamed and not; what changes from run to run is masked.
func TestDialects(t *testing.T) {
	url, _ := start(t, Config{Model: "m"})
	for _, c := range []struct{ name, path, body, want string }{
		{"openai-chat streamed", "/v1/chat/completions",
			`{"model":"m","stream":true,"max_tokens":2,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"a b c"}]}`,
			`data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[{"index":0,"delta":{"content":" watch"},"finish_reason":null}]}

data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[{"index":0,"delta":{"content":" from"},"finish_reason":null}]}

data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}

data: {"id":"chatcmpl-N","object":"chat.completion.chunk","created":N,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

data: [DONE]

`},
		{"openai-chat", "/v1/chat/completions", `{"model":"m","max_tokens":2,"messages":[{"role":"user","content":"a"}]}`,
			`{"id":"chatcmpl-N","object":"chat.completion","created":N,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":" watch from"},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`},
		{"openai-completions streamed, no usage asked", "/v1/completions", `{"model":"m","max_tokens":1,"prompt":"a","stream":true}`,
			`data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":" watch","finish_reason":null}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":"","finish_reason":"length"}]}

data: [DONE]

`},
		{"openai-completions", "/v1/completions", `{"model":"m","max_tokens":2,"prompt":"a"}`,
			`{"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":" watch from","finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`},
		{"openai-completions, a group", "/v1/completions", `{"model":"m","max_tokens":2,"prompt":["a b","c"]}`,
			`{"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":" watch from","finish_reason":"length"},{"index":1,"text":" watch from","finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`},
		{"openai-completions streamed, a group", "/v1/completions", `{"model":"m","max_tokens":1,"prompt":["a b","c"],"stream":true,"stream_options":{"include_usage":true}}`,
			`data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":" watch","finish_reason":null}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":1,"text":" watch","finish_reason":null}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":0,"text":"","finish_reason":"length"}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[{"index":1,"text":"","finish_reason":"length"}]}

data: {"id":"cmpl-N","object":"text_completion","created":N,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

data: [DONE]

`},
		{"ollama-generate streamed", "/api/generate", `{"model":"m","prompt":"hello you","options":{"num_predict":1}}`,
			`{"model":"m","created_at":"T","response":" watch","done":false}
{"model":"m","created_at":"T","response":"","done":true,"done_reason":"length","context":[1,2,3],"total_duration":N,"load_duration":N,"prompt_eval_count":N,"prompt_eval_duration":N,"eval_count":N}
`},
		{"ollama-generate", "/api/generate", `{"model":"m:latest","prompt":"hello","stream":false,"options":{"num_predict":2}}`,
			`{"model":"m:latest","created_at":"T","response":" watch from","done":true,"done_reason":"length","context":[1,2,3],"total_duration":N,"load_duration":N,"prompt_eval_count":N,"eval_count":N,"eval_duration":N}`},
		{"ollama-generate, load only", "/api/generate", `{"model":"m","stream":false}`,
			`{"model":"m","created_at":"T","response":"","done":true,"done_reason":"load"}`},
		{"ollama-chat streamed", "/api/chat", `{"model":"m","messages":[{"role":"user","content":"hello"}],"options":{"num_predict":1}}`,
			`{"model":"m","created_at":"T","message":{"role":"assistant","content":" watch"},"done":false}
{"model":"m","created_at":"T","message":{"role":"assistant","content":""},"done":true,"done_reason":"length","total_duration":N,"load_duration":N,"prompt_eval_count":N,"prompt_eval_duration":N,"eval_count":N}
`},
		{"triton-generate streamed", "/v2/models/m/generate_stream", `{"text_input":"a b","max_tokens":2}`,
			`data: {"model_name":"m","model_version":"1","text_output":" watch"}

data: {"model_name":"m","model_version":"1","text_output":" from"}

`},
		{"sglang-generate streamed", "/generate", `{"text":"a b","stream":true,"sampling_params":{"max_new_tokens":2}}`,
			`data: {"text":" watch","meta_info":{"id":"N","finish_reason":null,"prompt_tokens":2,"completion_tokens":1,"cached_tokens":0}}

data: {"text":" watch from","meta_info":{"id":"N","finish_reason":{"type":"length","length":2},"prompt_tokens":2,"completion_tokens":2,"cached_tokens":0}}

data: [DONE]

`},
		{"tgi-generate streamed", "/generate_stream", `{"inputs":"a b","parameters":{"max_new_tokens":2}}`,
			`data:{"index":1,"token":{"id":1,"text":" watch","logprob":-0.1,"special":false},"generated_text":null,"details":null}

data:{"index":2,"token":{"id":1,"text":" from","logprob":-0.1,"special":false},"generated_text":" watch from","details":{"finish_reason":"length","generated_tokens":2,"seed":null,"input_length":2}}

`},
		{"tgi-generate", "/generate", `{"inputs":"a b","parameters":{"max_new_tokens":1}}`,
			`{"generated_text":" watch","details":{"finish_reason":"length","generated_tokens":1,"seed":null,"input_length":2}}`},
		{"llamacpp-completion streamed", "/completion", `{"prompt":"a b","n_predict":1,"stream":true}`,
			`data: {"index":0,"content":" watch","tokens":[1],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":2}

data: {"index":0,"content":"","tokens":[],"id_slot":0,"stop":true,"model":"m","tokens_predicted":1,"tokens_evaluated":2,"stop_type":"limit","truncated":false,"timings":{"cache_n":0,"prompt_n":2,"prompt_ms":N,"predicted_n":1,"predicted_ms":N}}

`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := post(t, url+c.path, c.body)
			if got, want := masked(answer), masked(c.want); status != 200 || got != want {
				t.Errorf("status %d\n got %s\nwant %s", status, got, want)
			}
			for line := range strings.Lines(answer) {
				line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "data:"))
				if line != "" && line != "[DONE]" && !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
		})
	}
}

func TestWrongRequests(t *testing.T) {
	url, _ := start(t, Config{Model: "m"})
	for _, c := range []struct {
		name, path, body string
		status           int
		want             string
	}{
		{"another model, native", "/api/generate", `{"model":"nope","prompt":"a"}`, 404, `{"error":"model 'nope' not found"}`},
		{"another model, OpenAI", "/v1/chat/completions", `{"model":"nope"}`, 404,
			`{"error":{"message":"model 'nope' not found","type":"not_found_error","param":null,"code":404}}`},
		{"cut JSON", "/api/generate", `{"model":`, 400, `{"error":"unexpected end of JSON input"}`},
		{"no whole number", "/api/generate", `{"model":"m","options":{"num_predict":"three"}}`, 400,
			`{"error":"num_predict must be a whole number"}`},
		{"unknown path", "/api/nosuch", `{}`, 404, `404 page not found`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, answer := post(t, url+c.path, c.body); status != c.status || answer != c.want {
				t.Errorf("got %d %s, want %d %s", status, answer, c.status, c.want)
			}
		})
	}
	resp, err := http.Get(url + "/api/generate")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET of a dialect's path: %s, Allow %q", resp.Status, resp.Header.Get("Allow"))
	}
}

// get is the answer to a GET.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestPages(t *testing.T) {
	url, _ := start(t, Config{Model: "m"})
	post(t, url+"/v1/completions", `{"model":"m","prompt":"a b","max_tokens":3}`)
	for path, want := range map[string]string{
		"/":            "Ollama is running",
		"/health":      `{"status":"ok"}`,
		"/v1/models":   `"id":"m"`,
		"/api/tags":    `{"models":[{"name":"m","model":"m",`,
		"/api/ps":      `"expires_at":`,
		"/api/version": `"version":`,
		"/metrics":     "dummy_prompt_tokens_total 2\n",
	} {
		status, answer := get(t, url+path)
		if status != 200 || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s, want %q in it", path, status, answer, want)
		}
		if path != "/" && path != "/metrics" && !json.Valid([]byte(answer)) {
			t.Errorf("%s: not JSON: %s", path, answer)
		}
	}
	if _, text := get(t, url+"/metrics"); !strings.Contains(text, "dummy_generation_tokens_total 3\n") ||
		!strings.Contains(text, "dummy_num_requests_running 0\n") {
		t.Errorf("metrics:\n%s", text)
	}
}

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

func TestErrorRateFollowsFromSeedAndID(t *testing.T) {
	failures := func(seed int64) (failed string) {
		url, _ := start(t, Config{ErrorRate: 0.3, Seed: seed})
		for i := range 40 {
			status, _ := post(t, url+"/v1/completions", `{"model":"m","prompt":"a","max_tokens":1}`, "X-Request-Id", fmt.Sprint("r-", i))
			failed += map[int]string{200: ".", 500: "x"}[status]
		}
		return failed
	}
	first := failures(1)
	if n := strings.Count(first, "x"); n < 4 || n > 22 {
		t.Errorf("%d of 40 failed at a rate of 0.3", n)
	}
	if again := failures(1); again != first {
		t.Errorf("the same seed and ids failed otherwise:\n%s\n%s", first, again)
	}
	if failures(2) == first {
		t.Error("another seed failed the same requests")
	}
}

func TestFaults(t *testing.T) {
	t.Run("die", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := Serve(t.Context(), ln, Config{DieAfter: time.Millisecond}); !errors.Is(err, ErrDied) {
			t.Errorf("Serve returned %v", err)
		}
	})
	t.Run("hang", func(t *testing.T) {
		var out bytes.Buffer
		url, stop := start(t, Config{HangAfter: 1, Truth: &out})
		client := http.Client{Timeout: 100 * time.Millisecond}
		if resp, err := client.Post(url+"/api/generate", "application/json", strings.NewReader(`{"prompt":"a"}`)); err == nil {
			b, _ := io.ReadAll(resp.Body)
			t.Errorf("a hung server answered %s", b)
		}
		if status, _ := get(t, url+"/health"); status != 200 {
			t.Errorf("health of a hung server is %d", status)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if lines := truthLines(t, out.String()); len(lines) != 1 || lines[0].Done {
			t.Errorf("truth: %s", out.String())
		}
	})
	t.Run("unhealthy", func(t *testing.T) {
		url, _ := start(t, Config{FailHealth: true})
		if status, _ := get(t, url+"/health"); status != 503 {
			t.Errorf("health is %d", status)
		}
		if status, _ := post(t, url+"/api/generate", `{"prompt":"a","stream":false}`); status != 200 {
			t.Errorf("generation is %d", status)
		}
	})
	t.Run("still loading", func(t *testing.T) {
		url, _ := start(t, Config{StartDelay: time.Hour})
		status, answer := get(t, url+"/health")
		if status != 503 || !strings.Contains(answer, "Loading model") {
			t.Errorf("%d %s", status, answer)
		}
	})
}

func TestSlowingDownToNothing(t *testing.T) {
	quit := make(chan struct{})
	defer close(quit)
	clock, err := newClock(quit)
	if err != nil {
		t.Fatal(err)
	}
	defer clock.close()
	s := newServer(Config{SlowAfter: time.Minute}, clock, quit)
	for _, c := range []struct{ since, least, most time.Duration }{
		{time.Second, 5 * time.Millisecond, 5 * time.Millisecond},
		{70 * time.Second, 5 * 1024 * time.Millisecond, 5 * 2048 * time.Millisecond}, // a second and more may pass in between
		{time.Hour, time.Hour, time.Hour},
	} {
		s.began = clock.now() - int64(c.since)
		if got := time.Duration(s.slowed(int64(5 * time.Millisecond))); got < c.least || got > c.most {
			t.Errorf("after %v a pause of 5 ms is %v, want %v to %v", c.since, got, c.least, c.most)
		}
	}
}

// TestQueuedRequestOfALostClient: clients that hang up while they wait must not be served one after the other.
func TestQueuedRequestOfALostClient(t *testing.T) {
	var out bytes.Buffer
	url, stop := start(t, Config{MaxRunning: 1, ITL: time.Hour, Truth: &out})
	ctx, leave := context.WithCancel(t.Context())
	ask := func(ctx context.Context, id string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, "POST", url+"/api/generate", strings.NewReader(`{"prompt":"a","options":{"num_predict":2}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Request-Id", id)
		return http.DefaultClient.Do(req)
	}
	running, err := ask(t.Context(), "running")
	if err != nil {
		t.Fatal(err)
	}
	defer running.Body.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		if resp, err := ask(ctx, "queued"); err == nil {
			resp.Body.Close()
			t.Error("the second request was answered beside the first")
		}
	})
	for {
		if _, text := get(t, url+"/metrics"); strings.Contains(text, "dummy_num_requests_waiting 1\n") {
			break
		}
	}
	leave()
	wg.Wait()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, line := range truthLines(t, out.String()) {
		if line.ID == "queued" && (line.Done || line.Status != 0 || len(line.Tokens) != 0) {
			t.Errorf("%+v", line)
		}
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

// syncBuffer is a log that two goroutines may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// The log has a line for each request with its id, by a clock that may be off, and as much chatter as was asked for.
func TestTheLogHasRequestsAndChatter(t *testing.T) {
	log := new(syncBuffer)
	url, _ := start(t, Config{Log: log, LogRequests: true, Chatter: 100_000, ClockOffset: time.Hour})
	post(t, url+"/v1/completions", `{"model":"m","prompt":"a","max_tokens":1}`, "X-Request-Id", `0001-"cn1"-17`)
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(log.String(), "dummy: line 100 of its chatter"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no chatter came: %.300s", log.String())
		}
	}
	for line := range strings.Lines(log.String()) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var e struct {
			Time                 time.Time
			Level, Message, Path string
			RequestID            string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.RequestID != `0001-"cn1"-17` || e.Path != "/v1/completions" || e.Level != "INFO" {
			t.Errorf("%s: %+v, %v", line, e, err)
		}
		if off := time.Until(e.Time); off < 50*time.Minute {
			t.Errorf("the clock is %v ahead, want an hour", off)
		}
		return
	}
	t.Error("the request is not in the log")
}

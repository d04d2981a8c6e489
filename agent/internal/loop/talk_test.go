package loop

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"hpcbench/agent/internal/prompt"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// both runs a test with the loop and with fasthttp's client.
func both(t *testing.T, test func(t *testing.T, serve func(http.Handler) *httptest.Server)) {
	t.Run("loop", func(t *testing.T) { test(t, httptest.NewServer) })
	t.Run("fasthttp", func(t *testing.T) { test(t, httptest.NewTLSServer) })
}

// listener answers each chat with words that no other answer has, and remembers the conversations by id.
type listener struct {
	mu    sync.Mutex
	heard map[string][]string // by X-Request-Id: contents of the messages
	said  map[string]string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := r.Header.Get("X-Request-Id")
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, m := range ask.Messages {
		if m.Role != []string{"user", "assistant"}[i%2] {
			http.Error(w, "not in turns", http.StatusBadRequest)
			return
		}
		l.heard[id] = append(l.heard[id], m.Content)
	}
	l.said[id] = `an "answer"` + "\n" + `to ` + id
	w.Header().Set("Content-Type", "text/event-stream")
	for _, part := range strings.SplitAfter(l.said[id], " ") {
		fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", part)
	}
	fmt.Fprint(w, "data: {\"choices\":[{\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n")
}

func TestATurnHasAllThatWasSaidBefore(t *testing.T) {
	both(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		for _, rate := range []float64{0, 100} {
			l := &listener{heard: map[string][]string{}, said: map[string]string{}}
			web := serve(l)
			defer web.Close()
			w := workload.Workload{Dialect: "openai-chat", Stream: true, Rate: rate, Concurrency: 3, Requests: 18, Turns: 3, InputTokens: 9, PromptSeed: 2}
			records, _ := run(t, assignment(w, web.URL), Options{Insecure: true})
			l.mu.Lock() // the loop's sockets are not known to the race detector
			defer l.mu.Unlock()
			if len(records) != 18 {
				t.Errorf("%d records, want 18", len(records))
			}
			for _, r := range records {
				var want []string
				for turn := r.ID - r.ID%3; turn <= r.ID; turn++ {
					want = append(want, string(prompt.Append(nil, 2, turn, 9)))
					if turn < r.ID {
						want = append(want, l.said[fmt.Sprintf("0001-c0-%d", turn)])
					}
				}
				if got := l.heard[fmt.Sprintf("0001-c0-%d", r.ID)]; r.Outcome != record.OK || !slices.Equal(got, want) {
					t.Errorf("request %d (%v %s) said %q, want %q", r.ID, r.Outcome, r.Error, got, want)
				}
				if want := []int{9, 0, 0}[r.ID%3]; r.AskedPrompt != want {
					t.Errorf("request %d: %d tokens of prompt asked, want %d", r.ID, r.AskedPrompt, want)
				}
			}
		}
	})
}

// grouper answers a group of prompts: the first with one token, the next with two, and so on.
func grouper(prompts *[][]string, mu *sync.Mutex) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			Prompt []string
			Stream bool
		}
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		*prompts = append(*prompts, ask.Prompt)
		mu.Unlock()
		n, total := len(ask.Prompt), 0
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range n {
			for range i + 1 {
				fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\" x\",\"index\":%d}]}\n\n", i)
				w.(http.Flusher).Flush()
				total++
			}
			fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"\",\"index\":%d,\"finish_reason\":\"stop\"}]}\n\n", i)
		}
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", 12*n, total)
	})
}

func TestAGroupIsOneRequestAndARecordForEachPrompt(t *testing.T) {
	both(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		var mu sync.Mutex
		var prompts [][]string
		web := serve(grouper(&prompts, &mu))
		defer web.Close()
		w := workload.Workload{Dialect: "openai-completions", Stream: true, Concurrency: 6, Batch: 3, Requests: 20, PromptSeed: 2}
		records, _ := run(t, assignment(w, web.URL), Options{Insecure: true})
		mu.Lock() // the loop's sockets are not known to the race detector
		defer mu.Unlock()
		slices.SortFunc(records, func(a, b record.Record) int { return int(a.ID - b.ID) })
		groups := map[int64][]record.Record{}
		for _, r := range records {
			groups[r.Batch] = append(groups[r.Batch], r)
		}
		if len(records) != 20 || len(prompts) != 7 || len(groups) != 7 {
			t.Fatalf("%d records in %d groups and %d requests, want 20 in 7", len(records), len(groups), len(prompts))
		}
		for id, g := range groups {
			var texts []string
			for i, r := range g {
				texts = append(texts, string(prompt.Append(nil, 2, r.ID, 12)))
				if r.Outcome != record.OK || r.PromptTokens != 12 || r.OutputTokens != i+1 || r.TokenSource != record.Usage || len(r.Gaps) != i ||
					r.Sent != g[0].Sent || r.Done != g[0].Done || !(r.FirstToken >= r.Sent && r.LastToken <= r.Done) || r.AskedPrompt != 12 || r.AskedOutput != 5 {
					t.Errorf("group %d, prompt %d: %+v", id, i, r)
				}
				if i > 0 && r.FirstToken < g[i-1].LastToken {
					t.Errorf("group %d: the first token of prompt %d is stamped before the last of the one before", id, i)
				}
			}
			if !slices.ContainsFunc(prompts, func(p []string) bool { return slices.Equal(p, texts) }) {
				t.Errorf("no request had the prompts of group %d: %q", id, texts)
			}
		}
	})
}

func TestAGroupInOnePieceHasNoTokensInTime(t *testing.T) {
	both(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		web := serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"choices":[{"index":0,"text":"a","finish_reason":"stop"},{"index":1,"text":"b","finish_reason":"stop"}],"usage":{"prompt_tokens":24,"completion_tokens":10}}`)
		}))
		defer web.Close()
		records, _ := run(t, assignment(workload.Workload{Dialect: "openai-completions", Concurrency: 2, Batch: 2, Requests: 4}, web.URL), Options{Insecure: true})
		if len(records) != 4 {
			t.Errorf("%d records, want 4", len(records))
		}
		for _, r := range records {
			if r.Outcome != record.OK || !math.IsNaN(r.FirstToken) || r.OutputTokens != 5 || r.TokenSource != record.UsageSplit || r.PromptTokens != 12 {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestAGroupThatIsRefusedIsARecordForEachPrompt(t *testing.T) {
	both(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		web := serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "too much", http.StatusTooManyRequests) }))
		defer web.Close()
		w := workload.Workload{Dialect: "openai-completions", Stream: true, Concurrency: 4, Batch: 4, Requests: 8}
		records, _ := run(t, assignment(w, web.URL), Options{Insecure: true})
		if len(records) != 8 {
			t.Errorf("%d records, want 8", len(records))
		}
		for _, r := range records {
			if r.Outcome != record.HTTPStatus || r.Error != "status 429: too much" {
				t.Errorf("%+v", r)
			}
		}
	})
}

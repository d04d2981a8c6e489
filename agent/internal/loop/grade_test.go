package loop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// knows answers a story with the letter that it begins with, in small pieces; of those about a cat it knows nothing.
func knows(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Messages []struct{ Content string }
		Prompt   any
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	field, text := "text", fmt.Sprint(ask.Prompt)
	if len(ask.Messages) > 0 {
		field, text = "delta\":{\"content", ask.Messages[0].Content
	}
	closing := strings.Repeat("}", strings.Count(field, "{"))
	if strings.HasPrefix(text, "[") { // a group
		text = "no idea"
	}
	answer := "Answer: " + text[:1]
	if strings.Contains(text, "cat") {
		answer = "It is no matter."
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, c := range answer {
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"%s\":%q%s}]}\n\n", field, string(c), closing)
	}
	fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
}

func TestAnswersAreCompared(t *testing.T) {
	var lines strings.Builder
	for i := range 40 { // the story says the letter, which is the right one but for every fourth
		fmt.Fprintf(&lines, `{"ctx": "%c story", "endings": ["1", "2", "3", "4"], "label": %d}`+"\n", 'A'+i%4, (i+i/4%4/3)%4)
	}
	lines.WriteString(`{"ctx": "a cat", "endings": ["1", "2"], "label": 0}` + "\n" + `{"ctx": "D without a label", "endings": ["1", "2"]}` + "\n")
	path := filepath.Join(t.TempDir(), "stories.jsonl")
	if err := os.WriteFile(path, []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		srv := serve(http.HandlerFunc(knows))
		defer srv.Close()
		for _, dialect := range []string{"openai-chat", "openai-completions"} {
			w := workload.Workload{Dialect: dialect, Stream: true, Dataset: path, Concurrency: 4, Requests: 42, MaxTokens: 20}
			records := fromFile(t, w, srv.URL)
			graded, right := grades(t, records)
			if len(records) != 42 || graded != 41 || right != 32 {
				t.Errorf("%s: %d records, %d graded, %d right; want 42, 41, 32", dialect, len(records), graded, right)
			}
		}
		group := workload.Workload{Dialect: "openai-completions", Stream: true, Dataset: path, Concurrency: 2, Batch: 2, Requests: 4, MaxTokens: 20}
		records := fromFile(t, group, srv.URL)
		if graded, _ := grades(t, records); graded != 0 || len(records) != 4 {
			t.Errorf("%d of %d answers of groups are graded", graded, len(records))
		}
	})
}

// fromFile runs a workload whose prompts come from a file.
func fromFile(t *testing.T, w workload.Workload, url string) []record.Record {
	t.Helper()
	a := assignment(w, url)
	a.Trial.Workload.InputTokens, a.Trial.Workload.MaxTokens = 0, w.MaxTokens
	records, _ := run(t, a, Options{Insecure: true})
	return records
}

func grades(t *testing.T, records []record.Record) (graded, right int) {
	t.Helper()
	for _, r := range records {
		if r.Graded && r.Outcome != record.OK {
			t.Errorf("graded, and %v", r.Outcome)
		}
		if r.Graded {
			graded++
		}
		if r.Right {
			right++
		}
	}
	return graded, right
}

// Of a dialect that has no counts, a record brings its answer's text to where it is counted, streamed and in one piece, and not
// that of the record's last use.
func TestTextsOfUncountedAnswersAreInTheirRecords(t *testing.T) {
	both(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		web := serve(&server{ids: map[string]string{}})
		defer web.Close()
		for _, stream := range []bool{true, false} {
			for tokenizer, want := range map[string]string{"../token/testdata/bytes.json": " x x x x x", "": ""} {
				w := workload.Workload{Dialect: "triton-generate", Stream: stream, Tokenizer: tokenizer, Concurrency: 2, Requests: 600}
				a := assignment(w, web.URL)
				n := 0
				_, err := Run(t.Context(), a, Options{Insecure: true}, func(r *record.Record) {
					if n++; string(r.Text) != want {
						t.Errorf("tokenizer %q, stream %v: the text of record %d is %q", tokenizer, stream, r.ID, r.Text)
					}
				})
				if err != nil || n != 600 {
					t.Errorf("%d records: %v", n, err)
				}
			}
		}
	})
}

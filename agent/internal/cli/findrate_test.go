package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mock "hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/search"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// A busy machine may make the client late and so end the search early; what is said and written has to agree all the same.
func TestFindRateTellsAndWritesWhatItFound(t *testing.T) {
	out := t.TempDir()
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--model", "tiny", "--find-rate", "--slo", "ttft=10s,e2el=10s",
		"--rate", "50", "--max-rate", "200", "--attain", "0.5", "--confidence", "0.8", "--probes", "8", "--duration", "400ms", "--max-tokens", "2", "--seed", "77", "--out", out)
	var s summary.Summary
	if err := json.Unmarshal([]byte(content(t, filepath.Join(out, "summary.json"))), &s); err != nil || s.Search == nil {
		t.Fatalf("%v: no search in the summary", err)
	}
	moved := 0
	for k, p := range s.Search.Probes {
		if !strings.Contains(stderr, fmt.Sprintf("probe %d: %s requests/s: ", k+1, search.Rate(p.Rate))) {
			t.Errorf("probe %d at %v is not told of in\n%s", k+1, p.Rate, stderr)
		}
		var own summary.Summary
		dir := filepath.Join(out, "probes", fmt.Sprintf("%02d", k+1))
		if _, err := os.Stat(dir); err != nil { // its files are the run's
			dir, moved = out, moved+1
		}
		if err := json.Unmarshal([]byte(content(t, filepath.Join(dir, "summary.json"))), &own); err != nil || own.Load.Rate != p.Rate || own.Requests.Scheduled != p.N {
			t.Errorf("probe %d: %v, %+v", k+1, err, own.Load)
		}
		if lines := strings.Count(content(t, filepath.Join(dir, "records.jsonl")), "\n"); int64(lines) != p.N+1 {
			t.Errorf("probe %d: %d lines for %d requests", k+1, lines, p.N)
		}
	}
	if moved != 1 || s.Requests.Scheduled == 0 {
		t.Errorf("the files of %d probes are the run's", moved)
	}
	if holds := s.Search.Holds; holds == nil {
		if status != bad || !strings.Contains(stderr, "load: no rate was shown to hold: the client could not send") {
			t.Errorf("status %d\n%s%s", status, stdout, stderr)
		}
	} else if status != done || s.Load.Rate != *holds || !strings.Contains(stdout, search.Rate(*holds)+" requests/s held: ") || !strings.Contains(stdout, "requests within e2el ≤ 10000 ms, ttft ≤ 10000 ms. 50 % have to be") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if found := s.Search.Found; found != nil && (*found != 200 || s.Search.WhyEnded != "the highest rate that may be tried holds") {
		t.Errorf("found %v: %s", *found, s.Search.WhyEnded)
	}
	if marked := strings.Contains(strings.Join(s.Marks, ";"), s.Search.WhyEnded); marked != (s.Search.Found == nil) {
		t.Errorf("found %v, marks %q", s.Search.Found, s.Marks)
	}
	if !strings.Contains(stdout, "seed 77\n") || !strings.Contains(stdout, "\nThe search ended: "+s.Search.WhyEnded+"\n") {
		t.Errorf("stdout:\n%s", stdout)
	}
}

func TestFindRateWithoutARateThatHolds(t *testing.T) {
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--model", "tiny", "--find-rate", "--slo", "e2el=1us",
		"--rate", "64", "--attain", "0.5", "--confidence", "0.8", "--probes", "2", "--duration", "200ms", "--timeout", "2s")
	if status != bad || !strings.Contains(stderr, "load: no rate was shown to hold: ") || !strings.HasPrefix(stdout, "no rate was shown to hold") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

// A prompt that came in a probe before would be in the server's cache, and two requests of one id would be one in its log.
func TestProbesRepeatNoPromptAndNoID(t *testing.T) {
	var mu sync.Mutex
	prompts, ids := map[string]int{}, map[string]int{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		prompts[string(body)]++
		ids[r.Header.Get("X-Request-Id")]++
		mu.Unlock()
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`)
	}))
	defer web.Close()
	var lines strings.Builder
	for k := range 300 {
		fmt.Fprintf(&lines, "{\"prompt\": \"number %d\"}\n", k)
	}
	_, stdout, stderr := agent(t, "load", "--url", web.URL, "--model", "m", "--find-rate", "--slo", "e2el=10s", "--no-stream", "--dataset", put(t, t.TempDir(), "d.jsonl", lines.String()),
		"--rate", "20", "--max-rate", "40", "--attain", "0.5", "--confidence", "0.8", "--duration", "500ms", "--probes", "4")
	if len(prompts) < 10 || len(ids) != len(prompts) || strings.Contains(stdout, "came round") {
		t.Errorf("%d prompts, %d ids\n%s%s", len(prompts), len(ids), stdout, stderr)
	}
	for _, seen := range []map[string]int{prompts, ids} {
		for what, n := range seen {
			if n > 1 {
				t.Errorf("%s came %d times", what, n)
			}
		}
	}
}

func TestASearchEndsWhereTheServerIsNot(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	gone := web.URL
	web.Close()
	status, stdout, stderr := agent(t, "load", "--url", gone, "--model", "m", "--find-rate", "--slo", "e2el=10s", "--rate", "20", "--duration", "200ms")
	why := "probe 1: no request was ok: 4 refused (connection refused)"
	if status != bad || strings.TrimSpace(stderr) != "load: "+why || !strings.Contains(stdout, "\nThe search ended: "+why+"\n") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestAStoppedSearchTellsWhatItHas(t *testing.T) {
	url, out := server(t, mock.Config{}), t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	stderr := &trigger{word: "probe 1: ", do: func() { cancel(signalled{os.Interrupt}) }}
	var stdout strings.Builder
	status := run(ctx, strings.Fields("load --url "+url+" --model tiny --find-rate --slo e2el=10s --rate 20 --attain 0.5 --confidence 0.8 --duration 300ms --out "+out), &call{stdout: &stdout, stderr: stderr})
	if status != bad || !strings.Contains(stderr.String(), "load: stopped: interrupt") || !strings.Contains(stdout.String(), "The search ended: it was stopped") {
		t.Errorf("status %d\n%s%s", status, stdout.String(), stderr.String())
	}
}

// trigger is a writer that does something once a word was written.
type trigger struct {
	strings.Builder
	word string
	do   func()
}

func (w *trigger) Write(b []byte) (int, error) {
	n, err := w.Builder.Write(b)
	if strings.Contains(w.String(), w.word) {
		w.do()
	}
	return n, err
}

func TestProbesAreAsLongAsItTakes(t *testing.T) {
	for args, want := range map[string]workload.Search{
		"--find-rate --slo ttft=1s":                                                                  {Low: 1, Precision: 0.05, Attain: 0.99, Confidence: 0.95, Probes: 20},
		"--find-rate --slo ttft=1s --rate 4 --max-rate 64 --probes 9":                                {Low: 4, High: 64, Precision: 0.05, Attain: 0.99, Confidence: 0.95, Probes: 9},
		"--find-rate --slo ttft=1s --precision 0.1 --attain 0.9 --confidence 0.99 --arrival poisson": {Low: 1, Precision: 0.1, Attain: 0.9, Confidence: 0.99, Probes: 20},
	} {
		f := newFlags("load")
		o := declareLoad(f)
		if _, err := f.parse(strings.Fields("--url http://u --model m " + args)); err != nil {
			t.Fatal(err)
		}
		w, err := o.workload(f)
		if err != nil || w.Search == nil || *w.Search != want || w.DurationS != 0 || w.Rate != want.Low || w.Concurrency != 0 {
			t.Errorf("%s: %+v, %v", args, w, err)
		}
	}
	for rate, want := range map[float64]time.Duration{1: time.Minute, 20: 36800 * time.Millisecond, 1000: 10 * time.Second} {
		w := workload.Workload{Search: &workload.Search{Attain: 0.99, Confidence: 0.95}, Rate: rate}
		if got := window(w, rate); got != want.Seconds() {
			t.Errorf("a window at %v/s is %v s long, want %v", rate, got, want)
		}
	}
	if got := window(workload.Workload{DurationS: 7}, 1); got != 7 {
		t.Errorf("--duration 7s: %v", got)
	}
}

package loop

import (
	"context"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// mock serves the law of c until the test ends and gives its URL.
func mock(t *testing.T, c dummy.Config) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := dummy.Serve(ctx, ln, c); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return "http://" + ln.Addr().String()
}

// The server's own times are in the record and fit into what was measured; the first, which waited for the model, is cold,
// and no other.
func TestServersOwnTimes(t *testing.T) {
	const ttft, itl, cold = 20 * time.Millisecond, 2 * time.Millisecond, 1100 * time.Millisecond
	for _, dialect := range []string{"ollama-generate", "ollama-chat", "llamacpp-completion", "openai-chat"} {
		for _, stream := range []bool{true, false} {
			t.Run(dialect+map[bool]string{true: " streamed", false: " in one piece"}[stream], func(t *testing.T) {
				t.Parallel()
				url := mock(t, dummy.Config{TTFT: ttft, ITL: itl, Cold: cold})
				records, _ := run(t, assignment(workload.Workload{Dialect: dialect, Stream: stream, Concurrency: 1, Requests: 5}, url), Options{})
				if len(records) != 5 {
					t.Fatalf("%d records, want 5", len(records))
				}
				for _, r := range records {
					checkTimes(t, r, dialect, ttft, 4*itl, cold)
				}
			})
		}
	}
}

func checkTimes(t *testing.T, r record.Record, dialect string, prompt, output, cold time.Duration) {
	t.Helper()
	if dialect == "openai-chat" {
		if !math.IsNaN(r.ServerLoad) || !math.IsNaN(r.ServerPrompt) || !math.IsNaN(r.ServerDecode) || r.Cold {
			t.Errorf("times that nobody gave: %+v", r)
		}
		return
	}
	const ns = 1.5e-9
	took := r.Done - r.Sent
	if r.Outcome != record.OK || r.ServerPrompt < prompt.Seconds()-ns || r.ServerDecode <= 0 || r.ServerPrompt+r.ServerDecode > took {
		t.Errorf("took %v s: %+v; want some %v and %v", took, r, prompt, output)
	}
	if llama := dialect == "llamacpp-completion"; llama != math.IsNaN(r.ServerLoad) {
		t.Errorf("%s: loaded in %v", dialect, r.ServerLoad)
	}
	if waited := r.ServerLoad >= cold.Seconds()/2; r.Cold != waited || r.Cold && took < cold.Seconds()/2 || dialect != "llamacpp-completion" && r.Cold != (r.ID == 0) {
		t.Errorf("request %d: cold %v, loaded in %v of %v s", r.ID, r.Cold, r.ServerLoad, took)
	}
}

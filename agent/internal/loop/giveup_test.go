package loop

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

func TestStreamsAreGivenUpAtTheirFirstToken(t *testing.T) {
	t.Run("loop", func(t *testing.T) { givenUp(t, httptest.NewServer) })
	t.Run("fasthttp", func(t *testing.T) { givenUp(t, httptest.NewTLSServer) })
}

// givenUp sends to a server that goes on after each first token until the client is gone, and counts those that go.
func givenUp(t *testing.T, serve func(http.Handler) *httptest.Server) {
	var gone atomic.Int64
	web := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the hang-up
		fmt.Fprint(w, "data: {\"choices\":[{\"delta\":{\"content\":\" x\"}}]}\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		gone.Add(1)
	}))
	w := workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: 4, Requests: 40, CancelShare: 1}
	var live Live
	records, facts := run(t, assignment(w, web.URL), Options{Insecure: true, Observe: &live})
	web.Close() // waits for its handlers
	for _, r := range records {
		if !r.GivenUp || r.Outcome != record.Cancelled || r.Done < r.FirstToken || r.Error != load.GivenUp || r.OutputTokens != 1 {
			t.Errorf("record %+v", r)
		}
	}
	if len(records) != 40 || gone.Load() != 40 || live.GivenUp.Load() != 40 || live.Failed.Load() != 0 {
		t.Errorf("%d records, the server saw %d go; live has %d given up and %d failed", len(records), gone.Load(), live.GivenUp.Load(), live.Failed.Load())
	}
	if facts.Resent != 0 || facts.Broken != 0 {
		t.Errorf("%d sent again, %d broken: giving up is neither", facts.Resent, facts.Broken)
	}
}

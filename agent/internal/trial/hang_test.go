package trial

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hpcbench/agent/internal/summary"
)

// mute accepts connections and requests, and never answers one.
func mute(t *testing.T) string {
	t.Helper()
	ln := listen(t)
	background(t, func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = ln.Close() })
		for {
			conn, err := ln.Accept()
			if err != nil {
				return err
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
	})
	return "http://" + ln.Addr().String()
}

func TestServerThatNeverAnswersIsAHang(t *testing.T) {
	endpoint := mute(t)
	b := newBed(t, []string{endpoint}, 0)
	b.endless()
	b.Stall, b.ProbeTimeout = 100*time.Millisecond, 50*time.Millisecond
	_, err := Run(t.Context(), b.Config)
	if err == nil || !strings.HasPrefix(err.Error(), "hang: no byte for ") || !strings.Contains(err.Error(), endpoint+" failed two probes: no answer within 50ms") {
		t.Errorf("error %v, want a hang of %s", err, endpoint)
	}
	s := b.summary(t)
	if s == nil || !strings.HasPrefix(s.Marks[0], "hang: ") || b.complete() {
		t.Errorf("summary %+v, key there: %v", s, b.complete())
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != summary.Stopped {
		t.Errorf("executor: %+v, %v; want it stopped", p, err)
	}
}

func TestHangOutlastsRequestsThatRunOutOfTime(t *testing.T) {
	b := newBed(t, []string{mute(t)}, 0)
	b.Trial.Workload.Requests, b.Trial.Workload.TimeoutS = 1, 0.3
	b.Stall, b.ProbeTimeout = 100*time.Millisecond, 300*time.Millisecond
	if _, err := Run(t.Context(), b.Config); err == nil || !strings.HasPrefix(err.Error(), "hang: no byte for ") {
		t.Errorf("error %v, want a hang: the last request ran out of time while the probes waited", err)
	}
}

// slow answers probes at once and everything else after the time.
func slow(t *testing.T, after <-chan struct{}) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("X-Request-Id"), "probe-") {
			select {
			case <-after:
			case <-r.Context().Done():
			}
		}
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"a b c d"},"finish_reason":"length"}],"usage":{"prompt_tokens":8,"completion_tokens":4}}`)
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func TestSlowServerThatAnswersProbesIsNoHang(t *testing.T) {
	after := make(chan struct{})
	b := newBed(t, []string{slow(t, after)}, 0)
	b.Trial.Workload.Stream, b.Trial.Workload.Requests = false, 4
	b.Stall = 50 * time.Millisecond
	var once sync.Once
	b.Say = func(format string, args ...any) {
		b.said.say(format, args...)
		if b.said.has("probing the servers") {
			once.Do(func() { close(after) })
		}
	}
	if _, err := Run(t.Context(), b.Config); err != nil || !b.complete() {
		t.Errorf("error %v, key there: %v", err, b.complete())
	}
	if !b.said.has("no byte for ") {
		t.Error("it was never suspected: the test shows nothing")
	}
}

package dummy

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
)

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

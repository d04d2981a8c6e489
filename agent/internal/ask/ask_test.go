package ask

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSendIgnoresTheProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("X-Request-Id")+" "+string(body))
	}))
	defer server.Close()
	answer, err := Send(t.Context(), Request{URL: server.URL, Header: map[string]string{"X-Request-Id": "probe-1"}, Body: []byte("hello")})
	if err != nil || answer.Status != http.StatusTeapot || string(answer.Body) != "POST probe-1 hello" {
		t.Errorf("got %d %q, %v", answer.Status, answer.Body, err)
	}
}

// mute accepts connections and never answers.
func mute(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return "http://" + ln.Addr().String()
}

func TestWordsOfFailures(t *testing.T) {
	closing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}))
	defer closing.Close()
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped"))
	for _, c := range []struct {
		ctx  context.Context
		url  string
		want string
	}{
		{t.Context(), "http://127.0.0.1:1", syscall.ECONNREFUSED.Error()},
		{t.Context(), mute(t), "no answer within 20ms"},
		{t.Context(), closing.URL, "the connection was closed before the answer's end"},
		{ended, closing.URL, "stopped"},
	} {
		_, err := Send(c.ctx, Request{URL: c.url, Timeout: 20 * time.Millisecond})
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.url, err, c.want)
		}
	}
}

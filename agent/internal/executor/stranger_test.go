package executor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/ask"
	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/gate"
)

// guess posts with a wrong token.
func (r *rig) guess(t *testing.T) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+"/stop", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sesame")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// Who guesses is told to wait; the right token from the same address is heard all the same.
func TestGuessesLockNobodyOut(t *testing.T) {
	r := newRig(t)
	last := r.guess(t)
	for range 3 * gate.TriesAtOnce {
		last = r.guess(t)
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" {
		t.Errorf("the last guess: %s, Retry-After %q; want 429", last.Status, last.Header.Get("Retry-After"))
	}
	if p, err := r.Stop(t.Context()); err != nil || p.State != Idle {
		t.Errorf("a stop with the token: %+v, %v", p, err)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if log := r.log.String(); strings.Count(log, "refused") > gate.RefusalsAtOnce+1 || !strings.Contains(log, "others=") {
		t.Errorf("the log should have %d refusals and a count:\n%s", gate.RefusalsAtOnce, log)
	}
}

// Connections that are held open make room for one that comes, be it a stranger's; the one with the token stays.
func TestConnectionsThatAreHeldOpenKeepNobodyOut(t *testing.T) {
	r := newRig(t)
	mine, err := ask.Dial(t.Context(), r.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	stop := ask.Request{URL: r.URL + "/stop", Body: []byte("{}"), Header: map[string]string{"Authorization": "Bearer " + token}}
	if answer, err := mine.Send(t.Context(), stop); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("status %d, %v", answer.Status, err)
	}
	var held []net.Conn
	for range gate.ConnLimit + 50 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		held = append(held, conn)
	}
	if _, err := r.Status(t.Context()); err != nil {
		t.Errorf("one more connection: %v", err)
	}
	_ = held[0].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := held[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the first one that was held open: %v, want it closed", err)
	}
	if answer, err := mine.Send(t.Context(), stop); err != nil || answer.Status != http.StatusOK {
		t.Errorf("the connection with the token: status %d, %v", answer.Status, err)
	}
}

// A body that trickles in is not waited for. The clock is synctest's, the network net.Pipe.
func TestSlowBodyIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Config{Token: token, Out: "none", Node: "mel2001", Registry: prometheus.NewRegistry()})
		near, far := net.Pipe()
		go func() { _ = e.gate.Server(e.handle).ServeConn(far) }()
		if _, err := io.WriteString(near, "POST /start HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		resp, err := http.ReadResponse(bufio.NewReader(near), nil)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout {
			t.Fatalf("%v, %v; want 408", resp, err)
		}
		_ = resp.Body.Close()
		if took := time.Since(start); took < gate.StrangeTime || took > gate.StrangeTime+time.Second {
			t.Errorf("it was waited for %v, want %v", took, gate.StrangeTime)
		}
		_ = near.Close()
	})
}

// What can't be read to its end is answered in our own words.
func TestRequestsThatAreNone(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		what, text string
		status     int
		want       string
	}{
		{"a large header", "GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("a", gate.HeaderLimit) + "\r\n\r\n", 431, "a header of more than 16 KiB"},
		{"a large body", "POST /stop HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413, "a body of more than 64 KiB"},
		{"a large chunk", "POST /stop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" + strings.Repeat("a", 0x10001), 413, "a body of more"},
		{"no HTTP", "hello\r\n\r\n", 400, "not an HTTP request"},
		{"a body for stop", "POST /stop HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\nContent-Length: 9\r\n\r\n{\"all\":1}", 400, "takes no body, or {}"},
		{"a long challenge", "GET /health?challenge=" + strings.Repeat("a", 65) + " HTTP/1.1\r\nHost: x\r\n\r\n", 400, "want 64 at most"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, c.text) // the other end may have enough before its end
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		var said struct{ Error string }
		if err := json.Unmarshal(body, &said); err != nil || resp.StatusCode != c.status || !strings.Contains(said.Error, c.want) {
			t.Errorf("%s: %s %s (%v), want %d with %q", c.what, resp.Status, body, err, c.status, c.want)
		}
	}
}

// A relay that has an executor answer for it is not believed: the proof is of the executor's own address.
func TestProofIsOfOneAddress(t *testing.T) {
	r := newRig(t)
	ln := listen(t)
	go func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
			go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
		}
	}()
	relayed := Client{Node: r.Node, URL: "http://" + ln.Addr().String(), Token: token}
	if h, _, err := relayed.Health(t.Context()); err != nil || h.Node != "mel2001" {
		t.Fatalf("the relay does not relay: %+v, %v", h, err)
	}
	if _, err := relayed.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), errStranger.Error()) {
		t.Errorf("through the relay: %v, want %q", err, errStranger)
	}
	if _, err := r.Stop(t.Context()); err != nil {
		t.Errorf("without it: %v", err)
	}
}

// What anybody may read has neither the job's token nor the key of the servers' API, nor a header that may be one.
func TestWhatAnybodyMayReadHasNoSecret(t *testing.T) {
	r := newRig(t)
	const key = "sk-the-key-of-the-api"
	keyFile := t.TempDir() + "/key"
	if err := os.WriteFile(keyFile, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	a := assignment(mock(t, dummy.Config{ErrorRate: 0.5}))
	a.Trial.Workload.APIKeyFile = keyFile
	if err := r.Start(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	r.until(t, over)
	var all strings.Builder
	for _, path := range []string{"/health", "/health?challenge=me", "/status", "/live", "/metrics", "/metrics/prometheus", "/", "/start"} {
		answer, err := ask.Send(t.Context(), ask.Request{URL: r.URL + path})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n", answer.Body)
	}
	all.WriteString(r.log.String())
	if text := all.String(); strings.Contains(text, key) || strings.Contains(text, token) || !strings.Contains(text, `"ok":`) {
		t.Errorf("a secret, or no numbers:\n%s", text)
	}
}

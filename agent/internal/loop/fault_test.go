package loop

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

const oneToken = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"

const goodAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
	"2f\r\n" + oneToken + "\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"

// raw serves each connection by a script: it is told of each request and writes what it likes. When script returns
// false the connection is closed.
func raw(t *testing.T, network, addr string, script func(c net.Conn, conn, request int) bool) net.Addr {
	t.Helper()
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, ln, script)
	return ln.Addr()
}

// secured is raw behind TLS, with a certificate that nobody knows.
func secured(t *testing.T, script func(c net.Conn, conn, request int) bool) net.Addr {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	donor := httptest.NewTLSServer(nil)
	t.Cleanup(donor.Close)
	serve(t, tls.NewListener(ln, &tls.Config{Certificates: donor.TLS.Certificates}), script)
	return ln.Addr()
}

func serve(t *testing.T, ln net.Listener, script func(c net.Conn, conn, request int) bool) {
	t.Helper()
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go converse(c, n, script)
		}
	}()
}

func converse(c net.Conn, n int, script func(c net.Conn, conn, request int) bool) {
	defer c.Close()
	in := bufio.NewReader(c)
	for k := 0; ; k++ {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil || !script(c, n, k) {
			return
		}
	}
}

func say(c net.Conn, s string) bool {
	_, err := io.WriteString(c, s)
	return err == nil
}

// one is a workload of n requests, one after the other.
func one(n int) workload.Workload {
	return workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: 1, Requests: n}
}

func outcomes(records []record.Record) string {
	var all []string
	for _, r := range records {
		all = append(all, fmt.Sprint(r.Outcome))
	}
	return strings.Join(all, " ")
}

func TestFaults(t *testing.T) {
	head := goodAnswer[:strings.Index(goodAnswer, "2f\r\n")]
	for _, c := range []struct {
		name    string
		script  func(c net.Conn, conn, request int) bool
		want    string
		error   string
		resent  int64
		connect int64
	}{
		{"kept connections", func(c net.Conn, _, _ int) bool { return say(c, goodAnswer) }, "ok ok ok", "", 0, 1},
		{"closed after each answer", func(c net.Conn, _, _ int) bool { return say(c, goodAnswer) && false }, "ok ok ok", "", -1, 3},
		{"a kept connection is closed at the next request", func(c net.Conn, _, k int) bool { return k == 0 && say(c, goodAnswer) }, "ok ok ok", "", 2, 3},
		{"closed without a byte, always", func(net.Conn, int, int) bool { return false }, "disconnect disconnect disconnect", "closed", -1, -1},
		{"closed in the headers", func(c net.Conn, _, _ int) bool { return say(c, "HTTP/1.1 200 OK\r\nConte") && false }, "disconnect disconnect disconnect", "closed", 0, 3},
		{"closed in mid stream", func(c net.Conn, _, _ int) bool { return say(c, goodAnswer[:len(head)+52]) && false }, "disconnect disconnect disconnect", "closed", 0, 3},
		{"ends without a mark", func(c net.Conn, _, _ int) bool { return say(c, head+"2f\r\n"+oneToken+"\r\n0\r\n\r\n") }, "truncated truncated truncated", "finish mark", 0, 1},
		{"error in mid stream", func(c net.Conn, _, _ int) bool {
			return say(c, head+"2f\r\n"+oneToken+"\r\n17\r\ndata: {\"error\":\"boo\"}\n\n\r\n0\r\n\r\n")
		}, "stream_error stream_error stream_error", "boo", 0, 1},
		{"503", func(c net.Conn, _, _ int) bool {
			return say(c, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull")
		}, "http_status http_status http_status", "status 503: full", 0, 1},
		{"headers of a gateway", func(c net.Conn, _, _ int) bool {
			return say(c, strings.Replace(goodAnswer, "\r\n", "\r\nSet-Cookie: a="+strings.Repeat("x", 10_000)+"\r\n", 1))
		}, "ok ok ok", "", 0, 1},
		{"not HTTP", func(c net.Conn, _, _ int) bool { return say(c, "hello\r\n") }, "invalid invalid invalid", "not HTTP", 0, 3},
		{"bytes after the answer", func(c net.Conn, _, _ int) bool { return say(c, goodAnswer+"junk") }, "ok ok ok", "", 0, -1},
	} {
		check := func(t *testing.T, url string) {
			records, facts := run(t, assignment(one(3), url), Options{Insecure: true})
			if got := outcomes(records); got != c.want {
				t.Fatalf("outcomes %q, want %q; %+v", got, c.want, records)
			}
			for _, r := range records {
				if !strings.Contains(r.Error, c.error) || math.IsNaN(r.Sent) || math.IsNaN(r.Done) {
					t.Errorf("record %+v, want error %q", r, c.error)
				}
			}
			if c.resent >= 0 && facts.Resent != c.resent || c.connect >= 0 && facts.Connections != c.connect {
				t.Errorf("%d resent over %d connections, want %d over %d", facts.Resent, facts.Connections, c.resent, c.connect)
			}
		}
		t.Run("loop/"+c.name, func(t *testing.T) { check(t, "http://"+raw(t, "tcp", "127.0.0.1:0", c.script).String()) })
		t.Run("fasthttp/"+c.name, func(t *testing.T) { check(t, "https://"+secured(t, c.script).String()) })
	}
}

func TestTimeoutKeepsTheTokensSeen(t *testing.T) {
	half := func(c net.Conn, _, _ int) bool {
		return say(c, goodAnswer[:strings.Index(goodAnswer, "e\r\ndata: [D")])
	}
	t.Run("loop", func(t *testing.T) { timesOut(t, "http://"+raw(t, "tcp", "127.0.0.1:0", half).String()) })
	t.Run("fasthttp", func(t *testing.T) { timesOut(t, "https://"+secured(t, half).String()) })
}

func timesOut(t *testing.T, url string) {
	a := assignment(one(2), url)
	a.Trial.Workload.TimeoutS = 0.2
	records, facts := run(t, a, Options{Insecure: true})
	if got := outcomes(records); got != "timeout timeout" {
		t.Fatalf("outcomes %q, want two timeouts", got)
	}
	for _, r := range records {
		if math.IsNaN(r.FirstToken) || r.OutputTokens != 1 || r.Status != 200 || r.Done-r.Sent < 0.2 {
			t.Errorf("record %+v: want its token, its status and 0.2 s", r)
		}
	}
	if facts.Connections != 2 {
		t.Errorf("%d connections, want a new one after the timeout", facts.Connections)
	}
}

// A server that dies takes the kept connection along, and refuses the new one: the request was sent, and is lost.
func TestARequestLostWithItsServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, ln, func(c net.Conn, _, k int) bool {
		return k == 0 && say(c, goodAnswer) || ln.Close() != nil
	})
	records, facts := run(t, assignment(one(2), "http://"+ln.Addr().String()), Options{})
	if got := outcomes(records); got != "ok disconnect" || !strings.Contains(records[1].Error, "no new one: connection refused") {
		t.Errorf("outcomes %q, %+v", got, records)
	}
	if facts.Resent != 1 || facts.Broken != 1 || math.IsNaN(records[1].Sent) {
		t.Errorf("facts %+v, sent %v", facts, records[1].Sent)
	}
}

func TestUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	raw(t, "unix", path, func(c net.Conn, _, _ int) bool { return say(c, goodAnswer) })
	for _, url := range []string{"unix:" + path, "unix://" + path} {
		if records, _ := run(t, assignment(one(2), url), Options{}); outcomes(records) != "ok ok" {
			t.Errorf("%s: %+v", url, records)
		}
	}
}

func TestAPromptLargerThanTheSocketsBuffer(t *testing.T) {
	s := &server{ids: map[string]string{}}
	web := httptest.NewServer(s)
	defer web.Close()
	w := one(2)
	w.InputTokens = 1_000_000 // some 5 MB
	records, _ := run(t, assignment(w, web.URL), Options{})
	if got := outcomes(records); got != "ok ok" || records[0].PromptTokens != w.InputTokens {
		t.Errorf("outcomes %q, %d prompt tokens, want %d", got, records[0].PromptTokens, w.InputTokens)
	}
}

// A server that reads no further than the headers has said why before it closes; what it has not read makes a reset of it.
func TestARefusalBeforeTheWholePrompt(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				say(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
			}
			_ = c.Close()
		}
	}()
	w := one(5)
	w.InputTokens = 1_000_000
	records, facts := run(t, assignment(w, "http://"+ln.Addr().String()), Options{})
	if got := outcomes(records); got != strings.TrimSpace(strings.Repeat("http_status ", 5)) || records[0].Error != "status 413: big" {
		t.Errorf("outcomes %q, %+v", got, records)
	}
	if facts.Connections != 5 {
		t.Errorf("%d connections, want 5: none can be used again", facts.Connections)
	}
}

func TestThreadsAndEndpointsShareTheLoad(t *testing.T) {
	var urls []string
	var hits [2]atomic.Int64
	for i := range hits {
		addr := raw(t, "tcp", "127.0.0.1:0", func(c net.Conn, _, _ int) bool { hits[i].Add(1); return say(c, goodAnswer) })
		urls = append(urls, "http://"+addr.String())
	}
	w := workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: 16, Requests: 400}
	records, facts := run(t, assignment(w, urls...), Options{Threads: 4})
	seen := map[int64]bool{}
	for _, r := range records {
		seen[r.ID] = true
		if r.Outcome != record.OK {
			t.Errorf("record %+v", r)
		}
	}
	if len(records) != 400 || len(seen) != 400 || facts.Threads != 4 || facts.Connections != 16 {
		t.Errorf("%d records, %d ids, %d threads, %d connections", len(records), len(seen), facts.Threads, facts.Connections)
	}
	if a, b := hits[0].Load(), hits[1].Load(); a+b != 400 || a < 50 || b < 50 {
		t.Errorf("the endpoints got %d and %d requests", a, b)
	}
	if facts.ReadLag.N() < 400 || facts.CPUS <= 0 || facts.WallS <= 0 {
		t.Errorf("facts %+v", facts)
	}
}

func TestEndpointsByName(t *testing.T) {
	addr := raw(t, "tcp", "127.0.0.1:0", func(c net.Conn, _, _ int) bool { return say(c, goodAnswer) })
	url := fmt.Sprintf("http://localhost:%d", addr.(*net.TCPAddr).Port)
	if records, _ := run(t, assignment(one(1), url), Options{}); outcomes(records) != "ok" {
		t.Errorf("%+v", records)
	}
}

func TestRunRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		url, want string
		spoil     func(*workload.Workload)
	}{
		"dialect":  {"http://127.0.0.1:1", "unknown dialect", func(w *workload.Workload) { w.Dialect = "x" }},
		"endpoint": {"ftp://127.0.0.1:1", "want http://host:port", nil},
		"port":     {"http://127.0.0.1:70000", "port", nil},
		"host":     {"http://no.such.host.invalid:1", "finding endpoint", nil},
		"load":     {"http://127.0.0.1:1", "would never end", func(w *workload.Workload) { w.Requests = 0 }},
		"rate":     {"http://127.0.0.1:1", "rate", func(w *workload.Workload) { w.Rate = math.NaN() }},
		"no rate":  {"http://127.0.0.1:1", "rate", func(w *workload.Workload) { w.Rate = math.Inf(1) }},
		"stamps":   {"https://127.0.0.1:1", "kernel_stamps with an https endpoint", func(w *workload.Workload) { w.KernelStamps = true }},
		"reuse":    {"http://127.0.0.1:1", "conn_requests -1", func(w *workload.Workload) { w.ConnRequests = -1 }},
		"prompt":   {"http://127.0.0.1:1", "no prompt", func(w *workload.Workload) { w.InputTokens = 0 }},
	} {
		w := one(1)
		w.InputTokens = 3
		if c.spoil != nil {
			c.spoil(&w)
		}
		a := workload.Assignment{Trial: workload.Trial{Workload: w}, Parts: 1, Endpoints: []string{c.url}}
		if _, err := Run(context.Background(), a, Options{}, func(*record.Record) {}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Run returned %v, want %q", name, err, c.want)
		}
	}
}

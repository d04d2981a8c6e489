package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"hpcbench/testbed/bench/truth"
)

// serve runs a server with this law until the test ends, or until the function it returns is called, which gives the truth.
func serve(t *testing.T, cfg Config) (url string, stop func() []truth.Line) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0") // finds a free port
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listen = netip.MustParseAddrPort(ln.Addr().String())
	_ = ln.Close()
	var kept bytes.Buffer
	cfg.Truth = &kept
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan struct{})
	var wg sync.WaitGroup
	var failed error
	wg.Go(func() { failed = Serve(ctx, cfg, func() { close(ready) }) })
	stop = sync.OnceValue(func() []truth.Line {
		cancel()
		wg.Wait()
		if failed != nil {
			t.Fatal(failed)
		}
		lines, err := truth.Read(&kept)
		if err != nil {
			t.Fatal(err)
		}
		return lines
	})
	t.Cleanup(func() { stop() })
	<-ready
	return "http://" + cfg.Listen.String(), stop
}

func ask(t *testing.T, url, id, body string) (string, http.Header) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Request-Id", id)
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != 200 {
		t.Fatalf("status %d, error %v", a.StatusCode, err)
	}
	return string(text), a.Header
}

const streamed = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":5,"messages":[{"role":"user","content":"a b c"}]}`

func TestAnswersInOnePiece(t *testing.T) {
	url, stop := serve(t, Config{})
	text, _ := ask(t, url, "one", `{"model":"m","max_tokens": 3,"messages":[{"role":"user","content":"a b"}]}`)
	var got struct {
		Choices []struct{ Message struct{ Content string } }
		Usage   map[string]int
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if got.Choices[0].Message.Content != " watch from an" || got.Usage["prompt_tokens"] != 2 || got.Usage["completion_tokens"] != 3 {
		t.Errorf("answer %s", text)
	}
	lines := stop()
	if len(lines) != 1 || lines[0].ID != "one" || lines[0].Number != 1 || len(lines[0].Tokens) != 1 || lines[0].FirstByte > lines[0].Arrived {
		t.Errorf("truth %+v", lines)
	}
}

// The law's instants are bounds from below, which a busy machine keeps too.
func TestStreamsByItsLaw(t *testing.T) {
	const ttft, itl = 20 * time.Millisecond, 5 * time.Millisecond
	for _, together := range []int{1, 2, 9} {
		url, stop := serve(t, Config{TTFT: ttft, ITL: itl, Together: together})
		text, _ := ask(t, url, "s", streamed)
		if n := strings.Count(text, `"delta":{"content"`); n != 5 {
			t.Errorf("%d at a time: %d events with tokens in %q", together, n, text)
		}
		for _, part := range []string{`"role":"assistant"`, `"finish_reason":"length"`, `"prompt_tokens":3,"completion_tokens":5`, "data: [DONE]\n\n"} {
			if strings.Count(text, part) != 1 {
				t.Errorf("%d at a time: not one %s in %q", together, part, text)
			}
		}
		l := stop()[0]
		if len(l.Tokens) != 5 {
			t.Fatalf("%d at a time: truth %+v", together, l)
		}
		for k, at := range l.Tokens {
			due := l.Arrived + int64(ttft) + int64(k/together*together)*int64(itl)
			if at < due || k > 0 && at < l.Tokens[k-1] {
				t.Errorf("%d at a time: token %d is %d ns before its time", together, k, due-at)
			}
		}
	}
}

func TestManyAtOnceAndLongAnswers(t *testing.T) {
	url, stop := serve(t, Config{TTFT: time.Millisecond})
	body := strings.Replace(streamed, `"max_tokens":5`, `"max_tokens":20000`, 1) // more than a socket takes at once
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if text, _ := ask(t, url, fmt.Sprint(i), body); strings.Count(text, `"content":" `) != 20000 || !strings.HasSuffix(text, "[DONE]\n\n") {
				t.Errorf("answer %d has %d bytes", i, len(text))
			}
		})
	}
	wg.Wait()
	if lines := stop(); len(lines) != 8 {
		t.Errorf("%d lines of truth", len(lines))
	}
}

// A request may come in any pieces, and several in one.
func TestRequestsInPieces(t *testing.T) {
	url, stop := serve(t, Config{})
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	one := "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: p\r\ncontent-length: 16\r\n\r\n{\"max_tokens\":1}"
	for _, b := range []byte(one) {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte(one + strings.Replace(one, "host: x", "connection: close", 1))); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if err != nil || strings.Count(string(text), "HTTP/1.1 200 OK") != 3 {
		t.Errorf("error %v, answers %q", err, text)
	}
	if lines := stop(); len(lines) != 3 || lines[2].ID != "p" {
		t.Errorf("truth %+v", lines)
	}
}

func TestRefusesWhatItCannotRead(t *testing.T) {
	url, _ := serve(t, Config{})
	for _, text := range []string{"nonsense\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
			t.Errorf("%q: error %v, answer %q", text, err, got)
		}
	}
}

func TestTimersComeInOrder(t *testing.T) {
	var h timers
	var all []*conn
	for i := range 100 {
		c := &conn{at: never}
		all = append(all, c)
		h.push(c, int64(i*37%101))
	}
	for i := 0; i < 100; i += 3 {
		h.remove(all[i])
		h.remove(all[i]) // twice: it is in no more
	}
	last, n := int64(-1), 0
	for ; len(h) > 0; n++ {
		at := h[0].at
		if h.pop(); at < last {
			t.Errorf("%d after %d", at, last)
		}
		last = at
	}
	if n != 66 {
		t.Errorf("%d came", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\ncontent-length: 46\r\n\r\n" + `{"stream":true,"max_tokens":7,"content":"a b"}`))
	f.Add([]byte("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, rest, err := parse(in)
		if r != nil && (err != nil || len(rest) > len(in) || r.tokens < 1) {
			t.Errorf("%+v, %d left of %d, error %v", r, len(rest), len(in), err)
		}
	})
}

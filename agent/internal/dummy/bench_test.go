//go:build !race

// Under the race detector sync.Pool forgets at random, and what is measured here is something else.

package dummy

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// ask is a handled request without a network: the context of one connection, used again and again.
func ask(s *server, path, body string) func() {
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, nil)
	ctx.Request.Header.SetMethod("POST")
	ctx.Request.SetRequestURI(path)
	ctx.Request.SetBodyString(body)
	return func() {
		ctx.Response.Reset()
		s.handle(&ctx)
	}
}

func realServer(tb testing.TB) *server {
	quit := make(chan struct{})
	clock, err := newClock(quit)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { close(quit); clock.close() })
	return newServer(Config{MaxRunning: 4}, clock, quit)
}

func TestSmallAnswersAllocateNothing(t *testing.T) {
	s := realServer(t)
	for path, body := range map[string]string{
		"/v1/chat/completions": `{"model":"m","max_tokens":2,"temperature":0.5,"messages":[{"role":"user","content":"a"}]}`,
		"/api/generate":        `{"model":"m","prompt":"hello","stream":false,"options":{"num_predict":2}}`,
	} {
		once := ask(s, path, body)
		once()
		if n := testing.AllocsPerRun(200, once); n >= 1 {
			t.Errorf("%s: %v allocations a request", path, n)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	once := ask(realServer(b), "/v1/chat/completions", `{"model":"m","max_tokens":2,"messages":[{"role":"user","content":"a"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

// BenchmarkToken is the cost of one token of a stream up to fasthttp's chunk.
func BenchmarkToken(b *testing.B) {
	g := realServer(b).pool.Get().(*generation)
	g.d, g.length = &openaiChat, 1<<62
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		g.stamps = g.stamps[:0]
		if _, err := g.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLateness shows how late a wait of 2 ms ends: by the server's pacer, and by time.Sleep.
func BenchmarkLateness(b *testing.B) {
	s := realServer(b)
	a := newAlarm()
	waits := map[string]func(due int64){
		"pacer": func(due int64) { s.clock.wait(a, due) },
		"sleep": func(due int64) { time.Sleep(time.Duration(due - s.clock.now())) },
	}
	for name, wait := range waits {
		b.Run(name, func(b *testing.B) {
			var late int64
			for range b.N {
				due := s.clock.now() + int64(2*time.Millisecond)
				wait(due)
				late += s.clock.now() - due
			}
			b.ReportMetric(float64(late)/float64(b.N), "late-ns/op")
		})
	}
}

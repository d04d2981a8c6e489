package loop

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// steady answers each request with the same bytes, in the writes given. It takes a request to end with its last brace.
func steady(b *testing.B, writes ...string) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ln.Close() })
	var prepared [][]byte
	for _, w := range writes {
		prepared = append(prepared, []byte(w))
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go answerAll(c, prepared)
		}
	}()
	return "http://" + ln.Addr().String()
}

func answerAll(c net.Conn, writes [][]byte) {
	defer c.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if !bytes.HasSuffix(buf[:n], []byte("}")) {
			continue
		}
		for _, w := range writes {
			if _, err := c.Write(w); err != nil {
				return
			}
		}
	}
}

const benchEvent = `data: {"id":"chatcmpl-840","object":"chat.completion.chunk","created":1795445366,"model":"tiny","choices":[{"index":0,"delta":{"content":" watch"},"finish_reason":null}]}` + "\n\n"

// BenchmarkLoop tells what the client's own thread costs: requests, and streamed events, per second of its CPU time. The
// server's share is not in it, but for what the kernel does of one side's work in the other's system call.
func BenchmarkLoop(b *testing.B) {
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(benchEvent), benchEvent)
	head := goodAnswer[:strings.Index(goodAnswer, "2f\r\n")]
	end := goodAnswer[strings.Index(goodAnswer, "e\r\ndata: [D"):]
	singly := []string{head}
	for range 256 {
		singly = append(singly, chunk)
	}
	for _, c := range []struct {
		name        string
		connections int
		events      int
		writes      []string
	}{
		{"short answers", 64, 2, []string{head + chunk + chunk + end}},
		{"streams in large writes", 64, 256, []string{head + strings.Repeat(chunk, 256) + end}},
		{"streams in a write for each event", 64, 256, append(singly, end)},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: c.connections, Requests: b.N, InputTokens: 100}
			ok := 0
			facts, err := Run(b.Context(), assignment(w, steady(b, c.writes...)), Options{Threads: 1}, func(r *record.Record) {
				if r.Outcome == record.OK {
					ok++
				}
			})
			if err != nil || ok != b.N {
				b.Fatalf("%d of %d requests ok, error %v", ok, b.N, err)
			}
			b.ReportMetric(float64(b.N)/facts.CPUS, "requests/cpu-s")
			b.ReportMetric(float64(b.N*c.events)/facts.CPUS, "events/cpu-s")
			b.ReportMetric(float64(facts.ReadLag.Quantile(0.5))/1e3, "lag-p50-µs")
		})
	}
}

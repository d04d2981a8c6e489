package loop

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// Answers of 100 MB: as many events, as one event, and in one piece. A stream of events costs no memory, whatever its length;
// what has no end of its own before it is whole is kept, up to a limit.
func TestAnswersOf100MB(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 600 MB")
	}
	const mb = 1 << 20
	event := strings.Replace(oneToken, `"x"`, `"`+strings.Repeat("x", 974)+`"`, 1) // 1,020 bytes
	block := strings.Repeat(event, 1024)
	stream := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	begin, end := `{"choices":[{"message":{"content":"`, `"},"finish_reason":"stop"}]}`
	for _, c := range []struct {
		name              string
		stream            bool
		head, block, tail string
		blocks            int
		events            int
		most              uint64 // bytes allocated in all
		outcome           record.Outcome
		words             string
	}{
		{"events", true, stream, block, "data: [DONE]\n\n", 100, 100 * 1024, 32 * mb, record.OK, ""},
		{"one event", true, stream + `data: {"choices":[{"delta":{"content":"`, strings.Repeat("x", mb), `"}}]}` + "\n\ndata: [DONE]\n\n", 100, 1, 1500 * mb, record.OK, ""},
		{"one event past the limit", true, stream + `data: {"choices":[{"delta":{"content":"`, strings.Repeat("x", mb), `"}}]}` + "\n\ndata: [DONE]\n\n", 130, 0, 1500 * mb, record.Invalid, "an event of more than the 134217728 bytes"},
		{"in one piece", false, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(begin)+100*mb+len(end)) + begin, strings.Repeat("x", mb), end, 100, 0, 1500 * mb, record.OK, ""},
		{"in one piece past the limit", false, "HTTP/1.1 200 OK\r\n\r\n" + begin, strings.Repeat("x", mb), end, 130, 0, 1500 * mb, record.Invalid, "134217728 are the most that is read"},
		{"comments", true, stream + strings.TrimSuffix(oneToken, "\n"), strings.Repeat(":"+strings.Repeat("x", 1022)+"\n", 1024), "\n\ndata: [DONE]\n\n", 100, 1, 32 * mb, record.OK, ""},
	} {
		bytes := []byte(c.block)
		script := func(conn net.Conn, _, _ int) bool {
			say(conn, c.head)
			for range c.blocks {
				if _, err := conn.Write(bytes); err != nil {
					return false
				}
			}
			return say(conn, c.tail) && false
		}
		check := func(t *testing.T, url string) {
			w := workload.Workload{Dialect: "openai-chat", Stream: c.stream, Concurrency: 1, Requests: 1}
			a := assignment(w, url)
			a.Trial.Workload.TimeoutS, a.Trial.Workload.DrainS = 120, 120
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			records, _ := run(t, a, Options{Insecure: true})
			runtime.ReadMemStats(&after)
			if len(records) != 1 || records[0].Outcome != c.outcome || !strings.Contains(records[0].Error, c.words) || records[0].Bytes < 100*1020*1024 {
				t.Fatalf("%+v", outcomeOf(records))
			}
			if c.events > 0 && (records[0].OutputTokens != c.events || len(records[0].Gaps) != c.events-1) {
				t.Errorf("%d events and %d gaps, want %d", records[0].OutputTokens, len(records[0].Gaps), c.events)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > c.most {
				t.Errorf("%d MB were allocated, want %d at most", used/mb, c.most/mb)
			}
		}
		t.Run("loop/"+c.name, func(t *testing.T) { check(t, "http://"+raw(t, "tcp", "127.0.0.1:0", script).String()) })
		t.Run("fasthttp/"+c.name, func(t *testing.T) { check(t, "https://"+secured(t, script).String()) })
	}
}

// outcomeOf are the records without their gaps, to be shown.
func outcomeOf(records []record.Record) []record.Record {
	for i := range records {
		records[i].Gaps = nil
	}
	return records
}

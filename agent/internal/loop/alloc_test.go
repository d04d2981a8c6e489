package loop

import (
	"net"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

// TestATokenAllocatesNothingFromSocketToRecord goes the whole way: the wait for events, the read, its stamp, the parse, and
// the gap in the record, with the stamps of both kinds.
func TestATokenAllocatesNothingFromSocketToRecord(t *testing.T) {
	for _, stamps := range []bool{false, true} {
		w := workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: 1, Requests: 1, DurationS: 3600, KernelStamps: stamps}
		peers := make(chan net.Conn, 1)
		url := "http://" + raw(t, "tcp", "127.0.0.1:0", func(c net.Conn, _, _ int) bool { peers <- c; <-t.Context().Done(); return false }).String()
		a := assignment(w, url)
		a.Trial.Workload.MaxTokens = 4096
		e, err := newEngine(t.Context(), a, Options{Zero: time.Now(), Observe: new(Live)})
		if err != nil {
			t.Fatal(err)
		}
		th, err := newThread(e, 0, 1, newOutlet(1))
		if err != nil {
			t.Fatal(err)
		}
		defer th.close()
		for th.conns == nil || th.conns[0].sent == 0 {
			th.turn()
			th.wait()
		}
		peer := <-peers
		head, _, _ := strings.Cut(goodAnswer, "2f\r\n")
		token := []byte("2f\r\n" + oneToken + "\r\n")
		next := func(b []byte) {
			if _, err := peer.Write(b); err != nil {
				t.Fatal(err)
			}
			for n := th.lag.N(); th.lag.N() == n; {
				th.turn()
				th.wait()
			}
		}
		th.lag.Record(int64(time.Hour)) // its buckets have grown
		if th.stamps != nil {
			th.stamps.lag.Record(int64(time.Hour))
		}
		next([]byte(head))
		next(token)
		next(token)
		if allocs := testing.AllocsPerRun(500, func() { next(token) }); allocs != 0 {
			t.Errorf("kernel stamps %v: %v allocations a token", stamps, allocs)
		}
		if tokens := th.conns[0].parser.Answer().OutputTokens; tokens != 503 {
			t.Errorf("kernel stamps %v: %d tokens", stamps, tokens)
		}
	}
}

package loop

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire/fixture"
)

// A server that sends a byte now and then and comes to no end holds no request longer than its time: in the status line, in
// endless headers, interim answers, chunk sizes, comments and trailers.
func TestASlowLorisRunsOutOfTime(t *testing.T) {
	head := goodAnswer[:strings.Index(goodAnswer, "2f\r\n")]
	for name, c := range map[string]struct {
		begin, forever string
		status         int
	}{
		"status line":     {"", "HTTP/1.1 200 OK", 0},
		"headers":         {"HTTP/1.1 200 OK\r\n", "X-A: b\r\n", 0},
		"interim answers": {"", "HTTP/1.1 100 Continue\r\n\r\n", 0},
		"a chunk's size":  {head, "2f;" + strings.Repeat("x", 1000), 200},
		"comments":        {head, "4\r\n:x\n\n\r\n", 200},
		"trailers":        {head + "2f\r\n" + oneToken + "\r\n0\r\n", "X-A: b\r\n", 200},
		"empty tokens":    {head, fmt.Sprintf("%x\r\n%s\r\n", len(fixture.Role), fixture.Role), 200},
	} {
		drip := func(conn net.Conn, _, _ int) bool {
			say(conn, c.begin)
			for at := 0; say(conn, c.forever[at%len(c.forever):][:1]); at++ {
				time.Sleep(100 * time.Microsecond)
			}
			return false
		}
		check := func(t *testing.T, url string, strict bool) {
			t.Parallel()
			a := assignment(one(1), url)
			a.Trial.Workload.TimeoutS = 0.4
			records, _ := run(t, a, Options{Insecure: true})
			if len(records) != 1 || records[0].Outcome != record.Timeout || records[0].Status != c.status && !strict || !strings.Contains(records[0].Error, "not done within 400ms") {
				t.Errorf("%+v", records)
			}
		}
		t.Run("loop/"+name, func(t *testing.T) { check(t, "http://"+raw(t, "tcp", "127.0.0.1:0", drip).String(), false) })
		t.Run("fasthttp/"+name, func(t *testing.T) { check(t, "https://"+secured(t, drip).String(), true) })
	}
}

package dummy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// requestLog writes a line for each request that was read, with its X-Request-Id, as servers do that are asked to.
type requestLog struct {
	to     io.Writer // nil: none
	offset time.Duration
	mu     sync.Mutex
	line   []byte
}

// add writes down that a request came, at this wall clock in ns.
func (l *requestLog) add(id, path []byte, unixNS int64) {
	if l.to == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = append(l.line[:0], `{"time":"`...)
	l.line = time.Unix(0, unixNS).Add(l.offset).UTC().AppendFormat(l.line, "2006-01-02T15:04:05.000000000Z")
	l.line = append(l.line, `","level":"INFO","message":"received request","path":`...)
	l.line = appendJSON(l.line, path)
	l.line = append(l.line, `,"request_id":`...)
	l.line = appendJSON(l.line, id)
	l.line = append(l.line, "}\n"...)
	_, _ = l.to.Write(l.line) // a server goes on whose log is full
}

// appendJSON appends text as a string of JSON.
func appendJSON(to, text []byte) []byte {
	quoted, err := json.Marshal(string(text))
	if err != nil {
		return append(to, `""`...) // it is a string, which has no error
	}
	return append(to, quoted...)
}

// chatter writes so many bytes of log a second until ctx ends, in lines that are counted.
func chatter(ctx context.Context, to io.Writer, perSecond int64) {
	const beats = 20 // a second
	tick := time.NewTicker(time.Second / beats)
	defer tick.Stop()
	var b bytes.Buffer
	for number := 1; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		b.Reset()
		for int64(b.Len()) < perSecond/beats {
			fmt.Fprintf(&b, "dummy: line %d of its chatter, which says nothing and takes the room of a line of any server's log\n", number)
			number++
		}
		_, _ = to.Write(b.Bytes()) // it goes on
	}
}

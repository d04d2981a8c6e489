package dummy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Truth is what the server did with one request: a line of the --truth file, written when the request ends. Monotonic
// instants are nanoseconds of CLOCK_MONOTONIC, which a client on the same machine shares; wall instants are
// nanoseconds since 1970. Each is taken just before the write to the socket, so that no reader can be earlier.
type Truth struct {
	ID            string  `json:"id,omitempty"` // the request's X-Request-Id
	Number        int64   `json:"number"`       // in order of arrival, from 1: an OpenAI answer's id ends in it
	Dialect       string  `json:"dialect"`
	Path          string  `json:"path"`
	Stream        bool    `json:"stream"`
	ArrivedMonoNS int64   `json:"arrived_mono_ns"` // the request was read to its end
	ArrivedUnixNS int64   `json:"arrived_unix_ns"`
	LoadNS        int64   `json:"load_ns,omitempty"`       // it waited for the model to be loaded
	StartMonoNS   int64   `json:"start_mono_ns,omitempty"` // it got its slot: arrived and loaded, where it did not wait
	PromptTokens  int     `json:"prompt_tokens"`
	OutputTokens  int     `json:"output_tokens"`           // written
	Tokens        []int64 `json:"tokens,omitempty"`        // streamed: monotonic ns of each token; else of the answer
	FirstUnixNS   int64   `json:"first_unix_ns,omitempty"` // wall clock of the first and the last of Tokens
	LastUnixNS    int64   `json:"last_unix_ns,omitempty"`
	Done          bool    `json:"done"`   // the answer was handed to the socket to its end
	Status        int     `json:"status"` // HTTP; 0: none was sent
	Probe         bool    `json:"probe"`  // ID begins with probe-: never counted
}

// truths writes Truth lines behind the requests' back: add takes a lock and appends, and the encoding and the writing
// are on run's goroutine. Its queue has no bound, because a full one would have to block or to lie.
type truths struct {
	to  io.Writer // nil: nothing is kept
	err error     // the first error of to; read it after run has ended

	mu     sync.Mutex
	some   sync.Cond // signalled when queue or closed change
	queue  []Truth
	spare  []Truth // the queue before, for its capacity
	closed bool
}

func newTruths(to io.Writer) *truths {
	t := &truths{to: to}
	t.some.L = &t.mu
	return t
}

// add queues one line, of a server that keeps the truth. It copies tokens, which its caller reuses.
func (t *truths) add(line Truth) {
	line.Tokens = append([]int64(nil), line.Tokens...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, line)
	t.some.Signal()
}

// close lets run end once everything queued is written.
func (t *truths) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.some.Signal()
}

// run writes what is queued until close, whole lines in one Write, so that servers can share a file they append to.
// After an error it only drains.
func (t *truths) run() {
	if t.to == nil {
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for lines := t.next(); lines != nil; lines = t.next() {
		for i := range lines {
			t.keep(enc.Encode(&lines[i]))
		}
		if t.err == nil {
			_, err := t.to.Write(b.Bytes())
			t.keep(err)
		}
		b.Reset()
	}
}

func (t *truths) keep(err error) {
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("writing the truth: %w", err)
	}
}

// next waits for lines and takes them all; nil when there are none and never will be.
func (t *truths) next() []Truth {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.queue) == 0 {
		if t.closed {
			return nil
		}
		t.some.Wait()
	}
	lines := t.queue
	t.queue, t.spare = t.spare[:0], lines
	return lines
}

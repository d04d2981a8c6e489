package dummy

import (
	"bytes"
	"errors"
	"io"
)

// generation is one request in work. Streamed, it is the body that fasthttp reads: each Read waits for the next event
// and returns its bytes, and fasthttp frames and flushes what a Read returned, so that no goroutine and no pipe stands
// between the law and the socket. It is pooled: everything that grows keeps its capacity.
type generation struct {
	s     *server
	d     *dialect
	alarm *alarm
	req   request
	model []byte // outlives the request's body, unlike req.model
	id    []byte // X-Request-Id
	path  []byte

	number  int64  // of the request, from 1 in order of arrival
	key     uint64 // of its random numbers
	arrived int64  // monotonic ns, like every instant here
	ready   int64  // the model is loaded: arrived, where it was
	start   int64
	due     int64 // of the next token
	length  int   // tokens of the answer
	choices int   // answers at once: those to a group of prompts
	natural bool  // it ends by itself, not at the length asked for
	written int   // tokens so far
	stamps  []int64

	stage  stage
	out    []byte // bytes of the present event, not yet read from off on
	off    int
	text   []byte // the answer so far, where the dialect repeats it
	slot   bool   // it holds one of MaxRunning
	status int
	done   bool
}

// stage is what a stream's next event is.
type stage uint8

const (
	atOpening stage = iota // what a dialect says before the first token
	atTokens
	atEnding // finish reason, usage, end mark
	atEnd
)

var errStopped = errors.New("the server stops")

// Read gives the next bytes of the stream when they are due.
func (g *generation) Read(p []byte) (int, error) {
	for g.off == len(g.out) {
		g.out, g.off = g.out[:0], 0
		if err := g.event(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.out[g.off:])
	g.off += n
	return n, nil
}

// event puts the next event into out; nothing, where a stage is empty; io.EOF after the last.
func (g *generation) event() error {
	switch g.stage {
	case atOpening:
		g.out = g.d.opening(g.out, g)
		g.stage = atTokens
		// With a TTFT of zero the opening shares the first token's write: flat out is one write a token.
		if g.s.cfg.TTFT == 0 && g.length > 0 {
			return g.event()
		}
	case atTokens:
		if g.written == g.length {
			g.stage = atEnding
			return nil
		}
		return g.tokens()
	case atEnding:
		g.out = g.d.ending(g.out, g)
		g.stage = atEnd
	case atEnd:
		g.done = true
		return io.EOF
	}
	return nil
}

// tokens waits until the next token is due and puts it into out, with those that share its write.
func (g *generation) tokens() error {
	if !g.s.wait(g.alarm, g.due) {
		return errStopped
	}
	now := g.s.clock.now()
	for range min(max(g.s.cfg.TokensPerWrite, 1), g.length-g.written) {
		g.out = g.d.token(g.out, g, word(g.written), now)
		g.write(now)
	}
	return nil
}

// write counts the next token as written at the instant now, and sets when the one after it is due.
func (g *generation) write(now int64) {
	g.written++
	g.stamps = append(g.stamps, now)
	g.due += g.s.slowed(g.s.cfg.stretch(g.s.cfg.ITL, g.key, g.written))
	g.s.generated.Add(int64(g.choices))
}

// finish waits until the last token is due and puts the whole answer into out: the answer that is not streamed.
func (g *generation) finish() bool {
	for k := 1; k < g.length; k++ {
		g.due += g.s.slowed(g.s.cfg.stretch(g.s.cfg.ITL, g.key, k))
	}
	if !g.s.wait(g.alarm, g.due) {
		return false
	}
	now := g.s.clock.now()
	g.written = g.length
	g.stamps = append(g.stamps, now)
	g.s.generated.Add(int64(g.length * g.choices))
	g.out = g.d.whole(g.out, g)
	g.done = true
	return true
}

// Close does nothing; fasthttp calls CloseWithError right after it.
func (g *generation) Close() error { return nil }

// CloseWithError ends the request, however the stream ended; err is what went wrong with the connection.
func (g *generation) CloseWithError(err error) error {
	g.done = g.done && err == nil
	g.release()
	return nil
}

// release gives the slot back, writes the truth and returns g to the pool.
func (g *generation) release() {
	if g.slot {
		g.s.leave()
	}
	if g.s.truths.to != nil {
		g.s.truths.add(g.truth())
	}
	g.s.count(g.status)
	g.time()
	g.s.pool.Put(g)
}

// time counts the times of an answer that came to its end, from its arrival on.
func (g *generation) time() {
	if !g.done || g.status != 200 || len(g.stamps) == 0 {
		return
	}
	first, last, n := g.stamps[0], g.last(), int64(g.written)
	if g.req.stream {
		g.s.timed[0].add(first-g.arrived, 1)
		g.s.timed[1].add(last-first, n-1)
	}
	g.s.timed[2].add(last-g.arrived, 1)
}

// times are how long the prompt and the output took, in ns. Of an answer that is not streamed the law says when the first token
// would have been due.
func (g *generation) times() (prompt, output int64) {
	first, last := g.stamps[0], g.last()
	if !g.req.stream {
		first = min(g.start+int64(g.s.cfg.TTFT), last)
	}
	return first - g.start, last - first
}

func (g *generation) truth() Truth {
	t := Truth{
		ID: string(g.id), Number: g.number, Dialect: g.d.name, Path: string(g.path), Stream: g.req.stream,
		ArrivedMonoNS: g.arrived, ArrivedUnixNS: g.s.wall(g.arrived), LoadNS: max(0, g.ready-g.arrived), StartMonoNS: g.start,
		PromptTokens: g.req.promptTokens, OutputTokens: g.written * g.choices, Tokens: g.stamps,
		Done: g.done, Status: g.status, Probe: bytes.HasPrefix(g.id, []byte("probe-")),
	}
	if n := len(g.stamps); n > 0 {
		t.FirstUnixNS, t.LastUnixNS = g.s.wall(g.stamps[0]), g.s.wall(g.stamps[n-1])
	}
	return t
}

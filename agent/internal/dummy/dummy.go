// Package dummy is a mock inference server: it speaks every dialect, follows a known law, and writes down what it did.
//
// The law of one request: it waits in a FIFO queue until one of MaxRunning slots is free; that instant is its start
// (its arrival, where it need not wait). Token k, from 0, is due at start + TTFT + k·ITL. These are absolute instants:
// a late token makes no later one late. Each token is one event and one flush to the socket. The words are a fixed
// chain, the prompt's tokens are its blank-separated words, and the truth of each request goes to Config.Truth. A request
// with a group of prompts has one slot; token k of all its answers shares an instant. Where a dialect gives the server's own
// times (Ollama, llama.cpp), they are those of this law: of the prompt from the start to the first token, of the output from there
// to the last.
package dummy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Config is the law the server follows. Its zero value answers every request at once with 128 tokens.
type Config struct {
	Model string // the one model it has; others are answered 404. Empty: it answers to every name

	TTFT   time.Duration // from a request's start to its first token
	ITL    time.Duration // from token to token
	Jitter float64       // 0..1: TTFT and each gap are stretched by a factor drawn evenly from [1-Jitter, 1+Jitter]

	// Tokens is the length of an answer: where a request asks for none, and where an answer ends by itself before the
	// length asked, unless the request has ignore_eos or min_tokens. 0: 128 where none is asked, and no answer ends by
	// itself.
	Tokens         int
	TokensPerWrite int // tokens that share one write and its instant, which is the first one's; 0: 1

	ErrorRate  float64 // 0..1: share of requests answered with HTTP 500; which ones follows from Seed and X-Request-Id
	MaxRunning int     // requests in work at once; the others wait in order of arrival; 0: no limit
	Seed       int64   // of jitter and errors

	// Cold is how long the first request in a dialect of Ollama loads the model; what comes meanwhile waits for it. It is in the
	// load_duration of all of them.
	Cold time.Duration

	// PrefixCache counts in /metrics which requests came before, word for word, as the hits of a prefix cache. Their answers are
	// no faster. POST /reset_prefix_cache forgets them.
	PrefixCache bool

	// Store is a directory with a file for each model that the server has, by Ollama's ways of having models: /api/create and /api/pull
	// make one, and a model without one is answered 404. "": it has Model, or all.
	Store string
	OnCPU bool // /api/ps says that no byte of a model is in a GPU's memory

	Truth io.Writer // one Truth as a JSON line per request; nil: none

	// Log is the server's log: with LogRequests a line for each request, with its X-Request-Id, and Chatter bytes of lines a second.
	Log         io.Writer
	LogRequests bool
	Chatter     int64
	ClockOffset time.Duration // how much the clock of the log is to be off, for tests

	// Faults, for tests of what surrounds a server.
	DieAfter   time.Duration // Serve returns ErrDied this long after it began, in the middle of everything; 0: never
	HangAfter  time.Duration // no byte of a generation is sent any more, while /health stays 200; 0: never
	SlowAfter  time.Duration // from then on each second makes what is still to come twice as slow, while /health stays 200; 0: never
	StartDelay time.Duration // every path answers 503 for so long, as a server does that loads its model
	FailHealth bool          // /health answers 503 for ever
}

// ErrDied is returned by Serve when Config.DieAfter has passed.
var ErrDied = errors.New("died, as --die-after asked")

// maxBody is the longest request body that is read, in bytes. fasthttp's own limit of 4 MiB is short of a long prompt.
const maxBody = 256 << 20

// Serve answers on ln until ctx ends, and then cuts the answers under way, as real servers do on SIGTERM. It returns
// nil after ctx ended, ErrDied after Config.DieAfter, or what went wrong with ln or Config.Truth. Every truth line is
// written when it returns.
func Serve(ctx context.Context, ln net.Listener, cfg Config) error {
	asked := ctx
	ctx, stop := context.WithCancelCause(asked)
	defer stop(nil)
	clock, err := newClock(ctx.Done())
	if err != nil {
		return err
	}
	defer clock.close()
	s := newServer(cfg, clock, ctx.Done())
	if cfg.DieAfter > 0 {
		defer time.AfterFunc(cfg.DieAfter, func() { stop(ErrDied) }).Stop()
	}
	web := &fasthttp.Server{
		Handler:               s.handle,
		Name:                  "hpcbench-dummy",
		MaxRequestBodySize:    maxBody,
		ReadBufferSize:        16 << 10,
		NoDefaultContentType:  true,
		CloseOnShutdown:       true,
		DisableKeepalive:      false,
		SecureErrorLogMessage: true,
		Logger:                silent{},
	}
	var wg sync.WaitGroup
	if cfg.Chatter > 0 {
		wg.Go(func() { chatter(ctx, cfg.Log, cfg.Chatter) })
	}
	wg.Go(func() { s.truths.run() })
	wg.Go(func() {
		if err := web.Serve(ln); err != nil {
			stop(fmt.Errorf("serving on %s: %w", ln.Addr(), err))
		}
	})
	<-ctx.Done()
	// Shutdown waits for the answers under way; each of them sees ctx.Done and ends. The limit is for a client that
	// does not read: its answer is stuck in a write.
	limit, release := context.WithTimeout(context.Background(), time.Second)
	defer release()
	if err := web.ShutdownWithContext(limit); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		stop(fmt.Errorf("closing %s: %w", ln.Addr(), err))
	}
	_ = ln.Close() // Shutdown knows nothing of a listener that web.Serve has not seen yet
	s.truths.close()
	wg.Wait()
	if cause := context.Cause(ctx); cause != context.Cause(asked) { // whatever the reason of who asked, such as a signal, it is an end in good order
		return cause
	}
	return s.truths.err
}

// silent drops fasthttp's own log: a client that hangs up is no news here, it is in the truth.
type silent struct{}

func (silent) Printf(string, ...any) {}

package loop

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire"
)

// idleFor is how long a connection is kept: less than the 5 s after which the common servers close theirs.
const idleFor = 4 * time.Second

// worker has one request at a time, and a client of its own, so that the connection a byte comes on tells the request.
type worker struct {
	*secure
	index    int
	endpoint int
	client   *fasthttp.HostClient
	todo     chan wire.Call
	body     []byte // of a request
	buf      []byte // of reads
	carried  int    // requests since the connection was opened

	// Guarded by secure.mu.
	request *load.Request // nil: none, or one that was given up
	parser  wire.Parser
	sent    time.Duration
	group   []int64 // of its prompts' indices

	link   sync.Mutex // guards what follows
	conn   net.Conn
	cancel context.CancelFunc // of the dial
	kept   bool               // the connection has carried an answer
	quiet  bool               // not a byte of an answer since the send
	ended  error              // how the connection ended; nil: it has not
}

func newWorker(s *secure, index, endpoint int) *worker {
	w := &worker{secure: s, index: index, endpoint: endpoint, todo: make(chan wire.Call, 1), buf: make([]byte, 16<<10)}
	w.parser.Remember(&s.forms)
	base := s.assignment.Endpoints[endpoint]
	w.client = &fasthttp.HostClient{
		Addr: "endpoint", MaxConns: 1, MaxIdleConnDuration: idleFor, StreamResponseBody: true, ReadBufferSize: 16 << 10,
		Dial:       func(string) (net.Conn, error) { return w.dial(base) },
		RetryIfErr: func(*fasthttp.Request, int, error) (bool, bool) { return false, false }, // never in secret
	}
	return w
}

// run is the life of the worker.
func (w *worker) run() {
	for call := range w.todo {
		w.do(call)
	}
	w.client.CloseIdleConnections()
}

// do sends a request and takes its answer. It is sent once more where a kept connection had been closed meanwhile.
func (w *worker) do(call wire.Call) {
	err := w.try(call)
	if err != nil && w.stale() {
		w.mu.Lock()
		w.counts.Resent++
		w.mu.Unlock()
		if err = w.try(call); errors.As(err, new(unmade)) {
			err = lost{err}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.request != nil {
		w.conclude(err)
	}
	w.retire()
	w.idle[w.endpoint] = append(w.idle[w.endpoint], w)
	w.secure.issue()
	w.tell()
}

// retire closes the connection that has carried as many requests as the workload lets it.
func (w *worker) retire() {
	w.carried++
	if most := w.assignment.Trial.Workload.ConnRequests; most > 0 && w.carried >= most {
		w.client.CloseIdleConnections()
		w.carried = 0
	}
}

// conclude ends the request as err says. mu is held.
func (w *worker) conclude(err error) {
	r, now := w.request, w.now()
	w.request = nil
	switch {
	case errors.As(err, new(lost)):
		w.counts.Broken++
		w.finish(r, &none, unanswered(record.Disconnect, err.Error()), now)
	case errors.As(err, new(unmade)):
		if starved(err) {
			w.counts.ConnErrors++
		}
		w.finish(r, &none, unanswered(record.Refused, err.Error()), now)
	default:
		w.close(r, err, now)
	}
}

// close ends a request whose answer has begun, or should have. mu is held.
func (w *worker) close(r *load.Request, err error, now time.Duration) {
	hangup := w.hangup()
	if err == nil {
		hangup = nil // a proper end, by the framing
	}
	if err != nil && hangup == nil {
		w.parser.Reject(err)
	} else if n := w.parser.Hangup(hangup); n > 0 {
		received(w.machine, &w.parser, r, now, n)
	}
	a := w.parser.Answer()
	if a.Outcome == record.Disconnect {
		w.counts.Broken++
	}
	w.finish(r, &w.parser, a, now)
}

// hangup is how the connection ended, nil while it stands.
func (w *worker) hangup() error {
	w.link.Lock()
	defer w.link.Unlock()
	if w.ended == io.EOF {
		return errors.New("connection closed")
	}
	return w.ended
}

// try sends the request and reads the answer to its end.
func (w *worker) try(call wire.Call) error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	w.compose(req, call)
	if err := w.client.Do(req, resp); err != nil {
		return err
	}
	defer func() { _ = resp.CloseBodyStream() }() // the read before it has told what there was to tell
	w.mu.Lock()
	if w.request != nil {
		w.parser.Headed(resp.StatusCode(), func(name string) string { return string(resp.Header.Peek(name)) })
	}
	w.mu.Unlock()
	if body := resp.BodyStream(); body != nil {
		return w.drain(body)
	}
	return nil // a 204
}

func (w *worker) compose(req *fasthttp.Request, call wire.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	encoder := w.encoders[w.endpoint]
	w.body = encoder.Body(w.body[:0], call)
	req.SetRequestURI(encoder.URL()) // TLS is the dialler's
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType("application/json")
	req.Header.SetUserAgent("hpcbench")
	req.Header.Set("X-Request-Id", w.prefix+strconv.FormatInt(call.ID, 10))
	for _, line := range encoder.Headers() {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, fasthttp.HeaderHost) {
			req.UseHostHeader = true // and not the one of the URL
		}
		req.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	req.SetBodyRaw(w.body)
}

// drain feeds the body to the parser, stamping each read.
func (w *worker) drain(body io.Reader) error {
	for {
		n, err := body.Read(w.buf)
		now := w.now()
		if n > 0 {
			w.feed(w.buf[:n], now)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (w *worker) feed(b []byte, now time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.request == nil {
		return
	}
	tokens, _ := w.parser.Feed(b)
	if received(w.machine, &w.parser, w.request, now, tokens) {
		w.giveUp(now)
	}
}

// giveUp closes the connection under a request that the client cancels on purpose. mu is held.
func (w *worker) giveUp(now time.Duration) {
	r, a := w.request, w.parser.Answer()
	a.Outcome, a.Error = record.Cancelled, load.GivenUp
	w.abort()
	w.request = nil
	w.finish(r, &w.parser, a, now)
}

// dial makes a connection, with TLS where the endpoint says so.
//
// The request may be given up at any moment. Who does that cancels what it finds in w.cancel and closes what it finds in w.conn;
// so each is set before it is asked whether that has happened.
func (w *worker) dial(base string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	w.link.Lock()
	w.cancel, w.kept = cancel, false
	w.link.Unlock()
	w.mu.Lock()
	w.counts.Connections++
	if w.request == nil {
		cancel()
	}
	w.mu.Unlock()
	w.carried = 0
	c, err := w.connect(ctx, base)
	if err != nil {
		return nil, unmade{err}
	}
	w.link.Lock()
	w.conn, w.ended = c, nil
	w.link.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, unmade{errors.Join(err, c.Close())}
	}
	return &linked{c, w}, nil
}

func (w *worker) connect(ctx context.Context, base string) (net.Conn, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	if u.Scheme == "unix" {
		return d.DialContext(ctx, "unix", strings.TrimPrefix(strings.TrimPrefix(base, "unix:"), "//"))
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || u.Scheme != "https" {
		return c, err
	}
	secured := tls.Client(c, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: w.opt.Insecure})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return secured, nil
}

// abort closes the connection under the request, or ends the making of it.
func (w *worker) abort() {
	w.link.Lock()
	defer w.link.Unlock()
	if w.cancel != nil {
		w.cancel()
	}
	if w.conn != nil {
		_ = w.conn.Close() // the reader hears of it
	}
}

// stale reports whether what failed was sent on a connection that the server had closed before.
func (w *worker) stale() bool {
	w.mu.Lock()
	waits := w.request != nil && w.now()-w.sent < staleAfter
	w.mu.Unlock()
	w.link.Lock()
	defer w.link.Unlock()
	return waits && w.kept && w.quiet
}

// linked is a worker's connection: it stamps the send, and knows whether an answer has begun.
type linked struct {
	net.Conn
	w *worker
}

// Write stamps the request with the time of its first byte.
func (l *linked) Write(b []byte) (n int, err error) {
	l.w.link.Lock()
	l.w.quiet = true
	l.w.link.Unlock()
	l.w.mu.Lock()
	l.w.sent = l.w.now()
	if r := l.w.request; r != nil {
		l.w.machine.Sent(r, l.w.sent)
	}
	l.w.mu.Unlock()
	if n, err = l.Conn.Write(b); err != nil {
		l.w.link.Lock()
		l.w.ended = err
		l.w.link.Unlock()
	}
	return n, err
}

// Read notes that an answer has begun.
func (l *linked) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.w.link.Lock()
	defer l.w.link.Unlock()
	if n > 0 {
		l.w.quiet, l.w.kept = false, true
	}
	if err != nil {
		l.w.ended = err
	}
	return n, err
}

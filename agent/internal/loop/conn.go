package loop

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire"
)

// staleAfter bounds how long after the send a kept connection may close and still be taken for one that the server had
// closed before it saw the request. What closes later was closed on the request.
const staleAfter = time.Second

// conn is a connection to an endpoint. It carries one request at a time.
type conn struct {
	fd         int // -1: closed
	index      int32
	generation int32 // tells its events from those of the connection that had this index before
	endpoint   int
	connecting bool
	kept       bool // it was open before the request that it carries
	request    *load.Request
	resent     bool // the request was sent before, on a connection that turned out to be closed
	resting    int  // its place among the idle ones of its endpoint, from 1; 0: it is none
	carried    int  // requests, this one included
	sent       time.Duration
	stamp      time.Duration // of what came last, where the kernel's stamps are asked for
	unsent     []byte        // what of the request the socket has not taken yet
	parser     wire.Parser
}

// close gives the socket back. An error of close means nothing to a socket whose bytes nobody waits for.
func (c *conn) close() {
	if c.fd >= 0 {
		_ = syscall.Close(c.fd)
		c.fd = -1
	}
}

// await opens the connections that the first requests need, so that these find them made.
func (t *thread) await() {
	for endpoint, n := range t.machine.Places(len(t.targets)) {
		for range n {
			c, err := t.connect(endpoint)
			if err != nil {
				break // the requests will say so
			}
			t.rest(c)
		}
	}
}

// connect begins a connection to an endpoint.
func (t *thread) connect(endpoint int) (*conn, error) {
	fd, err := t.targets[endpoint].dial()
	if err != nil {
		return nil, err
	}
	c := t.vacant()
	c.fd, c.endpoint, c.connecting, c.kept, c.request, c.resent, c.carried, c.stamp = fd, endpoint, true, false, nil, false, 0, 0
	c.generation++
	c.unsent = c.unsent[:0]
	c.parser.Reset(t.dialect, t.assignment.Trial.Workload.Stream)
	t.opened++
	if err := t.ready(c); err != nil {
		t.drop(c)
		return nil, err
	}
	return c, nil
}

// ready makes a new connection tell its events and, where they are asked for, the kernel's stamps.
func (t *thread) ready(c *conn) error {
	if t.stamps != nil && t.targets[c.endpoint].family != syscall.AF_UNIX {
		if err := stamped(c.fd); err != nil {
			return fmt.Errorf("asking for the kernel's stamps: %w", err)
		}
	}
	if err := watch(t.epoll, c.fd, edges, c.index, c.generation); err != nil {
		return fmt.Errorf("watching a connection: %w", err)
	}
	return nil
}

func (t *thread) vacant() *conn {
	if n := len(t.free); n > 0 {
		c := t.free[n-1]
		t.free = t.free[:n-1]
		return c
	}
	c := &conn{index: int32(len(t.conns)), fd: -1}
	c.parser.Remember(&t.forms)
	t.conns = append(t.conns, c)
	return c
}

// drop closes a connection and forgets it.
func (t *thread) drop(c *conn) {
	if c.fd < 0 {
		return
	}
	c.close()
	t.busy(c)
	t.free = append(t.free, c)
}

// rest puts a connection among those that wait for a request.
func (t *thread) rest(c *conn) {
	t.idle[c.endpoint] = append(t.idle[c.endpoint], c)
	c.resting = len(t.idle[c.endpoint])
}

// busy takes a connection out of those that wait for a request, if it is one; the last of them takes its place.
func (t *thread) busy(c *conn) {
	if c.resting == 0 {
		return
	}
	idle := t.idle[c.endpoint]
	last := idle[len(idle)-1]
	idle[c.resting-1], last.resting = last, c.resting
	t.idle[c.endpoint], c.resting = idle[:len(idle)-1], 0
}

// dispatch sends a request on a connection that is open or about to be, the last used first, or opens one for it.
func (t *thread) dispatch(r *load.Request) {
	if idle := t.idle[r.Endpoint]; len(idle) > 0 {
		c := idle[len(idle)-1]
		t.busy(c)
		c.kept = !c.connecting
		t.give(c, r)
		if c.kept {
			t.send(c)
		}
		return
	}
	c, err := t.connect(r.Endpoint)
	if errors.Is(err, syscall.EMFILE) && t.evict() {
		c, err = t.connect(r.Endpoint)
	}
	if err != nil {
		t.refuse(r, err)
		return
	}
	t.give(c, r) // sent when the connection is made
}

// evict closes a connection that nobody uses, of another endpoint, where the process may open no more files.
func (t *thread) evict() bool {
	for _, idle := range t.idle {
		if len(idle) > 0 {
			t.drop(idle[0])
			return true
		}
	}
	return false
}

func (t *thread) give(c *conn, r *load.Request) {
	c.request, c.resent, r.Tag = r, false, int(c.index)
	c.carried++
	t.expect(&c.parser, r)
}

// refuse ends a request for which there is no connection.
func (t *thread) refuse(r *load.Request, err error) {
	if starved(err) {
		t.starved++
	}
	t.finish(r, &none, unanswered(record.Refused, err.Error()), t.now())
}

// lose ends a request that was sent, lost with its connection, and could not be sent again.
func (t *thread) lose(r *load.Request, err error) {
	t.broken++
	t.finish(r, &none, unanswered(record.Disconnect, fmt.Sprintf("connection closed before an answer, and no new one: %v", err)), t.now())
}

// none is the parser of a request that has no answer.
var none wire.Parser

func unanswered(o record.Outcome, why string) wire.Answer {
	return wire.Answer{Outcome: o, Error: why, PromptTokens: wire.Unknown, OutputTokens: wire.Unknown}
}

// starved reports whether a connection failed for want of something on this node.
func starved(err error) bool {
	for _, want := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// send writes the request of a connection. It is encoded first, so that the stamp is next to the write.
func (t *thread) send(c *conn) {
	r := c.request
	call := t.ask(r, t.group)
	t.group = call.Group
	t.text = t.encoders[c.endpoint].Append(t.text[:0], t.prefix, call)
	c.sent = t.now()
	t.machine.Sent(r, c.sent)
	t.write(c, t.text)
}

// write gives bytes to the socket and keeps what it does not take.
func (t *thread) write(c *conn, b []byte) {
	for len(b) > 0 {
		n, err := write(c.fd, b)
		if err == syscall.EAGAIN {
			break
		}
		if err != nil {
			c.unsent = append(c.unsent[:0], b...)
			t.unwritable(c, err)
			return
		}
		b = b[n:]
	}
	c.unsent = append(c.unsent[:0], b...)
}

// unwritable ends a connection that takes no more bytes. An answer that came before, such as a 413, tells more than that.
func (t *thread) unwritable(c *conn, err error) {
	generation := c.generation
	t.receive(c, true)
	t.settle()
	if c.fd >= 0 && c.generation == generation {
		t.hangup(c, err, t.now())
	}
}

// handle takes an event of a connection.
func (t *thread) handle(c *conn, ev *syscall.EpollEvent) {
	if c.fd < 0 || c.generation != ev.Pad {
		return // of a connection that was closed a moment ago
	}
	if c.connecting && !t.connected(c) {
		return
	}
	if ev.Events&syscall.EPOLLOUT != 0 && len(c.unsent) > 0 {
		t.write(c, c.unsent)
	}
	if ev.Events&(syscall.EPOLLIN|gone) != 0 && c.generation == ev.Pad {
		t.receive(c, ev.Events&gone != 0)
	}
}

// connected ends the making of a connection and reports whether there is one now.
func (t *thread) connected(c *conn) bool {
	errno, err := syscall.GetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	if err != nil {
		t.unconnected(c, err)
		return false
	}
	c.connecting = false
	if c.request != nil {
		t.send(c)
	}
	return c.fd >= 0
}

// unconnected ends a connection that could not be made.
func (t *thread) unconnected(c *conn, err error) {
	r := c.request
	c.request = nil
	t.drop(c)
	switch {
	case r == nil: // opened in advance; the requests will say so
	case c.resent:
		t.lose(r, err)
	default:
		t.refuse(r, err)
	}
}

// take hands bytes to the parser, and ends the request when they are the last of its answer.
func (t *thread) take(c *conn, b []byte, now time.Duration) {
	tokens, complete := c.parser.Feed(b)
	if received(t.machine, &c.parser, c.request, now, tokens) {
		t.giveUp(c, now)
		return
	}
	if !complete {
		return
	}
	r, a := c.request, c.parser.Answer()
	c.request = nil
	if a.Reusable && len(c.unsent) == 0 && t.carriesMore(c) {
		t.rest(c)
	} else {
		t.drop(c)
	}
	t.finish(r, &c.parser, a, now)
}

// carriesMore reports whether the workload lets a connection carry another request.
func (t *thread) carriesMore(c *conn) bool {
	most := t.assignment.Trial.Workload.ConnRequests
	return most == 0 || c.carried < most
}

// giveUp closes the connection under a request that the client cancels on purpose.
func (t *thread) giveUp(c *conn, now time.Duration) {
	r, a := c.request, c.parser.Answer()
	a.Outcome, a.Error = record.Cancelled, load.GivenUp
	c.request = nil
	t.drop(c)
	t.finish(r, &c.parser, a, now)
}

// hangup takes the end of a connection: in order when err is nil.
func (t *thread) hangup(c *conn, err error, now time.Duration) {
	r := c.request
	if r == nil {
		t.drop(c)
		return
	}
	if c.kept && !c.resent && !c.parser.Started() && now-c.sent < staleAfter {
		t.resend(c)
		return
	}
	if tokens := c.parser.Hangup(err); tokens > 0 {
		received(t.machine, &c.parser, r, now, tokens)
	}
	a := c.parser.Answer()
	if a.Outcome == record.Disconnect {
		t.broken++
	}
	c.request = nil
	t.drop(c)
	t.finish(r, &c.parser, a, now)
}

// resend sends a request again, on a new connection: the kept one was closed before the server saw the request.
func (t *thread) resend(c *conn) {
	r := c.request
	c.request = nil
	t.drop(c)
	t.resent++
	fresh, err := t.connect(c.endpoint)
	if err != nil {
		t.lose(r, err)
		return
	}
	t.give(fresh, r)
	fresh.resent = true
}

package server

import (
	"fmt"
	"strconv"
	"syscall"
)

// conn is a connection, and the answer under way on it.
type conn struct {
	fd   int
	in   []byte // came, and is no whole request yet
	out  []byte // the socket did not take yet
	gone bool

	busy           bool // an answer is under way
	opened         bool // its head is written
	r              *request
	number         int64
	first, arrived int64 // ns of CLOCK_MONOTONIC: the request's first byte and its last were read
	written        int   // tokens
	stamps         []int64

	at    int64 // when its next token is due; never: it is in no heap
	place int   // in the heap
}

// answer begins the answer to a request that arrived now.
func (l *loop) answer(c *conn, r *request, now int64) {
	switch string(r.path) {
	case "/v1/chat/completions":
	case "/v1/models":
		l.page(c, `{"object":"list","data":[{"id":"m","object":"model","owned_by":"hpcbench"}]}`)
		return
	case "/stats":
		l.page(c, fmt.Sprintf(`{"requests":%d,"tokens":%d}`, l.requests, l.tokens))
		return
	default:
		l.page(c, `{"status":"ok"}`)
		return
	}
	l.requests++
	c.busy, c.opened, c.r, c.number, c.arrived, c.written = true, false, r, l.requests, now, 0
	c.stamps = c.stamps[:0]
	if r.stream && l.cfg.TTFT > 0 {
		c.opened = true
		l.write(c, append(l.scratch[:0], streamHead...))
	}
	l.sleep(c)
}

// dueAt is when token k is due.
func (l *loop) dueAt(c *conn, k int) int64 {
	return c.arrived + int64(l.cfg.TTFT) + int64(k)*int64(l.cfg.ITL)
}

// sleep waits for the next token, or speaks at once where it is due.
func (l *loop) sleep(c *conn) {
	k := c.written
	if !c.r.stream {
		k = c.r.tokens - 1
	}
	if at := l.dueAt(c, k); at > l.clock.now() {
		l.due.push(c, at)
		return
	}
	l.speak(c)
}

// speak writes what is due, in as many writes as the law wants, until a token is not due yet or the socket is full.
func (l *loop) speak(c *conn) {
	for !c.gone && len(c.out) == 0 && c.busy {
		now := l.clock.now()
		if !c.r.stream {
			l.whole(c, now)
			return
		}
		if l.dueAt(c, c.written) > now && c.written < c.r.tokens {
			l.due.push(c, l.dueAt(c, c.written))
			return
		}
		l.next(c, now)
	}
}

// next writes the next tokens of a stream, or its end.
func (l *loop) next(c *conn, now int64) {
	b := l.scratch[:0]
	if !c.opened {
		c.opened = true
		b = append(b, streamHead...)
	}
	if c.written == 0 {
		b = role(b, c.number)
	}
	left := min(l.cfg.Together, c.r.tokens-c.written)
	for range left {
		b = chunk(b, c.number, word(c.written))
		c.stamps = append(c.stamps, now)
		c.written++
	}
	l.tokens += int64(left)
	ends := left == 0 || c.written == c.r.tokens && l.cfg.Together > 1
	if ends {
		b = ending(b, c)
	}
	l.write(c, b)
	if ends {
		l.done(c)
	}
}

// whole writes an answer in one piece.
func (l *loop) whole(c *conn, now int64) {
	c.stamps = append(c.stamps, now)
	c.written = c.r.tokens
	l.tokens += int64(c.written)
	l.write(c, wholeAnswer(l.scratch[:0], c))
	l.done(c)
}

// done ends an answer, and takes up the next request where it has come meanwhile.
func (l *loop) done(c *conn) {
	if c.gone {
		return
	}
	l.truth.add(c, true)
	c.busy = false
	switch {
	case c.r.close && len(c.out) == 0:
		l.drop(c)
	case len(c.in) > 0:
		c.first = l.clock.now()
		l.consider(c, c.in, c.first)
	}
}

func (l *loop) page(c *conn, body string) {
	l.write(c, append(strconv.AppendInt(append(l.scratch[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...),
		int64(len(body)), 10), "\r\n\r\n"+body...))
}

// write sends b, and keeps what the socket does not take for when it can.
func (l *loop) write(c *conn, b []byte) {
	l.scratch = b[:0]
	if c.gone {
		return
	}
	n := 0
	if len(c.out) == 0 {
		var err error
		if n, err = syscall.Write(c.fd, b); err != nil && err != syscall.EAGAIN {
			l.drop(c)
			return
		}
		n = max(n, 0)
	}
	if n == len(b) {
		return
	}
	if len(c.out) == 0 && l.watch(syscall.EPOLL_CTL_MOD, c.fd, syscall.EPOLLIN|syscall.EPOLLOUT) != nil {
		l.drop(c)
		return
	}
	c.out = append(c.out, b[n:]...)
}

// flush goes on where the socket was full.
func (l *loop) flush(c *conn) {
	n, err := syscall.Write(c.fd, c.out)
	if err != nil && err != syscall.EAGAIN {
		l.drop(c)
		return
	}
	c.out = c.out[max(n, 0):]
	if len(c.out) > 0 {
		return
	}
	c.out = nil
	if l.watch(syscall.EPOLL_CTL_MOD, c.fd, syscall.EPOLLIN) != nil || !c.busy && c.r != nil && c.r.close {
		l.drop(c)
		return
	}
	if c.at == never {
		l.speak(c)
	}
}

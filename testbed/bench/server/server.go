// Package server is the second server that clients are measured against: one thread, one epoll set, raw non-blocking
// sockets, prepared bytes, nothing of fasthttp or net/http. It speaks openai-chat, streamed and not, follows the law of
// `agent dummy` (token k is due at arrival + TTFT + k·ITL, an absolute instant), and writes the same truth.
package server

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// Config is the law that the server follows.
type Config struct {
	Listen   netip.AddrPort // IPv4
	TTFT     time.Duration  // from a request's arrival to its first token
	ITL      time.Duration  // from token to token
	Together int            // tokens that share one write and its instant, the first one's due time; 0: 1
	Truth    io.Writer      // a line a request (package truth); nil: none
}

// loop is the server's one thread.
type loop struct {
	cfg     Config
	clock   clock
	epoll   int
	listen  int
	events  [512]syscall.EpollEvent
	conns   map[int32]*conn
	due     timers
	buf     []byte // of reads
	scratch []byte // of an answer's next bytes
	truth   *writer

	requests, tokens int64 // answered, written
}

// Serve answers until ctx ends; ready is called once connections are taken.
func Serve(ctx context.Context, cfg Config, ready func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cfg.Together = max(cfg.Together, 1)
	l := &loop{cfg: cfg, clock: newClock(), conns: map[int32]*conn{}, buf: make([]byte, 256<<10)}
	if err := l.open(); err != nil {
		return fmt.Errorf("listening on %s: %w", cfg.Listen, err)
	}
	defer l.close()
	l.truth = newWriter(cfg.Truth)
	ready()
	for ctx.Err() == nil {
		if err := l.turn(); err != nil {
			return err
		}
	}
	return l.truth.close()
}

// open makes the epoll set and the socket that listens.
func (l *loop) open() (err error) {
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return err
	}
	l.listen, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err = syscall.SetsockoptInt(l.listen, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err = syscall.Bind(l.listen, &syscall.SockaddrInet4{Port: int(l.cfg.Listen.Port()), Addr: l.cfg.Listen.Addr().As4()}); err != nil {
		return err
	}
	if err = syscall.Listen(l.listen, 65535); err != nil {
		return err
	}
	return l.watch(syscall.EPOLL_CTL_ADD, l.listen, syscall.EPOLLIN)
}

func (l *loop) close() {
	for fd := range l.conns {
		_ = syscall.Close(int(fd))
	}
	_ = syscall.Close(l.listen)
	_ = syscall.Close(l.epoll)
}

func (l *loop) watch(op, fd int, events uint32) error {
	return syscall.EpollCtl(l.epoll, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

// turn waits for what happens first, at most until the next token is due, and does all that is due.
func (l *loop) turn() error {
	n, err := l.wait(l.due.next(l.clock.now()))
	if err != nil {
		return fmt.Errorf("waiting for events: %w", err)
	}
	for _, e := range l.events[:n] {
		switch {
		case int(e.Fd) == l.listen:
			l.accept()
		case l.conns[e.Fd] != nil:
			l.happened(l.conns[e.Fd], e.Events)
		}
	}
	for now := l.clock.now(); len(l.due) > 0 && l.due[0].at <= now; {
		l.speak(l.due.pop())
	}
	return nil
}

// sysEpollPwait2 has a timeout in ns; epoll_wait rounds to ms. Linux 5.11.
const sysEpollPwait2 = 441

func (l *loop) wait(d time.Duration) (int, error) {
	ts := syscall.NsecToTimespec(int64(d))
	n, _, errno := syscall.Syscall6(sysEpollPwait2, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
	if errno == syscall.EINTR {
		return 0, nil
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// accept takes all connections that wait. One that can't be taken for want of files stays in the kernel's queue.
func (l *loop) accept() {
	for {
		fd, _, err := syscall.Accept4(l.listen, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		// A socket that can't be set up is closed: its client sees that.
		if syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1) != nil || l.watch(syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLIN) != nil {
			_ = syscall.Close(fd)
			continue
		}
		l.conns[int32(fd)] = &conn{fd: fd, at: never}
	}
}

func (l *loop) happened(c *conn, events uint32) {
	if events&syscall.EPOLLOUT != 0 {
		l.flush(c)
	}
	if events&(syscall.EPOLLIN|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 && !c.gone {
		l.read(c)
	}
}

// read takes what came and answers it where it is a whole request.
func (l *loop) read(c *conn) {
	n, err := syscall.Read(c.fd, l.buf)
	now := l.clock.now()
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return
	case err != nil || n == 0:
		l.drop(c)
		return
	}
	if len(c.in) == 0 && !c.busy {
		c.first = now
	}
	in := l.buf[:n]
	if len(c.in) > 0 || c.busy {
		c.in = append(c.in, in...)
		in = c.in
	}
	if !c.busy {
		l.consider(c, in, now)
	}
}

// consider answers the request at the beginning of in, and keeps what is left.
func (l *loop) consider(c *conn, in []byte, now int64) {
	r, rest, err := parse(in)
	switch {
	case err != nil:
		l.write(c, refusal(l.scratch[:0], err))
		l.drop(c)
		return
	case r == nil:
		c.in = append([]byte(nil), in...)
		return
	case len(rest) == 0:
		c.in = nil
	default:
		c.in = append([]byte(nil), rest...)
	}
	l.answer(c, r, now)
}

// drop ends a connection; its answer, if there is one under way, is not done.
func (l *loop) drop(c *conn) {
	if c.gone {
		return
	}
	if c.busy {
		l.truth.add(c, false)
	}
	c.gone = true
	l.due.remove(c)
	delete(l.conns, int32(c.fd))
	_ = syscall.Close(c.fd)
}

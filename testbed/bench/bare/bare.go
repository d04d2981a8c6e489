// Package bare is the least a client can do, as the mark to measure clients by: one locked thread, one epoll set, raw
// non-blocking reads and writes, one prepared request. It counts events and reads the clock once a read, and knows
// nothing of requests that fail, of pacing, of records.
package bare

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Config is the load: a closed loop.
type Config struct {
	Server      netip.AddrPort // IPv4
	Connections int
	Duration    time.Duration
	Request     []byte // whole, with its head
}

// Result is what was counted.
type Result struct {
	Requests int64 `json:"requests"` // answered to their end
	Events   int64 `json:"events"`   // streamed, those without tokens too
	Reads    int64 `json:"reads"`    // of sockets that had something
	Last     int64 `json:"last"`     // the stamp of the last read, so that no compiler leaves stamps out
}

type conn struct {
	fd   int
	left int  // of a body with a length; -1: the head is to come
	tail tail // of a body in chunks
}

// tail is what was last read of a stream: its end may come in two reads.
type tail struct {
	bytes [4]byte
	n     int
}

// Run sends the load. A connection that ends is an error: there is nothing to count then.
func Run(cfg Config) (Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return Result{}, err
	}
	conns := map[int32]*conn{}
	for range cfg.Connections {
		c, err := dial(cfg, epoll)
		if err != nil {
			return Result{}, fmt.Errorf("connecting to %s: %w", cfg.Server, err)
		}
		conns[int32(c.fd)] = c
	}
	var r Result
	var events [256]syscall.EpollEvent
	buf := make([]byte, 256<<10)
	end := time.Now().Add(cfg.Duration)
	for time.Now().Before(end) {
		n, err := syscall.EpollWait(epoll, events[:], 100)
		if err != nil && err != syscall.EINTR {
			return r, err
		}
		for _, e := range events[:max(n, 0)] {
			if err := r.read(cfg, conns[e.Fd], buf); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// dial opens a connection and sends the first request on it.
func dial(cfg Config, epoll int) (*conn, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(cfg.Server.Port()), Addr: cfg.Server.Addr().As4()}); err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	c := &conn{fd: fd, left: -1}
	if err := c.send(cfg.Request); err != nil {
		return nil, err
	}
	return c, syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

func (c *conn) send(request []byte) error {
	c.left, c.tail = -1, tail{}
	n, err := syscall.Write(c.fd, request)
	if err == nil && n < len(request) {
		err = errors.New("the socket did not take a whole request")
	}
	return err
}

// read takes what came on a connection, and sends the next request where that was the answer's end.
func (r *Result) read(cfg Config, c *conn, buf []byte) error {
	n, err := syscall.Read(c.fd, buf)
	if err == syscall.EAGAIN {
		return nil
	}
	if err != nil || n == 0 {
		return fmt.Errorf("the server closed a connection (error %v)", err)
	}
	r.Reads++
	r.Last = time.Now().UnixNano()
	in := buf[:n]
	r.Events += int64(bytes.Count(in, []byte("data: ")))
	ended, err := c.ends(in)
	if err != nil || !ended {
		return err
	}
	r.Requests++
	return c.send(cfg.Request)
}

var (
	headEnd   = []byte("\r\n\r\n")
	lengthKey = []byte("Content-Length:")
	streamEnd = []byte("0\r\n\r\n")
)

// chunked is the left of a body in chunks.
const chunked = -2

// ends tells whether in is the end of the answer.
func (c *conn) ends(in []byte) (bool, error) {
	if c.left == -1 {
		head, body, ok := bytes.Cut(in, headEnd)
		if !ok || !bytes.HasPrefix(head, []byte("HTTP/1.1 200")) {
			return false, fmt.Errorf("an answer begins with %.200q", in)
		}
		c.left = chunked
		if _, rest, ok := bytes.Cut(head, lengthKey); ok {
			line, _, _ := bytes.Cut(rest, []byte("\r\n"))
			length, err := strconv.Atoi(string(bytes.TrimSpace(line)))
			if err != nil {
				return false, fmt.Errorf("an answer's length is %q", line)
			}
			c.left = length
		}
		in = body
	}
	if c.left == chunked {
		return c.tail.ends(in), nil
	}
	c.left -= len(in)
	return c.left == 0, nil
}

// ends tells whether a stream ends with in.
func (t *tail) ends(in []byte) bool {
	if len(in) >= len(streamEnd) {
		t.n = copy(t.bytes[:], in[len(in)-len(t.bytes):])
		return bytes.HasSuffix(in, streamEnd)
	}
	all := append(t.bytes[:t.n:t.n], in...)
	t.n = copy(t.bytes[:], all[max(0, len(all)-len(t.bytes)):])
	return bytes.HasSuffix(all, streamEnd)
}

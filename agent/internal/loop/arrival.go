package loop

import (
	"syscall"
	"time"
)

// Of a round of events every socket is read and stamped before anything is parsed or sent, so that what comes last does
// not wait for what the others said. readLen is the most that one read takes, and roomLen what all of a round's reads may
// take before they are settled.
const (
	readLen = 64 << 10
	roomLen = 4 * readLen
)

// arrival is what one read of a connection brought.
type arrival struct {
	c          *conn
	generation int32 // of the connection
	from, to   int   // in the thread's buffer
	at         time.Duration
}

// receive reads what has come. Events are told once, so it reads until there is no more: a read that does not fill the
// buffer was the last, unless the other side has closed.
func (t *thread) receive(c *conn, closing bool) {
	for generation := c.generation; c.fd >= 0 && c.generation == generation; {
		if t.filled+readLen > len(t.buf) {
			t.settle()
			continue
		}
		n, wall, err := t.read(c.fd, t.buf[t.filled:t.filled+readLen])
		now := t.now()
		switch {
		case err == syscall.EAGAIN:
			return
		case err == syscall.EINTR:
			continue
		case err != nil, n == 0:
			t.closed(c, err, now)
			return
		}
		t.arrived(c, n, t.stamp(c, wall, now))
		if n < readLen && !closing {
			return
		}
	}
}

// read is one read of a socket. wall is the kernel's time of what it brought, where stamps are asked for and there is one.
func (t *thread) read(fd int, b []byte) (n int, wall int64, err error) {
	if t.stamps != nil {
		return t.stamps.read(fd, b)
	}
	n, err = read(fd, b)
	return n, 0, err
}

// stamp is the time of what a read at now brought: that of the read or, where stamps are asked for, the kernel's, which is
// never before the request was sent nor before the stamp of what came before.
func (t *thread) stamp(c *conn, wall int64, now time.Duration) time.Duration {
	t.lag.Record(int64(now - t.asked))
	if t.stamps == nil {
		return now
	}
	c.stamp = max(c.stamp, c.sent, t.stamps.came(wall, time.Now(), now, t.asked))
	return c.stamp
}

// arrived notes a read.
func (t *thread) arrived(c *conn, n int, at time.Duration) {
	if c.request == nil {
		t.drop(c) // bytes that nobody asked for
		return
	}
	t.arrivals = append(t.arrivals, arrival{c, c.generation, t.filled, t.filled + n, at})
	t.filled += n
}

// closed takes the end of a connection, after all that came on it before.
func (t *thread) closed(c *conn, err error, now time.Duration) {
	generation := c.generation
	t.settle()
	if c.fd >= 0 && c.generation == generation {
		t.hangup(c, err, now)
	}
}

// settle takes what has arrived. A request that ends frees a place; what is due then is sent in the thread's next turn,
// which is at once.
func (t *thread) settle() {
	for _, a := range t.arrivals {
		if a.c.fd >= 0 && a.c.generation == a.generation && a.c.request != nil {
			t.take(a.c, t.buf[a.from:a.to], a.at)
		}
	}
	t.arrivals, t.filled = t.arrivals[:0], 0
}

package preflight

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"hpcbench/agent/internal/whole"
)

// Clock compares a node's clock with that of the job's first node, over the address that the nodes talk by. That shows at
// once whether they can talk.
type Clock struct {
	First  bool          // this is the first node, which the others ask
	Peers  int           // how many others there are
	Listen string        // address of the first node, to which a free port is added
	File   string        // where it publishes the port that it has
	Offset time.Duration // how much this node's clock is to be off, for tests
}

// Bounds of a clock's offset. What a trial does with its clients' clocks mends tenths of a second; minutes break
// certificates and munge, and records of two nodes can't be laid side by side.
const (
	offWarn = 100 * time.Millisecond
	offFail = time.Minute
)

// clockPatience is how long the first node waits for the others to ask, whose steps may start some seconds after its own.
const clockPatience = 10 * time.Second

// looks is how often the clock is asked: the quickest answer errs the least.
const looks = 5

func (c Clock) look(ctx context.Context) []Row {
	switch {
	case c.File == "" || c.Peers == 0:
		return nil // there is one node
	case c.First:
		return []Row{c.serve(ctx)}
	}
	return []Row{c.ask(ctx)}
}

// now is the node's clock.
func (c Clock) now() time.Time { return time.Now().Add(c.Offset) }

// serve answers each connection's bytes with the time, until all others have asked or the time is over.
func (c Clock) serve(ctx context.Context) Row {
	ln, err := net.Listen("tcp", net.JoinHostPort(c.Listen, "0"))
	if err != nil {
		return row("clock", Fail, "the others can't ask for the time: %v", err)
	}
	defer ln.Close()
	if err := whole.Write(c.File, []byte(ln.Addr().String()+"\n"), 0o644); err != nil {
		return row("clock", Fail, "%v", err)
	}
	asked := make(chan bool)
	go c.accept(ctx, ln, asked)
	for left := c.Peers; left > 0; {
		select {
		case whole := <-asked:
			if whole { // a stranger who only connected is none of the others
				left--
			}
		case <-ctx.Done():
			return row("clock", OK, "%d of %d other nodes compared theirs with this one", c.Peers-left, c.Peers)
		}
	}
	return row("clock", OK, "the other nodes compared theirs with this one")
}

// accept answers everybody until ln is closed, and tells asked of each whether the answers were taken.
func (c Clock) accept(ctx context.Context, ln net.Listener, asked chan<- bool) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			whole := c.answer(conn)
			select {
			case asked <- whole:
			case <-ctx.Done():
			}
		}()
	}
}

// answer gives the time for each byte that comes, and tells whether all came that an asker sends.
func (c Clock) answer(conn net.Conn) bool {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // it fails on a closed connection, and so does what follows
	var question [1]byte
	for range looks {
		if _, err := io.ReadFull(conn, question[:]); err != nil {
			return false
		}
		var text [8]byte
		binary.BigEndian.PutUint64(text[:], uint64(c.now().UnixNano()))
		if _, err := conn.Write(text[:]); err != nil {
			return false
		}
	}
	return true
}

// ask compares this node's clock with the first node's.
func (c Clock) ask(ctx context.Context) Row {
	at, err := c.published(ctx)
	if err != nil {
		return row("clock", Warn, "not compared: %v", err)
	}
	d := net.Dialer{Timeout: patience}
	conn, err := d.DialContext(ctx, "tcp", at)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return row("clock", Warn, "not compared: the first node no longer listens at %s", at)
	}
	if err != nil {
		return row("clock", Fail, "the job's first node can't be reached at %s: %v (is the interface the fabric's? network.interfaces of the cluster profile)", at, reason(err))
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	offset, away, err := c.compare(conn)
	if err != nil {
		return row("clock", Warn, "not compared: %v", err)
	}
	return judgeClock(offset, away)
}

// published waits for the first node's address.
func (c Clock) published(ctx context.Context) (string, error) {
	for {
		text, err := os.ReadFile(c.File)
		if err == nil {
			return strings.TrimSpace(string(text)), nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the first node did not say where it listens (%w)", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// compare is how much this clock is ahead of the other, give or take away.
func (c Clock) compare(conn io.ReadWriter) (offset, away time.Duration, err error) {
	for look := range looks {
		asked := time.Now()
		if _, err := conn.Write([]byte{0}); err != nil {
			return 0, 0, err
		}
		var text [8]byte
		if _, err := io.ReadFull(conn, text[:]); err != nil {
			return 0, 0, err
		}
		half := time.Since(asked) / 2
		if look == 0 || half < away {
			theirs := time.Unix(0, int64(binary.BigEndian.Uint64(text[:])))
			offset, away = asked.Add(half+c.Offset).Sub(theirs), half
		}
	}
	return offset, away, nil
}

func judgeClock(offset, away time.Duration) Row {
	size, way := offset.Abs(), "ahead of"
	if offset < 0 {
		way = "behind"
	}
	words := fmt.Sprintf("%.3f s %s the first node's, give or take %.1f ms", size.Seconds(), way, float64(away)/1e6)
	switch {
	case size-away > offFail:
		return row("clock", Fail, "this node's clock is %s (its time service is broken: tell the site)", words)
	case size-away > offWarn:
		return row("clock", Warn, "this node's clock is %s (its time service should be looked at)", words)
	}
	return row("clock", OK, "%s", words)
}

// reason is what a failed connection comes to, without the addresses that were said before.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

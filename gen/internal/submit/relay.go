package submit

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// relayScript carries one connection to a port of a place: what comes in goes there, and what comes from there goes out. A bash
// of the place is enough.
const relayScript = `exec 3<>"/dev/tcp/127.0.0.1/$1" || exit; cat <&3 & cat >&3; kill $!`

// Relay makes a port of this machine lead to one of a place that lets nobody forward ports, a command there for each
// connection; local 0: a free one. It ends with ctx.
func Relay(ctx context.Context, p Place, local, remote int) (int, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(local)))
	if err != nil {
		return 0, err
	}
	context.AfterFunc(ctx, func() { _ = ln.Close() })
	go func() {
		var carried sync.WaitGroup
		defer carried.Wait()
		for {
			conn, err := ln.Accept()
			if err != nil { // ctx has ended
				return
			}
			carried.Go(func() { carry(ctx, p, conn, remote) })
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// carry carries one connection to its end.
func carry(ctx context.Context, p Place, conn net.Conn, remote int) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := p.Command(ctx, ".", "bash", "-c", relayScript, "bash", strconv.Itoa(remote))
	in, err := c.StdinPipe()
	if err != nil {
		return
	}
	out, err := c.StdoutPipe()
	if err != nil || c.Start() != nil {
		return
	}
	go func() {
		_, _ = io.Copy(in, conn)
		_ = in.Close() // which ends the command
	}()
	if said, err := own(out); err == nil {
		_, _ = io.Copy(conn, said)
	}
	cancel()
	_ = c.Wait() // who asked sees a connection that ends
}

// Answers tells whether there is a page at a port of this machine, or a way to one.
func Answers(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(port))+"/", nil)
	if err != nil {
		return false
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r) // no proxy stands between
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

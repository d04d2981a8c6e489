package trial

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// gate is a relay to one of two places: where connections go, and where they go once it is cut.
type gate struct {
	address string
	cut     atomic.Bool
}

func relay(t *testing.T, to, afterCut string) *gate {
	t.Helper()
	ln := listen(t)
	g := &gate{address: ln.Addr().String()}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return // the test is over
			}
			place := to
			if g.cut.Load() {
				place = afterCut
			}
			go join(conn, place)
		}
	}()
	return g
}

// join carries bytes both ways until one side closes.
func join(conn net.Conn, place string) {
	defer conn.Close()
	far, err := net.Dial("tcp", place)
	if err != nil {
		return
	}
	defer far.Close()
	go func() { _, _ = io.Copy(far, conn); _ = far.Close() }()
	_, _ = io.Copy(conn, far)
}

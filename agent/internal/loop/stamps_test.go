package loop

import (
	"encoding/binary"
	"net"
	"path/filepath"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
)

// control is a control message as the kernel writes it.
func control(level, kind int32, words ...uint64) []byte {
	b := binary.NativeEndian.AppendUint64(nil, uint64(16+8*len(words)))
	b = binary.NativeEndian.AppendUint32(b, uint32(level))
	b = binary.NativeEndian.AppendUint32(b, uint32(kind))
	for _, w := range words {
		b = binary.NativeEndian.AppendUint64(b, w)
	}
	return b
}

func TestTheStampAmongControlMessages(t *testing.T) {
	stamp := control(1, timestamping, 1700000000, 5, 0, 0, 0, 0)
	const want = 1700000000*1e9 + 5
	for name, c := range map[string]struct {
		b    []byte
		want int64
	}{
		"none": {nil, 0}, "alone": {stamp, want}, "behind another": {append(control(1, 2, 9), stamp...), want},
		"another": {control(1, 2, 9), 0}, "cut": {stamp[:30], 0}, "of no length": {make([]byte, 64), 0},
	} {
		if got := softwareStamp(c.b); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestAStampIsTakenWhereItCanBeTrue(t *testing.T) {
	const at, asked = 10 * time.Second, 10*time.Second - 3*time.Millisecond
	now := time.Now()
	for name, c := range map[string]struct {
		lag  time.Duration
		want time.Duration
		n    int64
	}{
		"a packet that waited":                        {2 * time.Millisecond, at - 2*time.Millisecond, 1},
		"stamped just before the thread asked":        {3500 * time.Microsecond, at - 3500*time.Microsecond, 1},
		"the wall clock was put forward in between":   {time.Hour, at, 0},
		"the wall clock was put back in between":      {-time.Second, at, 0},
		"before the last time that nothing was there": {5 * time.Millisecond, at, 0},
		"read as it came":                             {0, at, 1},
	} {
		s := new(stamper)
		if got := s.came(now.Add(-c.lag).UnixNano(), now, at, asked); got != c.want || s.lag.N() != c.n {
			t.Errorf("%s: %v, want %v; %d counted", name, got, c.want, s.lag.N())
		}
	}
	if got := new(stamper).came(0, now, at, asked); got != at {
		t.Errorf("without a stamp: %v, want the read's %v", got, at)
	}
}

func TestKernelStamps(t *testing.T) {
	script := func(c net.Conn, _, _ int) bool { return say(c, goodAnswer) }
	w := one(200)
	w.KernelStamps = true
	t.Run("tcp", func(t *testing.T) {
		a := assignment(w, "http://"+raw(t, "tcp", "127.0.0.1:0", script).String())
		a.StartInS = 0.3 // the kernel takes a moment to begin
		records, facts := run(t, a, Options{})
		if facts.KernelLag == nil || facts.KernelLag.N() > facts.ReadLag.N() {
			t.Fatalf("kernel lag %+v; the reads were %d", facts.KernelLag, facts.ReadLag.N())
		}
		for _, r := range records {
			if r.Outcome != record.OK || !(r.Sent <= r.FirstToken && r.FirstToken <= r.LastToken && r.LastToken <= r.Done) {
				t.Errorf("record %+v", r)
			}
		}
	})
	t.Run("unix", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		raw(t, "unix", path, script)
		records, facts := run(t, assignment(w, "unix:"+path), Options{})
		if facts.KernelLag != nil || facts.ReadLag.N() == 0 || good(records) != 200 {
			t.Errorf("%d ok; kernel lag %+v of a socket without packets", good(records), facts.KernelLag)
		}
	})
}

func TestAStampedReadAllocatesNothing(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	target, err := targetOf(t.Context(), "http://"+ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fd, err := target.dial()
	if err != nil {
		t.Fatal(err)
	}
	c := &conn{fd: fd}
	defer c.close()
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if err := stamped(fd); err != nil {
		t.Fatal(err)
	}
	s, buf, reads := new(stamper), make([]byte, 64), 0
	s.lag.Record(int64(time.Hour)) // grown
	out := []byte("x")
	if allocs := testing.AllocsPerRun(200, func() {
		_, _ = peer.Write(out)
		if n, wall, err := s.read(fd, buf); err == nil && n > 0 {
			now := time.Now()
			s.came(wall, now, time.Second, 0)
			reads++
		}
	}); allocs != 0 || reads == 0 {
		t.Errorf("%v allocations a read, %d reads", allocs, reads)
	}
}

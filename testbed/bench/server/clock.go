package server

import (
	"syscall"
	"time"
	"unsafe"
)

// clock reads CLOCK_MONOTONIC, in ns, through Go's own clock, which is the same but hides its zero and costs no system call.
type clock struct {
	base time.Time
	zero int64 // CLOCK_MONOTONIC at base
	wall int64 // the wall clock minus the monotonic one
}

// Of several tries the one counts whose readings lie closest.
func newClock() clock {
	var c clock
	best := time.Duration(1<<63 - 1)
	for range 16 {
		before := time.Now()
		mono := Monotonic()
		if width := time.Since(before); width < best {
			best = width
			c = clock{before, mono - int64(width/2), before.UnixNano() - (mono - int64(width/2))}
		}
	}
	return c
}

func (c clock) now() int64 { return c.zero + int64(time.Since(c.base)) }

// Monotonic is CLOCK_MONOTONIC in ns, by a system call.
func Monotonic() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

// timers is a heap of connections by the instant at which their next token is due.
type timers []*conn

const never = int64(1<<63 - 1)

// longest is how long the loop sleeps at most, so that it sees that it is to end.
const longest = 100 * time.Millisecond

// next is how long it is until the first is due.
func (h timers) next(now int64) time.Duration {
	if len(h) == 0 {
		return longest
	}
	return min(longest, max(0, time.Duration(h[0].at-now)))
}

func (h *timers) push(c *conn, at int64) {
	c.at, c.place = at, len(*h)
	*h = append(*h, c)
	h.up(c.place)
}

func (h *timers) pop() *conn {
	c := (*h)[0]
	h.remove(c)
	return c
}

// remove takes c out, if it is in.
func (h *timers) remove(c *conn) {
	if c.at == never {
		return
	}
	hole, last := c.place, len(*h)-1
	h.swap(hole, last)
	*h = (*h)[:last]
	if hole < last {
		h.down(hole)
		h.up(hole)
	}
	c.at = never
}

func (h timers) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h timers) up(i int) {
	for parent := (i - 1) / 2; i > 0 && h[i].at < h[parent].at; i, parent = parent, (parent-1)/2 {
		h.swap(i, parent)
	}
}

func (h timers) down(i int) {
	for {
		least := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(h) && h[child].at < h[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

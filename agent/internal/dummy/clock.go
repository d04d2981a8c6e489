package dummy

import (
	"container/heap"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// clock is the server's time: nanoseconds of CLOCK_MONOTONIC, which every process of the machine shares. Tests put
// another in its place.
type clock interface {
	// now is the present instant.
	now() int64
	// wait returns true at the instant until, or false as soon as the server ends.
	wait(a *alarm, until int64) bool
}

// alarm is one waiting request's bell. A request owns one for life, so that waiting allocates nothing.
type alarm struct {
	due  int64
	ring chan struct{} // capacity 1
}

func newAlarm() *alarm { return &alarm{ring: make(chan struct{}, 1)} }

// pacer is the clock of the machine. time.Sleep is late by up to a millisecond when the process is idle, because the Go
// runtime rounds its epoll timeout up to whole milliseconds; a timerfd in the same epoll set is late by some tens of
// microseconds. All alarms share one timerfd, armed for the earliest.
type pacer struct {
	base  time.Time // carries the monotonic reading that zero stands for
	zero  int64     // CLOCK_MONOTONIC at base, ns
	quit  <-chan struct{}
	fd    uintptr  // the timerfd
	timer *os.File // the same, nonblocking, so that reading it parks in the runtime's poller
	done  sync.WaitGroup

	mu     sync.Mutex
	alarms alarms // a heap by due
	armed  int64  // what the timerfd is set to; 0: nothing
}

// newClock starts the machine's clock. Waits end when quit is closed; close releases what it holds.
func newClock(quit <-chan struct{}) (*pacer, error) {
	const nonblock, cloexec = syscall.O_NONBLOCK, syscall.O_CLOEXEC
	fd, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, nonblock|cloexec, 0)
	if errno != 0 {
		return nil, fmt.Errorf("making a timerfd: %w", errno)
	}
	p := &pacer{quit: quit, fd: fd, timer: os.NewFile(fd, "timerfd")}
	p.base, p.zero = together()
	p.done.Go(p.run)
	return p, nil
}

// together reads Go's clock and CLOCK_MONOTONIC at one instant. Both are the same clock in the kernel, but Go hides
// its zero. Of several tries the one is taken whose readings lie closest.
func together() (base time.Time, monotonic int64) {
	best := time.Duration(1<<63 - 1)
	for range 16 {
		before := time.Now()
		var ts syscall.Timespec
		syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
		if width := time.Since(before); width < best {
			best, base, monotonic = width, before, ts.Nano()-int64(width/2)
		}
	}
	return base, monotonic
}

const (
	clockMonotonic = 1 // CLOCK_MONOTONIC
	timerAbstime   = 1 // TFD_TIMER_ABSTIME
)

func (p *pacer) now() int64 { return p.zero + int64(time.Since(p.base)) }

func (p *pacer) wait(a *alarm, until int64) bool {
	if until > p.now() {
		p.add(a, until)
		select {
		case <-a.ring:
		case <-p.quit:
			return false
		}
	}
	return true
}

func (p *pacer) add(a *alarm, until int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.due = until
	heap.Push(&p.alarms, a)
	if p.armed == 0 || until < p.armed {
		p.arm(until)
	}
}

// arm sets the timerfd to the instant due; an instant that has passed fires at once.
func (p *pacer) arm(due int64) {
	p.armed = due
	spec := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(due)}
	syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, p.fd, timerAbstime, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
}

// run rings the alarms that are due each time the timerfd fires, until it is closed.
func (p *pacer) run() {
	var fired [8]byte // how often it fired since the last read: of no interest
	for {
		if _, err := p.timer.Read(fired[:]); err != nil {
			return
		}
		p.ringDue()
	}
}

func (p *pacer) ringDue() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = 0
	for now := p.now(); len(p.alarms) > 0; {
		if next := p.alarms[0]; next.due > now {
			p.arm(next.due)
			return
		}
		select {
		case heap.Pop(&p.alarms).(*alarm).ring <- struct{}{}:
		default: // its request has left, as all do when the server ends
		}
	}
}

// close ends run and gives the timerfd back.
func (p *pacer) close() {
	p.timer.Close()
	p.done.Wait()
}

// alarms is a heap.Interface, the earliest first.
type alarms []*alarm

func (h alarms) Len() int           { return len(h) }
func (h alarms) Less(i, j int) bool { return h[i].due < h[j].due }
func (h alarms) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *alarms) Push(a any)        { *h = append(*h, a.(*alarm)) }
func (h *alarms) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	*h = (*h)[:last]
	return a
}

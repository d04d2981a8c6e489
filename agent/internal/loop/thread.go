package loop

import (
	"errors"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/wire"
)

// What the events of an epoll set belong to, where it is no connection.
const (
	timerEvent = -1
	bellEvent  = -2
)

// ahead is how long before time zero the first connections are opened: long enough to be ready, and short
// enough for servers that close an idle connection after 5 s.
const ahead = time.Second

// thread is one load thread: a share of the load, an epoll set with a timer, and connections.
type thread struct {
	*engine
	handover
	encoders []*wire.Encoder
	targets  []Target

	epoll, timer, bell int
	stopping, ceasing  atomic.Bool
	cut                bool // the load was, by its end of sending
	events             []syscall.EpollEvent
	armed              time.Duration // what the timer is set for
	fires              time.Duration // when it fires for that; Never: it has
	lead               time.Duration // how long before that it is to fire
	leads              bool          // it is an open loop: the due times of a closed one come with its answers, when it is awake
	arrivals           []arrival     // that are not settled
	filled             int           // of buf, by them
	asked              time.Duration // when the events that are being handled can have come at the earliest
	awaited            bool          // connections were opened in advance

	conns  []*conn
	free   []*conn   // closed, to be used again
	idle   [][]*conn // kept open, by endpoint
	stamps *stamper  // nil: reads are stamped
	forms  wire.Forms
	buf    []byte  // of reads
	text   []byte  // of a request
	group  []int64 // of its prompts' indices

	opened, starved, broken, resent int64 // connections and requests, as Facts has them
	cpu, delay                      time.Duration
	delayKnown                      bool
	lag                             hist.H
}

func newThread(e *engine, index, threads int, out *outlet) (t *thread, err error) {
	t = &thread{
		engine: e, handover: handover{out: out, index: index}, epoll: -1, timer: -1, bell: -1, armed: load.Never, fires: load.Never,
		leads: e.assignment.Trial.Workload.Open(), events: make([]syscall.EpollEvent, 256), buf: make([]byte, roomLen), idle: make([][]*conn, len(e.targets)),
	}
	for _, target := range e.targets {
		t.targets = append(t.targets, target.own())
	}
	if t.machine, err = load.New(e.assignment, index, threads, e.opt.Observe); err != nil {
		return nil, err
	}
	if t.encoders, err = e.encoders(); err != nil {
		return nil, err
	}
	if err = t.open(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// open makes the epoll set with its timer and its bell.
func (t *thread) open() (err error) {
	if t.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if t.timer, err = newTimer(); err != nil {
		return err
	}
	if t.bell, err = newBell(); err != nil {
		return err
	}
	if t.assignment.Trial.Workload.KernelStamps {
		if t.stamps, err = newStamper(); err != nil {
			return err
		}
	}
	return errors.Join(
		watch(t.epoll, t.timer, syscall.EPOLLIN|epollET, timerEvent, 0),
		watch(t.epoll, t.bell, syscall.EPOLLIN|epollET, bellEvent, 0))
}

func (t *thread) close() {
	for _, c := range t.conns {
		c.close()
	}
	if t.stamps != nil {
		_ = syscall.Close(t.stamps.first)
	}
	for _, fd := range []int{t.timer, t.bell, t.epoll} {
		if fd >= 0 {
			_ = syscall.Close(fd) // nothing is lost with it
		}
	}
}

// stop ends the thread's load soon. It is for other goroutines.
func (t *thread) stop() {
	t.stopping.Store(true)
	ring(t.bell)
}

// cease ends the thread's sending soon. It is for other goroutines.
func (t *thread) cease() {
	t.ceasing.Store(true)
	ring(t.bell)
}

// run is the life of the thread.
func (t *thread) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := cpuTime()
	waited, known := runDelay(thisThread)
	for !t.turn() {
		t.wait()
	}
	t.cpu = cpuTime() - before
	if now, ok := runDelay(thisThread); known && ok {
		t.delay, t.delayKnown = now-waited, true
	}
	t.last()
}

// turn does what the clock asks for and reports whether the load is over.
func (t *thread) turn() bool {
	now := t.now()
	if t.stopping.Load() {
		t.machine.Stop(now)
	}
	if t.ceasing.Load() && t.machine.Cease(now) {
		t.cut = true
	}
	if !t.awaited && now >= -ahead {
		t.awaited = true
		t.await()
	}
	t.issue(now)
	t.expire(now)
	t.flush(now)
	return t.machine.Over(now)
}

// most is how many requests are sent in a row: a load that no client could send must not keep it from reading answers, or from
// hearing that it is to stop.
const most = 1024

// issue sends what is due.
func (t *thread) issue(now time.Duration) {
	for range most {
		r := t.machine.Next(now)
		if r == nil {
			return
		}
		t.dispatch(r)
	}
}

// expire gives up what has run out of time.
func (t *thread) expire(now time.Duration) {
	for r, o, why := t.machine.Expired(now); r != nil; r, o, why = t.machine.Expired(now) {
		c := t.conns[r.Tag]
		a := c.parser.Answer()
		a.Outcome, a.Error = o, why
		c.request = nil
		t.drop(c)
		t.finish(r, &c.parser, a, now)
	}
}

func (t *thread) finish(r *load.Request, p *wire.Parser, a wire.Answer, now time.Duration) {
	finish(t.machine, t.encoders[r.Endpoint], p, r, a, now)
}

// wait takes the next events, sleeping where there are none, and handles them.
func (t *thread) wait() {
	before := t.now()
	n := poll(t.epoll, t.events)
	if n == 0 {
		n, before = t.sleep()
	}
	for i := range t.events[:n] {
		ev := &t.events[i]
		if ev.Fd >= 0 {
			t.handle(t.conns[ev.Fd], ev)
		}
	}
	t.settle()
	t.asked = before // of what comes next
}

// A thread takes some 40 µs to be back on a core that was idle, once its timer has fired. So that it is there when a request
// is due, the timer fires earlier: by as much as it was late lately, and a margin, in which the thread spins. leadMost
// bounds it, for what is later than that was no idle core's doing.
const (
	leadMargin = 10 * time.Microsecond
	leadMost   = 100 * time.Microsecond
)

// learn takes how late the timer was into the lead of the next time, one part in eight: TCP's way with round trips (RFC 6298).
func learn(lead, late time.Duration) time.Duration {
	return lead + (min(late+leadMargin, leadMost)-lead)/8
}

// sleep waits for an event or for the next time that something is due.
func (t *thread) sleep() (n int, woke time.Duration) {
	now := t.now()
	wake := t.machine.Wake(now)
	if !t.awaited {
		wake = min(wake, -ahead)
	}
	if len(t.done) > 0 {
		wake = min(wake, t.flushed+batchAge)
	}
	if wake <= now+t.lead {
		return 0, now
	}
	if wake != t.armed && wake < load.Never {
		t.armed, t.fires = wake, wake-t.lead
		if err := setTimer(t.timer, t.fires-now); err != nil {
			panic("loop: setting a timer: " + err.Error()) // its arguments are sound by construction
		}
	}
	n, err := wait(t.epoll, t.events)
	if err != nil {
		panic("loop: waiting for events: " + err.Error()) // as above
	}
	woke = t.now()
	t.asked = woke
	if woke >= t.fires && t.leads {
		t.lead, t.fires = learn(t.lead, woke-t.fires), load.Never
	}
	return n, woke
}

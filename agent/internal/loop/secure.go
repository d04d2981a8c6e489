package loop

import (
	"context"
	"runtime"
	"sync"
	"syscall"
	"time"

	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire"
)

// secure is the driver of endpoints that the loop does not carry. It has the same machine; around it stand goroutines
// instead of an epoll set: one that keeps the time, and a worker with fasthttp's client for each request in flight. A
// time that the scheduler or the runtime's timers lose, about a millisecond, is lost to it.
type secure struct {
	*engine
	ctx      context.Context
	encoders []*wire.Encoder
	news     chan struct{} // something may be due earlier than was thought

	mu sync.Mutex // guards all below
	handover
	workers []*worker
	idle    [][]*worker // by endpoint
	wg      sync.WaitGroup
	forms   wire.Forms
	counts  Facts
}

func (e *engine) runSecure(ctx context.Context, sink func(*record.Record)) (Facts, error) {
	s := &secure{engine: e, handover: handover{out: newOutlet(1)}, news: make(chan struct{}, 1), idle: make([][]*worker, len(e.assignment.Endpoints))}
	var err error
	if s.machine, err = load.New(e.assignment, 0, 1, e.opt.Observe); err != nil {
		return Facts{}, err
	}
	if s.encoders, err = e.encoders(); err != nil {
		return Facts{}, err
	}
	var quit context.CancelFunc
	s.ctx, quit = context.WithCancel(context.WithoutCancel(ctx)) // a dial ends with its request, not with ctx
	before := processTime()
	waited, known := runDelay(allThreads)
	var drained sync.WaitGroup
	drained.Go(func() { s.out.drain(sink) })
	s.keepTime(ctx)
	quit()
	s.end()
	drained.Wait()
	f := s.counts
	f.CPUS, f.WallS = (processTime() - before).Seconds(), e.now().Seconds()
	f.Prompts, f.HeldNS, f.ClosedS = e.requests.Prompts(), s.machine.Held(), s.machine.Closed(e.now()).Seconds()
	if now, ok := runDelay(allThreads); known && ok {
		f.delayed(now-waited, true)
	}
	f.Threads, f.Driver = runtime.GOMAXPROCS(0), "fasthttp"
	return f, ctx.Err()
}

// processTime is the processor time that the process has used.
func processTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// keepTime does what the clock asks for until the load is over.
func (s *secure) keepTime(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	var cease <-chan struct{}
	if s.opt.Sending != nil {
		cease = s.opt.Sending.Done()
	}
	for {
		wake, over := s.turn()
		if over {
			return
		}
		timer.Reset(wake)
		select {
		case <-timer.C:
		case <-s.news:
		case <-cease:
			cease = nil
			s.mu.Lock()
			s.counts.Cut = s.machine.Cease(s.now())
			s.mu.Unlock()
		case <-stop:
			stop = nil
			s.mu.Lock()
			s.machine.Stop(s.now())
			s.mu.Unlock()
		}
	}
}

// turn does what is due and returns how long there is nothing to do.
func (s *secure) turn() (wait time.Duration, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issue()
	s.expire()
	s.flush(s.now())
	now := s.now()
	wait = min(s.machine.Wake(now)-now, time.Hour)
	if len(s.done) > 0 {
		wait = min(wait, s.flushed+batchAge-now)
	}
	return max(0, wait), s.machine.Over(now)
}

// issue hands what is due to workers. mu is held.
func (s *secure) issue() {
	for range most {
		r := s.machine.Next(s.now())
		if r == nil {
			return
		}
		w := s.worker(r.Endpoint)
		w.request, r.Tag = r, w.index
		s.expect(&w.parser, r)
		call := s.ask(r, w.group)
		w.group = call.Group
		w.todo <- call
	}
}

// worker returns an idle worker for an endpoint, or a new one. mu is held.
func (s *secure) worker(endpoint int) *worker {
	if idle := s.idle[endpoint]; len(idle) > 0 {
		w := idle[len(idle)-1]
		s.idle[endpoint] = idle[:len(idle)-1]
		return w
	}
	w := newWorker(s, len(s.workers), endpoint)
	s.workers = append(s.workers, w)
	s.wg.Go(w.run)
	return w
}

// expire gives up what has run out of time. mu is held.
func (s *secure) expire() {
	now := s.now()
	for r, o, why := s.machine.Expired(now); r != nil; r, o, why = s.machine.Expired(now) {
		w := s.workers[r.Tag]
		a := w.parser.Answer()
		a.Outcome, a.Error = o, why
		w.abort()
		w.request = nil
		s.finish(r, &w.parser, a, now)
	}
}

// finish ends a request. mu is held.
func (s *secure) finish(r *load.Request, p *wire.Parser, a wire.Answer, now time.Duration) {
	finish(s.machine, s.encoders[r.Endpoint], p, r, a, now)
}

// end waits for the workers and hands over what is left.
func (s *secure) end() {
	for _, w := range s.workers {
		close(w.todo)
	}
	s.wg.Wait()
	s.last()
	s.out.close()
}

// tell wakes the goroutine that keeps the time.
func (s *secure) tell() {
	select {
	case s.news <- struct{}{}:
	default: // it was told already
	}
}

// unmade is the error of a connection that could not be made.
type unmade struct{ err error }

func (u unmade) Error() string { return u.err.Error() }
func (u unmade) Unwrap() error { return u.err }

// lost is the error of a request that was lost with its connection and could not be sent again.
type lost struct{ err error }

func (l lost) Error() string {
	return "connection closed before an answer, and no new one: " + l.err.Error()
}

// Package loop drives a load: it opens the connections, writes the requests, reads the answers and stamps them.
//
// It joins package load, which knows what is due, with package wire, which knows bytes. There are two drivers. The loop
// proper (thread.go) is one locked thread a core that waits on raw non-blocking sockets, TCP and unix, and on a timer in
// one epoll set: nothing between the arrival of a byte and its stamp waits for the Go scheduler. What it does not carry,
// https, goes through fasthttp's client (secure.go), with a goroutine a request in flight.
package loop

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// Live is what may be read of a running trial at any time.
type Live = load.Live

// Options is what a driver may be told. The zero value is good.
type Options struct {
	Sending  context.Context // its end ends the sending, and what is in flight drains; nil: only the load's own end does
	Observe  *Live           // is told what happens; nil: nobody watches
	Zero     time.Time       // time zero of the schedule; zero value: the assignment's StartInS after the call of Run
	Threads  int             // threads of the loop; 0: one, more with many connections, as many as GOMAXPROCS at most
	Headers  []string        // sent with each request, as "Name: value"
	Requests *wire.Requests  // what they say, where it was read before; nil: Run reads it
	Targets  []Target        // where the endpoints are, by LookUp; nil: Run looks them up
	Insecure bool            // https: take any certificate
}

// Facts is what a run tells about the client itself, so that its numbers can be doubted.
type Facts struct {
	CPUS    float64 // CPU time the load threads took, in seconds; of fasthttp: the whole process
	WallS   float64 // from time zero to the end of the drain, in seconds
	ClosedS float64 // from time zero to when no more was sent, in seconds: the drain lies between the two
	Threads int     // load threads; of fasthttp: as many as Go runs at once
	Driver  string  // loop or fasthttp

	// ReadLag is how long bytes waited for the client, in ns: from when they can have come at the earliest to the read
	// of their socket. That is the end of the loop's sleep or, where it did not sleep, the last time it asked which
	// sockets had any; so each value is an upper bound, but for the time the kernel takes to wake the thread. nil: not
	// measured.
	ReadLag *hist.H

	// KernelLag is how long packets waited for their read, in ns, by the kernel's stamps, where the workload asks for them
	// (kernel_stamps); the time of tokens is then the stamp's. nil: not asked for, or there are none, as on unix sockets, and
	// the time of tokens is that of the read.
	KernelLag *hist.H

	CPUs      float64  // cores the process may use, by affinity and cgroup
	RunDelayS *float64 // time the load threads could have run and waited for a core, in seconds; of fasthttp: all threads of the process; nil: the kernel does not tell
	GCPauses  *hist.H  // ns that Go's collector stopped all threads for, each time; nil: not known
	Ports     int      // local ports that connections to one address can have; 0: not known, or none are used

	Connections int64 // opened
	ConnErrors  int64 // connections that could not be opened for want of ports, files or memory
	Broken      int64 // connections that ended under a request
	Resent      int64 // requests sent again because a kept connection had been closed meanwhile

	Cut    bool  // the end of Options.Sending kept requests from being sent
	HeldNS int64 // requests sent and not done, integrated over the window, in request-ns (load.Machine.Held)

	Prompts int // in the dataset that the prompts came from; 0: from none
}

// Run sends one node's share of a trial, from its time zero to the end of the drain. sink gets each request's record
// when it is done, from one goroutine; the record is used again after sink returns. When ctx ends, requests in flight
// end as cancelled and Run returns ctx's error, with the facts so far. Other errors mean that nothing was sent: the
// assignment makes no sense, or the system has no sockets.
func Run(ctx context.Context, a workload.Assignment, opt Options, sink func(*record.Record)) (Facts, error) {
	if opt.Zero.IsZero() {
		opt.Zero = time.Now().Add(time.Duration(a.StartInS * float64(time.Second)))
	}
	if opt.Observe == nil {
		opt.Observe = new(Live)
	}
	opt.Observe.StartWall.Store(opt.Zero.UnixNano())
	e, err := newEngine(ctx, a, opt)
	if err != nil {
		return Facts{}, err
	}
	before := newPauses()
	drive := e.runThreads
	if e.secure() {
		drive = e.runSecure
	}
	f, err := drive(ctx, sink)
	f.CPUs, f.GCPauses = cpus("/"), newPauses().since(before)
	if e.usesPorts() {
		f.Ports = ports("/")
	}
	return f, err
}

// engine is what the threads of a run share; it does not change while they run.
type engine struct {
	assignment workload.Assignment
	opt        Options
	requests   *wire.Requests
	dialect    wire.Dialect
	prefix     string // of the requests' ids
	targets    []Target
}

func newEngine(ctx context.Context, a workload.Assignment, opt Options) (*engine, error) {
	if opt.Requests == nil {
		var err error
		if opt.Requests, err = wire.NewRequests(a.Trial.Workload); err != nil {
			return nil, err
		}
	}
	e := &engine{
		assignment: a, opt: opt, requests: opt.Requests, dialect: opt.Requests.Dialect(), prefix: prefix(a),
	}
	if _, err := e.encoders(); err != nil {
		return nil, err
	}
	if err := e.check(); err != nil || e.secure() {
		return e, err
	}
	if e.targets = opt.Targets; e.targets != nil {
		return e, nil
	}
	var err error
	e.targets, err = LookUp(ctx, a.Endpoints)
	return e, err
}

// prefix is what the ids of an assignment's requests begin with; those of a search's probes differ.
func prefix(a workload.Assignment) string {
	if a.Probe > 0 {
		return fmt.Sprintf("%s.%d-%s-", a.Trial.ID, a.Probe, a.Node)
	}
	return a.Trial.ID + "-" + a.Node + "-"
}

// secure reports whether an endpoint is none the loop carries.
func (e *engine) secure() bool { return encrypted(e.assignment.Endpoints) }

// usesPorts reports whether a connection takes a local port.
func (e *engine) usesPorts() bool {
	return slices.ContainsFunc(e.assignment.Endpoints, func(s string) bool { return !strings.HasPrefix(s, "unix:") })
}

// encoders makes an encoder for each endpoint; they are for one goroutine each.
func (e *engine) encoders() ([]*wire.Encoder, error) {
	var all []*wire.Encoder
	for _, base := range e.assignment.Endpoints {
		enc, err := e.requests.Encoder(base, e.opt.Headers)
		if err != nil {
			return nil, err
		}
		all = append(all, enc)
	}
	return all, nil
}

// now is the time since time zero.
func (e *engine) now() time.Duration { return time.Since(e.opt.Zero) }

// threads is how many threads the load needs. One carries some 100,000 requests or tokens a second, and a second one
// costs a core that a server on the same node would miss, so it takes many connections to ask for it.
func (e *engine) threads() int {
	if e.opt.Threads > 0 {
		return e.opt.Threads
	}
	w := e.assignment.Trial.Workload
	parts := float64(max(1, e.assignment.Parts))
	want := max(float64(w.Concurrency)/parts/512, w.Rate/parts/10_000)
	most := runtime.GOMAXPROCS(0)
	if want < float64(most) {
		return 1 + int(want)
	}
	return most // also of a rate that is no number; load refuses it
}

func (e *engine) runThreads(ctx context.Context, sink func(*record.Record)) (Facts, error) {
	n := e.threads()
	var threads []*thread
	defer func() {
		for _, t := range threads {
			t.close()
		}
	}()
	out := newOutlet(n)
	for i := range n {
		t, err := newThread(e, i, n, out)
		if err != nil {
			return Facts{}, fmt.Errorf("making load thread %d: %w", i, err)
		}
		threads = append(threads, t)
	}
	defer after(ctx, func() {
		for _, t := range threads {
			t.stop()
		}
	})()
	if e.opt.Sending != nil {
		defer after(e.opt.Sending, func() {
			for _, t := range threads {
				t.cease()
			}
		})()
	}
	runAll(threads, out, sink)
	return e.facts(threads), ctx.Err()
}

// after does something when ctx ends. The function that it returns ends that, and waits for what has begun: threads are rung
// by their file descriptors, which belong to others once they are closed.
func after(ctx context.Context, do func()) (stop func()) {
	over := make(chan struct{})
	prevent := context.AfterFunc(ctx, func() {
		defer close(over)
		do()
	})
	return func() {
		if !prevent() {
			<-over
		}
	}
}

// runAll runs the threads to their end and hands what they finish to sink. While they run, the Go scheduler gets one
// more processor for each, so that a thread that comes back from a wait always finds one free and the kernel alone
// shares out the cores.
func runAll(threads []*thread, out *outlet, sink func(*record.Record)) {
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs + len(threads))
	defer runtime.GOMAXPROCS(procs)
	var wg, drained sync.WaitGroup
	drained.Go(func() { out.drain(sink) })
	for _, t := range threads {
		wg.Go(t.run)
	}
	wg.Wait()
	out.close()
	drained.Wait()
}

func (e *engine) facts(threads []*thread) Facts {
	f := Facts{WallS: e.now().Seconds(), Threads: len(threads), Driver: "loop", ReadLag: new(hist.H), Prompts: e.requests.Prompts()}
	for _, t := range threads {
		f.CPUS += t.cpu.Seconds()
		f.Connections += t.opened
		f.ConnErrors += t.starved
		f.Broken += t.broken
		f.Resent += t.resent
		f.HeldNS += t.machine.Held()
		f.ClosedS = max(f.ClosedS, t.machine.Closed(e.now()).Seconds())
		f.ReadLag.Merge(&t.lag)
		f.Cut = f.Cut || t.cut
		f.delayed(t.delay, t.delayKnown)
		f.lagged(t.stamps)
	}
	return f
}

// delayed adds a thread's wait for a core.
func (f *Facts) delayed(by time.Duration, known bool) {
	if !known {
		return
	}
	if f.RunDelayS == nil {
		f.RunDelayS = new(float64)
	}
	*f.RunDelayS += by.Seconds()
}

// lagged adds what a thread's stamps say.
func (f *Facts) lagged(s *stamper) {
	if s == nil || s.lag.N() == 0 {
		return
	}
	if f.KernelLag == nil {
		f.KernelLag = new(hist.H)
	}
	f.KernelLag.Merge(&s.lag)
}

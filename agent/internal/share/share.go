// Package share runs one node's share of a trial: it sends the load, counts what becomes of it, and leaves the records
// on disk.
package share

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/loop"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// flushEvery is how many seconds of records may be lost when the process is killed.
const flushEvery = 1.0

// Options is how a share is run. The zero value sends from now + start_in_s on and leaves nothing on disk.
type Options struct {
	Dir     string               // for records.jsonl and part.json; "": none are written
	Zero    time.Time            // time zero of the schedule; zero value: the assignment's start_in_s from New on
	Clock   time.Duration        // how far this node's wall clock is off on purpose, for tests of what follows from it
	Sending context.Context      // its end ends the sending, and what is in flight drains; nil: only the load's own end does
	Observe func(*record.Record) // is shown each record, by one goroutine; nil: nobody
	// Told gives what the servers told of themselves in a stretch of wall-clock time, once all has drained; nil: nobody asked them.
	Told     func(from, to time.Time) *summary.Server
	Headers  []string       // sent with each request, as "Name: value"
	Insecure bool           // https: take any certificate
	Requests *wire.Requests // what the requests say, where it was read before; nil: Run reads it
	Targets  []loop.Target  // where the endpoints are, where they were looked up before; nil: Run looks them up
}

// Share is one node's share of a trial, running or over. Its methods may be called from any goroutine.
type Share struct {
	a    workload.Assignment
	opt  Options
	live loop.Live
	file *record.Writer // nil: no records are kept; used by the sink alone while it runs

	mu        sync.Mutex
	collector *summary.Collector
	e2el      hist.H            // of requests that ended ok, so far, all phases
	ttft      hist.H            // the same, of those that were streamed
	errors    map[string]string // the first error of each outcome
	state     summary.State
	client    *summary.Client
	told      *summary.Server
	err       error
}

// New makes the share of an assignment; Run sends it.
func New(a workload.Assignment, opt Options) *Share {
	if opt.Zero.IsZero() {
		opt.Zero = time.Now().Add(time.Duration(a.StartInS * float64(time.Second)))
	}
	return &Share{a: a, opt: opt, collector: summary.New(a), errors: map[string]string{}, state: summary.Running}
}

// Run sends the share to the end of its drain, or until ctx ends, and then writes part.json. An end by ctx is an error, so
// is an end of the sending before its time, and a record that could not be written. The share is running until all is on
// disk.
func (s *Share) Run(ctx context.Context) error {
	err := s.run(ctx)
	state := summary.Complete
	if err != nil {
		state = summary.Stopped
	}
	s.hear()
	if s.file != nil {
		p := s.Part()
		p.State = state
		err = errors.Join(err, write(p, s.opt.Dir))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.err = state, err
	return err
}

// hear takes what the servers told in this node's window.
func (s *Share) hear() {
	if s.opt.Told == nil {
		return
	}
	w := s.Part().Window
	at := func(seconds float64) time.Time { return s.opt.Zero.Add(time.Duration(seconds * float64(time.Second))) }
	end := w.EndS
	if end == 0 { // its last request ended it
		end = w.LastDoneS
	}
	told := s.opt.Told(at(w.StartS), at(end))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = told
}

func (s *Share) run(ctx context.Context) (err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if s.opt.Requests == nil {
		if s.opt.Requests, err = wire.NewRequests(s.a.Trial.Workload); err != nil {
			return err
		}
	}
	if s.opt.Dir != "" {
		f, e := s.create()
		if e != nil {
			return e
		}
		defer func() { err = errors.Join(err, s.file.Close(), f.Close()) }()
	}
	options := loop.Options{Sending: s.opt.Sending, Observe: &s.live, Zero: s.opt.Zero, Headers: s.opt.Headers, Insecure: s.opt.Insecure, Requests: s.opt.Requests, Targets: s.opt.Targets}
	flushed := 0.0
	facts, err := loop.Run(ctx, s.a, options, func(r *record.Record) {
		s.count(r)
		if s.file == nil {
			return
		}
		err := s.file.Write(r)
		if r.Done-flushed > flushEvery {
			err, flushed = errors.Join(err, s.file.Flush()), r.Done
		}
		if err != nil {
			stop(fmt.Errorf("writing records: %w", err))
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = &summary.Client{
		CPUS: facts.CPUS, WallS: facts.WallS, ClosedS: facts.ClosedS, Threads: facts.Threads, ReadLag: facts.ReadLag, KernelLag: facts.KernelLag,
		CPUs: facts.CPUs, RunDelayS: facts.RunDelayS, GCPauses: facts.GCPauses, Ports: facts.Ports,
		Connections: facts.Connections, Broken: facts.Broken, Resent: facts.Resent, ConnErrors: facts.ConnErrors,
		Prompts: facts.Prompts, HeldNS: &facts.HeldNS,
	}
	if ctx.Err() != nil && err != nil {
		return context.Cause(ctx)
	}
	if err == nil && facts.Cut {
		return context.Cause(s.opt.Sending)
	}
	return err
}

// create makes records.jsonl.
func (s *Share) create() (*os.File, error) {
	if err := os.MkdirAll(s.opt.Dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(s.opt.Dir, "records.jsonl"))
	if err != nil {
		return nil, err
	}
	s.file = record.NewWriter(f, record.Header{
		Trial: s.a.Trial.ID, Node: s.a.Node, Dialect: s.a.Trial.Workload.Dialect, Seed: s.a.Trial.Workload.Seed,
		StartUnixNS: s.opt.Zero.Add(s.opt.Clock).UnixNano(), ClockOffsetS: s.a.ClockOffsetS,
	})
	return f, nil
}

// count takes note of a record.
func (s *Share) count(r *record.Record) {
	s.opt.Requests.Count(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agree()
	s.collector.Add(r)
	if r.Outcome == record.OK {
		s.e2el.Record(int64((r.Done - r.Sent) * 1e9))
		if s.a.Trial.Workload.Stream && !math.IsNaN(r.FirstToken) {
			s.ttft.Record(int64((r.FirstToken - r.Sent) * 1e9))
		}
	} else if name := r.Outcome.String(); !r.GivenUp && s.errors[name] == "" {
		s.errors[name] = r.Error
	}
	if s.opt.Observe != nil {
		s.opt.Observe(r)
	}
}

// agree tells the collector what the load threads agreed on: as of each record, which is what makes its counts exact.
func (s *Share) agree() {
	w := &s.live.Window
	end := math.Inf(1)
	if at := w.End(); at < load.Never {
		end = at.Seconds()
	}
	s.collector.Agree(w.Start().Seconds(), end)
}

// Part is what was counted so far.
func (s *Share) Part() *summary.Part {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live.Window.Planned() {
		s.agree()
	}
	p := s.collector.Part()
	p.State, p.Client, p.Told = s.state, s.client, s.told
	return p
}

func write(p *summary.Part, dir string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return whole.Write(filepath.Join(dir, "part.json"), append(text, '\n'), 0o644)
}

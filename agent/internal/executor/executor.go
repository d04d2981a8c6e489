// Package executor is the agent on a client node: a REST API through which a job starts one node's share of a trial,
// watches it, fetches what was measured and stops it (spec Listing 2).
//
//	GET  /health              who this is, and its clock
//	POST /start               a workload.Assignment; needs the token
//	GET  /status              how far the trial has come
//	GET  /live                the same with its latest seconds, for who looks on
//	GET  /metrics             what was counted, as a summary.Part
//	GET  /metrics/prometheus  the same for Prometheus
//	POST /stop                ends the trial in good order; needs the token
//
// The executor of the first client node also asks the servers what they tell of themselves (see package scrape), where
// Config.Watch says so.
//
// One trial runs at a time. Its records and its part lie under Out/<trial>/<node>, those of a search's probes at first under
// Out/<trial>/probes/NN/<node>. Answers are JSON; an error is
// {"error": "why"}.
package executor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/gate"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/scrape"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// Config is what an executor is told. Token, Out, Node and Registry have to be given.
type Config struct {
	Token    string // of the job; whoever has it may start and stop
	Out      string // results/<jobid>
	Node     string // this node's name
	Service  string // the first word of the metrics' names; "": agent
	Version  string // told by /health
	Clock    time.Duration
	Watch    *workload.Watch      // what the servers are asked while a trial runs, by the first client node; nil: nothing
	Registry *prometheus.Registry // gets the metrics
	Log      *slog.Logger         // what was asked, and by whom; nil: slog.Default()
}

// Executor serves the API. Make one with New.
type Executor struct {
	cfg     Config
	metrics *metrics
	gate    *gate.Gate
	runs    sync.WaitGroup

	mu      sync.Mutex
	current *run // nil: none has run yet
	closed  bool
}

// run is a trial on this node, running or over.
type run struct {
	share *share.Share
	name  string // the trial's
	part  int
	watch *scrape.Scraper // nil: nobody here looks at the servers
	stop  context.CancelCauseFunc
	over  chan struct{} // closed at its end
}

func (r *run) running() bool {
	select {
	case <-r.over:
		return false
	default:
		return true
	}
}

// New makes an executor and registers its metrics.
func New(cfg Config) *Executor {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	e := &Executor{cfg: cfg}
	e.gate = gate.New(cfg.Log, func(h *fasthttp.RequestHeader) bool { right, _ := e.trusts(h); return right })
	e.metrics = newMetrics(cfg, func() (share.Progress, string) {
		if r := e.latest(); r != nil {
			return r.progress(), r.name
		}
		return e.progress(), ""
	})
	e.told()
	e.added()
	return e
}

// errStopped is why a trial ends that is stopped through the API or with the executor.
var errStopped = errors.New("stopped")

// Serve answers on ln until ctx ends; then it stops a running trial in good order and returns nil.
func (e *Executor) Serve(ctx context.Context, ln net.Listener) error {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	web := e.gate.Server(e.handle)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := web.Serve(gate.Listen(ln)); err != nil {
			cancel(err)
		}
	})
	<-ctx.Done()
	e.close()
	e.runs.Wait()
	e.gate.Shut(web, ln)
	wg.Wait()
	e.gate.Last()
	if outer.Err() == nil { // nobody ended it
		return context.Cause(ctx)
	}
	return nil
}

// close stops what runs, and lets nothing start any more.
func (e *Executor) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if e.current != nil {
		e.current.stop(errStopped)
	}
}

// start begins a share whose requests were read and whose time zero is given. While one is running, or this executor
// ends, it refuses.
func (e *Executor) start(a workload.Assignment, requests *wire.Requests, zero time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.New("this executor is ending")
	}
	if e.current != nil && e.current.running() {
		return fmt.Errorf("trial %s is running", e.current.share.Progress().Trial)
	}
	options := share.Options{
		Dir: filepath.Join(e.cfg.Out, Dir(a)), Zero: zero, Clock: e.cfg.Clock, Requests: requests,
		Observe: func(r *record.Record) { e.metrics.observe(r) },
	}
	watch, err := e.scraper(a)
	if err != nil {
		return err
	}
	if watch != nil {
		options.Told = watch.Told
	}
	ctx, stop := context.WithCancelCause(context.Background())
	r := &run{share: share.New(a, options), name: a.Trial.Name, part: a.Part, watch: watch, stop: stop, over: make(chan struct{})}
	e.metrics.begin(a.Trial.Workload.Stream)
	e.current = r
	log := e.cfg.Log.With("category", "trial", "trial", a.Trial.ID)
	log.Info("started", "start_in_s", time.Until(zero).Seconds())
	e.runs.Go(func() {
		defer close(r.over)
		defer stop(nil)
		err := r.carry(ctx)
		p := r.share.Progress()
		log.Info("ended", "state", p.State, "ok", p.OK, "failed", p.Failed)
		if err != nil && !errors.Is(err, errStopped) {
			log.Error(err.Error())
		}
	})
	return nil
}

// carry runs the share to its end, and looks at the servers meanwhile.
func (r *run) carry(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	if r.watch != nil {
		wg.Go(func() { r.watch.Run(ctx) })
	}
	return r.share.Run(ctx)
}

// scraper looks at the servers of a share; nil where they tell nothing, or another client node looks. What it finds is beside
// the directories of the client nodes.
func (e *Executor) scraper(a workload.Assignment) (*scrape.Scraper, error) {
	if e.cfg.Watch == nil || e.cfg.Watch.Server == nil || a.Part != 0 {
		return nil, nil
	}
	headers, err := wire.HeadersOf(a.Trial.Workload)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(filepath.Join(e.cfg.Out, Dir(a)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return scrape.New(scrape.Config{
		Watch: *e.cfg.Watch, Endpoints: a.Endpoints, Dialect: a.Trial.Workload.Dialect, Headers: headers, Path: filepath.Join(dir, scrape.File), Clock: e.cfg.Clock,
		Log: e.cfg.Log.With("trial", a.Trial.ID),
	})
}

// Dir is where a share's files lie below results/<jobid>: those of a search's probe one deeper, until it is known which
// of the probes has the trial's numbers.
func Dir(a workload.Assignment) string {
	if a.Probe > 0 {
		return filepath.Join(a.Trial.ID, "probes", fmt.Sprintf("%02d", a.Probe), a.Node)
	}
	return filepath.Join(a.Trial.ID, a.Node)
}

// halt stops what runs and waits for its end, or the context's.
func (e *Executor) halt(ctx context.Context) {
	r := e.latest()
	if r == nil {
		return
	}
	r.stop(errStopped)
	select {
	case <-r.over:
	case <-ctx.Done():
	}
}

// Idle is the state of an executor that has run nothing yet.
const Idle summary.State = "idle"

// progress tells of the trial that runs, or ran last. It is running as long as no other can start.
func (e *Executor) progress() share.Progress {
	r := e.latest()
	if r == nil {
		return share.Progress{State: Idle}
	}
	return r.progress()
}

// progress tells how far the run has come.
func (r *run) progress() share.Progress {
	running := r.running()
	p := r.share.Progress()
	if running {
		p.State = summary.Running
	}
	return p
}

// latest is the trial that runs, or the one that ran last; nil before the first.
func (e *Executor) latest() *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current
}

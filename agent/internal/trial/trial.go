// Package trial drives the executors of a job through one trial: all start on one time zero, are watched until the last
// has drained, and what they counted becomes the trial's summary.
package trial

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hpcbench/agent/internal/executor"
	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// Config is what to drive.
type Config struct {
	Trial     workload.Trial
	Endpoints []string          // base URLs of the servers
	Executors []executor.Client // of the client nodes, in the order of their parts
	Out       string            // results/<jobid>/<trial>
	Key       string            // of all that makes the trial (see package ledger)
	Edited    []string          // files of the bundle that a person changed, for a mark
	Nodes     nodes.Table       // of the job: whose monitors' readings count as those of servers
	Monitors  time.Duration     // how long their readings of the window's end are waited for, at most

	Lead         time.Duration // from the start requests to time zero, at least
	Stall        time.Duration // no byte for so long, or for 3 × the p99 so far if that is longer, is suspicious
	ProbeTimeout time.Duration // for a probe request to be answered, under suspicion
	Poll         time.Duration // between two looks at the executors
	Every        time.Duration // between two lines of progress that say nothing new

	Say func(format string, args ...any) // gets the progress

	headers []string        // of the workload, for probe requests
	doubts  *[]string       // marks of the drive itself
	zero    *time.Time      // of the load that was started last, by this node's clock
	nth     int             // of a search: which of its loads this is, from 1; 0: no search
	lost    map[string]bool // client nodes that are not asked any more
}

// endTime is what it may take to stop executors and fetch what they counted, once the trial is over.
const endTime = 20 * time.Second

// errStopped is the cause of a trial that was stopped from outside.
var errStopped = errors.New("stopped")

// Run drives the trial to its end and writes summary.json and, if the trial is complete, its key. The error says why
// the trial is not complete; there may be a summary all the same, and it says so in its marks. When ctx ends, the
// executors are stopped in good order.
func Run(ctx context.Context, c Config) (*summary.Summary, error) {
	if len(c.Executors) == 0 || len(c.Endpoints) == 0 {
		return nil, fmt.Errorf("%d client nodes and %d endpoints: nodes.tsv has to name one of each at least", len(c.Executors), len(c.Endpoints))
	}
	var err error
	if c.headers, err = wire.HeadersOf(c.Trial.Workload); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return nil, err
	}
	key := filepath.Join(c.Out, "key")
	if err := os.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) { // of an earlier run: what follows is another
		return nil, err
	}
	c.doubts, c.zero = new([]string), new(time.Time)
	if c.Trial.Workload.Search != nil {
		return c.search(ctx)
	}
	parts, last, err := c.once(ctx)
	if len(parts) == 0 && err != nil {
		return nil, err
	}
	return c.conclude(summary.Merge(c.Trial, parts), parts, *c.zero, last, err)
}

// once drives the load to its end, and returns what the executors counted and how far they say that they came. The error
// says why it is not complete.
func (c Config) once(ctx context.Context) ([]*summary.Part, []share.Progress, error) {
	last, err := c.drive(ctx)
	if ctx.Err() != nil {
		err = errStopped
	}
	// What comes now has to be done although ctx may have ended.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if err != nil {
		c.lost = lostNodes(err) // what the others counted is not to wait for them
		last = c.stop(end, last)
	}
	parts, missing := c.fetch(end)
	if err == nil {
		err = missing
	}
	return parts, last, err
}

// drive starts the trial and watches it to its end.
func (c Config) drive(ctx context.Context) ([]share.Progress, error) {
	if err := c.clear(ctx); err != nil {
		return nil, err
	}
	c.reset(ctx)
	clocks, err := c.clocks(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.start(ctx, clocks); err != nil {
		return nil, err
	}
	return c.watch(ctx)
}

// clear stops what still runs from an earlier trial, whose driver was killed.
func (c Config) clear(ctx context.Context) error {
	return c.each(func(k int, e executor.Client) error {
		p, err := c.reach(ctx, e)
		if err != nil || p.State != summary.Running {
			return err
		}
		c.Say("%s still runs trial %s: stopping it", e.Node, p.Trial)
		_, err = e.Stop(ctx)
		return err
	})
}

// start gives each executor its share, so that all have one time zero.
func (c Config) start(ctx context.Context, clocks []clock) error {
	ahead := c.Lead
	for _, k := range clocks {
		ahead = max(ahead, 8*k.away)
	}
	zero := time.Now().Add(ahead)
	*c.zero = zero
	return c.each(func(k int, e executor.Client) error {
		return e.Start(ctx, workload.Assignment{
			Schema: workload.Schema, Trial: c.Trial, Node: e.Node, Part: k, Parts: len(c.Executors), Endpoints: c.Endpoints, Probe: c.nth,
			StartInS:     (time.Until(zero) - clocks[k].away).Seconds(),
			ClockOffsetS: clocks[k].offset.Seconds(),
		})
	})
}

// stop ends the trial on all executors, and returns how far they came where they still say so.
func (c Config) stop(ctx context.Context, last []share.Progress) []share.Progress {
	all := make([]share.Progress, len(c.Executors))
	copy(all, last)
	_ = c.each(func(k int, e executor.Client) error { // why the trial ends is known, and an executor that is gone may be it
		p, err := e.Stop(ctx)
		if err == nil {
			all[k] = p
		}
		return err
	})
	return all
}

// fetch gets what the executors counted of this trial, without those that say nothing.
func (c Config) fetch(ctx context.Context) ([]*summary.Part, error) {
	all := make([]*summary.Part, len(c.Executors))
	err := c.each(func(k int, e executor.Client) error {
		p, err := e.Part(ctx)
		if err == nil && p.Trial == c.Trial.ID {
			all[k] = p
		}
		return err
	})
	var parts []*summary.Part
	for _, p := range all {
		if p != nil {
			parts = append(parts, p)
		}
	}
	return parts, err
}

// conclude writes what there is to write, and decides whether the trial is complete. zero is when its load began.
func (c Config) conclude(s *summary.Summary, parts []*summary.Part, zero time.Time, last []share.Progress, cause error) (*summary.Summary, error) {
	if cause == nil && s.Requests.OK == 0 {
		cause = fmt.Errorf("no request was ok%s", share.Reasons(s.Requests.ByOutcome, last...))
	}
	s.Marks = append(*c.doubts, s.Marks...)
	if len(c.Edited) > 0 {
		s.Marks = append(s.Marks, "bundle edited: "+strings.Join(c.Edited, ", "))
	}
	if cause != nil {
		s.Marks = append([]string{cause.Error()}, s.Marks...)
	}
	c.cost(s, parts, zero, cause == nil)
	series := whole.Write(filepath.Join(c.Out, summary.SeriesFile), []byte(summary.SeriesCSV(c.Trial, parts)), 0o644)
	if err := errors.Join(whole.WriteJSON(filepath.Join(c.Out, "summary.json"), s), series); err != nil {
		return s, errors.Join(cause, err)
	}
	if cause != nil {
		return s, cause
	}
	return s, whole.Write(filepath.Join(c.Out, "key"), []byte(c.Key+"\n"), 0o644)
}

// each does something with all executors at once that are not lost, and joins the errors in one line.
func (c Config) each(do func(k int, e executor.Client) error) error {
	errs := make([]error, len(c.Executors))
	var wg sync.WaitGroup
	for k, e := range c.Executors {
		if !c.lost[e.Node] {
			wg.Go(func() { errs[k] = do(k, e) })
		}
	}
	wg.Wait()
	if joined := errors.Join(errs...); joined != nil {
		return oneLine{joined}
	}
	return nil
}

// oneLine is several errors in one line.
type oneLine struct{ error }

func (o oneLine) Error() string { return strings.ReplaceAll(o.error.Error(), "\n", "; ") }
func (o oneLine) Unwrap() error { return o.error }

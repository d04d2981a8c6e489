package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hpcbench/agent/internal/scrape"
	"hpcbench/agent/internal/search"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
	"hpcbench/agent/workload"
)

// try is a probe of a search that came to its end.
type try struct {
	nth     int
	trial   workload.Trial // the trial with the probe's rate
	summary *summary.Summary
	parts   []*summary.Part
	last    []share.Progress
	zero    time.Time // of its load
}

// search drives the trial's load through several rates. The trial's numbers, and the files of its nodes, are those of the
// highest rate that held or, where none did, of the last: that no rate holds is a result too. The files of the other probes
// stay below probes/.
func (c Config) search(ctx context.Context) (*summary.Summary, error) {
	s, err := search.New(*c.Trial.Workload.Search)
	if err != nil {
		return nil, err
	}
	probes := filepath.Join(c.Out, "probes")
	if err := os.RemoveAll(probes); err != nil { // of an earlier run, which was not complete
		return nil, err
	}
	best, err := search.Drive(s, func(k int, rate float64, used int64) (*try, search.Outcome, error) { return c.try(ctx, k, rate, used) },
		func(k int, p summary.Probe, _ *try) { c.Say("%s", search.Sentence(k, p)) })
	if best == nil {
		return nil, err
	}
	return c.settle(best, s.Result(err), err)
}

// try drives probe k of a search; nil when it came to nothing.
func (c Config) try(ctx context.Context, k int, rate float64, used int64) (*try, search.Outcome, error) {
	c.Trial, c.nth = search.Probe(c.Trial, k, rate, used), k
	say := c.Say
	c.Say = func(format string, args ...any) {
		say("probe %d at %s/s: %s", k, search.Rate(rate), fmt.Sprintf(format, args...))
	}
	parts, last, err := c.once(ctx)
	if err != nil && (len(parts) == 0 || k > 1) { // executors may still have those of the probe before
		return nil, search.Outcome{}, err
	}
	t := &try{k, c.Trial, summary.Merge(c.Trial, parts), parts, last, *c.zero}
	if err == nil {
		err = search.Silent(k, t.summary, share.Reasons(t.summary.Requests.ByOutcome, last...))
	}
	return t, search.Of(c.Trial, t.summary, parts), err
}

// settle makes a probe the trial's result.
func (c Config) settle(t *try, r *summary.Search, cause error) (*summary.Summary, error) {
	s := t.summary
	s.Sought(r)
	from := filepath.Join(c.Out, "probes", fmt.Sprintf("%02d", t.nth))
	for _, e := range c.Executors {
		if err := whole.Move(filepath.Join(from, e.Node), filepath.Join(c.Out, e.Node)); err != nil {
			return nil, err
		}
	}
	if err := moveTold(from, c.Out); err != nil {
		return nil, err
	}
	_ = os.Remove(from) // when it is empty
	c.Trial = t.trial
	return c.conclude(s, t.parts, t.zero, t.last, cause)
}

// moveTold moves what the servers told of themselves from a probe's directory to the trial's.
func moveTold(from, to string) error {
	files, err := scrape.Files(from)
	for _, name := range files {
		err = errors.Join(err, os.Rename(filepath.Join(from, name), filepath.Join(to, name)))
	}
	return err
}

package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hpcbench/agent/internal/executor"
	"hpcbench/agent/internal/probe"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
)

// watch looks at the executors until all are over. A hang, an executor that does not answer, and one that failed end it.
func (c Config) watch(ctx context.Context) ([]share.Progress, error) {
	ears := newEars(len(c.Executors), time.Now())
	var w watcher
	for {
		select {
		case <-ctx.Done():
			return w.last, context.Cause(ctx)
		case <-time.After(c.pause(sum(w.last))):
		}
		now, errs := c.look(ctx)
		heard := time.Now()
		if err := ears.hear(c.Executors, errs, heard); err != nil {
			return w.last, err
		}
		if errors.Join(errs...) != nil {
			continue
		}
		w.see(now, heard)
		if over, err := over(now); over {
			return now, err
		}
		if w.tells(c.Every, heard) {
			c.Say("%s", sum(now))
		}
		if err := c.suspect(ctx, &w, heard); err != nil {
			return now, err
		}
	}
}

// pause is the time to the next look: Poll, but none is slept through while the last requests end.
func (c Config) pause(p share.Progress) time.Duration {
	w := c.Trial.Workload
	if p.Phase == record.Drain.String() {
		return c.Poll / 10
	}
	end := time.Duration((w.WarmupS + w.DurationS + w.CooldownS - p.ElapsedS) * float64(time.Second))
	if w.DurationS > 0 && p.Phase != "" {
		return max(c.Poll/10, min(c.Poll, end))
	}
	return c.Poll
}

// look asks each executor how far it is, and gives an error, or nil, of each.
func (c Config) look(ctx context.Context) ([]share.Progress, []error) {
	all, errs := make([]share.Progress, len(c.Executors)), make([]error, len(c.Executors))
	_ = c.each(func(k int, e executor.Client) error {
		all[k], errs[k] = c.status(ctx, e)
		if errs[k] == nil && all[k].Trial != c.Trial.ID {
			errs[k] = fmt.Errorf("executor of %s: trial %s is not there any more: was it started anew?", e.Node, c.Trial.ID)
		}
		return nil
	})
	return all, errs
}

// over reports whether no share runs any more, or one did not run to its end, and why that was.
func over(all []share.Progress) (bool, error) {
	running := false
	for _, p := range all {
		if p.Error != "" {
			return true, errors.New(p.Error)
		}
		running = running || p.State == summary.Running
	}
	return !running, nil
}

// suspect asks the servers themselves when no byte has come for long. Two probes that fail, while still no byte comes,
// are a hang: a health page can stay 200 over a dead rank.
func (c Config) suspect(ctx context.Context, w *watcher, now time.Time) error {
	silence := w.silence(now)
	if silence < w.patience(c.Stall) {
		return nil
	}
	c.Say("no byte for %.0f s: probing the servers", silence.Seconds())
	for _, endpoint := range c.Endpoints {
		err := c.probe(ctx, endpoint)
		if err == nil {
			continue
		}
		last := sum(w.last).LastByteS
		if again, errs := c.look(ctx); errors.Join(errs...) == nil {
			w.see(again, time.Now())
		}
		if sum(w.last).LastByteS > last {
			return nil // bytes came meanwhile; that requests ran out of time says nothing
		}
		return fmt.Errorf("hang: no byte for %.0f s on any stream, and %s failed two probes: %w", silence.Seconds(), endpoint, err)
	}
	w.acquit(time.Now())
	return nil
}

// probe asks for a generation, twice at most.
func (c Config) probe(ctx context.Context, endpoint string) error {
	q := probe.Question{
		Endpoint: endpoint, Dialect: c.Trial.Workload.Dialect, Model: c.Trial.Workload.Model, Headers: c.headers, Timeout: c.ProbeTimeout,
	}
	if err := probe.Generation(ctx, q); err == nil {
		return nil
	}
	return probe.Generation(ctx, q)
}

// watcher keeps what was seen last, and since when nothing has come.
type watcher struct {
	last  []share.Progress
	quiet time.Time // since when no byte has come although requests are in flight

	told  time.Time
	phase string
}

// see takes note of what the executors tell. Silence counts only while requests are in flight: an open loop may be slow.
// Requests that end by running out of time do not break it.
func (w *watcher) see(all []share.Progress, now time.Time) {
	before, after := sum(w.last), sum(all)
	if w.quiet.IsZero() || after.InFlight == 0 || after.LastByteS > before.LastByteS {
		w.quiet = now
	}
	w.last = all
}

// acquit begins the silence anew: the servers are alive.
func (w *watcher) acquit(now time.Time) { w.quiet = now }

func (w *watcher) silence(now time.Time) time.Duration { return now.Sub(w.quiet) }

// patience is how long a silence may last: stall, or three times the p99 so far.
func (w *watcher) patience(stall time.Duration) time.Duration {
	return max(stall, time.Duration(3*sum(w.last).E2ELP99S*float64(time.Second)))
}

// tells reports whether it is time for a line of progress: a phase has begun, or the last one is long ago.
func (w *watcher) tells(every time.Duration, now time.Time) bool {
	if w.last[0].Phase == w.phase && now.Sub(w.told) < every {
		return false
	}
	w.phase, w.told = w.last[0].Phase, now
	return true
}

// sum is the progress over all client nodes.
func sum(all []share.Progress) share.Progress {
	var total share.Progress
	for k, p := range all {
		if k == 0 {
			total = p
		} else {
			total = total.Add(p)
		}
	}
	return total
}

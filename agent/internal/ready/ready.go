// Package ready waits until the servers of a deployment can work, in three stages with budgets of their own: every rank
// was placed on its node, every endpoint says that it is healthy, and every endpoint has generated a token. After that it looks at
// what the servers tell of themselves, for a server that generates may still not run on what it was given.
package ready

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"hpcbench/agent/internal/probe"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// Config is what to wait for, and for how long.
type Config struct {
	Endpoints []string // base URLs

	PlacedDir     string // each rank leaves a file with its number here when it starts; "" skips this stage
	Ranks         int
	PlacedTimeout time.Duration

	HealthPath     string // "" skips this stage
	HealthTimeout  time.Duration
	HealthInterval time.Duration // longest pause between two tries; the first ones follow each other quickly

	Dialect, Model    string
	Headers           []string      // sent with each request, "Name: value"
	GenerationTimeout time.Duration // 0 skips this stage, and the pages

	Pages []workload.Page                    // looked at once every endpoint has generated
	Prove func(name, value, endpoint string) // gets what they prove, once all are well; endpoint "": they all say so

	Say func(format string, args ...any) // gets a line of progress now and then
}

const (
	quick      = 100 * time.Millisecond // first pause between two tries; each is twice the one before
	patience   = 10 * time.Second       // between two lines of progress that say nothing new
	pageWithin = 5 * time.Second        // for a health page to come
)

// Wait returns nil when all stages are over, and else the stage, the endpoint and the reason.
func Wait(ctx context.Context, c Config) error {
	if len(c.Endpoints) == 0 {
		return errors.New("no endpoint: nodes.tsv has no server with a port and no endpoint")
	}
	if c.PlacedDir != "" {
		s := stage{"placed", "ranks", c.PlacedTimeout, time.Second, c.Say}
		if err := s.wait(ctx, c.ranks(), c.placed); err != nil {
			return err
		}
	}
	if c.HealthPath != "" {
		s := stage{"health", "endpoints", c.HealthTimeout, c.HealthInterval, c.Say}
		if err := s.wait(ctx, c.Endpoints, c.healthy); err != nil {
			return err
		}
	}
	if c.GenerationTimeout == 0 {
		return nil
	}
	s := stage{"generation", "endpoints", c.GenerationTimeout, time.Second, c.Say}
	if err := s.wait(ctx, c.Endpoints, c.generated); err != nil {
		return err
	}
	return c.pages(ctx)
}

func (c Config) ranks() []string {
	var all []string
	for k := range c.Ranks {
		all = append(all, "rank "+strconv.Itoa(k))
	}
	return all
}

func (c Config) placed(_ context.Context, rank string, _ time.Duration) error {
	_, err := os.Stat(filepath.Join(c.PlacedDir, strings.TrimPrefix(rank, "rank ")))
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("never started on its node, or the nodes do not share " + c.PlacedDir)
	}
	return err
}

func (c Config) healthy(ctx context.Context, endpoint string, left time.Duration) error {
	path, _ := wire.Probe(c.Dialect, c.Model)
	return probe.Healthy(ctx, wire.Root(endpoint, path)+c.HealthPath, c.Headers, min(left, pageWithin))
}

func (c Config) generated(ctx context.Context, endpoint string, left time.Duration) error {
	err := probe.Generation(ctx, probe.Question{Endpoint: endpoint, Dialect: c.Dialect, Model: c.Model, Headers: c.Headers, Timeout: left})
	if err != nil && !errors.Is(err, probe.ErrNotYet) {
		return final{err}
	}
	return err
}

// final is an error that waiting does not mend.
type final struct{ error }

// stage is one of the three.
type stage struct {
	name, things string
	budget       time.Duration
	interval     time.Duration
	say          func(format string, args ...any)
}

// try asks one thing whether it is there, within what is left of the budget.
type try func(ctx context.Context, thing string, left time.Duration) error

// wait tries all things until each has been there once.
func (s stage) wait(ctx context.Context, things []string, t try) error {
	start, said, saw := time.Now(), time.Now(), 0
	missing := things
	for pause := quick; ; pause = min(2*pause, max(quick, s.interval)) {
		var why []error
		missing, why = s.turn(ctx, missing, t, s.budget-time.Since(start))
		if len(missing) == 0 {
			s.say("%s: %d of %d %s after %s", s.name, len(things), len(things), s.things, seconds(time.Since(start)))
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", s.name, context.Cause(ctx))
		}
		for k, err := range why {
			if errors.As(err, &final{}) {
				return fmt.Errorf("%s: %s: %w", s.name, missing[k], err)
			}
		}
		if time.Since(start)+pause > s.budget {
			return fmt.Errorf("%s: %s: %w (%d of %d %s after %s)", s.name, missing[0], why[0], len(things)-len(missing), len(things), s.things, seconds(time.Since(start)))
		}
		if have := len(things) - len(missing); have > saw || time.Since(said) > patience {
			s.say("%s: %d of %d %s after %s (%s: %v)", s.name, have, len(things), s.things, seconds(time.Since(start)), missing[0], why[0])
			said, saw = time.Now(), have
		}
		rest(ctx, pause)
	}
}

// turn tries all things at once and returns those that are not there, with the reason of each.
func (s stage) turn(ctx context.Context, things []string, t try, left time.Duration) (missing []string, why []error) {
	errs := make([]error, len(things))
	var wg sync.WaitGroup
	for k, thing := range things {
		wg.Go(func() { errs[k] = t(ctx, thing, max(left, quick)) })
	}
	wg.Wait()
	for k, err := range errs {
		if err != nil {
			missing, why = append(missing, things[k]), append(why, err)
		}
	}
	return missing, why
}

func rest(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
}

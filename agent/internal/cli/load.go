package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hpcbench/agent/internal/loop"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

var load = command{
	name:  "load",
	short: "send load to a server and measure it",
	long: `
A closed loop of --concurrency requests in flight, or an open loop of --rate requests a second (or --ramp, --steps, --trace),
for --duration or until --requests are measured. Every failure is an outcome and counted. Exit status 1 when no request was
ok, or on an interrupt; what was measured is printed and written whatever the exit status.

Lengths, shared beginnings and the order of a dataset follow from the seed. --extra-body is merged into each body as RFC 7386
merges JSON: its fields win, objects are merged member by member, null takes a field away; the prompt and stream can't be set
there. A turn of a conversation (--turns) has all prompts before it and the answers as they came, without reasoning; the
conversation ends with a request that fails, and in an open loop each arrival begins one, so that --requests ends the window
after whole conversations. Replayed traffic has the lengths of its trace, but where a law says otherwise. A --batch on
openai-completions is one request and a record for each of its prompts; its one limit is that of the first. A dataset is read
before the first request, and at most 512 MiB of its prompts are kept.`,
	example: `agent load --url http://127.0.0.1:8000 --model tiny --concurrency 8 --duration 30s --warmup 5s
agent load --url http://127.0.0.1:8000 --model tiny --rate 20 --arrival poisson --requests 1000 --slo ttft=500ms --out run1
agent load --url http://127.0.0.1:8000 --model tiny --steps 5x30s,10x30s,20x30s --warmup 5s --cooldown 5s`,
	declare: func(f *flags) action {
		o := declareLoad(f)
		return func(ctx context.Context, c *call) error {
			a, err := o.assignment(f)
			if err != nil {
				return err
			}
			return o.run(ctx, c, a)
		}
	},
}

// run sends the load, and prints and writes what it measured.
func (o *loadOptions) run(ctx context.Context, c *call, a workload.Assignment) error {
	requests, err := wire.NewRequests(a.Trial.Workload) // before time zero: a dataset may take long to read
	if err != nil {
		return err
	}
	targets, err := loop.LookUp(ctx, a.Endpoints) // as above
	if err != nil {
		return err
	}
	s := share.New(a, share.Options{Dir: o.out, Headers: o.headers, Insecure: *o.insecure, Requests: requests, Targets: targets})
	err = watched(ctx, c, s)
	if err != nil && ctx.Err() == nil {
		return err
	}
	result := summary.Merge(a.Trial, []*summary.Part{s.Part()})
	if o.out != "" {
		if err := whole.WriteJSON(filepath.Join(o.out, "summary.json"), result); err != nil {
			return err
		}
	}
	if err := o.print(c, a, result); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("stopped: %w", err)
	}
	if result.Requests.OK == 0 {
		return errors.New("no request was ok" + share.Reasons(result.Requests.ByOutcome, s.Progress()))
	}
	return nil
}

// watched runs the share, with its progress on stderr where that is a terminal.
func watched(ctx context.Context, c *call, s *share.Share) (err error) {
	if !terminal(c.stderr) {
		return s.Run(ctx)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	over := make(chan struct{})
	defer close(over)
	wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		defer fmt.Fprint(c.stderr, "\r\033[K")
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				fmt.Fprintf(c.stderr, "\r\033[K%s", s.Progress())
			}
		}
	})
	return s.Run(ctx)
}

// terminal reports whether w is a terminal on which progress is wanted.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (o *loadOptions) print(c *call, a workload.Assignment, s *summary.Summary) error {
	if *o.json {
		e := json.NewEncoder(c.stdout)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	_, err := fmt.Fprint(c.stdout, table(a, s))
	return err
}

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
ok, or when it was stopped; what was measured is printed and written whatever the exit status. The first ctrl-C sends no
more and lets what is in flight end, for --timeout at most; the second leaves at once. TERM does not wait for it.

Lengths, shared beginnings and the order of a dataset follow from the seed. --extra-body is merged into each body as RFC 7386
merges JSON: its fields win, objects are merged member by member, null takes a field away; the prompt and stream can't be set
there. A turn of a conversation (--turns) has all prompts before it and the answers as they came, without reasoning; the
conversation ends with a request that fails, and in an open loop each arrival begins one, so that --requests ends the window
after whole conversations. Replayed traffic has the lengths of its trace, but where a law says otherwise. A --batch on
openai-completions is one request and a record for each of its prompts; its one limit is that of the first. A dataset is read
before the first request, and at most 512 MiB of its prompts are kept.`,
	example: `agent load --url http://127.0.0.1:8000 --model tiny --concurrency 8 --duration 30s --warmup 5s
agent load --url http://127.0.0.1:8000 --model tiny --rate 20 --arrival poisson --requests 1000 --slo ttft=500ms --out run1
agent load --url http://127.0.0.1:8000 --model tiny --find-rate --slo ttft=500ms,tpot=50ms --arrival poisson --warmup 10s
agent load --url http://127.0.0.1:8000 --model tiny --steps 5x30s,10x30s,20x30s --warmup 5s --cooldown 5s`,
	declare: func(f *flags) action {
		o := declareLoad(f)
		return func(ctx context.Context, c *call) error {
			a, err := o.assignment(f)
			if err != nil {
				return err
			}
			if err := o.keyed(f); err != nil {
				return err
			}
			if a.Trial.Workload.Search != nil {
				return o.findRate(ctx, c, a)
			}
			return o.run(ctx, c, a)
		}
	},
}

// keyed takes the API key out of its environment variable. It goes among the headers of this run, and so into no record.
func (o *loadOptions) keyed(f *flags) error {
	if !f.given("api-key-env") {
		return nil
	}
	key, err := wire.Key(os.Getenv(*o.keyEnv))
	if err != nil {
		return usage("--api-key-env: the variable %s %w", *o.keyEnv, err)
	}
	o.headers = append(o.headers, wire.Authorization(key))
	return nil
}

// run sends the load, and prints and writes what it measured.
func (o *loadOptions) run(ctx context.Context, c *call, a workload.Assignment) error {
	m, err := o.measure(ctx, c, a, o.out, "")
	if m == nil {
		return err
	}
	err = stopped(err)
	if err == nil && m.Requests.OK == 0 {
		err = errors.New("no request was ok" + m.reasons())
	}
	if o.out != "" {
		err = errors.Join(err, m.write(o.out))
	}
	return errors.Join(err, o.print(c, a, m.Summary))
}

// measured is what a load came to.
type measured struct {
	*summary.Summary
	parts    []*summary.Part
	progress share.Progress
	series   string // the window second by second, as series.csv has it
}

// reasons is why requests failed.
func (m *measured) reasons() string { return share.Reasons(m.Requests.ByOutcome, m.progress) }

// write leaves it in a directory.
func (m *measured) write(dir string) error {
	series := whole.Write(filepath.Join(dir, summary.SeriesFile), []byte(m.series), 0o644)
	return errors.Join(series, whole.WriteJSON(filepath.Join(dir, "summary.json"), m.Summary))
}

// measure sends a load, with its records in dir, "" for nowhere. Its progress has a title in front of it. The error of a
// load that was cut short, by a signal or a full disk, comes with what was measured; that of one that never began comes alone.
// An interrupt lets what is in flight end, in the time that a drain may take; any other signal does not.
func (o *loadOptions) measure(ctx context.Context, c *call, a workload.Assignment, dir, title string) (*measured, error) {
	requests, err := wire.NewRequests(a.Trial.Workload) // before time zero: a dataset may take long to read
	if err != nil {
		return nil, err
	}
	targets, err := loop.LookUp(ctx, a.Endpoints) // as above
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	s := share.New(a, share.Options{Dir: dir, Sending: ctx, Headers: o.headers, Insecure: *o.insecure, Requests: requests, Targets: targets})
	hard, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		if !interrupted(ctx) {
			cancel(context.Cause(ctx))
		}
	})()
	err = (&follower{call: c, share: s, load: a.Trial.Workload, title: title}).run(ctx, hard)
	if err != nil && ctx.Err() == nil && s.Progress().Scheduled == 0 {
		return nil, err
	}
	parts := []*summary.Part{s.Part()}
	return &measured{summary.Merge(a.Trial, parts), parts, s.Progress(), summary.SeriesCSV(a.Trial, parts)}, err
}

// interrupted reports whether ctx ended by ctrl-C.
func interrupted(ctx context.Context) bool {
	s, ok := context.Cause(ctx).(signalled)
	return ok && s.Signal == os.Interrupt
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

package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"hpcbench/agent/internal/logs"
)

var logsVerb = command{
	name:     "logs",
	operands: "RESULTS",
	short:    "read the logs of a run, those of all nodes in the order of time",
	long: `
RESULTS is one results/<jobid>; of a bundle or its results/ it is the newest run. A line has the time of day in the zone of the job's
nodes, by the clock of the first node (each node's clock is corrected by what it was off when the job began); its level, node,
component and trial; and where it stands. ~ before a time: the line has none of its own, and it is that of the line before it, or
of its program's start. A line without a level has that of the line before it, so that a traceback stays whole.

Levels and times are read from the formats of vLLM, SGLang, TensorRT-LLM, Triton, Ollama, llama.cpp, Ray, PyTorch, NCCL, Slurm,
Apptainer and ours. --request finds what client and server wrote of one request: its record, and the lines that have its
X-Request-Id, which is trial-node-index. docs/logs.md says which servers write it.`,
	example: `agent logs results/4711 --level error
agent logs results/4711 --trial 3 --around 12:03:04 --within 10s
agent logs results/4711 --request 0003-17
agent logs results --follow --component server`,
	declare: func(f *flags) action {
		l := reading{
			follow: f.is("follow", "go on with what comes, until the run is over"),
			json:   f.is("json", "a line of JSON each: time, level, category, node, component, …"),
		}
		f.heading("Which lines (all of these together):")
		l.declare(f)
		f.heading("For the job script:")
		collect := f.text("collect", "FILE", "", "collect the logs of a running job, as node/logs.json says, until TERM or USR1")
		console := f.number("console-fd", "N", 1, "with --collect: the descriptor of the job's own output")
		return func(ctx context.Context, c *call) error {
			if len(c.operands) != 1 {
				return usage("%d results given, want one; agent logs -h shows how it is used", len(c.operands))
			}
			if *collect != "" {
				return collectLogs(ctx, c, *collect, *console)
			}
			if err := l.check(f); err != nil {
				return err
			}
			dir, err := logs.Find(c.operands[0])
			if err != nil {
				return err
			}
			return l.read(ctx, c, logs.Open(dir))
		}
	},
}

// reading is what a person asks of the logs.
type reading struct {
	follow, json                                         *bool
	trial, node, component, category, level, at, request *string
	within                                               *time.Duration
}

func (l *reading) declare(f *flags) {
	l.trial = f.text("trial", "N", "", "of this trial, such as 3 or 0003")
	l.node = f.text("node", "NAME", "", "of this node")
	l.component = f.text("component", "NAME", "", "of server, client, monitor, job, trial, ready, slurm, kernel, container, …;\nof one deployment or start: server.d1, server.d1.2")
	l.category = f.text("category", "NAME", "", "application, system, benchmark or infrastructure")
	l.level = f.text("level", "NAME", "", "of this level or a higher one: debug, info, warn, error, fatal")
	l.at = f.text("around", "TIME", "", "around this time of day, or date and time")
	l.within = f.time("within", 30*time.Second, "with --around: how far before and after")
	l.request = f.text("request", "ID", "", "of this request: trial and index, such as 0003-17, or as it was sent")
}

// check tells all that is wrong with the flags.
func (l *reading) check(f *flags) error {
	p := new(problems)
	_, err := logs.ParseLevel(*l.level)
	p.note(*l.level != "" && err != nil, "--level %w", err)
	_, err = logs.ParseCategory(*l.category)
	p.note(*l.category != "" && err != nil, "--category %w", err)
	_, err = logs.ParseRequest(*l.request)
	p.note(*l.request != "" && err != nil, "--request %w", err)
	p.note(f.given("within") && *l.at == "", "--within is how far around --around, which is not given")
	return p.err()
}

// filter is what is wanted of this run. check has found nothing wrong.
func (l *reading) filter(r *logs.Run) (f logs.Filter, err error) {
	f = logs.Filter{Trial: *l.trial, Node: *l.node, Component: *l.component}
	if *l.level != "" {
		f.Level, _ = logs.ParseLevel(*l.level)
	}
	if *l.category != "" {
		f.Category, _ = logs.ParseCategory(*l.category)
	}
	if *l.request != "" {
		f.Request, _ = logs.ParseRequest(*l.request)
	}
	if *l.at != "" {
		at, err := r.Job.Around(*l.at)
		if err != nil {
			return f, usage("--around %w", err)
		}
		f.From, f.To = at.Add(-*l.within), at.Add(*l.within)
	}
	return f, nil
}

// read prints what is wanted of a run.
func (l *reading) read(ctx context.Context, c *call, r *logs.Run) error {
	f, err := l.filter(r)
	if err != nil {
		return err
	}
	if err := r.Problem(); err != nil {
		fmt.Fprintf(c.stderr, "logs: %v\n", err)
	}
	p := &printer{to: bufio.NewWriter(c.stdout), run: r, json: *l.json, colour: terminal(c.stdout)}
	if *l.follow {
		return l.goOn(ctx, p, f)
	}
	var records []logs.Entry
	if f.Request != nil {
		if records, err = r.Records(f.Request); err != nil {
			return err
		}
	}
	all, problem := r.Entries()
	for e := range all {
		if !f.Wants(e) {
			continue
		}
		for len(records) > 0 && records[0].Time.Before(e.Time) {
			p.print(records[0])
			records = records[1:]
		}
		if err := p.print(e); err != nil || ctx.Err() != nil {
			return cmp.Or(err, p.to.Flush())
		}
	}
	for _, e := range records {
		p.print(e)
	}
	if err := errors.Join(problem(), p.to.Flush()); err != nil {
		return err
	}
	if p.lines == 0 {
		return errors.New("no line is what was asked for")
	}
	return nil
}

// followEvery is how often a run that goes on is looked at, and lastLooks how often one that is over, in which nothing comes.
const (
	followEvery = 300 * time.Millisecond
	lastLooks   = 5
)

// goOn prints what there is and what comes, until ctx ends or the run is over.
func (l *reading) goOn(ctx context.Context, p *printer, f logs.Filter) error {
	from := logs.Follow(p.run, nil, nil, 0)
	defer from.Close()
	for idle := 0; idle < lastLooks; {
		var came []logs.Entry
		seen := 0
		more, err := from.Round(false, func(e logs.Entry) {
			seen++
			if f.Wants(e) {
				came = append(came, e)
			}
		})
		slices.SortStableFunc(came, func(a, b logs.Entry) int { return a.Time.Compare(b.Time) })
		for _, e := range came {
			p.print(e)
		}
		if err := errors.Join(err, p.to.Flush()); err != nil {
			return err
		}
		if idle++; seen > 0 || !p.run.Over() {
			idle = 0
		}
		if !more {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(followEvery):
			}
		}
	}
	return nil
}

// printer writes entries for a person, or for a program.
type printer struct {
	to           *bufio.Writer
	run          *logs.Run
	json, colour bool
	day          string
	lines        int
}

// colours are those of levels, on a terminal.
var colours = map[logs.Level]string{logs.Debug: "\033[2m", logs.Warn: "\033[33m", logs.Error: "\033[31m", logs.Fatal: "\033[1;31m"}

func (p *printer) print(e logs.Entry) error {
	p.lines++
	if p.json {
		_, err := p.to.Write(e.JSON())
		return err
	}
	zone := p.run.Job.Zone
	if day := e.Time.In(zone).Format("Monday, 2 January 2006, -0700"); day != p.day {
		p.day = day
		fmt.Fprintf(p.to, "── %s\n", day)
	}
	text := e.Text(zone)
	if paint := colours[e.Level]; p.colour && paint != "" {
		text = paint + text + "\033[0m"
	}
	_, err := io.WriteString(p.to, text+"\n")
	return err
}

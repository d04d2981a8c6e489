package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/proc"
	"hpcbench/testbed/bench/sheet"
	"hpcbench/testbed/bench/truth"
)

// bench is one making of a table.
type bench struct {
	ctx         context.Context
	cache       peer.Cache
	peers       []*peer.Peer
	agent, self string // programs
	dir         string // for what is written on the way
	only        *regexp.Regexp
	runs        int
	seconds     float64              // of each load that is watched
	source      string               // of CPU time
	help        string               // what agent load -h prints
	starts      map[string][]float64 // seconds from a client's start to its first request, as the server saw it
}

// part is a part of a table: some rows.
type part struct {
	name string
	make func() ([][]string, error)
}

// document is a table in its document.
type document struct {
	file    string
	columns []string
	parts   []part
}

func (b *bench) document(name string) document {
	switch name {
	case "accuracy":
		return document{"docs/accuracy.md", accuracyColumns, b.accuracyParts()}
	case "watching":
		return document{"docs/performance.md", watchingColumns, b.watchingParts()}
	}
	return document{"docs/performance.md", speedColumns, b.speedParts()}
}

// make makes the table, prints it, and writes it into its document. What fails of a peer is a row; what fails of ours is the
// error, after all other parts.
func (b *bench) make(name string, write bool) error {
	d := b.document(name)
	s := sheet.Sheet{Columns: d.columns}
	before, began := machine(b.ctx), time.Now()
	var failed []error
	for _, p := range d.parts {
		if !b.only.MatchString(p.name) {
			continue
		}
		b.say("%s …", p.name)
		rows, err := p.make()
		for _, row := range rows {
			s.Add(row...)
		}
		if err != nil {
			b.say("%s: %v", p.name, err)
			failed = append(failed, fmt.Errorf("%s: %w", p.name, err))
		}
		if b.ctx.Err() != nil {
			return b.ctx.Err()
		}
	}
	text := fmt.Sprintf("%s\n\n%s\nMade in %s. CPU time by %s.", before, s.String(), time.Since(began).Round(time.Second), first(b.source, "nothing"))
	if len(b.peers) > 0 {
		text += " " + b.missing()
	}
	fmt.Println(text)
	if err := errors.Join(failed...); err != nil {
		return err
	}
	if !write {
		return nil
	}
	old, err := os.ReadFile(d.file)
	if err != nil {
		return err
	}
	filled, err := sheet.Place(string(old), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", d.file, err)
	}
	return os.WriteFile(d.file, []byte(filled), 0o644)
}

// missing names the peers that are there, and why others are not.
func (b *bench) missing() string {
	var there, skipped []string
	for _, p := range b.peers {
		if p.Missing == "" {
			there = append(there, p.Name+" "+p.Version)
		} else {
			skipped = append(skipped, p.Name+" (skipped: "+p.Missing+")")
		}
	}
	text := "Peers: " + strings.Join(there, ", ") + "."
	if len(skipped) > 0 {
		text += " Not there: " + strings.Join(skipped, ", ") + "."
	}
	return text
}

// client is what sends load: the agent, a peer, the bare loop.
type client struct {
	name    string
	python  bool
	command func(l peer.Load) (proc.Command, error)
	result  func(l peer.Load) (peer.Result, error) // nil: it keeps nothing of each request
}

// outcome is what came of one run.
type outcome struct {
	usage            *proc.Usage
	requests, tokens int64        // by the server's count
	lines            []truth.Line // where the server wrote them
	result           peer.Result  // where the client has one
	log              string
}

// client makes a client of a peer.
func (b *bench) client(p *peer.Peer) client {
	c := client{name: p.Name, python: p.Python, command: func(l peer.Load) (proc.Command, error) { return p.Command(b.cache, l) }}
	if p.Keeps() {
		c.result = p.Result
	}
	return c
}

// able are the peers that are there and know a load, as clients.
func (b *bench) able(l peer.Load, want func(*peer.Peer) bool) (all []client) {
	for _, p := range b.peers {
		if want(p) && p.Can(b.cache, l) {
			all = append(all, b.client(p))
		}
	}
	return all
}

func python(p *peer.Peer) bool { return p.Python }
func native(p *peer.Peer) bool { return !p.Python }

// limit is how long one run may take.
const limit = 3 * time.Minute

// send runs a client against a server that runs already.
func (b *bench) send(c client, s *running, l peer.Load) (*outcome, error) {
	b.runs++
	l.URL, l.Dir = s.url, filepath.Join(b.dir, fmt.Sprint("run", b.runs))
	if err := os.Mkdir(l.Dir, 0o755); err != nil {
		return nil, err
	}
	defer os.RemoveAll(l.Dir)
	command, err := c.command(l)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(b.ctx, limit)
	defer stop()
	requests, tokens, err := s.count()
	if err != nil {
		return nil, err
	}
	o := &outcome{}
	if o.usage, err = proc.Run(ctx, command); err != nil {
		return nil, err
	}
	if o.requests, o.tokens, err = s.count(); err != nil {
		return nil, err
	}
	b.source = o.usage.Source
	o.requests, o.tokens, o.log = o.requests-requests, o.tokens-tokens, proc.Tail(command.Log)
	if o.requests == 0 {
		return nil, fmt.Errorf("it sent no request: %s", o.log)
	}
	if c.result != nil {
		o.result, err = c.result(l)
	}
	return o, err
}

// alone runs a client against a server of its own, which writes the truth.
func (b *bench) alone(c client, kind string, law law, l peer.Load) (*outcome, error) {
	law.truth = filepath.Join(b.dir, "truth.jsonl")
	defer os.Remove(law.truth)
	s, err := b.start(kind, "127.0.0.1", law)
	if err != nil {
		return nil, err
	}
	o, err := b.send(c, s, l)
	if stopped := s.stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(law.truth)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if o.lines, err = truth.Read(f); err != nil {
		return nil, err
	}
	if len(o.lines) == 0 {
		return nil, errors.New("the server answered no request to its end")
	}
	from, _ := truth.Span(o.lines)
	b.starts[c.name] = append(b.starts[c.name], float64(from-o.usage.Began)/1e9)
	return o, nil
}

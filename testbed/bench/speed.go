package main

import (
	"fmt"
	"math"
	"time"

	"hpcbench/testbed/bench/figure"
	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/proc"
	"hpcbench/testbed/bench/sheet"
	"hpcbench/testbed/bench/truth"
)

var speedColumns = []string{"what", "against", "ours", "theirs", "ratio", "goal", "holds"}

// speedParts are the parts of make bench. The ratio of a row is ours by theirs where more is better, and theirs by ours where
// less is: above 1 is good in each.
func (b *bench) speedParts() []part {
	return []part{
		{"requests", b.requestsPart},
		{"events", b.eventsPart},
		{"constant", b.constantPart},
		{"poisson", b.poissonPart},
		{"streams", b.streamsPart},
		{"linear", b.linearPart},
		{"record", b.recordPart},
		{"merge", b.mergePart},
		{"startup", b.startupPart},
		{"size", b.sizePart},
	}
}

// holds says whether a value is at least its goal; no goal is nothing to say.
func holds(value, goal float64) string {
	switch {
	case goal == 0:
		return ""
	case value >= goal:
		return "yes"
	}
	return "**no**"
}

// atLeast is a goal in words.
func atLeast(goal float64) string {
	if goal == 0 {
		return ""
	}
	return fmt.Sprintf("≥ %g", goal)
}

// skippedRow is the row of a peer that gave no number.
func skippedRow(what, against string, err error) []string {
	return []string{what, against, "", "", "", "", "skipped: " + peer.Short(err)}
}

// race is alternating runs of several clients: what each did per CPU-second, divided by how fast the core was next to it.
type race struct {
	raw, even map[string][]float64
	bad       map[string]error
}

func newRace() *race {
	return &race{map[string][]float64{}, map[string][]float64{}, map[string]error{}}
}

// work is what counts in a run: requests or tokens.
type work func(*outcome) int64

func requests(o *outcome) int64 { return o.requests }
func tokens(o *outcome) int64   { return o.tokens }

// round runs each client once.
func (b *bench) round(r *race, s *running, l peer.Load, done work, clients ...client) error {
	for _, c := range clients {
		if r.bad[c.name] != nil {
			continue
		}
		before := proc.Spin()
		o, err := b.send(c, s, l)
		speed := (before + proc.Spin()) / 2
		if err != nil && c.name == "agent load" {
			return err
		}
		if err != nil {
			b.say("%s: %v", c.name, err)
			r.bad[c.name] = err
			continue
		}
		r.add(c.name, float64(done(o))/o.usage.CPU.Seconds(), speed)
	}
	return nil
}

func (r *race) add(name string, perSecond, speed float64) {
	r.raw[name] = append(r.raw[name], perSecond)
	r.even[name] = append(r.even[name], perSecond/speed)
}

// row compares two clients: the median of the rounds' ratios, and their least and greatest.
func (r *race) row(what, ours, theirs string, goal float64) []string {
	if err := r.bad[theirs]; err != nil {
		return skippedRow(what, theirs, err)
	}
	var ratios []float64
	for i := range min(len(r.even[ours]), len(r.even[theirs])) {
		ratios = append(ratios, r.even[ours][i]/r.even[theirs][i])
	}
	if len(r.even[theirs]) == 1 { // a client that takes long ran once: against the median of ours
		ratios = []float64{figure.Median(r.even[ours]) / r.even[theirs][0]}
	}
	ratio := figure.Median(ratios)
	return []string{what, theirs, sheet.Number(figure.Median(r.raw[ours])), sheet.Number(figure.Median(r.raw[theirs])), span(ratio, ratios), atLeast(goal), holds(ratio, goal)}
}

// span is a ratio with the range it was in.
func span(middle float64, all []float64) string {
	if len(all) < 2 {
		return sheet.Number(middle)
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range all {
		low, high = min(low, v), max(high, v)
	}
	return fmt.Sprintf("%s (%s–%s)", sheet.Number(middle), sheet.Number(low), sheet.Number(high))
}

// rounds is how often clients that start at once take turns.
const rounds = 3

// goals of requests per CPU-second, by peer (issue 5).
var goals = map[string]float64{"wrk": 1, "vegeta": 5, "vllm bench serve": 40, "AIPerf": 200, "GuideLLM": 200}

// requestsPart is requests per client CPU-second: small answers in one piece, 64 connections.
func (b *bench) requestsPart() (rows [][]string, err error) {
	l := peer.Load{Tokens: 2, Concurrency: 64, Seconds: 2}
	for _, kind := range kinds {
		r := newRace()
		clients := append([]client{b.agentLoad(), b.bareLoop()}, b.able(l, native)...)
		if err := b.turns(r, kind, law{}, l, requests, clients); err != nil {
			return rows, err
		}
		if kind == dummy {
			clients = append(clients, b.slow(r)...)
		}
		what := "requests per client CPU-second, answers of 2 tokens in one piece, 64 connections, server " + kind
		for _, c := range clients[1:] {
			rows = append(rows, r.row(what, "agent load", c.name, goals[c.name]))
		}
	}
	return rows, nil
}

// turns runs clients in turns against one server.
func (b *bench) turns(r *race, kind string, law law, l peer.Load, done work, clients []client) error {
	s, err := b.start(kind, "127.0.0.1", law)
	if err != nil {
		return err
	}
	for range rounds {
		if err := b.round(r, s, l, done, clients...); err != nil {
			return firstError(err, s.stop())
		}
	}
	return s.stop()
}

// slow runs the peers that take long to start once each. Only CPU time between the server's first byte and its last counts, which
// is in their favour.
func (b *bench) slow(r *race) []client {
	l := peer.Load{Tokens: 2, Concurrency: 64, Requests: 3000}
	all := b.able(l, python)
	for _, c := range all {
		before := proc.Spin()
		o, err := b.alone(c, dummy, law{}, l)
		speed := (before + proc.Spin()) / 2
		if err != nil {
			b.say("%s: %v", c.name, err)
			r.bad[c.name] = err
			continue
		}
		r.add(c.name, float64(len(o.lines))/o.usage.Between(truth.Span(o.lines)).Seconds(), speed)
	}
	return all
}

func firstError(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// eventsPart is streamed events per client CPU-second.
func (b *bench) eventsPart() (rows [][]string, err error) {
	flat := peer.Load{Stream: true, Tokens: 256, Concurrency: 64, Seconds: 2}
	paced := peer.Load{Stream: true, Tokens: 256, Concurrency: 100, Seconds: 3}
	for _, c := range []struct {
		what       string
		law        law
		load       peer.Load
		least, per float64 // goals: a number, and a ratio to the bare loop
	}{
		{"streamed events per client CPU-second, 256 an answer in one write", law{together: 256}, flat, 4e6, 0},
		{"the same, a write for each event, flat out", law{}, flat, 0, 0},
		{"the same, one by one: 100 streams, an event each 10 ms", law{ttft: 10 * time.Millisecond, itl: 10 * time.Millisecond}, paced, 0, 0.9},
	} {
		for _, kind := range kinds {
			r := newRace()
			if err := b.turns(r, kind, c.law, c.load, tokens, []client{b.agentLoad(), b.bareLoop()}); err != nil {
				return rows, err
			}
			what := c.what + ", server " + kind
			rows = append(rows, r.row(what, "agent load", "a bare epoll loop", c.per))
			if c.least > 0 {
				value := figure.Median(r.raw["agent load"])
				rows = append(rows, []string{what, "the goal", sheet.Number(value), sheet.Number(c.least), sheet.Number(value / c.least), "≥ 1", holds(value, c.least)})
			}
		}
	}
	return rows, nil
}

package loop

import (
	"math"
	"time"

	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire"
)

// This file has what both drivers do between a request and what it says.

// ask notes in the records of a request and its mates which lengths they ask for, and returns what makes it differ from
// others. group is room for the indices of a group.
func (e *engine) ask(r *load.Request, group []int64) wire.Call {
	r.Record.AskedPrompt, r.Record.AskedOutput = e.requests.Asked(r.ID)
	c := wire.Call{ID: r.ID}
	if r.Talk != nil {
		c.Past = r.Talk.Past
		if !r.First() { // the prompt's length is that of all that was said
			r.Record.AskedPrompt = 0
		}
	}
	if len(r.Mates) == 0 {
		return c
	}
	c.Group = append(group[:0], r.ID)
	for _, mate := range r.Mates {
		c.Group = append(c.Group, mate.ID)
		mate.Record.AskedPrompt, _ = e.requests.Asked(mate.ID)
		mate.Record.AskedOutput = r.Record.AskedOutput // a request has one limit
	}
	return c
}

// expect makes a parser ready for the answer to a request.
func (e *engine) expect(p *wire.Parser, r *load.Request) {
	w := e.assignment.Trial.Workload
	p.Reset(e.dialect, w.Stream)
	p.Expect(1+len(r.Mates), !r.Last(w.Turns) || len(r.Mates) == 0 && (e.requests.Graded() || e.requests.Counts()))
}

// received tells the machine of so many token events, each to the request of the group that it belongs to, and reports
// whether the request is to be given up. One of a group never is.
func received(m *load.Machine, p *wire.Parser, r *load.Request, now time.Duration, tokens int) (giveUp bool) {
	if tokens > 0 && p.Answered() && (len(r.Mates) == 0 || p.Fresh(0) > 0) {
		answered(r.Record, now)
	}
	if len(r.Mates) == 0 || tokens == 0 { // an answer in one piece has no token events, whatever it holds
		return m.Received(r, now, tokens)
	}
	m.Received(r, now, p.Fresh(0))
	for i, mate := range r.Mates {
		if p.Fresh(1+i) > 0 { // none of a group reasons
			answered(mate.Record, now)
		}
		m.Received(mate, now, p.Fresh(1+i))
	}
	return false
}

// answered notes when the first token came that is no reasoning.
func answered(rec *record.Record, now time.Duration) {
	if math.IsNaN(rec.FirstAnswer) {
		rec.FirstAnswer = now.Seconds()
	}
}

// finish ends a request and its mates, each with its part of the answer, and keeps what was said for the next turn.
func finish(m *load.Machine, enc *wire.Encoder, p *wire.Parser, r *load.Request, a wire.Answer, now time.Duration) {
	if r.Talk != nil && a.Outcome == record.OK {
		r.Talk.Past = enc.Remember(r.Talk.Past, wire.Call{ID: r.ID}, p.Text())
	}
	a.Error = wire.Conceal(a.Error, enc.Headers())
	a.Cold = enc.Cold(a.ServerLoad)
	whole, n := a, 1+len(r.Mates)
	if n > 1 {
		a = p.Part(whole, 0, n)
	}
	for i, mate := range r.Mates {
		part := p.Part(whole, 1+i, n)
		part.Fill(mate.Record)
		m.Finish(mate, now)
	}
	a.Fill(r.Record)
	if a.Outcome == record.OK && n == 1 { // of a group the texts are not kept apart
		r.Record.Graded, r.Record.Right = enc.Grade(r.ID, p.Text())
	}
	if enc.Counts() {
		r.Record.Text = append(r.Record.Text, p.Text()...)
	}
	m.Finish(r, now)
}

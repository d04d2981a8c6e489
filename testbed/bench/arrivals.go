package main

import (
	"fmt"

	"hpcbench/testbed/bench/figure"
	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/sheet"
	"hpcbench/testbed/bench/truth"
)

// milli is percentiles of seconds in ms.
func milli(t figure.Three) string {
	return fmt.Sprintf("%s / %s / %s", sheet.Number(1e3*t.P50), sheet.Number(1e3*t.P99), sheet.Number(1e3*t.Max))
}

// constantPart is how far arrivals are from a constant rate, as the server saw them.
func (b *bench) constantPart() (rows [][]string, err error) {
	for _, c := range []struct {
		load peer.Load
		slow bool
		goal float64 // of the p99, in seconds
	}{
		{peer.Load{Tokens: 2, Concurrency: 64, Rate: 200, Law: "constant", Seconds: 10, Requests: 2000}, true, 0.2e-3},
		{peer.Load{Tokens: 2, Concurrency: 256, Rate: 10_000, Law: "constant", Seconds: 3, Requests: 30_000}, false, 0},
	} {
		what := fmt.Sprintf("constant %g/s: deviation of arrivals, p50 / p99 / max ms; ratio of the p99", c.load.Rate)
		off := func(o *outcome) figure.Three {
			return figure.Of(figure.Deviations(truth.Arrivals(o.lines), c.load.Rate))
		}
		o, err := b.agentAlone(c.load)
		if err != nil {
			return rows, err
		}
		ours := off(o)
		late := figure.Of(o.result.Lateness)
		rows = append(rows, []string{fmt.Sprintf("constant %g/s: lateness (sent − due) that it tells itself, p50 / p99 / max ms", c.load.Rate), "", milli(late), "", "", "", ""})
		if c.goal > 0 {
			rows = append(rows, []string{what, "the goal", milli(ours), fmt.Sprintf("p99 ≤ %g", c.goal*1e3), sheet.Number(c.goal / ours.P99), "≥ 1", holds(c.goal, ours.P99)})
		}
		for _, other := range b.able(c.load, func(p *peer.Peer) bool { return c.slow || native(p) }) {
			o, err := b.alone(other, epoll, law{}, c.load)
			if err != nil {
				rows = append(rows, skippedRow(what, other.name, err))
				continue
			}
			theirs := off(o)
			rows = append(rows, []string{what, other.name, milli(ours), milli(theirs), sheet.Number(theirs.P99 / ours.P99), "", ""})
		}
	}
	return rows, nil
}

// agentAlone runs the agent alone, without a row of its own where it fails: that is the part's error.
func (b *bench) agentAlone(l peer.Load, more ...string) (*outcome, error) {
	l.Requests = 0 // seconds end it
	return b.alone(b.agentLoad(more...), epoll, law{}, l)
}

// poissonPart is how near gaps between arrivals are to the exponential law, as the server saw them.
func (b *bench) poissonPart() (rows [][]string, err error) {
	l := peer.Load{Tokens: 2, Rate: 200, Law: "poisson", Seconds: 10, Requests: 2000}
	const what = "Poisson 200/s: KS distance of gaps by its limit 1.63/√n; CV (1 is right)"
	near := func(o *outcome) (string, float64) {
		gaps := figure.Gaps(truth.Arrivals(o.lines))
		ks := figure.Exponential(gaps, l.Rate) / figure.Limit(len(gaps))
		return fmt.Sprintf("%s; %s", sheet.Number(ks), sheet.Number(figure.Variation(gaps))), ks
	}
	o, err := b.agentAlone(l)
	if err != nil {
		return nil, err
	}
	ours, ks := near(o)
	rows = append(rows, []string{what, "the limit", ours, "1", sheet.Number(1 / ks), "≥ 1", holds(1, ks)})
	for _, other := range b.able(l, func(*peer.Peer) bool { return true }) {
		o, err := b.alone(other, epoll, law{}, l)
		if err != nil {
			rows = append(rows, skippedRow(what, other.name, err))
			continue
		}
		theirs, far := near(o)
		rows = append(rows, []string{what, other.name, ours, theirs, sheet.Number(far / ks), "", ""})
	}
	return rows, nil
}

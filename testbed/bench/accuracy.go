package main

import (
	"fmt"
	"time"

	"hpcbench/testbed/bench/figure"
	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/sheet"
	"hpcbench/testbed/bench/truth"
)

var accuracyColumns = []string{"client", "server", "load", "requests", "TTFT error", "gap error", "E2EL error", "rate error", "goal", "holds"}

// accuracyParts are the parts of make accuracy.
func (b *bench) accuracyParts() []part {
	return []part{
		{"ours", b.oursPart},
		{"busy", b.busyPart},
		{"core", b.corePart},
		{"arrivals", b.lawsPart},
		{"peers", b.peersPart},
	}
}

// situation is a number of streams, the server's law, and what is wanted of the p99 of TTFT errors and gap errors.
type situation struct {
	streams, tokens int
	itl             time.Duration
	goal            time.Duration // 0: none
	rounds          int           // answers of each stream
}

// firstToken is the TTFT of all situations.
const firstToken = 50 * time.Millisecond

var situations = []situation{
	{1, 16, 10 * time.Millisecond, 0, 20},
	{100, 128, 10 * time.Millisecond, time.Millisecond, 3},
	{500, 128, 10 * time.Millisecond, 5 * time.Millisecond, 2},
	{1000, 64, 50 * time.Millisecond, 0, 2},
	{10_000, 16, 500 * time.Millisecond, 0, 1},
}

func (s situation) law() law { return law{ttft: firstToken, itl: s.itl} }

// load is streams in lock-step: all begin at once, and again when they end.
func (s situation) load() peer.Load {
	return peer.Load{Stream: true, Tokens: s.tokens, Concurrency: s.streams, Requests: s.streams * s.rounds}
}

func (s situation) String() string {
	return fmt.Sprintf("%d in lock-step, an event each %v", s.streams, s.itl)
}

// oursPart is the agent against both servers.
func (b *bench) oursPart() (rows [][]string, err error) {
	for _, kind := range kinds {
		for _, s := range situations {
			more, err := b.ours(kind, s, s.String(), s.law(), b.agentLoad())
			if err != nil {
				return rows, err
			}
			rows = append(rows, more...)
		}
	}
	for _, s := range situations[1:3] { // the kernel's stamps as a cross-check
		if b.knows("--kernel-stamps") {
			more, err := b.ours(epoll, s, s.String()+", kernel stamps", s.law(), b.agentLoad("--kernel-stamps"))
			if err != nil {
				return rows, err
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

// ours is one row of the agent.
func (b *bench) ours(kind string, s situation, words string, law law, c client) ([][]string, error) {
	o, err := b.alone(c, kind, law, s.load())
	if err != nil {
		return nil, fmt.Errorf("%s, server %s: %w", words, kind, err)
	}
	e := truth.Hold(o.result.Requests, o.lines)
	if e.Joined == 0 || e.Lost > 0 {
		return nil, fmt.Errorf("%s, server %s: %d requests are joined with the truth, %d are not", words, kind, e.Joined, e.Lost)
	}
	return [][]string{errorRow(c.name, kind, words, e, rateError(o), s.goal)}, nil
}

// errorRow is what a client got wrong: p50 / p99 / max of measured minus true, in ms; of gaps the size.
func errorRow(name, kind, words string, e truth.Errors, rate string, goal time.Duration) []string {
	ttft, gap := figure.OfSize(e.TTFT), figure.OfSize(e.Gap)
	gaps := milli(gap)
	if e.Means {
		gaps += " (means)"
	}
	row := []string{name, kind, words, fmt.Sprint(e.Joined), milli(ttft), gaps, milli(figure.OfSize(e.E2EL)), rate, "", ""}
	if goal > 0 {
		row[8] = fmt.Sprintf("p99 of both ≤ %v", goal)
		row[9] = holds(goal.Seconds(), max(ttft.P99, gap.P99))
	}
	return row
}

// rateError is how far the requests a second that a client tells are from what the server ended in the same window, or, where the
// client tells no window, from the first arrival to the last token.
func rateError(o *outcome) string {
	if o.result.Rate == 0 || len(o.lines) == 0 {
		return "–"
	}
	from, to := o.result.From, o.result.To
	if from == 0 {
		first, last := truth.Span(o.lines)
		wall := o.lines[0].Unix - o.lines[0].Arrived
		from, to = first+wall, last+wall+1
	}
	return fmt.Sprintf("%+.2f %%", 100*(o.result.Rate/truth.Rate(o.lines, from, to)-1))
}

// busyPart is the agent beside processes that take all the CPU they get.
func (b *bench) busyPart() (rows [][]string, err error) {
	stop, err := b.neighbour(1)
	if err != nil {
		return nil, err
	}
	defer stop()
	for _, kind := range kinds {
		for _, s := range situations[:4] {
			s.goal = 0
			more, err := b.ours(kind, s, s.String()+", a busy neighbour", s.law(), b.agentLoad())
			if err != nil {
				return rows, err
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

// corePart is the agent on a core of its own, the server on another. The streams begin evenly spread over the length of an answer: in
// lock-step it is the server's core that is short.
func (b *bench) corePart() ([][]string, error) {
	s := situation{1000, 64, 50 * time.Millisecond, 100 * time.Microsecond, 2}
	l := s.law()
	l.core = "0"
	spread := firstToken + time.Duration(s.tokens)*s.itl
	c := b.agentLoad("--ramp-up", spread.String())
	c.command = pinned(c.command, "1")
	return b.ours(epoll, s, fmt.Sprintf("%d begun over %v, an event each %v, a core each", s.streams, spread, s.itl), l, c)
}

// lawsPart is whether arrivals keep their law, as the server saw them.
func (b *bench) lawsPart() (rows [][]string, err error) {
	const rate = 500
	l := peer.Load{Tokens: 2, Rate: rate, Law: "constant", Seconds: 10}
	o, err := b.agentAlone(l)
	if err != nil {
		return nil, err
	}
	off := figure.Of(figure.Deviations(truth.Arrivals(o.lines), rate))
	rows = append(rows, []string{"agent load", epoll, "constant 500/s: deviation of arrivals " + milli(off), fmt.Sprint(len(o.lines)), "", "", "", rateError(o), "p99 ≤ 1 ms", holds(1e-3, off.P99)})
	l.Law = "poisson"
	if o, err = b.agentAlone(l); err != nil {
		return rows, err
	}
	gaps := figure.Gaps(truth.Arrivals(o.lines))
	ks, most := figure.Exponential(gaps, rate), figure.Limit(len(gaps))
	words := fmt.Sprintf("Poisson 500/s: KS %s, CV %s", sheet.Number(ks), sheet.Number(figure.Variation(gaps)))
	return append(rows, []string{"agent load", epoll, words, fmt.Sprint(len(o.lines)), "", "", "", rateError(o), "KS ≤ " + sheet.Number(most), holds(most, ks)}), nil
}

// peersPart is the peers that keep something of each request, in all situations but the largest. Their server
// is the one that sends the role with the first token, as vLLM does: vllm bench serve takes the role for a token.
func (b *bench) peersPart() (rows [][]string, err error) {
	for _, s := range situations[:4] {
		for _, c := range b.able(s.load(), (*peer.Peer).Keeps) {
			o, err := b.alone(c, epoll, s.law(), s.load())
			if err != nil {
				rows = append(rows, []string{c.name, epoll, s.String(), "", "", "", "", "", "", "skipped: " + peer.Short(err)})
				continue
			}
			e := truth.Hold(o.result.Requests, o.lines)
			row := errorRow(c.name, epoll, s.String(), e, rateError(o), 0) // the goals are ours
			if e.Lost > 0 {
				row[3] += fmt.Sprintf(" (%d not joined)", e.Lost)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

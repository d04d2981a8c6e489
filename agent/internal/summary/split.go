package summary

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// splitMost is how many endpoints have latencies of their own; of further ones requests are counted alone.
const splitMost = 64

// Endpoint is what a node counted of one of several endpoints.
type Endpoint struct {
	URL    string `json:"url"`
	Due    Counts `json:"due"`    // due in the window
	Window Done   `json:"window"` // done in the window

	Latency map[string]*hist.H `json:"latency,omitempty"` // ttft_s and e2el_s of the requests due in the window that ended ok; absent past the first 64 endpoints
}

// Done counts requests whose done lies in the window.
type Done struct {
	OK           int64 `json:"ok"`
	Failed       int64 `json:"failed"`
	OutputTokens int64 `json:"output_tokens"` // of the ok ones
}

// endpoint is an Endpoint being counted.
type endpoint struct {
	scheduled, sent, givenUp int64
	byOutcome                [outcomes]int64
	done                     Done
	ttft, e2el               hist.H
}

func (e *endpoint) due(r *record.Record, at *instants, detailed bool) {
	e.scheduled++
	e.byOutcome[r.Outcome]++
	if r.GivenUp {
		e.givenUp++
	}
	if !math.IsNaN(r.Sent) {
		e.sent++
	}
	if r.Outcome == record.OK && detailed {
		observe(&e.ttft, at[TTFT])
		observe(&e.e2el, at[E2EL])
	}
}

func (e *endpoint) ended(r *record.Record) {
	if r.Outcome == record.OK {
		e.done.OK++
		e.done.OutputTokens += int64(max(0, r.OutputTokens))
	} else if !r.GivenUp {
		e.done.Failed++
	}
}

// part is a copy of what was counted.
func (e *endpoint) part(url string, detailed bool) Endpoint {
	p := Endpoint{URL: url, Due: counted(e.scheduled, e.sent, e.givenUp, &e.byOutcome), Window: e.done}
	if detailed {
		p.Latency = map[string]*hist.H{TTFT.String(): e.ttft.Clone(), E2EL.String(): e.e2el.Clone()}
	}
	return p
}

// Brief describes the values of a metric in short, in seconds; the quantiles as in a Distribution.
type Brief struct {
	N    int64   `json:"n"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
}

// Split is what one endpoint or one client node has of a trial.
type Split struct {
	URL  string `json:"url,omitempty"`  // of the endpoint
	Node string `json:"node,omitempty"` // the client node

	Requests         Counts   `json:"requests"` // due in the window
	RequestsPerS     *float64 `json:"requests_per_s,omitempty"`
	FailuresPerS     *float64 `json:"failures_per_s,omitempty"`
	OutputTokensPerS *float64 `json:"output_tokens_per_s,omitempty"`
	TTFT             *Brief   `json:"ttft_s,omitempty"` // of the requests due in the window that ended ok; absent: none has it, or there are more than 64 endpoints before this one
	E2EL             *Brief   `json:"e2el_s,omitempty"`
	Client           *Verdict `json:"client,omitempty"` // of a node: its own facts
}

// name is what the split is of, for people.
func (s Split) name() string {
	if s.URL != "" {
		return "endpoint " + s.URL
	}
	return "client node " + s.Node
}

// rate takes the rates from what each node counted in its window.
func (s *Split) rate(all nodeWindows, tokens bool) {
	s.RequestsPerS = all.perSecond(func(w Window) int64 { return w.OK })
	s.FailuresPerS = all.perSecond(func(w Window) int64 { return w.Failed })
	if tokens {
		s.OutputTokensPerS = all.perSecond(func(w Window) int64 { return w.OutputTokens })
	}
}

// brief describes h in short; nil when it is empty.
func brief(h *hist.H) *Brief {
	if h == nil || h.N() == 0 {
		return nil
	}
	return &Brief{N: h.N(), Mean: h.Mean() / 1e9, P50: seconds(h.Quantile(0.5)), P99: seconds(h.Quantile(0.99))}
}

// byEndpoint adds up what the nodes counted of each endpoint, in the order of the assignment.
func byEndpoint(all nodeWindows, tokens bool) []Split {
	var splits []Split
	place := map[string]int{}
	var windows []nodeWindows
	var ttft, e2el []*hist.H
	for _, n := range all {
		if n.part == nil {
			continue
		}
		for _, e := range n.part.Endpoints {
			i, known := place[e.URL]
			if !known {
				i, place[e.URL] = len(splits), len(splits)
				splits, windows = append(splits, Split{URL: e.URL}), append(windows, nil)
				ttft, e2el = append(ttft, new(hist.H)), append(e2el, new(hist.H))
			}
			splits[i].Requests.add(e.Due)
			done := Window{OK: e.Window.OK, Failed: e.Window.Failed, OutputTokens: e.Window.OutputTokens}
			windows[i] = append(windows[i], nodeWindow{Window: done, length: n.length})
			ttft[i].Merge(e.Latency[TTFT.String()])
			e2el[i].Merge(e.Latency[E2EL.String()])
		}
	}
	for i := range splits {
		splits[i].rate(windows[i], tokens)
		splits[i].TTFT, splits[i].E2EL = brief(ttft[i]), brief(e2el[i])
	}
	return splits
}

// byNode is what each client node counted; none where there is one.
func byNode(w workload.Workload, parts []*Part, all nodeWindows, tokens bool) []Split {
	if len(parts) < 2 {
		return nil
	}
	var splits []Split
	for _, p := range parts {
		s := Split{Node: p.Node, TTFT: brief(p.Latency[TTFT.String()]), E2EL: brief(p.Latency[E2EL.String()])}
		s.Requests.add(p.Phases[record.Measure.String()])
		for _, n := range all {
			if n.part == p {
				s.rate(nodeWindows{n}, tokens)
			}
		}
		s.Client = new(verdict(w, []*Part{p}, cmp.Or(p.Lateness, new(hist.H))))
		splits = append(splits, s)
	}
	return splits
}

// Bounds past which an endpoint or a node is far off the others.
const (
	offFactor = 1.5  // of its p50 by the median of the others': more than requests of one kind differ by chance
	offLeast  = 1e-3 // seconds between the two: less is the network's
	offFailed = 0.05 // more of its requests failed, as a share of all
)

// faroff says which of several endpoints or nodes are far slower than the others, or fail more often.
func faroff(splits []Split) []string {
	var found []string
	for i, s := range splits {
		mine, metric := s.half()
		var others []float64
		var rest Counts
		for k, o := range splits {
			if k == i {
				continue
			}
			rest.add(o.Requests)
			if half, _ := o.half(); half > 0 {
				others = append(others, half)
			}
		}
		slices.Sort(others)
		if len(others) > 0 && mine > offFactor*others[len(others)/2] && mine-others[len(others)/2] > offLeast {
			found = append(found, fmt.Sprintf("%s is far off the others: p50 of %s %.4g ms, theirs %.4g ms", s.name(), metric, 1e3*mine, 1e3*others[len(others)/2]))
		}
		if failed, theirs := s.Requests.failedShare(), rest.failedShare(); failed > theirs+offFailed {
			found = append(found, fmt.Sprintf("%s is far off the others: %.0f %% of its requests failed, of theirs %.0f %%", s.name(), 100*failed, 100*theirs))
		}
	}
	const named = 4
	if len(found) > named {
		found = append(found[:named], fmt.Sprintf("and so are %d more", len(found)-named))
	}
	return found
}

// half is the median of TTFT, of E2EL where there is none, in seconds; 0 where the requests are too few to tell.
func (s Split) half() (p50 float64, metric string) {
	b, metric := s.TTFT, "ttft_s"
	if b == nil {
		b, metric = s.E2EL, "e2el_s"
	}
	if b == nil || b.N < Quantiles[0].MinN() {
		return 0, metric
	}
	return b.P50, metric
}

// failedShare is the share of requests that failed; 0 where the requests are too few to tell.
func (c Counts) failedShare() float64 {
	if all := c.OK + c.Failed; all >= Quantiles[0].MinN() {
		return float64(c.Failed) / float64(all)
	}
	return 0
}

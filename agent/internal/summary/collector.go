package summary

import (
	"cmp"
	"math"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

const (
	phases   = int(record.Drain) + 1
	outcomes = int(record.NotSent) + 1
	sources  = int(record.UsageSplit) + 1
)

// lengthTolerance is how far an answer's length may be from the one asked for (DESIGN §6), as a share.
const lengthTolerance = 0.05

// Collector adds up the records of one node's share of a trial. It allocates nothing a record, once its histograms have
// grown to the longest latency. A goroutine uses it alone.
type Collector struct {
	a          workload.Assignment
	start, end float64 // the window, in seconds from the trial's start

	scheduled [phases]int64
	sent      [phases]int64
	byOutcome [phases][outcomes]int64
	givenUp   [phases]int64
	bySource  [sources]int64
	window    Window
	due       Due
	latency   [metrics]hist.H // over successes, without cold starts
	cold      [metrics]hist.H // over successes that were cold starts
	server    [timings]hist.H // what the server says of successes
	lateness  hist.H          // over all that were sent
	lastID    int64           // the highest index so far
	endpoints []endpoint      // where there are several
	series    Series
}

// New makes the collector of one node's assignment.
func New(a workload.Assignment) *Collector {
	w := a.Trial.Workload
	c := &Collector{a: a, lastID: -1, start: w.WarmupS, end: w.WarmupS + w.DurationS}
	if w.DurationS <= 0 { // the window ends with its requests
		c.end = math.Inf(1)
	}
	if len(a.Endpoints) > 1 {
		c.endpoints = make([]endpoint, len(a.Endpoints))
	}
	return c
}

// Agree sets when the window begins and ends, in seconds from the trial's start, where requests and not the clock decide
// that (load.Window): the end is +Inf while it is not known. Before it is called the plan of the assignment holds.
func (c *Collector) Agree(start, end float64) { c.start, c.end = start, end }

// Add counts one record, and keeps nothing of it.
func (c *Collector) Add(r *record.Record) {
	c.lastID = max(c.lastID, r.ID)
	c.scheduled[r.Phase]++
	c.byOutcome[r.Phase][r.Outcome]++
	if r.GivenUp {
		c.givenUp[r.Phase]++
	}
	if !math.IsNaN(r.Sent) {
		c.sent[r.Phase]++
		c.addFlight(r)
	}
	at := measure(r, c.a.Trial.Workload.Stream)
	good := r.Outcome == record.OK && c.meetsSLO(r, &at)
	c.series.count(r, &at, good)
	if r.Done >= c.start && r.Done < c.end {
		c.addDone(r, good)
	}
	if r.Phase == record.Measure {
		c.addDue(r, &at, good)
	}
	if r.Endpoint < len(c.endpoints) {
		c.addSplit(r, &at)
	}
}

// addFlight counts the time for which a request was in flight: what of it lies in the window, and the whole of it where it
// ended there.
func (c *Collector) addFlight(r *record.Record) {
	if within := min(r.Done, c.end) - max(r.Sent, c.start); within > 0 {
		c.window.OverlapNS += nanoseconds(within)
	}
	if r.Done >= c.start && r.Done < c.end {
		c.window.Ended++
		c.window.LatencyNS += nanoseconds(r.Done - r.Sent)
	}
}

// addDone counts a request that ended in the window.
func (c *Collector) addDone(r *record.Record, good bool) {
	w := &c.window
	w.LastDoneS = max(w.LastDoneS, r.Done)
	if r.GivenUp {
		return
	}
	if r.Outcome != record.OK {
		w.Failed++
		return
	}
	w.OK++
	if good {
		w.Good++
	}
	w.PromptTokens += int64(max(0, r.PromptTokens))
	w.OutputTokens += int64(max(0, r.OutputTokens))
}

// addDue counts a request that was due in the window.
func (c *Collector) addDue(r *record.Record, at *instants, good bool) {
	observe(&c.lateness, at[Lateness])
	if r.Outcome != record.OK {
		return
	}
	if good {
		c.due.Good++
	}
	if at.reasoned() {
		c.due.Reasoned++
	}
	c.addTokens(r)
	c.addServer(r)
	latency := &c.latency
	if r.Cold {
		c.due.Cold++
		latency = &c.cold
	}
	for m := range at {
		observe(&latency[m], at[m])
	}
	for _, gap := range r.Gaps {
		observe(&latency[ITL], float64(gap))
	}
}

// addSplit counts a request for its endpoint.
func (c *Collector) addSplit(r *record.Record, at *instants) {
	e := &c.endpoints[r.Endpoint]
	if r.Phase == record.Measure {
		e.due(r, at, r.Endpoint < splitMost)
	}
	if r.Done >= c.start && r.Done < c.end {
		e.ended(r)
	}
}

// observe counts a latency that is known.
func observe(h *hist.H, s float64) {
	if !math.IsNaN(s) {
		h.Record(nanoseconds(s))
	}
}

func (c *Collector) addTokens(r *record.Record) {
	d := &c.due
	d.Gaps += int64(len(r.Gaps))
	d.Coalesced += int64(r.Coalesced)
	if r.PromptTokens >= 0 {
		d.PromptKnown++
		d.Prompt += int64(r.PromptTokens)
		if asked := c.askedPrompt(r); asked > 0 {
			d.Asked += int64(asked)
			d.AskedGot += int64(r.PromptTokens)
			d.AskedN++
		}
	}
	if r.OutputTokens < 0 {
		return
	}
	d.OutputKnown++
	d.Output += int64(r.OutputTokens)
	c.bySource[r.TokenSource]++
	asked := float64(cmp.Or(r.AskedOutput, c.a.Trial.Workload.MaxTokens))
	if math.Abs(float64(r.OutputTokens)-asked) > lengthTolerance*asked {
		d.OutputOff++
	}
}

// askedPrompt is how many tokens a prompt was made to have; 0: no number of them. In a conversation only the first turn
// has a length of its own.
func (c *Collector) askedPrompt(r *record.Record) int {
	if w := c.a.Trial.Workload; r.AskedPrompt == 0 && w.Turns <= 1 {
		return w.InputTokens
	}
	return r.AskedPrompt
}

// meetsSLO says whether a request that ended ok kept every bound of the trial's SLO. TTFT and E2EL count from sent; the
// bound of ITL is on the request's longest gap. An answer of one token has no TPOT and no ITL to miss; a latency that
// is not known otherwise (TTFT of what was not streamed) is missed.
func (c *Collector) meetsSLO(r *record.Record, at *instants) bool {
	for name, bound := range c.a.Trial.Workload.SLO {
		switch name {
		case "ttft":
			if !(at[TTFT] <= bound) {
				return false
			}
		case "e2el":
			if !(at[E2EL] <= bound) {
				return false
			}
		case "tpot":
			if r.OutputTokens > 1 && !(at[TPOT] <= bound) {
				return false
			}
		case "itl":
			for _, gap := range r.Gaps {
				if float64(gap) > bound {
					return false
				}
			}
		}
	}
	return true
}

// Part is a copy of what was counted so far, in state Running and without the facts of the client.
func (c *Collector) Part() *Part {
	p := &Part{
		Schema: Schema, Trial: c.a.Trial.ID, Node: c.a.Node, Part: c.a.Part, Parts: max(1, c.a.Parts), State: Running,
		Phases: map[string]Counts{}, Window: c.window, Due: c.due, LastID: c.lastID,
		Latency: map[string]*hist.H{}, Lateness: c.lateness.Clone(),
	}
	for phase := range phases {
		if c.scheduled[phase] > 0 {
			p.Phases[record.Phase(phase).String()] = c.counts(phase)
		}
	}
	p.Window.StartS = c.start
	if !math.IsInf(c.end, 1) {
		p.Window.EndS = c.end
	}
	p.Due.Sources = map[string]int64{}
	for source, n := range c.bySource {
		if n > 0 && record.TokenSource(source) != record.NoTokens {
			p.Due.Sources[record.TokenSource(source).String()] = n
		}
	}
	for m := range c.latency {
		p.Latency[Metric(m).String()] = c.latency[m].Clone()
	}
	p.Cold, p.Server = known(c.cold[:], metricNames[:]), known(c.server[:], timingNames[:])
	for i := range c.endpoints {
		p.Endpoints = append(p.Endpoints, c.endpoints[i].part(c.a.Endpoints[i], i < splitMost))
	}
	p.Series = c.series.clone()
	return p
}

// known are copies of the histograms that hold values, by name; nil when none does.
func known(all []hist.H, names []string) map[string]*hist.H {
	var found map[string]*hist.H
	for i := range all {
		if all[i].N() == 0 {
			continue
		}
		if found == nil {
			found = map[string]*hist.H{}
		}
		found[names[i]] = all[i].Clone()
	}
	return found
}

func (c *Collector) counts(phase int) Counts {
	return counted(c.scheduled[phase], c.sent[phase], c.givenUp[phase], &c.byOutcome[phase])
}

// counted are the counts of requests that had these outcomes.
func counted(scheduled, sent, givenUp int64, byOutcome *[outcomes]int64) Counts {
	n := Counts{Scheduled: scheduled, Sent: sent, GivenUp: givenUp, ByOutcome: map[string]int64{}}
	for outcome, count := range byOutcome {
		if count > 0 {
			n.ByOutcome[record.Outcome(outcome).String()] = count
		}
	}
	n.OK = byOutcome[record.OK]
	n.Failed = n.Scheduled - n.OK - n.GivenUp
	return n
}

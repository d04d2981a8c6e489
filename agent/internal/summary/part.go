// Package summary makes the numbers of a trial from the records of its requests.
//
// Each client node has a Collector, which adds up records as they come into a Part; the parts of all nodes merge into
// one Summary. Parts hold counts, sums and histograms that merge exactly, so a trial has the same summary whether one
// node or sixty-four measured it. Latencies are over requests due in the window [end of warm-up, + duration); rates are
// completions whose done lies in it, by its length (DESIGN §2).
package summary

import (
	"encoding/json"
	"fmt"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/whole"
)

// Schema is the number of the formats of part.json and summary.json. A change of a field's meaning raises it.
const Schema = 1

// State says how far a node's share of a trial has come.
type State string

// The states. A Collector's parts are Running; who drove the trial to its end sets one of the others.
const (
	Running  State = "running"
	Complete State = "complete" // schedule and drain ran out
	Stopped  State = "stopped"  // ended from outside before that
)

// Part is what one client node counted of a trial: the body of GET /metrics, and part.json.
type Part struct {
	Schema int    `json:"schema"`
	Trial  string `json:"trial"`
	Node   string `json:"node"`
	Part   int    `json:"part"`  // index among the client nodes, from 0
	Parts  int    `json:"parts"` // how many client nodes there are
	State  State  `json:"state"`

	Phases map[string]Counts `json:"phases"` // requests by the phase they were due in
	Window Window            `json:"window"`
	Due    Due               `json:"due"`
	LastID int64             `json:"last_id"` // the highest index of a request in any phase; -1: none yet

	// Latency has a histogram for each metric, over requests due in the window that ended ok.
	Latency map[string]*hist.H `json:"latency"`
	// Lateness is over all requests due in the window that were sent, whatever became of them.
	Lateness *hist.H `json:"lateness"`
	// Cold is as Latency, over the requests for which the server loaded the model first; Latency has none of them.
	Cold map[string]*hist.H `json:"cold,omitempty"`
	// Server has what the server says of the requests due in the window that ended ok, by ServerTimings.
	Server map[string]*hist.H `json:"server,omitempty"`

	Endpoints []Endpoint `json:"endpoints,omitempty"` // where there are several
	Series    *Series    `json:"series,omitempty"`

	Told *Server `json:"told,omitempty"` // of the first client node alone: what the servers told of themselves in its window

	Client *Client `json:"client,omitempty"` // facts of the load threads; absent while they are not known
}

// ReadParts reads the files part.json of the client nodes of one trial.
func ReadParts(names []string) ([]*Part, error) {
	var parts []*Part
	for _, name := range names {
		text, err := whole.Read(name)
		if err != nil {
			return nil, err
		}
		p := new(Part)
		if err := json.Unmarshal(text, p); err != nil {
			return nil, fmt.Errorf("%s is not what a client node counted: %w", name, err)
		}
		switch first := append(parts, p)[0]; {
		case p.Schema != Schema:
			return nil, fmt.Errorf("%s has schema %d; this agent reads %d", name, p.Schema, Schema)
		case p.Trial != first.Trial:
			return nil, fmt.Errorf("%s is of trial %s, and %s of trial %s: only parts of one trial add up", name, p.Trial, names[0], first.Trial)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// Counts are numbers of requests: Scheduled = OK + Failed + GivenUp.
type Counts struct {
	Scheduled int64            `json:"scheduled"`
	Sent      int64            `json:"sent"`
	OK        int64            `json:"ok"`
	Failed    int64            `json:"failed"`
	GivenUp   int64            `json:"given_up,omitempty"` // cancelled as the workload's cancel_share asked: neither ok nor failed
	ByOutcome map[string]int64 `json:"by_outcome"`         // outcomes that occurred, ok included
}

// add counts those of o too.
func (c *Counts) add(o Counts) {
	c.Scheduled += o.Scheduled
	c.Sent += o.Sent
	c.OK += o.OK
	c.Failed += o.Failed
	c.GivenUp += o.GivenUp
	if c.ByOutcome == nil {
		c.ByOutcome = map[string]int64{}
	}
	for outcome, n := range o.ByOutcome {
		c.ByOutcome[outcome] += n
	}
}

// Window counts the requests whose done lies in the node's window, whenever they were due.
type Window struct {
	StartS float64 `json:"start_s"`         // when it began, in seconds from the trial's start
	EndS   float64 `json:"end_s,omitempty"` // when the clock or what the node's threads agreed on ended it; 0: its last request did

	OK           int64   `json:"ok"`
	Failed       int64   `json:"failed"`
	Good         int64   `json:"good"`          // ok, and within every bound of the SLO
	PromptTokens int64   `json:"prompt_tokens"` // of the ok ones
	OutputTokens int64   `json:"output_tokens"` // of the ok ones
	LastDoneS    float64 `json:"last_done_s"`   // the latest done, in seconds from the trial's start; 0: none yet

	Ended     int64 `json:"ended"`      // requests that had been sent, whatever became of them
	LatencyNS int64 `json:"latency_ns"` // their done − sent, added up
	OverlapNS int64 `json:"overlap_ns"` // what of [sent, done) lies in the window, of all requests, added up
}

// add counts those of o too. Where the windows lie is each node's own.
func (w *Window) add(o Window) {
	w.OK += o.OK
	w.Failed += o.Failed
	w.Good += o.Good
	w.PromptTokens += o.PromptTokens
	w.OutputTokens += o.OutputTokens
	w.LastDoneS = max(w.LastDoneS, o.LastDoneS)
	w.Ended += o.Ended
	w.LatencyNS += o.LatencyNS
	w.OverlapNS += o.OverlapNS
}

// Due counts the requests due in the window that ended ok: their tokens, and how many met the SLO.
type Due struct {
	Prompt      int64            `json:"prompt"`
	PromptKnown int64            `json:"prompt_known"` // requests whose prompt's length is known
	Output      int64            `json:"output"`
	OutputKnown int64            `json:"output_known"`       // requests whose answer's length is known
	OutputOff   int64            `json:"output_off"`         // answers of a length too far from the one asked for
	Asked       int64            `json:"asked"`              // tokens that prompts were made to have, of those with a known length
	AskedGot    int64            `json:"asked_got"`          // tokens that these prompts have
	AskedN      int64            `json:"asked_n"`            // how many prompts these are
	Sources     map[string]int64 `json:"sources"`            // requests by where their count of output tokens comes from
	Gaps        int64            `json:"gaps"`               // gaps between token events
	Coalesced   int64            `json:"coalesced"`          // token events that arrived in one read with the one before
	Good        int64            `json:"good"`               // requests within every bound of the SLO
	Cold        int64            `json:"cold,omitempty"`     // requests for which the server loaded the model
	Reasoned    int64            `json:"reasoned,omitempty"` // requests whose first token is reasoning
	Graded      int64            `json:"graded,omitempty"`   // answers that were compared with the right one
	Right       int64            `json:"right,omitempty"`    // of these, those that are it
}

func (t *Due) add(o Due) {
	t.Prompt += o.Prompt
	t.PromptKnown += o.PromptKnown
	t.Output += o.Output
	t.OutputKnown += o.OutputKnown
	t.OutputOff += o.OutputOff
	t.Asked += o.Asked
	t.AskedGot += o.AskedGot
	t.AskedN += o.AskedN
	t.Gaps += o.Gaps
	t.Coalesced += o.Coalesced
	t.Good += o.Good
	t.Cold += o.Cold
	t.Reasoned += o.Reasoned
	t.Graded += o.Graded
	t.Right += o.Right
	if t.Sources == nil {
		t.Sources = map[string]int64{}
	}
	for source, n := range o.Sources {
		t.Sources[source] += n
	}
}

// Client is what is known of the load threads of a node.
type Client struct {
	CPUS        float64  `json:"cpu_s"`                 // CPU time the load threads took, in seconds
	WallS       float64  `json:"wall_s"`                // time from the trial's start to its end, in seconds
	ClosedS     float64  `json:"closed_s,omitempty"`    // time from the trial's start to when no more was sent, in seconds; absent: not known
	Threads     int      `json:"threads"`               // load threads
	ReadLag     *hist.H  `json:"read_lag,omitempty"`    // ns from a socket's being readable to its read; nil: not measured
	CPUs        float64  `json:"cpus,omitempty"`        // cores the process may use, by affinity and cgroup; absent: not known
	RunDelayS   *float64 `json:"run_delay_s,omitempty"` // time the load threads could have run and waited for a core (/proc/…/schedstat), in seconds; absent: not known
	GCPauses    *hist.H  `json:"gc_pauses,omitempty"`   // ns that Go's collector stopped the threads for, each time; nil: not measured
	KernelLag   *hist.H  `json:"kernel_lag,omitempty"`  // ns from the kernel's stamp of a packet to its read, with kernel_stamps; nil: not measured
	Ports       int      `json:"ports,omitempty"`       // local ports that connections to one address can have; absent: not known
	Connections int64    `json:"connections,omitempty"` // opened
	Broken      int64    `json:"broken,omitempty"`      // connections that ended under a request
	Resent      int64    `json:"resent,omitempty"`      // requests sent again because a kept connection had been closed meanwhile
	ConnErrors  int64    `json:"conn_errors"`           // connections this node could not open for want of ports, files or memory
	HeldNS      *int64   `json:"held_ns,omitempty"`     // requests sent and not done, integrated over the window by the load threads' own counter, in request-ns; absent: not counted
	Prompts     int      `json:"prompts,omitempty"`     // in the dataset that the prompts came from; absent: from none
}

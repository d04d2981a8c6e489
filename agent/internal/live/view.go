package live

import (
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
)

// jobView is the event "job": the account of the job, when something of it changed. Times are in seconds from its start.
type jobView struct {
	ID       string       `json:"id"`
	Scenario string       `json:"scenario"`
	State    string       `json:"state"` // of package job, or waiting: no job has begun yet
	Start    float64      `json:"start"` // in seconds since 1970
	Phase    string       `json:"phase"`
	Trials   []trialView  `json:"trials"`
	Nodes    []nodes.Node `json:"nodes"`
	Deploys  []deployView `json:"deployments"`
	Failures []failView   `json:"failures"`
	Exit     *int         `json:"exit_status"`
	Next     string       `json:"successor,omitempty"` // the job that Slurm began anew in its place
	Report   bool         `json:"report"`
	Trouble  []string     `json:"trouble"` // what can't be read

	TrialColumns  []string `json:"trial_columns"` // of the points of the events trial, node and server
	NodeColumns   []string `json:"node_columns"`
	ServerColumns []string `json:"server_columns"`
}

// trialView is a row of the plan. Numbers are there when it is over, of what was measured.
type trialView struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Deployment string           `json:"deployment"`
	State      string           `json:"state"` // as in job.json
	Text       string           `json:"text"`
	Start      float64          `json:"start,omitempty"`
	End        float64          `json:"end,omitempty"`
	OK         *int64           `json:"ok,omitempty"`
	Failed     *int64           `json:"failed,omitempty"`
	Requests   *float64         `json:"requests_per_s,omitempty"`
	Tokens     *float64         `json:"output_tokens_per_s,omitempty"`
	TTFT       *point           `json:"ttft_s,omitempty"` // p50, p99
	TPOT       *point           `json:"tpot_s,omitempty"`
	ByOutcome  map[string]int64 `json:"by_outcome,omitempty"`
}

type deployView struct {
	ID    string  `json:"id"`
	State string  `json:"state"`
	Text  string  `json:"text"`
	Start float64 `json:"start"`
}

type failView struct {
	At        float64 `json:"at"`
	Component string  `json:"component"`
	Message   string  `json:"message"`
}

// tickView is the event "tick", one a look.
type tickView struct {
	Now       float64          `json:"now"`           // seconds from the job's start
	ETA       *float64         `json:"eta,omitempty"` // seconds until its last trial is over; absent: not to be said yet
	Trial     string           `json:"trial,omitempty"`
	Phase     string           `json:"phase,omitempty"` // of that trial: warmup, measure, drain
	ElapsedS  float64          `json:"elapsed_s,omitempty"`
	InFlight  int64            `json:"in_flight"`
	ByOutcome map[string]int64 `json:"by_outcome,omitempty"` // of that trial so far
	Executors []seenView       `json:"executors"`
}

// seenView is an executor: asked is whether it answered, and words why not.
type seenView struct {
	Node  string `json:"node"`
	Asked bool   `json:"asked"`
	Words string `json:"words"`
}

// curveView is an event of points: whose they are, and whether they stand for all that came before.
type curveView struct {
	Of     string  `json:"of"`
	All    bool    `json:"all,omitempty"`
	Points []point `json:"points"`
}

// since are the events of what a viewer has not seen yet, and how far he has seen with them.
func (r *run) since(seen mark) ([]event, mark) {
	var all []event
	if seen.jobs != r.jobs {
		seen = mark{jobs: r.jobs}
		all = append(all, event{"reset", struct{}{}})
	}
	if r.account > seen.count || seen.count == 0 {
		all = append(all, event{"job", r.view()})
	}
	add := func(name, of string, c *curve) {
		if points, whole := c.since(seen.count); len(points) > 0 || whole && seen.count > 0 {
			all = append(all, event{name, curveView{of, whole, points}})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.trials)) {
		add("trial", id, &r.trials[id].curve)
	}
	for _, name := range slices.Sorted(maps.Keys(r.nodes)) {
		add("node", name, &r.nodes[name].curve)
	}
	for _, endpoint := range slices.Sorted(maps.Keys(r.servers)) {
		add("server", endpoint, r.servers[endpoint])
	}
	if lines := r.lines.since(seen.count); len(lines) > 0 {
		all = append(all, event{"log", lines})
	}
	return append(all, event{"tick", r.tick()}), mark{r.jobs, r.count}
}

func (r *run) view() jobView {
	v := jobView{ID: filepath.Base(r.dir), State: "waiting", Trials: []trialView{}, Nodes: []nodes.Node{}, Deploys: []deployView{}, Failures: []failView{},
		Trouble: r.troubles(), TrialColumns: trialColumns, NodeColumns: nodeColumns, ServerColumns: serverColumns}
	if r.dir == "" {
		v.ID = ""
	}
	if r.job == nil {
		return v
	}
	j, start := r.job, r.start()
	v.ID, v.Scenario, v.State, v.Start, v.Exit, v.Next = j.ID, j.Scenario, j.State, start, j.ExitStatus, j.Facts["successor"]
	v.Nodes = append(v.Nodes, j.Nodes...)
	if n := len(j.Phases); n > 0 && j.State == job.Running {
		v.Phase = j.Phases[n-1].Name
	}
	for _, d := range j.Deployments {
		v.Deploys = append(v.Deploys, deployView{d.ID, d.State, d.Text, d.Start - start})
	}
	for _, f := range j.Failures {
		v.Failures = append(v.Failures, failView{f.At - start, f.Component, f.Message})
	}
	for _, t := range j.Trials {
		v.Trials = append(v.Trials, r.trialView(t, start))
	}
	_, err := os.Stat(filepath.Join(r.dir, "report.html"))
	v.Report = err == nil && r.over()
	return v
}

// troubles are what can't be read.
func (r *run) troubles() []string {
	all := []string{}
	for _, what := range slices.Sorted(maps.Keys(r.trouble)) {
		if words := r.trouble[what]; words != "" {
			all = append(all, words)
		}
	}
	return all
}

func (r *run) trialView(t job.Trial, start float64) trialView {
	v := trialView{ID: t.ID, Name: t.Name, State: t.State, Text: t.Text, Deployment: r.plan[t.ID].Deployment}
	if t.Start > 0 {
		v.Start = t.Start - start
	}
	if t.End > 0 {
		v.End = t.End - start
	}
	known := r.trials[t.ID]
	if known == nil || known.summary == nil || !known.settled {
		return v
	}
	s := known.summary
	v.OK, v.Failed, v.ByOutcome = &s.Requests.OK, &s.Requests.Failed, s.Requests.ByOutcome
	v.Requests, v.Tokens = s.Throughput.RequestsPerS, s.Throughput.OutputTokensPerS
	v.TTFT, v.TPOT = ends(s, summary.TTFT), ends(s, summary.TPOT)
	return v
}

// ends are p50 and p99 of a latency; nil where it has none.
func ends(s *summary.Summary, m summary.Metric) *point {
	d, ok := s.Latency[m.String()]
	if !ok {
		return nil
	}
	return &point{float64(d.P50), float64(d.P99)}
}

// tick is how it stands now.
func (r *run) tick() tickView {
	v := tickView{Now: math.Max(0, float64(r.now.UnixMilli())/1e3-r.start()), Executors: []seenView{}}
	if r.dir == "" {
		return tickView{Executors: v.Executors}
	}
	if r.over() {
		v.Now = r.end() - r.start()
		return v
	}
	if left, ok := r.eta(); ok {
		v.ETA = &left
	}
	for _, name := range slices.Sorted(maps.Keys(r.executors)) {
		v.Executors = append(v.Executors, r.executors[name].view())
	}
	all := r.running()
	if len(all) == 0 || r.trial(all[0].live.Progress.Trial).settled {
		return v
	}
	sum := share.Progress{}
	v.ByOutcome = map[string]int64{}
	for _, x := range all {
		sum = sum.Add(x.live.Progress)
		for outcome, n := range x.live.ByOutcome {
			v.ByOutcome[outcome] += n
		}
	}
	p := all[0].live.Progress
	v.Trial, v.Phase, v.ElapsedS, v.InFlight = p.Trial, p.Phase, p.ElapsedS, sum.InFlight
	return v
}

// end is when the job noted something last, in seconds since 1970.
func (r *run) end() float64 {
	last := r.start()
	for _, p := range r.job.Phases {
		last = max(last, p.Start, p.End)
	}
	return last
}

func (x *executorSeen) view() seenView {
	switch {
	case x.err != nil:
		return seenView{x.node, false, x.err.Error()}
	case !x.runs:
		return seenView{x.node, true, "waits for its first trial"}
	}
	return seenView{x.node, true, x.live.Progress.String()}
}

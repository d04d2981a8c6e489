// Package job makes job.json, the account of a job for programs, out of what the job script wrote down.
//
// The script appends a row to events.tsv for each thing that happens; this package gives the rows their sense. What was
// never noted stays absent.
package job

import (
	"errors"
	"io/fs"
	"path/filepath"

	"hpcbench/agent/internal/ledger"
	"hpcbench/agent/internal/nodes"
)

// Schema is the number of job.json's format. A change of a field's meaning raises it.
const Schema = 1

// The states of a job.
const (
	Running   = "running"   // no exit was noted
	Complete  = "complete"  // every planned trial is complete
	Resumable = "resumable" // it stopped in good order; submitting it again runs the rest
	Cancelled = "cancelled"
	Requeued  = "requeued" // Slurm took its nodes and began the job anew; its later run has a directory of its own
	Failed    = "failed"
)

// Job is job.json. Times are seconds since 1970, zero when nothing was noted.
type Job struct {
	Schema      int               `json:"schema"`
	ID          string            `json:"job_id"`
	Plan        string            `json:"plan,omitempty"`
	Scenario    string            `json:"scenario,omitempty"`
	State       string            `json:"state"`
	ExitStatus  *int              `json:"exit_status,omitempty"`
	Cause       *Failure          `json:"cause,omitempty"` // the first failure
	Failures    []Failure         `json:"failures,omitempty"`
	Phases      []Phase           `json:"phases"`
	Nodes       []nodes.Node      `json:"nodes"`
	Deployments []Deployment      `json:"deployments"`
	Trials      []Trial           `json:"trials"`
	Images      []Image           `json:"images"`
	Facts       map[string]string `json:"facts"`               // versions of what took part, and the like
	HeldUntil   float64           `json:"held_until,omitzero"` // --hold: what failed last stays until then, at the most
	Edited      []string          `json:"edited,omitempty"`    // files of the bundle that a person changed since it was compiled
	Preflight   []Check           `json:"preflight,omitempty"` // what was found on each node before a server was started
}

// Check is one thing that was looked at on a node before a server was started there (package preflight).
type Check struct {
	Node  string `json:"node"`
	Check string `json:"check"` // one word: clock, shm, …
	State string `json:"state"` // ok, warn, fail
	Words string `json:"words,omitempty"`
}

// Failure is what failed, its exit status and why.
type Failure struct {
	At        float64 `json:"at"`
	Component string  `json:"component"`
	Status    int     `json:"status"`
	Message   string  `json:"message"`
	Node      string  `json:"node,omitempty"`
	Rank      string  `json:"rank,omitempty"` // of a server, from 0
	Log       string  `json:"log,omitempty"`  // where it says so: file:line, from the job's directory

	// Lines are the ten that matter about that place, each with its number in front. Who makes job.json puts them in.
	Lines []string `json:"lines,omitempty"`
}

// Phase is one stretch of a phase: with several deployments a phase comes several times.
type Phase struct {
	Name  string  `json:"name"`
	Start float64 `json:"start,omitzero"`
	End   float64 `json:"end,omitzero"`
}

// Deployment is one start of a deployment's servers: a second start is a second entry.
type Deployment struct {
	ID    string  `json:"deployment"`
	State string  `json:"state"` // start, ready, ended, failed
	Text  string  `json:"text,omitempty"`
	Start float64 `json:"start,omitzero"`
	Ready float64 `json:"ready,omitzero"`
	End   float64 `json:"end,omitzero"`
	Proof []Proof `json:"proof,omitempty"` // what its servers' logs say of how they run
}

// Proof is what a server's log says of how it runs, by a pattern of the service: KV cache, attention backend, transport.
type Proof struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Node  string `json:"node,omitempty"` // whose log it is, with the number of the server where a node has several; absent: all say the same
}

// Trial is a trial of this job's deployments and what became of it here.
type Trial struct {
	ID    string  `json:"trial"`
	Name  string  `json:"name,omitempty"`
	State string  `json:"state"` // complete, failed, stopped; start: it runs; missing: not reached; done: by an earlier job
	Text  string  `json:"text,omitempty"`
	Start float64 `json:"start,omitzero"`
	End   float64 `json:"end,omitzero"`
}

// Image is a container image as it was at the job's start.
type Image struct {
	Deployment string `json:"deployment"`
	Path       string `json:"path"`
	Bytes      int64  `json:"bytes"`
	ModifiedAt int64  `json:"modified_at"`      // seconds since 1970
	Digest     string `json:"digest,omitempty"` // of what its name stood for in the registry when it was pulled, and
	Remote     string `json:"remote,omitempty"` // that name; absent where prefetch.sh did not bring it
}

// Read makes the account of the job in dir from its events.tsv and, where the job came so far, its ledger.tsv and
// nodes.tsv. A malformed row is an error that names its line.
func Read(dir string) (*Job, error) {
	j := &Job{
		Schema: Schema, ID: filepath.Base(dir), State: Running, Phases: []Phase{}, Nodes: []nodes.Node{},
		Deployments: []Deployment{}, Trials: []Trial{}, Images: []Image{}, Facts: map[string]string{},
	}
	rows, err := ledger.Read(filepath.Join(dir, "ledger.tsv"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	j.plan(rows)
	table, err := nodes.Read(filepath.Join(dir, "nodes.tsv"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	j.Nodes = append(j.Nodes, table...)
	if err := j.events(filepath.Join(dir, "events.tsv")); err != nil {
		return nil, err
	}
	j.settle()
	return j, nil
}

// plan enters the trials as the ledger found them when the job began.
func (j *Job) plan(rows []ledger.Row) {
	for _, r := range rows {
		t := Trial{ID: r.Trial, Name: r.Name, State: r.State}
		if r.Done() {
			t.State, t.Text = "done", "by job "+r.State[len("done:"):]
		}
		j.Trials = append(j.Trials, t)
	}
}

// settle draws the conclusions: the state, the first cause, and the facts that have a field of their own.
func (j *Job) settle() {
	for fact, field := range map[string]*string{"job": &j.ID, "plan": &j.Plan, "scenario": &j.Scenario} {
		if text, ok := j.Facts[fact]; ok {
			*field = text
			delete(j.Facts, fact)
		}
	}
	if len(j.Failures) > 0 {
		j.Cause = &j.Failures[0]
	}
	if _, again := j.Facts["successor"]; again {
		j.State = Requeued
		return
	}
	if j.ExitStatus == nil {
		return
	}
	_, cancelled := j.Facts["cancelled"]
	switch {
	case cancelled:
		j.State = Cancelled
	case *j.ExitStatus == 0:
		j.State = Complete
	case *j.ExitStatus == 75:
		j.State = Resumable
	default:
		j.State = Failed
	}
}

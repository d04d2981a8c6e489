// Package plan orders what a recipe asks for: points become trials, trials share deployments, deployments share jobs.
//
// A value of the workload varies the trials of one running deployment; a value of the server, the resources or the model
// makes a new deployment; a node count makes a new job. Everything a bundle says follows from a Plan: render places its
// values and decides nothing.
package plan

import (
	"fmt"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
)

// Plan is what a bundle will do. Durations are whole seconds.
type Plan struct {
	ID          string        `json:"plan"` // 16 hex digits of a hash over everything below
	Slug        string        `json:"slug"` // name of the directory and of the jobs
	Scenario    string        `json:"scenario"`
	Service     string        `json:"service"`
	Setting     Setting       `json:"setting"`
	Jobs        []*Job        `json:"jobs"`
	Deployments []*Deployment `json:"deployments"` // in the order in which they start
	Trials      []*Trial      `json:"trials"`      // in the order in which they run

	site     *cluster.Profile
	reported []float64 // percentiles that the recipe asks for
	points   int
}

// Setting is what holds for every job and deployment of the bundle.
type Setting struct {
	Cluster         string         `json:"cluster"` // profile name
	Local           bool           `json:"local"`   // no Slurm
	Shell           string         `json:"shell"`
	Runtime         string         `json:"runtime,omitempty"` // "" when no deployment has an image
	GPUFlag         string         `json:"gpu_flag,omitempty"`
	Modules         []string       `json:"modules,omitempty"`
	Binds           []string       `json:"binds,omitempty"`
	Secrets         []string       `json:"secrets,omitempty"`  // VARIABLE=/path/of/file
	Files           []string       `json:"files,omitempty"`    // absolute paths that the load needs on client nodes: datasets, traces, keys
	SiteEnv         []string       `json:"site_env,omitempty"` // NAME=value of the job's own environment
	Interfaces      string         `json:"interfaces,omitempty"`
	MPI             string         `json:"mpi,omitempty"`
	ServerPort      int            `json:"server_port,omitempty"`
	ClientPort      int            `json:"client_port,omitempty"`
	HealthPath      string         `json:"health_path,omitempty"` // "" when the recipe disables this stage
	KeyFile         string         `json:"key_file,omitempty"`    // of the requests that ask whether a server is ready
	HealthTimeoutS  int            `json:"health_timeout_s,omitempty"`
	HealthIntervalS int            `json:"health_interval_s,omitempty"`
	MonitorS        float64        `json:"monitor_s,omitempty"` // seconds between two readings; 0: nodes are not watched
	ClientStep      []string       `json:"client_step,omitempty"`
	Watch           workload.Watch `json:"watch,omitzero"`     // what is read beside the nodes' own readings: node/watch.json
	Stores          []Store        `json:"stores,omitempty"`   // that keep metrics while the job runs, in the order in which they start
	ScrapeS         float64        `json:"scrape_s,omitempty"` // seconds between two readings by Prometheus
	StoreStep       []string       `json:"store_step,omitempty"`
	OutputFile      string         `json:"output_file,omitempty"` // all nodes' readings in one file of the job's results
	Logs            *workload.Logs `json:"logs,omitempty"`        // node/logs.json; nil: logs are neither collected nor bounded
	MonitorStep     []string       `json:"monitor_step,omitempty"`
	MonitorGPUs     []string       `json:"monitor_gpus,omitempty"` // beside those on nodes with the servers' GPUs
	GPUs            int            `json:"gpus,omitempty"`         // that a step with MonitorGPUs sees on each node
	Bill            string         `json:"bill"`                   // unit of the bill
	Prefetch        Prefetch       `json:"prefetch,omitzero"`
	Login           Login          `json:"-"` // is no part of what is run
}

// Login is where people reach the cluster from outside, as its profile says; "" and 0 where it does not.
type Login struct {
	Host string
	Port int
	Dir  string // where job directories go there, from the home directory if it does not begin with /
}

// Store is a program that keeps metrics while the job runs, started by the job on one node.
type Store struct {
	Name   string `json:"name"`             // pushgateway or prometheus: the script of node/ that starts it
	Argv   string `json:"program"`          // its program, on the node or in the image
	Port   int    `json:"port"`             // in the job's block
	Image  string `json:"image,omitempty"`  // path, "" without a container
	Remote string `json:"remote,omitempty"` // where the image comes from
}

// Prefetch says where prefetch.sh runs.
type Prefetch struct {
	OnCompute  bool        `json:"on_compute,omitempty"` // as a job of its own, with these directives
	Directives []Directive `json:"directives,omitempty"`
}

// Job is one Slurm allocation: one job script.
type Job struct {
	Script      string      `json:"script"`
	After       string      `json:"after,omitempty"` // script of the job before it
	Deployments []string    `json:"deployments"`
	Trials      int         `json:"trials"`
	Total       int         `json:"nodes"`
	Monitors    int         `json:"monitors"`
	Clients     int         `json:"clients"`                  // nodes of their own
	Beside      int         `json:"clients_beside,omitempty"` // clients that share a server's node: the first so many
	Servers     int         `json:"servers"`
	Idle        int         `json:"idle,omitempty"`
	Seats       Seats       `json:"seats"`
	Het         bool        `json:"het,omitempty"`   // two components: monitor and clients, with Directives, and servers
	Chain       int         `json:"chain,omitempty"` // jobs of this script, each after the one before, that the plan needs; 0: one
	EstimateS   int         `json:"estimate_s"`      // of all of the chain
	LimitS      int         `json:"limit_s"`         // of one of the chain
	SignalS     int         `json:"signal_s"`        // before the limit, USR1 comes
	ReserveS    int         `json:"reserve_s"`       // kept before the limit for tear-down and report
	Directives  []Directive `json:"directives,omitempty"`
	ServerPart  []Directive `json:"server_directives,omitempty"` // of the second component
	Smoke       Smoke       `json:"smoke,omitzero"`
	Bill        float64     `json:"bill"` // in the profile's unit, for the estimate
	BillMost    float64     `json:"bill_most"`
	recipe      *recipe.Recipe
	deployments []*Deployment
}

// Directive is one #SBATCH line: --Flag=Value, or --Flag alone when Value is empty.
type Directive struct {
	Flag  string `json:"flag"`
	Value string `json:"value,omitempty"`
}

// Deployment is a service started with fixed parameters. Several server nodes are several endpoints, or one over them all.
type Deployment struct {
	ID        string              `json:"deployment"`
	What      string              `json:"what,omitempty"`    // the swept values that make it, such as "tp=2"
	Restart   int                 `json:"restart,omitempty"` // which start of an equal server, from 1; 0: there is one only
	Model     string              `json:"model"`
	Dialect   string              `json:"dialect"`          // of its first trial
	Image     string              `json:"image,omitempty"`  // path, "" without a container
	Remote    string              `json:"remote,omitempty"` // where the image comes from
	Launcher  string              `json:"launcher"`
	Replicas  int                 `json:"replicas,omitempty"` // servers on each node; 0: one
	Tasks     int                 `json:"tasks,omitempty"`    // of its one server on each node, by launcher tasks; 0: one
	Endpoints int                 `json:"endpoints"`
	External  []string            `json:"external,omitempty"`  // base URLs of servers that nobody starts
	GPUs      int                 `json:"gpus,omitempty"`      // that it uses
	IdleGPUs  int                 `json:"idle_gpus,omitempty"` // of its nodes that it leaves alone
	InFlight  int                 `json:"in_flight"`           // most requests in flight at one endpoint
	Trials    int                 `json:"trials"`
	StartupS  int                 `json:"startup_s"`
	Argv      map[string][]string `json:"argv"` // by the end of the file's name: "0", "1", … a rank; "head", "worker"
	Env       []string            `json:"env"`  // NAME=value
	Step      []string            `json:"step,omitempty"`
	Files     []string            `json:"files,omitempty"`    // paths inside the container that must be there before the server starts
	Prefetch  []string            `json:"prefetch,omitempty"` // words of a command that brings the model
	Prepare   []string            `json:"prepare,omitempty"`  // words of a command that is run beside each server once it is healthy
	Pages     []workload.Page     `json:"pages,omitempty"`    // looked at on each server that generates
	recipe    *recipe.Recipe
	points    []recipe.Point
	trials    []*Trial
}

// Trial is one trial, and how long it is expected to take.
type Trial struct {
	workload.Trial
	Seconds int `json:"seconds"`
}

// Place tells where in the recipe the value at a path stands.
type Place func(path string) diag.Pos

// New plans the points of a recipe. The list says what can't work, and what is odd; a plan with an error in the list is
// nil. Place may be nil where nobody wants positions.
func New(points []recipe.Point, svc *service.Service, cl *cluster.Profile, place Place) (*Plan, diag.List) {
	p, found := Unnamed(points, svc, cl, place)
	if p != nil {
		p.ID = identity(p)
	}
	return p, found
}

// Unnamed is New without the plan's id, a hash over all of it: who tries a hundred plans has one for them.
func Unnamed(points []recipe.Point, svc *service.Service, cl *cluster.Profile, place Place) (*Plan, diag.List) {
	if place == nil {
		place = func(string) diag.Pos { return diag.Pos{} }
	}
	m := &maker{svc: svc, cl: cl, place: place, local: local(points, cl)}
	p := m.plan(points)
	if m.found.Failed() {
		return nil, m.found
	}
	return p, m.found
}

// maker is what the making of one plan shares.
type maker struct {
	svc   *service.Service
	cl    *cluster.Profile
	place Place
	local bool
	found diag.List
}

func local(points []recipe.Point, cl *cluster.Profile) bool {
	return cl.Mode == "local" || len(points) > 0 && points[0].Recipe.Orchestration.Mode == "local"
}

func (m *maker) plan(points []recipe.Point) *Plan {
	if len(points) == 0 {
		m.found.Errorf(diag.Pos{}, "no-points", "", "the recipe asks for no trial at all")
		return nil
	}
	first := points[0].Recipe
	p := &Plan{Slug: Slug(first.Scenario), Scenario: first.Scenario, Service: m.svc.Name, site: m.cl,
		reported: first.Reporting.Percentiles, points: len(points)}
	if p.Slug == "" {
		m.found.Errorf(m.place("scenario"), "scenario", "give it a letter or a digit", "scenario %q has nothing that a directory could be named by", first.Scenario)
	}
	m.checkSweeps(points)
	if n := measurements(points); n > MaxTrials {
		m.found.Errorf(m.place("repetitions"), "too-many-trials", "measure fewer points, or each less often", "the recipe asks for %d trials, at most %d", n, MaxTrials)
		return nil
	}
	p.Jobs = m.deal(points)
	m.again(p.Jobs)
	for _, j := range p.Jobs {
		p.Deployments = append(p.Deployments, j.deployments...)
	}
	m.number(p)
	for _, d := range p.Deployments {
		m.fill(d)
	}
	for _, j := range p.Jobs {
		m.ask(p, j)
	}
	m.carry(p)
	p.Setting = m.setting(p, first)
	return p
}

// MaxTrials is the most trials of a bundle: each is a file, and a day has 86,400 seconds.
const MaxTrials = 50_000

// measurements counts the trials of points.
func measurements(points []recipe.Point) int {
	n := 0
	for _, pt := range points {
		n += max(1, pt.Recipe.Repetitions) * max(1, pt.Recipe.Restarts)
	}
	return n
}

// number gives deployments, trials and scripts their names, in the order in which they run.
func (m *maker) number(p *Plan) {
	for i, d := range p.Deployments {
		d.ID = fmt.Sprintf("d%d", i+1)
		d.trials = m.trials(d)
		p.Trials = append(p.Trials, d.trials...)
	}
	digits := max(4, len(fmt.Sprint(len(p.Trials))))
	for i, t := range p.Trials {
		t.ID = fmt.Sprintf("%0*d", digits, i+1)
	}
	distinguish(p.Trials)
	for i, j := range p.Jobs {
		j.Script = "job.sbatch"
		if len(p.Jobs) > 1 {
			j.Script = fmt.Sprintf("job-%02d.sbatch", i+1)
		}
		if i > 0 {
			j.After = p.Jobs[i-1].Script
		}
		for _, d := range j.deployments {
			j.Deployments = append(j.Deployments, d.ID)
			j.Trials += d.Trials
		}
	}
}

// seconds of the trials of a deployment, and of the longest.
func (d *Deployment) seconds() (all, longest int) {
	for _, t := range d.trials {
		all += t.Seconds
		longest = max(longest, t.Seconds)
	}
	return all, longest
}

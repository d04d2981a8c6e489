// Package recipe reads a recipe: YAML with positions, checked against the schema and the rules between fields, its
// sweeps expanded into points.
package recipe

import (
	"slices"

	"hpcbench/agent/workload"
)

// Recipe is one point of a recipe file: every sweep resolved, every default filled in. Durations are seconds.
type Recipe struct {
	Scenario, Partition, Account, QOS string
	Cluster                           string // profile name; "generic" when the recipe is silent
	Modules, Binds                    []string
	Environment                       map[string]string
	Secrets                           map[string]string // variable: path of the file that holds its value
	Repetitions                       int               // of each trial on one start of its server
	Restarts                          int               // how often each server is started anew and all its trials measured; at least 1
	Seed                              int64             // workload.seed, else metadata.seed
	Metadata                          Metadata

	Orchestration Orchestration
	Job           JobConfig
	Resources     Roles[Resources]
	Workload      Workload
	Servers       Servers
	Clients       Clients
	Artifacts     Artifacts
	Monitoring    Monitoring
	Logging       Logging
	Reporting     Reporting
}

// Metadata is what a person wants to be told of later. None of it changes what runs.
type Metadata struct {
	GitCommit, Notes string
	Tags             []string
}

// Roles is one value for each role of a node.
type Roles[T any] struct{ Servers, Clients, Monitors T }

// Orchestration says where the job runs and on how many nodes.
type Orchestration struct {
	Mode       string     // slurm or local
	TotalNodes int        // at least the sum over roles; the rest stay unused
	Nodes      Roles[int] // Clients 0: the recipe was silent, and Placement is same-node

	Placement       string        // of clients: own-node, same-node (the first Nodes.Clients server nodes, at least one), het
	ClientPartition string        // of the client nodes' part of a het job; "": the job's
	NodeRange       Roles[string] // "": dealt in turn; else indices of the allocation or host names, written out: "0,1,2", "node001,node002"
	Replicas        int           // servers on each server node, which share out its GPUs, CPUs and memory; at least 1
	Distribution    string        // round-robin, random, all-to-all, static
	Mapping         []Target      // of static
}

// Senders counts the nodes that send: without any of their own, the first server's does.
func (o Orchestration) Senders() int { return max(1, o.Nodes.Clients) }

// Target says which endpoints a group of client nodes sends to, both as indices from 0.
type Target struct{ Clients, Endpoints []int }

// JobConfig is what Slurm is told about the whole job.
type JobConfig struct {
	TimeLimitS  float64 // 0: from the plan
	Exclusive   bool
	Reservation string
	Directives  []string // of the site's own, each one option of sbatch: "--comment=x"
}

// Resources is what one node of a role needs.
type Resources struct{ GPUs, CPUsPerTask, MemGB int }

// Workload is the load of one trial in the recipe's words (DESIGN §2 has the field's).
type Workload struct {
	Component, Service, Model, Dialect string
	Endpoints                          []string // base URLs of servers that nobody starts; of a service of launcher none
	Suite                              string   // name of the benchmark_suite's entry that this point is; "" without one
	Stream                             bool
	DurationS                          float64 // 0: silent; see Requests
	Requests                           int     // ends the window early; 0: silent. Both silent: plan has the defaults
	WarmupS                            float64 // -1: silent; plan has the default
	RampUpS, CooldownS, TimeoutS       float64
	ClientsPerNode                     int     // 0: absent
	Concurrency                        int     // 0: absent
	TargetRPS                          float64 // 0: absent; of ramp and step their mean, of a search its first; a closed loop where RequestDistribution is not replay
	RequestDistribution                string  // constant, poisson, gamma, burst, ramp, step, sine, replay
	Burstiness                         float64
	Burst                              *workload.Burst
	Ramp                               *workload.Ramp
	Steps                              []workload.Step
	Sine                               *workload.Sine
	Search                             *workload.Search
	Trace, Dataset, Tokenizer          string // "": none; absolute: on the cluster; else "data/NAME" in the bundle, of File.Inputs
	ThinkTimeS                         float64
	ThinkLaw                           string           // "": always ThinkTimeS; exponential: in the mean
	PromptLen, GenTokens, Batch        int              // the means where there is a distribution
	PromptLaw, GenLaw                  *workload.Length // nil: exactly so long
	TokenIDs                           *workload.IDs
	Prefix                             *workload.Prefix
	Turns                              int // 0 or 1: none
	CancelShare                        float64
	ConnRequests                       int // requests of a connection; 0: no end
	KernelStamps                       bool
	Temperature                        float64
	IgnoreEOS                          bool
	ExtraBody                          map[string]any
	Headers                            map[string]string
	APIKeyFile                         string
	SLO                                map[string]float64
}

// Open tells whether requests fall due whether or not earlier ones are done.
func (w Workload) Open() bool { return w.TargetRPS > 0 || w.RequestDistribution == "replay" }

// InFlight is the requests in flight over all client nodes together, by DESIGN §2: as written, which in an open loop is a
// cap or none (0); else what each client node has; else 1.
func (r *Recipe) InFlight() int {
	switch w := r.Workload; {
	case w.Concurrency > 0 || w.Open():
		return w.Concurrency
	case w.ClientsPerNode > 0:
		return w.ClientsPerNode * r.Orchestration.Senders()
	}
	return 1
}

// Servers says how the service is started and when it is ready.
type Servers struct {
	Port          int // 0: from the job's block
	HealthCheck   HealthCheck
	ServiceConfig map[string]any // as written, checked by the service's own schema; nested maps stay nested
}

// HealthCheck is the second stage of readiness. Endpoint is a path, the service's own when the recipe is silent.
type HealthCheck struct {
	Enabled             bool
	TimeoutS, IntervalS float64
	Endpoint            string
}

// Clients says how the executors listen.
type Clients struct{ Port int } // 0: from the job's block

// Artifacts names the files the job needs.
type Artifacts struct {
	ContainersDir string
	Image         string // path of the service's image: containers_dir joined with service.path; "" runs without a container
	Remote        string // where prefetch pulls the image from, such as docker://ollama/ollama:0.24.0
}

// Monitoring says how nodes are watched.
type Monitoring struct {
	Enabled    bool
	IntervalS  float64
	Collectors []string          // what is read, of workload.Collectors; none: all of workload.ByDefault
	Metrics    []workload.Metric // beyond those that the service and the nodes have
	OutputFile string            // name of the file of all nodes' readings in the job's results; "": there is none
	Exporter   bool              // each node's last reading is shown to Prometheus
	Push       Push

	Pushgateway, Prometheus Store
	ScrapeS                 float64 // seconds between two readings by Prometheus
}

// Push says what becomes of the readings at a Pushgateway.
type Push struct {
	URL        string  // "": nobody else's gets them
	IntervalS  float64 // from one push to the next
	RetentionS float64 // for which the last ones stay after the job; 0: they go with it
}

// Reads tells whether what the word names is read.
func (m Monitoring) Reads(word string) bool {
	if len(m.Collectors) == 0 {
		return workload.ByDefault(word, m.IntervalS)
	}
	return slices.Contains(m.Collectors, word)
}

// Reporting says what the report has.
type Reporting struct{ Percentiles []float64 }

// Value is one swept value of a point.
type Value struct {
	Path string // "workload.concurrency"
	V    any    // string, int, float64 or bool
}

// Point is one cell of the sweep's product, in the order of the recipe.
type Point struct {
	Values []Value
	Recipe *Recipe
}

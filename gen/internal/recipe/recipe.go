// Package recipe reads a recipe: YAML with positions, checked against the schema and the rules between fields, its
// sweeps expanded into points.
package recipe

// Recipe is one point of a recipe file: every sweep resolved, every default filled in. Durations are seconds.
type Recipe struct {
	Scenario, Partition, Account, QOS string
	Cluster                           string // profile name; "generic" when the recipe is silent
	Modules, Binds                    []string
	Environment                       map[string]string
	Secrets                           map[string]string // variable: path of the file that holds its value
	Repetitions                       int
	Seed                              int64

	Orchestration Orchestration
	Job           JobConfig
	Resources     Roles[Resources]
	Workload      Workload
	Servers       Servers
	Clients       Clients
	Artifacts     Artifacts
	Monitoring    Monitoring
}

// Roles is one value for each role of a node.
type Roles[T any] struct{ Servers, Clients, Monitors T }

// Orchestration says where the job runs and on how many nodes.
type Orchestration struct {
	Mode           string // slurm or local
	TotalNodes     int    // at least the sum over roles; the rest stay unused
	Nodes          Roles[int]
	ClientsPerNode int    // the node_allocation.clients copy; merged with workload.clients_per_node after validation
	Distribution   string // round-robin
}

// JobConfig is what Slurm is told about the whole job.
type JobConfig struct {
	TimeLimitS  float64 // 0: from the plan
	Exclusive   bool
	Reservation string
}

// Resources is what one node of a role needs.
type Resources struct{ GPUs, CPUsPerTask, MemGB int }

// Workload is the load of one trial in the recipe's words (DESIGN §2 has the field's).
type Workload struct {
	Component, Service, Model, Dialect string
	Stream                             bool
	DurationS, WarmupS, TimeoutS       float64
	Requests                           int
	ClientsPerNode                     int     // 0: absent
	Concurrency                        int     // 0: absent
	TargetRPS                          float64 // 0: absent, a closed loop
	RequestDistribution                string  // constant, poisson
	ThinkTimeS                         float64
	PromptLen, GenTokens, Batch        int
	Temperature                        float64
	IgnoreEOS                          bool
	SLO                                map[string]float64
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
	Enabled   bool
	IntervalS float64
}

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

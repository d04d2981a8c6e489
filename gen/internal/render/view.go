// Package render turns a plan into the files of a bundle.
//
// The views of this file are what the templates see: values that are ready to print. Go decides, a template places.
// Templates use these functions: quote (one word for the shell), array (a list of words), words (a list of words without
// blanks as one quoted word), assign (KEY=value as KEY='value'), directive (a value of an #SBATCH line; refuses blanks,
// quotes and newlines), comment (text for a comment: newlines and control characters become blanks), and lib (the text
// of templates/lib/NAME without its leading "# shellcheck" lines).
//
// Words in argv/ and env/ files that the node scripts replace, and nothing else:
//
//	@IP@       this rank's address          @HEAD_IP@  the address of rank 0
//	@PORT@     the server's port            @NODES@    how many nodes the server has
//	@PORT+N@   N ports above it, 1 to 5: of a server's ten ports these are its own
//	@RANK@     this rank, from 0            @AGENT@    path of the bundle's agent
//	@RUN@      results/<jobid>              @BLOCK+N@  port N of the job's block of 100
//	@INTERFACE@ name of the interface that has @IP@
//	@SERVICE@  the bundle's service/, with the service's own scripts
//	@TMP@      a short directory in /tmp of this node, removed at the end (Ray: --temp-dir=@TMP@/ray)
//
// Offsets in the block: 0 the server, 6 the executor, 7 the master port of spmd and mp, 8 a monitor's exporter, 9 the Pushgateway,
// 10 to 18 Ray's own ports, 30 to 89 Ray's workers, 90 Prometheus, 92 to 95 exporters and 96 to 99 executors whose port is taken.
// Several servers on a node are at 0, 10, 20 and so on. In local mode node k adds 10·k, so that up to ten nodes with a server each
// fit on one machine.
package render

// Bundle is what every template of a bundle sees. Seconds are whole.
type Bundle struct {
	Version  string // of gen
	Slug     string // name of the directory and of the jobs
	Scenario string // as written
	Service  string
	Cluster  string // profile name
	Title    string // "18 trials of ollama on 5 nodes: 2 servers, 2 clients, 1 monitor"
	Plan     string // plan id
	Local    bool   // no Slurm
	Shell    string // after #!, such as "/bin/bash -l"

	Runtime string   // apptainer, singularity; "" when no deployment has an image
	GPUFlag string   // --nv, --rocm, or "" when the servers have no GPU
	Modules []string // loaded in the job script
	Binds   []string // source:destination[:options]
	Secrets []string // VARIABLE=/path/of/file
	Files   []string // absolute paths that the load reads on client nodes
	Images  []Image  // distinct, in order of first use
	SiteEnv []string // KEY=value the profile wants in the job's environment

	Jobs        []Job
	Several     bool         // submit.sh submits more than one job, each after the one before
	Deployments []Deployment // of all jobs
	Trials      int

	ServerPort         string // as the recipe writes it, or "" for the job's block
	ClientPort         string
	Interfaces         string // regular expression on interface names, "" for any, "lo" in local mode
	HealthPath         string // "" when the recipe disables this stage
	KeyFile            string // sent with the requests of readiness; "" for none
	HealthTimeout      int
	HealthInterval     int
	MonitorInterval    string   // "1s"; "" when monitoring is off
	OutputFile         string   // of all nodes' readings, in the job's results; "" for none
	GPUs               int      // that a step with MonitorGPUs sees on each of its nodes
	SrunMPI            string   // value of srun --mpi, "" for none given
	Watch              bool     // node/watch.json says what else is read
	Laptop             Laptop   // monitoring/
	Exporter           bool     // monitors show their last row to Prometheus
	LogMB              int      // the most that the log of a server may take, in MiB; 0: no bound
	Kernel             bool     // monitors read the kernel's messages
	Stores             []Store  // of metrics, in the order in which they start
	StoreStep          []string // further srun options of a store's step
	MonitorStep        []string // further srun options of the monitor's step
	MonitorGPUs        []string // the same, on nodes with the servers' GPUs
	ClientStep         []string // further srun options of a client's step
	Bill               string   // "3.5 node-hours"
	SmokeBill          string   // "0.25 node-hours": of submit.sh --smoke, at most
	SmokeTime          string   // "15 min"
	Own                bool     // the service has scripts or pages of its own
	HasFiles           bool     // some deployment has files/
	External           bool     // the servers run already, and are none of the job's
	PrefetchOnCompute  bool     // the site pulls images in a job: prefetch.sh carries #SBATCH lines
	PrefetchDirectives []Directive
	Prefetch           []Prefetch // models, in the service's words
}

// Laptop is what the parts of monitoring/ see, which run on a person's own machine.
type Laptop struct {
	Service      string
	Slug         string // name of the jobs
	ScenarioJSON string // as written, in JSON
	Local        bool
	SSHHost      string   // the cluster's login node; "" where the profile names none
	SSHPort      string   // "" for ssh's own choice
	SSHDir       string   // where bundles lie there; "" for gen's own choice
	Dashboards   []string // their uids in Grafana
}

// Scraper is prometheus.yml for some versions of Prometheus.
type Scraper struct {
	Version    string   // which ones
	Started    string   // how those are started
	Histograms []string // lines by which they keep classic and native histograms at once
}

// Image is a container image and where prefetch gets it from ("" when nobody said).
type Image struct{ Path, Remote string }

// Store is a Pushgateway or a Prometheus that the job starts. Its node script has the bundle's values beside its own.
type Store struct {
	*Bundle
	Name     string // of its script, and of its file in results/<jobid>/addresses
	Argv     string // its program
	Port     int    // in the job's block
	Image    string // path, "" without a container
	Interval string // between two readings by Prometheus, "15s"
	Timeout  string // of one reading
}

// Prefetch is one command that brings a model, run inside an image ("" on the host).
type Prefetch struct {
	Model string
	Image string
	Argv  []string
}

// Job is one job script: job.sbatch, or job-01.sbatch and so on.
type Job struct {
	*Bundle
	Script       string // its file name
	Directives   []Directive
	Deployments  []Deployment // of this job; hides the bundle's
	JobTrials    int
	ServerPart   []Directive // of the second component of a heterogeneous job
	Total        int         // nodes asked of Slurm
	MonitorSeats []string    // places in the allocation, such as 0 or 2-5, or host names
	ClientSeats  []string
	ServerSeats  []string
	IdleSeats    []string
	Chain        int      // how often submit.sh submits it, each after the one before
	SmokeOptions []string // of sbatch, for submit.sh --smoke
	SignalLead   int      // seconds before the limit at which USR1 comes
	Reserve      int      // seconds kept for tear-down and report
	TimeLimit    string   // as Slurm takes it
}

// Deployment is one server (or one set of equal ones) as the job script starts it.
type Deployment struct {
	ID       string   // d1
	What     string   // what distinguishes it, for a comment: "tensor_parallel_size=2"
	Image    string   // path, "" without a container
	Model    string   // name in requests
	Dialect  string   // of the readiness generation: the first trial's
	Launcher string   // single, spmd, ray, mp, tasks
	Step     []string // further srun options of the server's step, such as --cpus-per-task=8 --gres=gpu:2
	Trials   int
	StartupS int
	Replicas int      // servers on each node, at least 1
	Tasks    int      // of the server on each node, by launcher tasks; 0: one
	Prepare  bool     // argv/ID.prepare is run beside each server once it is healthy
	External []string // base URLs of servers that run already
	// Causes are known failures in the server's log: node/causes.tsv has them for all deployments.
}

// Directive is one #SBATCH line: --Flag=Value, or --Flag alone when Value is empty.
type Directive struct{ Flag, Value string }

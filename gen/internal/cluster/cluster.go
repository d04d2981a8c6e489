// Package cluster reads cluster profiles: what a site's Slurm, containers and network want of a job.
package cluster

// Profile is templates/clusters/<name>.yaml. In the file each value may carry its source as a comment.
type Profile struct {
	Name, Description string
	Mode              string // "" or "local": the profile of this machine without Slurm
	Shell             string // first line of job scripts after #!, such as "/bin/bash -l"
	Partitions        []string
	QOS               []string
	AccountRequired   bool
	QOSRequired       bool
	GPURequest        string // how GPUs are asked for: gres, gpus-per-node, gpus-per-task, none
	GPUsPerNode       int    // 0: not known
	GPUModel          string
	CPUsPerNode       int
	Memory            bool     // a memory directive is allowed
	WholeNodes        bool     // nodes are never shared: --exclusive is implied
	ExtraDirectives   []string // such as "--hint=nomultithread"
	Architecture      string   // amd64, arm64
	Runtime           string   // apptainer, singularity
	GPUFlag           string   // --nv, --rocm
	Modules           []string // loaded before the runtime is used
	Interfaces        string   // regular expression that matches a fabric interface's whole name, "" for any
	InternetLogin     bool
	InternetCompute   bool
	SSHHost           string
	SSHPort           int
	BillUnit          string // node-hours, gpu-hours, core-hours
	MaxTimeS          float64
	MPI               string // value of srun --mpi, "" for none given
	Env               map[string]string
}

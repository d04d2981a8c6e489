// Package cluster reads cluster profiles: what a site's Slurm, containers and network want of a job.
package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"hpcbench/gen/internal/strict"
)

// Profile is templates/clusters/<name>.yaml. In the file each value carries its source as a comment.
type Profile struct {
	Name              string            `yaml:"name"`
	Description       string            `yaml:"description"`
	Mode              string            `yaml:"mode"`  // "" or "local": the profile of this machine without Slurm
	Shell             string            `yaml:"shell"` // first line of job scripts after #!, such as "/bin/bash -l"
	Partitions        []string          `yaml:"partitions"`
	QOS               []string          `yaml:"qos"`
	AccountRequired   bool              `yaml:"account_required"`
	QOSRequired       bool              `yaml:"qos_required"`
	GPURequest        string            `yaml:"gpu_request"`   // how GPUs are asked for: gres, gpus-per-node, gpus-per-task, none
	GPUsPerNode       int               `yaml:"gpus_per_node"` // 0: not known
	GPUModel          string            `yaml:"gpu_model"`
	CPUsPerNode       int               `yaml:"cpus_per_node"`    // 0: not known
	Memory            bool              `yaml:"memory"`           // a memory directive is allowed
	WholeNodes        bool              `yaml:"whole_nodes"`      // nodes are never shared: --exclusive is implied
	ExtraDirectives   []string          `yaml:"extra_directives"` // such as "--hint=nomultithread"
	Architecture      string            `yaml:"architecture"`     // amd64, arm64; "" in local mode: this machine's
	Runtime           string            `yaml:"runtime"`          // apptainer, singularity
	GPUFlag           string            `yaml:"gpu_flag"`         // --nv, --rocm
	Modules           []string          `yaml:"modules"`          // loaded before the runtime is used
	Interfaces        string            `yaml:"interfaces"`       // regular expression that matches a fabric interface's whole name, "" for any
	InternetLogin     bool              `yaml:"internet_login"`
	InternetCompute   bool              `yaml:"internet_compute"`
	PrefetchCompute   bool              `yaml:"prefetch_on_compute"` // images are pulled in a job: login nodes have no runtime or no internet
	PrefetchPartition string            `yaml:"prefetch_partition"`  // of that job; "" for the recipe's
	SSHHost           string            `yaml:"ssh_host"`
	SSHPort           int               `yaml:"ssh_port"`
	BillUnit          string            `yaml:"bill_unit"`  // node-hours, gpu-hours, core-hours
	MaxTimeS          float64           `yaml:"max_time_s"` // of a job, seconds; 0: not known
	MPI               string            `yaml:"mpi"`        // value of srun --mpi, "" for none given
	Env               map[string]string `yaml:"env"`        // variables of the job's environment
}

// Load reads <name>.yaml of fsys. A name that is not there is an error that lists those that are.
func Load(fsys fs.FS, name string) (*Profile, error) {
	src, err := fs.ReadFile(fsys, name+".yaml")
	if errors.Is(err, fs.ErrNotExist) || !fs.ValidPath(name) {
		known, _ := List(fsys)
		return nil, fmt.Errorf("no cluster profile %q (there are %s)", name, strings.Join(known, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("reading cluster profile %q: %w", name, err)
	}
	return Parse(path.Join("clusters", name+".yaml"), src)
}

// Parse reads a profile from src, the content of the file called file.
func Parse(file string, src []byte) (*Profile, error) {
	p := &Profile{}
	if err := strict.Decode(file, src, p); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// List names the profiles of fsys, sorted.
func List(fsys fs.FS) ([]string, error) {
	files, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing cluster profiles: %w", err)
	}
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".yaml")
	}
	slices.Sort(files)
	return files, nil
}

// architectures are those that a profile may have. This machine's own is what gen's agent was built for.
func (p *Profile) architectures() []string {
	if p.Mode == "local" {
		return []string{"", "amd64", "arm64"}
	}
	return []string{"amd64", "arm64"}
}

// check finds the values that no job script could be made from.
func (p *Profile) check() error {
	for _, c := range []struct {
		key, value string
		allowed    []string
	}{
		{"mode", p.Mode, []string{"", "local"}},
		{"gpu_request", p.GPURequest, []string{"gres", "gpus-per-node", "gpus-per-task", "none"}},
		{"architecture", p.Architecture, p.architectures()},
		{"runtime", p.Runtime, []string{"apptainer", "singularity"}},
		{"gpu_flag", p.GPUFlag, []string{"", "--nv", "--rocm"}},
		{"bill_unit", p.BillUnit, []string{"node-hours", "gpu-hours", "core-hours"}},
	} {
		if !slices.Contains(c.allowed, c.value) {
			return fmt.Errorf("%s is %q, and must be one of %q", c.key, c.value, c.allowed)
		}
	}
	if p.Name == "" || strings.ContainsAny(p.Name, " \t\n/") {
		return fmt.Errorf("name is %q, and must be one word", p.Name)
	}
	if !strings.HasPrefix(p.Shell, "/") || strings.ContainsAny(p.Shell, "\n\r") {
		return fmt.Errorf("shell is %q, and must be the path of bash with its options", p.Shell)
	}
	if _, err := regexp.Compile(p.Interfaces); err != nil {
		return fmt.Errorf("interfaces: %w", err)
	}
	for _, d := range p.ExtraDirectives {
		if !regexp.MustCompile(`^--[a-z][a-z-]*(=[^\s'"]+)?$`).MatchString(d) {
			return fmt.Errorf("extra_directives: %q is not --flag or --flag=value", d)
		}
	}
	return nil
}

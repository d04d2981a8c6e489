// Package cluster reads cluster profiles: what a site's Slurm, containers and network want of a job.
package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"hpcbench/gen/internal/strict"
)

// Profile is templates/clusters/<name>.yaml. In the file each value carries its source as a comment, and one that nobody
// has found is left blank: nothing is asked of it, and the tables say unknown.
type Profile struct {
	Name                string            `yaml:"name"`
	Description         string            `yaml:"description"`
	Checked             string            `yaml:"checked"` // when the values were last held against their sources: 2026-11-23
	Sources             []string          `yaml:"sources"` // addresses of pages and files
	Mode                string            `yaml:"mode"`    // "" or "local": the profile of this machine without Slurm
	Shell               string            `yaml:"shell"`   // first line of job scripts after #!, such as "/bin/bash -l"
	Partitions          []string          `yaml:"partitions"`
	QOS                 []string          `yaml:"qos"`
	AccountRequired     bool              `yaml:"account_required"`
	QOSRequired         bool              `yaml:"qos_required"`
	GPURequest          string            `yaml:"gpu_request"`   // how GPUs are asked for: gres, gpus-per-node, gpus-per-task, none
	GPUsPerNode         int               `yaml:"gpus_per_node"` // 0: not known
	GPUModel            string            `yaml:"gpu_model"`
	CPUsPerNode         int               `yaml:"cpus_per_node"`         // as --cpus-per-task counts them; 0: not known
	CPUsPerGPU          int               `yaml:"cpus_per_gpu"`          // a job must ask for this many with each GPU; 0: no such rule
	Memory              bool              `yaml:"memory"`                // a memory directive is allowed
	WholeNodes          bool              `yaml:"whole_nodes"`           // nodes are never shared: --exclusive is implied
	WholeNodePartitions []string          `yaml:"whole_node_partitions"` // the same, of these partitions alone
	ExtraDirectives     []string          `yaml:"extra_directives"`      // such as "--hint=nomultithread"
	Architecture        string            `yaml:"architecture"`          // amd64, arm64; "" in local mode: this machine's
	Runtime             string            `yaml:"runtime"`               // apptainer, singularity; "": not known, apptainer is tried
	GPUFlag             string            `yaml:"gpu_flag"`              // --nv, --rocm
	Modules             []string          `yaml:"modules"`               // loaded before the runtime is used
	Interfaces          string            `yaml:"interfaces"`            // regular expression that matches a fabric interface's whole name; "": not known
	InternetLogin       *bool             `yaml:"internet_login"`        // nil: not known
	InternetCompute     *bool             `yaml:"internet_compute"`
	PrefetchCompute     bool              `yaml:"prefetch_on_compute"` // images are pulled in a job: login nodes have no runtime or no internet
	PrefetchPartition   string            `yaml:"prefetch_partition"`  // of that job; "" for the recipe's
	PrefetchQOS         string            `yaml:"prefetch_qos"`        // of that job; "" for the recipe's
	SmokePartition      string            `yaml:"smoke_partition"`     // the site's queue for tests, of submit.sh --smoke; "" for the recipe's
	SmokeQOS            string            `yaml:"smoke_qos"`           // the same: a qos; "" for the recipe's
	SmokeReservation    string            `yaml:"smoke_reservation"`   // the same: a reservation that anybody may use; "" for the recipe's
	SmokeTimeS          float64           `yaml:"smoke_time_s"`        // a job's longest there, seconds; 0: not known
	ClientPartition     string            `yaml:"client_partition"`    // of CPU nodes, where clients.placement: het puts clients; "": not known
	SSHHost             string            `yaml:"ssh_host"`
	SSHPort             int               `yaml:"ssh_port"`
	SSHDir              string            `yaml:"ssh_dir"`       // where job directories go there, from the home directory if it does not begin with /; "": not known
	BillUnit            string            `yaml:"bill_unit"`     // node-hours, gpu-hours, core-hours; "": not known, nodes are counted
	BillPerNode         float64           `yaml:"bill_per_node"` // units that an hour of a whole node costs; 0: its GPUs or CPUs
	MaxTimeS            float64           `yaml:"max_time_s"`    // of a job, seconds, in the most patient partition or qos; 0: not known
	MPI                 string            `yaml:"mpi"`           // value of srun --mpi, "" for none given
	Env                 map[string]string `yaml:"env"`           // variables of the job's environment
	ServerEnv           map[string]string `yaml:"server_env"`    // variables of the servers, inside their containers; @TMP@ and the like are replaced
}

// UsualInterfaces are Slingshot and InfiniBand by their usual names.
const UsualInterfaces = `hsn[0-9]+|ib[0-9]+`

// Fabric is the expression by which nodes find their address.
func (p *Profile) Fabric() string { return cmp.Or(p.Interfaces, UsualInterfaces) }

// Container is the runtime to call.
func (p *Profile) Container() string { return cmp.Or(p.Runtime, "apptainer") }

// Bill is what an hour of a whole node costs, and in which unit.
func (p *Profile) Bill() (each float64, unit string) {
	unit = cmp.Or(p.BillUnit, "node-hours")
	switch {
	case p.BillPerNode > 0:
		return p.BillPerNode, unit
	case unit == "gpu-hours":
		return float64(p.GPUsPerNode), unit
	case unit == "core-hours":
		return float64(p.CPUsPerNode), unit
	}
	return 1, unit
}

// Whole tells whether a job of a partition has its nodes to itself without asking for it.
func (p *Profile) Whole(partition string) bool {
	return p.WholeNodes || slices.Contains(p.WholeNodePartitions, partition)
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
		{"runtime", p.Runtime, []string{"", "apptainer", "singularity"}},
		{"gpu_flag", p.GPUFlag, []string{"", "--nv", "--rocm"}},
		{"bill_unit", p.BillUnit, []string{"", "node-hours", "gpu-hours", "core-hours"}},
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
		if !directive.MatchString(d) {
			return fmt.Errorf("extra_directives: %q is not --flag or --flag=value", d)
		}
	}
	if err := p.checkNames(); err != nil {
		return err
	}
	if err := p.checkNumbers(); err != nil {
		return err
	}
	if err := p.checkEnv(); err != nil {
		return err
	}
	return p.checkSources()
}

var (
	directive = regexp.MustCompile(`^--[a-z][a-z-]*(=[^\s'"]+)?$`)
	plain     = regexp.MustCompile(`^[A-Za-z0-9_./@+-]*$`)
	variable  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// checkNames: a partition or qos of the profile is one that it lists, where it lists any, and stands in a directive.
func (p *Profile) checkNames() error {
	for _, name := range p.WholeNodePartitions {
		if !slices.Contains(p.Partitions, name) {
			return fmt.Errorf("whole_node_partitions: %q is not one of partitions", name)
		}
	}
	for _, c := range []struct {
		key, value, list string
		known            []string
	}{
		{"smoke_partition", p.SmokePartition, "partitions", p.Partitions},
		{"smoke_qos", p.SmokeQOS, "qos", p.QOS},
		{"smoke_reservation", p.SmokeReservation, "", nil},
		{"client_partition", p.ClientPartition, "", nil}, // partitions may be those with GPUs alone
		{"ssh_dir", p.SSHDir, "", nil},
	} {
		if len(c.known) > 0 && c.value != "" && !slices.Contains(c.known, c.value) {
			return fmt.Errorf("%s is %q, which is not one of %s", c.key, c.value, c.list)
		}
		if !plain.MatchString(c.value) {
			return fmt.Errorf("%s is %q, and can have no blanks, quotes or the like in it", c.key, c.value)
		}
	}
	return nil
}

// checkNumbers: none is negative, and the unit of the bill is one that can be counted.
func (p *Profile) checkNumbers() error {
	for _, c := range []struct {
		key   string
		value float64
	}{
		{"gpus_per_node", float64(p.GPUsPerNode)}, {"cpus_per_node", float64(p.CPUsPerNode)}, {"cpus_per_gpu", float64(p.CPUsPerGPU)},
		{"ssh_port", float64(p.SSHPort)}, {"bill_per_node", p.BillPerNode}, {"max_time_s", p.MaxTimeS},
		{"smoke_time_s", p.SmokeTimeS},
	} {
		if c.value < 0 {
			return fmt.Errorf("%s is %g, and can't be less than 0", c.key, c.value)
		}
	}
	if p.CPUsPerGPU > 0 && p.CPUsPerNode > 0 && p.CPUsPerGPU*p.GPUsPerNode > p.CPUsPerNode {
		return fmt.Errorf("cpus_per_gpu is %d, and a node's %d GPUs leave at most %d to each", p.CPUsPerGPU, p.GPUsPerNode, p.CPUsPerNode/p.GPUsPerNode)
	}
	if each, unit := p.Bill(); each == 0 {
		return fmt.Errorf("bill_unit is %s, and a node's are not known: give gpus_per_node, cpus_per_node or bill_per_node", unit)
	}
	return nil
}

// checkEnv: values stand in one line, and are written as they are.
func (p *Profile) checkEnv() error {
	for key, env := range map[string]map[string]string{"env": p.Env, "server_env": p.ServerEnv} {
		for _, name := range slices.Sorted(maps.Keys(env)) {
			if !variable.MatchString(name) {
				return fmt.Errorf("%s: %q can't be the name of a variable", key, name)
			}
			if strings.ContainsAny(env[name], "\n\r\x00") {
				return fmt.Errorf("%s: %s has a line break or NUL in it", key, name)
			}
		}
	}
	return nil
}

// checkSources: a fact without a date, or a date without a source, can't be checked again.
func (p *Profile) checkSources() error {
	if (p.Checked == "") != (len(p.Sources) == 0) {
		return errors.New("checked and sources go together: when was it looked up, and where")
	}
	if p.Checked == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, p.Checked); err != nil {
		return fmt.Errorf("checked is %q, and must be a date such as 2026-11-23", p.Checked)
	}
	for _, source := range p.Sources {
		if !strings.HasPrefix(source, "https://") || strings.ContainsAny(source, " \t\n") {
			return fmt.Errorf("sources: %q is not an address https://…", source)
		}
	}
	return nil
}

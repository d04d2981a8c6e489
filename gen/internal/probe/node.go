package probe

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hardware are the keys of what a node has.
func (a Answers) hardware() []line {
	node := pairs(a.one("node.slurm"))
	gpus, kind := gres(node["Gres"])
	lines := []line{a.gpuRequest(gpus), {"gpus_per_node", count(gpus), "scontrol show node: Gres=" + node["Gres"]}, a.gpuModel(kind)}
	cpus, source := node["CPUEfctv"], "scontrol show node: CPUEfctv"
	if cpus == "" {
		cpus, source = node["CPUTot"], "scontrol show node: CPUTot"
	}
	if _, err := strconv.Atoi(cpus); err != nil {
		cpus = ""
	}
	lines = append(lines,
		line{"cpus_per_node", cpus, source + "; ThreadsPerCore=" + node["ThreadsPerCore"]},
		line{"cpus_per_gpu", "", "no command tells of a site's rule"},
		line{"memory", "true", fmt.Sprintf("SelectTypeParameters=%s; a node has %s MB", a.config("SelectTypeParameters"), or(node["RealMemory"], "unknown"))},
		line{"extra_directives", "[]", "no command tells what a site's jobs have besides"},
	)
	return append(lines, a.architecture())
}

// gpuRequest: the job of the probe asked for one by --gres, if its partition has any.
func (a Answers) gpuRequest(gpus int) line {
	switch {
	case a.one("node.job_gpus") != "":
		return line{"gpu_request", "gres", "a job with --gres=gpu:1 was given one"}
	case gpus > 0:
		return line{"gpu_request", "gres", "a guess: nodes have a GRES of this name, and the probe's job asked for none"}
	}
	return line{"gpu_request", "none", "scontrol show node: no GPU in Gres"}
}

// gpuModel is what the driver calls the GPUs; else the type of the GRES.
func (a Answers) gpuModel(kind string) line {
	for _, found := range a.all("node.gpu") {
		if from, model, ok := strings.Cut(found, ": "); ok {
			return line{"gpu_model", strconv.Quote(oneLine(model)), from + " on the node"}
		}
	}
	if kind != "" {
		return line{"gpu_model", scalar(kind), "the type of the GRES"}
	}
	return line{"gpu_model", "", "no driver on the node, and no type in the GRES"}
}

func (a Answers) architecture() line {
	ours := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}
	machine := a.one("node.architecture")
	if known, ok := ours[machine]; ok {
		return line{"architecture", known, "uname -m on a compute node: " + machine}
	}
	return line{"architecture", "amd64", fmt.Sprintf("a guess: uname -m said %q", machine)}
}

// containers are the keys of how images run.
func (a Answers) containers() []line {
	return append(a.runtime(), a.gpuFlag())
}

// runtime is one on PATH, else one that a module brings.
func (a Answers) runtime() []line {
	for _, found := range a.all("node.runtime") {
		name, version, _ := strings.Cut(found, " ")
		if name != "apptainer" && name != "singularity" {
			continue
		}
		return []line{{"runtime", name, "on PATH of a compute node: " + version}, {"modules", "[]", "none is needed for it"}}
	}
	avail := a.all("node.runtime_module")
	if len(avail) == 0 {
		return []line{{"runtime", "", "neither apptainer nor singularity is on PATH of a compute node"}, {"modules", "", a.hidden()}}
	}
	best := avail[len(avail)-1]
	name := "apptainer"
	if strings.Contains(strings.ToLower(best), "singularity") {
		name = "singularity"
	}
	return []line{
		{"runtime", name, "by the module's name"},
		{"modules", list([]string{best}), "module avail on a compute node: " + strings.Join(avail, ", ")},
	}
}

// hidden tells of modules that others must be loaded for.
func (a Answers) hidden() string {
	if found := a.all("node.runtime_module_hidden"); len(found) > 0 {
		return "module spider knows " + strings.Join(found, ", ") + ": ask it what is to be loaded before"
	}
	return "and no module has such a name"
}

func (a Answers) gpuFlag() line {
	found := a.all("node.gpu")
	switch {
	case len(found) == 0:
		return line{"gpu_flag", `""`, "no driver of GPUs on the node"}
	case strings.Contains(strings.Join(found, " "), "AMD"):
		return line{"gpu_flag", "--rocm", "/dev/kfd on the node"}
	}
	return line{"gpu_flag", "--nv", "NVIDIA's driver on the node"}
}

var fabric = regexp.MustCompile(`^(hsn|ib)[0-9]+$`)

// network are the keys of interfaces and internet, and of where images are fetched.
func (a Answers) network() []line {
	kinds, seen := []string{}, a.all("node.interface")
	for _, found := range seen {
		name, _, _ := strings.Cut(found, " ")
		if m := fabric.FindStringSubmatch(name); m != nil && !slices.Contains(kinds, m[1]+"[0-9]+") {
			kinds = append(kinds, m[1]+"[0-9]+")
		}
	}
	source := "the node has " + or(strings.Join(seen, ", "), "no address that was seen")
	lines := []line{{"interfaces", strings.Join(kinds, "|"), source}}
	login, compute := a.reached("login"), a.reached("node")
	lines = append(lines, a.internet("internet_login", "login", login), a.internet("internet_compute", "node", compute))
	onlyThere := compute != nil && *compute && (login != nil && !*login || len(a.all("login.runtime"))+len(a.all("login.runtime_module")) == 0)
	return append(lines, line{"prefetch_on_compute", fmt.Sprint(onlyThere), "whether images can be pulled on compute nodes alone: runtime and internet of either"})
}

func (a Answers) internet(key, side string, reached *bool) line {
	if reached == nil {
		return line{key, "", "not asked"}
	}
	source := "connections tried: " + strings.Join(a.all(side+".internet"), ", ")
	if a.one(side+".proxy") != "" {
		source += "; a proxy is set"
	}
	return line{key, fmt.Sprint(*reached), source}
}

// rest are the keys of the way in and of the bill.
func (a Answers) rest() []line {
	longest, source := 0.0, "no partition with GPUs has a limit"
	weights := ""
	for _, p := range a.partitions() {
		if p.gpus > 0 && p.maxS > longest {
			longest, source = p.maxS, "scontrol show partition: MaxTime of "+p.name
		}
		if p.weights != "" && p.name == a.one("node.partition") {
			weights = "TRESBillingWeights=" + p.weights
		}
	}
	limit := ""
	if longest > 0 {
		limit = number(longest)
	}
	return []line{
		{"ssh_host", "", "the login node calls itself " + or(a.one("login.host"), "nothing")},
		{"ssh_port", a.sshPort(), "SSH_CONNECTION of the shell on the login node"},
		{"ssh_dir", "", ""},
		{"bill_unit", "", or(weights, "no TRESBillingWeights")},
		{"max_time_s", limit, source},
		{"mpi", `""`, "MpiDefault=" + or(a.config("MpiDefault"), "none") + "; our servers need none"},
	}
}

// sshPort is blank where it is the usual one.
func (a Answers) sshPort() string {
	if port, err := strconv.Atoi(a.one("login.ssh_port")); err == nil && port != 22 && port > 0 {
		return strconv.Itoa(port)
	}
	return ""
}

package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/recipe"
)

// most is the most that one node of a job needs of everything. Every node of the allocation gets it; of a job of two
// components, every node of the servers' one.
func (m *maker) most(j *Job) recipe.Resources {
	var all recipe.Resources
	for _, d := range j.deployments {
		r := d.recipe.Resources
		if j.Beside > 0 {
			r.Servers.GPUs += r.Clients.GPUs
			r.Servers.CPUsPerTask += r.Clients.CPUsPerTask
			r.Servers.MemGB += r.Clients.MemGB
			r.Clients = recipe.Resources{}
		}
		all = larger(all, r.Servers)
		if !j.Het {
			all = larger(larger(all, r.Clients), r.Monitors)
		}
	}
	return all
}

// larger is the most of two of everything.
func larger(a, b recipe.Resources) recipe.Resources {
	return recipe.Resources{GPUs: max(a.GPUs, b.GPUs), CPUsPerTask: max(a.CPUsPerTask, b.CPUsPerTask), MemGB: max(a.MemGB, b.MemGB)}
}

// countIdle counts the GPUs that each deployment leaves idle of nodes that have the most that any deployment of the job needs.
func (j *Job) countIdle() {
	for _, d := range j.deployments {
		if d.GPUs > 0 {
			d.IdleGPUs = j.gpus()*j.Servers - d.GPUs
		}
	}
}

// ask fills what a job asks of Slurm: nodes, time, and what it costs.
func (m *maker) ask(p *Plan, j *Job) {
	j.countIdle()
	m.time(j)
	m.bill(j)
	need := m.most(j)
	for _, d := range j.deployments {
		d.Step = m.serverStep(d, need.GPUs)
	}
	j.Smoke = m.smoke(j)
	if m.local {
		return
	}
	j.Directives, j.ServerPart = m.directives(p, j, need)
	for _, d := range slices.Concat(j.Directives, j.ServerPart) {
		if strings.ContainsAny(d.Flag+d.Value, " \t\r\n'\"\\\x00") {
			m.bad(d.Flag, fmt.Errorf("%q can't stand in an #SBATCH line, for sbatch knows no quotes", d.Value))
		}
	}
	m.warnIdleGPUs(j, need)
	m.warnManyCPUs(need)
	m.hintFewCPUs(j, need)
}

// directives are the #SBATCH lines of a job: first what a component asks for, then what is said once for all. A job of two
// components has the monitor and the clients in the first, where its script runs.
func (m *maker) directives(p *Plan, j *Job, need recipe.Resources) (all, servers []Directive) {
	r := j.recipe
	once := filled([]Directive{{"signal", signal(j.SignalS)}, {"no-requeue", ""}, {"open-mode", "append"}, {"export", "NONE"}})
	for _, d := range slices.Concat(m.cl.ExtraDirectives, r.Job.Directives) {
		flag, value, _ := strings.Cut(strings.TrimPrefix(d, "--"), "=")
		once = append(once, Directive{flag, value})
	}
	head := []Directive{{"job-name", p.Slug}}
	if !j.Het {
		return slices.Concat(head, m.component(j, r.Partition, j.Total, need, j.Seats.named()), once), nil
	}
	clients := larger(r.Resources.Clients, r.Resources.Monitors)
	front := cmp.Or(r.Orchestration.ClientPartition, m.cl.ClientPartition, r.Partition)
	return slices.Concat(head, m.component(j, front, j.Total-j.Servers, clients, nil), once), m.component(j, r.Partition, j.Servers, need, nil)
}

// signal asks Slurm for USR1 to the job script alone, so many seconds before the limit.
func signal(leadS int) string { return fmt.Sprintf("B:USR1@%d", leadS) }

// component is what n nodes of a partition ask for.
func (m *maker) component(j *Job, partition string, n int, need recipe.Resources, names []string) []Directive {
	r := j.recipe
	cpus := max(need.CPUsPerTask, m.ruledCPUs(need))
	whole := r.Job.Exclusive || m.cl.Whole(partition)
	all := filled([]Directive{
		{"partition", partition}, {"account", r.Account}, {"qos", r.QOS}, {"reservation", r.Job.Reservation},
		{"nodes", strconv.Itoa(n)}, {"nodelist", strings.Join(names, ",")}, {"ntasks-per-node", "1"}, {"cpus-per-task", positive(cpus)},
	})
	all = append(all, m.gpus(need.GPUs)...)
	all = append(all, filled([]Directive{{"mem", m.memory(whole, need.MemGB)}})...)
	if r.Job.Exclusive {
		all = append(all, Directive{Flag: "exclusive"})
	}
	return append(all, Directive{"time", Clock(j.LimitS)})
}

// flags are the options that stand alone.
var flags = []string{"no-requeue", "exclusive"}

// filled leaves out the directives that have no value and need one.
func filled(all []Directive) []Directive {
	return slices.DeleteFunc(all, func(d Directive) bool { return d.Value == "" && !slices.Contains(flags, d.Flag) })
}

// positive is a number as text, "" for none.
func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// gpus is the request for n GPUs a node in the profile's spelling.
func (m *maker) gpus(n int) []Directive {
	switch {
	case n == 0 || m.cl.GPURequest == "none":
		return nil
	case m.cl.GPURequest == "gres":
		return []Directive{{"gres", fmt.Sprintf("gpu:%d", n)}}
	}
	return []Directive{{m.cl.GPURequest, strconv.Itoa(n)}}
}

// memory: --exclusive gives a node's CPUs and GPUs and only the memory that was asked for, and 0 asks for all of it.
func (m *maker) memory(whole bool, gb int) string {
	switch {
	case !m.cl.Memory:
		return ""
	case whole:
		return "0"
	case gb > 0:
		return fmt.Sprintf("%dG", gb)
	}
	return ""
}

// serverStep are the srun options of a server's step: each repeats what it needs, for a step gets no GPU that the job did
// not name, and srun forgot --cpus-per-task between Slurm 22.05 and 23.11. Servers that share a node get equal shares of it,
// and --exact, without which the first step would take all.
func (m *maker) serverStep(d *Deployment, jobGPUs int) []string {
	var step []string
	if m.local || len(d.External) > 0 {
		return nil
	}
	r, n := d.recipe.Resources.Servers, max(1, d.Replicas)
	if n > 1 {
		step = append(step, "--exact")
	}
	step = append(step, m.tasks(d)...)
	if r.CPUsPerTask > 0 {
		step = append(step, fmt.Sprintf("--cpus-per-task=%d", max(1, r.CPUsPerTask/max(n, d.Tasks))))
	}
	return append(step, m.gpuStep(r.GPUs/n, jobGPUs)...)
}

// tasks asks for one task on each GPU, none of which is bound to its GPU: a server's ranks talk to each other over all of a
// node's. Of an option that is given twice, as these are (lib/slurm.sh), srun takes the last.
func (m *maker) tasks(d *Deployment) []string {
	if d.Launcher != "tasks" {
		return nil
	}
	step := []string{fmt.Sprintf("--ntasks=%d", d.Tasks*d.recipe.Orchestration.Nodes.Servers), fmt.Sprintf("--ntasks-per-node=%d", d.Tasks)}
	switch {
	case m.svc.MPI == "":
		return step
	case strings.HasPrefix(m.cl.MPI, m.svc.MPI): // pmix_v4, say
		return append(step, "--mpi="+m.cl.MPI)
	}
	return append(step, "--mpi="+m.svc.MPI)
}

// gpuStep asks for n GPUs; a step that needs none of the job's says so, or it would hold them.
func (m *maker) gpuStep(n, jobGPUs int) []string {
	if n == 0 && len(m.gpus(jobGPUs)) > 0 {
		return []string{"--gres=none"}
	}
	var step []string
	for _, d := range m.gpus(n) {
		step = append(step, "--"+d.Flag+"="+d.Value)
	}
	return step
}

func (m *maker) warnIdleGPUs(j *Job, need recipe.Resources) {
	r := j.recipe.Resources
	idle := 0
	if j.Het {
		return
	}
	for _, role := range []struct{ nodes, gpus int }{{j.Clients, r.Clients.GPUs}, {j.Monitors, r.Monitors.GPUs}} {
		if role.gpus == 0 {
			idle += role.nodes
		}
	}
	if need.GPUs > 0 && idle > 0 {
		m.found.Warnf(m.place("resources.clients.gpus"), "idle-gpus", "orchestration.node_allocation.clients.nodes: 0 puts the client on a server's node",
			"%s without a server %s %s, for all nodes of a job are alike", diag.Several(idle, "node"), verb(idle, "holds", "hold"), diag.Several(need.GPUs, "GPU")+verb(idle, "", " each"))
	}
}

// ruledCPUs are the CPUs that a site wants to be asked for with a node's GPUs.
func (m *maker) ruledCPUs(need recipe.Resources) int { return m.cl.CPUsPerGPU * need.GPUs }

// warnManyCPUs: a job that asks for more than a node has is refused, or waits for ever.
func (m *maker) warnManyCPUs(need recipe.Resources) {
	if m.cl.CPUsPerNode > 0 && need.CPUsPerTask > m.cl.CPUsPerNode {
		m.found.Warnf(m.place("resources.servers.cpus_per_task"), "too-many-cpus", fmt.Sprintf("ask for %d at most", m.cl.CPUsPerNode),
			"the roles of one node ask for %s, and a node of %s has %d", diag.Several(need.CPUsPerTask, "CPU"), m.cl.Name, m.cl.CPUsPerNode)
	}
}

// hintFewCPUs: whole nodes are paid for, and so are the CPUs that a site wants with each GPU; a step with
// --cpus-per-task uses no more.
func (m *maker) hintFewCPUs(j *Job, need recipe.Resources) {
	n, at := j.recipe.Resources.Servers.CPUsPerTask, m.place("resources.servers.cpus_per_task")
	whole, ruled := m.cl.Whole(j.recipe.Partition) || j.recipe.Job.Exclusive, m.ruledCPUs(need)
	switch {
	case whole && n > 0 && n < m.cl.CPUsPerNode/4:
		m.found.Hintf(at, "few-cpus", fmt.Sprintf("write cpus_per_task: %d", m.cl.CPUsPerNode),
			"each server may use %s of the %d that its node has", diag.Several(n, "CPU"), m.cl.CPUsPerNode)
	case ruled > need.CPUsPerTask:
		m.found.Hintf(at, "few-cpus", fmt.Sprintf("write cpus_per_task: %d", ruled), "%s wants %s with each GPU, so the job asks for %d a node; each server may use %d",
			m.cl.Name, diag.Several(m.cl.CPUsPerGPU, "CPU"), ruled, max(n, 1))
	}
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

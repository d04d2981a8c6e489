package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"hpcbench/gen/internal/recipe"
)

// most is the most that one node of a job needs of everything. Every node of the allocation gets it.
func (m *maker) most(j *Job) recipe.Resources {
	var all recipe.Resources
	for _, d := range j.deployments {
		r := d.recipe.Resources
		if j.Clients == 0 { // they share a node
			r.Servers.GPUs += r.Clients.GPUs
			r.Servers.CPUsPerTask += r.Clients.CPUsPerTask
			r.Servers.MemGB += r.Clients.MemGB
			r.Clients = recipe.Resources{}
		}
		for _, n := range []recipe.Resources{r.Servers, r.Clients, r.Monitors} {
			all.GPUs = max(all.GPUs, n.GPUs)
			all.CPUsPerTask = max(all.CPUsPerTask, n.CPUsPerTask)
			all.MemGB = max(all.MemGB, n.MemGB)
		}
	}
	return all
}

// ask fills what a job asks of Slurm: nodes, time, and what it costs.
func (m *maker) ask(p *Plan, j *Job) {
	m.time(j)
	m.bill(j)
	need := m.most(j)
	for _, d := range j.deployments {
		d.Step = m.serverStep(d.recipe.Resources.Servers, need.GPUs)
	}
	if m.local {
		return
	}
	j.Directives = m.directives(p, j, need)
	for _, d := range j.Directives {
		if strings.ContainsAny(d.Flag+d.Value, " \t\r\n'\"\\\x00") {
			m.bad(d.Flag, fmt.Errorf("%q can't stand in an #SBATCH line, for sbatch knows no quotes", d.Value))
		}
	}
	m.warnIdleGPUs(j, need)
	m.warnManyCPUs(need)
	m.hintFewCPUs(j, need)
}

func (m *maker) directives(p *Plan, j *Job, need recipe.Resources) []Directive {
	r := j.recipe
	var all []Directive
	add := func(flag, value string) {
		if value != "" {
			all = append(all, Directive{flag, value})
		}
	}
	add("job-name", p.Slug)
	add("partition", r.Partition)
	add("account", r.Account)
	add("qos", r.QOS)
	add("reservation", r.Job.Reservation)
	add("nodes", strconv.Itoa(j.Total))
	add("ntasks-per-node", "1")
	if cpus := max(need.CPUsPerTask, m.ruledCPUs(need)); cpus > 0 {
		add("cpus-per-task", strconv.Itoa(cpus))
	}
	all = append(all, m.gpus(need.GPUs)...)
	add("mem", m.memory(r, need.MemGB))
	if r.Job.Exclusive {
		all = append(all, Directive{Flag: "exclusive"})
	}
	add("time", Clock(j.LimitS))
	add("signal", fmt.Sprintf("B:USR1@%d", j.SignalS))
	all = append(all, Directive{Flag: "no-requeue"})
	add("open-mode", "append")
	add("export", "NONE")
	for _, d := range m.cl.ExtraDirectives {
		flag, value, _ := strings.Cut(strings.TrimPrefix(d, "--"), "=")
		all = append(all, Directive{flag, value})
	}
	return all
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
func (m *maker) memory(r *recipe.Recipe, gb int) string {
	switch {
	case !m.cl.Memory:
		return ""
	case r.Job.Exclusive || m.cl.Whole(r.Partition):
		return "0"
	case gb > 0:
		return fmt.Sprintf("%dG", gb)
	}
	return ""
}

// serverStep are the srun options of a server's step: each repeats what it needs, for a step gets no GPU that the job did
// not name, and srun forgot --cpus-per-task between Slurm 22.05 and 23.11.
func (m *maker) serverStep(r recipe.Resources, jobGPUs int) []string {
	var step []string
	if m.local {
		return nil
	}
	if r.CPUsPerTask > 0 {
		step = append(step, fmt.Sprintf("--cpus-per-task=%d", r.CPUsPerTask))
	}
	return append(step, m.gpuStep(r.GPUs, jobGPUs)...)
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
	for _, role := range []struct{ nodes, gpus int }{{j.Clients, r.Clients.GPUs}, {j.Monitors, r.Monitors.GPUs}} {
		if role.gpus == 0 {
			idle += role.nodes
		}
	}
	if need.GPUs > 0 && idle > 0 {
		m.found.Warnf(m.place("resources.clients.gpus"), "idle-gpus", "orchestration.node_allocation.clients.nodes: 0 puts the client on a server's node",
			"%s without a server %s %s, for all nodes of a job are alike", count(idle, "node"), verb(idle, "holds", "hold"), count(need.GPUs, "GPU")+verb(idle, "", " each"))
	}
}

// ruledCPUs are the CPUs that a site wants to be asked for with a node's GPUs.
func (m *maker) ruledCPUs(need recipe.Resources) int { return m.cl.CPUsPerGPU * need.GPUs }

// warnManyCPUs: a job that asks for more than a node has is refused, or waits for ever.
func (m *maker) warnManyCPUs(need recipe.Resources) {
	if m.cl.CPUsPerNode > 0 && need.CPUsPerTask > m.cl.CPUsPerNode {
		m.found.Warnf(m.place("resources.servers.cpus_per_task"), "too-many-cpus", fmt.Sprintf("ask for %d at most", m.cl.CPUsPerNode),
			"the roles of one node ask for %s, and a node of %s has %d", count(need.CPUsPerTask, "CPU"), m.cl.Name, m.cl.CPUsPerNode)
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
			"each server may use %s of the %d that its node has", count(n, "CPU"), m.cl.CPUsPerNode)
	case ruled > need.CPUsPerTask:
		m.found.Hintf(at, "few-cpus", fmt.Sprintf("write cpus_per_task: %d", ruled), "%s wants %s with each GPU, so the job asks for %d a node; each server may use %d",
			m.cl.Name, count(m.cl.CPUsPerGPU, "CPU"), ruled, max(n, 1))
	}
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

const (
	overheadS = 60  // seconds of a Slurm job outside of deployments and trials
	slack     = 1.3 // of the time limit over the estimate, when the recipe gives no limit
)

// time estimates a job and sets its limit: the recipe's, or the estimate with slack, in whole minutes.
func (m *maker) time(j *Job) {
	longest := 0
	if !m.local {
		j.EstimateS = overheadS
	}
	for _, d := range j.deployments {
		all, one := d.seconds()
		j.EstimateS += d.StartupS + all
		longest = max(longest, d.StartupS+one)
	}
	j.LimitS = int(j.recipe.Job.TimeLimitS)
	given := j.LimitS > 0
	if !given {
		j.LimitS = int(math.Ceil(float64(j.EstimateS)*slack/60)) * 60
		if m.cl.MaxTimeS > 0 {
			j.LimitS = min(j.LimitS, int(m.cl.MaxTimeS))
		}
	}
	j.SignalS = min(300, j.LimitS/4)
	j.ReserveS = min(60, j.SignalS/2)
	if m.local {
		return
	}
	at := m.place("orchestration.job_config.time_limit")
	switch {
	case longest+j.ReserveS > j.LimitS:
		m.found.Errorf(at, "time-limit", "", "%s: the limit of %s can't hold the server's start and the longest trial, which take about %s",
			j.Script, Clock(j.LimitS), Clock(longest+j.ReserveS))
	case j.EstimateS > j.LimitS:
		m.found.Warnf(at, "time-limit", "submit again for the rest, or raise it", "%s: the plan takes about %s, and the limit is %s: the job will stop in good order before it is done",
			j.Script, Clock(j.EstimateS), Clock(j.LimitS))
	}
}

// Clock writes seconds as Slurm takes a time limit: HH:MM:SS, or D-HH:MM:SS from a day on.
func Clock(s int) string {
	clock := fmt.Sprintf("%02d:%02d:%02d", s/3600%24, s/60%60, s%60)
	if s >= 24*3600 {
		return fmt.Sprintf("%d-%s", s/(24*3600), clock)
	}
	return clock
}

// bill is what a job costs in the profile's unit, by its estimate and at most.
func (m *maker) bill(j *Job) {
	each, _ := m.cl.Bill()
	j.Bill = float64(j.EstimateS*j.Total) * each / 3600
	j.BillMost = float64(j.LimitS*j.Total) * each / 3600
}

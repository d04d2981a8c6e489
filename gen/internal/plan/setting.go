package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"hpcbench/gen/internal/recipe"
)

// setting gathers what the whole bundle shares, from the first point: none of it can be swept.
func (m *maker) setting(p *Plan, r *recipe.Recipe) Setting {
	_, unit := m.cl.Bill()
	s := Setting{
		Cluster: m.cl.Name, Local: m.local, Shell: m.cl.Shell, Interfaces: m.cl.Fabric(), MPI: m.cl.MPI,
		ServerPort: r.Servers.Port, ClientPort: r.Clients.Port, Binds: r.Binds, Modules: r.Modules, Bill: unit,
	}
	if slices.ContainsFunc(p.Deployments, func(d *Deployment) bool { return d.Image != "" }) {
		s.Runtime = m.cl.Container()
		s.Modules = slices.Clone(m.cl.Modules)
		for _, name := range r.Modules {
			if !slices.Contains(s.Modules, name) {
				s.Modules = append(s.Modules, name)
			}
		}
	}
	for _, name := range sorted(r.Secrets) {
		s.Secrets = append(s.Secrets, name+"="+r.Secrets[name])
	}
	for _, name := range sorted(m.cl.Env) {
		s.SiteEnv = append(s.SiteEnv, name+"="+m.cl.Env[name])
	}
	if r.Monitoring.Enabled {
		s.MonitorS = r.Monitoring.IntervalS
	}
	m.health(&s, r.Servers.HealthCheck)
	m.steps(&s, p)
	m.checkPorts(p, &s)
	if m.local {
		s.Interfaces = "lo"
	}
	return s
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// health is the recipe's second stage of readiness, and the service's own where the recipe is silent.
func (m *maker) health(s *Setting, h recipe.HealthCheck) {
	if !h.Enabled {
		return
	}
	s.HealthPath = h.Endpoint
	if s.HealthPath == "" {
		s.HealthPath = m.svc.Health.Path
	}
	s.HealthTimeoutS = int(math.Ceil(h.TimeoutS))
	if h.TimeoutS == 0 {
		s.HealthTimeoutS = int(math.Ceil(max(60, m.svc.Health.TimeoutS)))
	}
	s.HealthIntervalS = int(math.Ceil(max(1, h.IntervalS)))
}

// steps are the srun options of clients and monitors, and where the GPUs' driver is brought into containers. A client
// leaves the GPUs to the servers; a monitor shares them, to read them.
func (m *maker) steps(s *Setting, p *Plan) {
	if m.local {
		return
	}
	shared := math.MaxInt
	for _, j := range p.Jobs {
		shared = min(shared, m.most(j).GPUs)
		for _, d := range j.deployments {
			if d.recipe.Resources.Servers.GPUs > 0 {
				s.GPUFlag = m.cl.GPUFlag
			}
		}
	}
	r := p.Jobs[0].recipe.Resources
	if r.Clients.CPUsPerTask > 0 {
		s.ClientStep = append(s.ClientStep, fmt.Sprintf("--cpus-per-task=%d", r.Clients.CPUsPerTask))
	}
	s.ClientStep = append(s.ClientStep, m.gpuStep(r.Clients.GPUs, shared)...)
	if slices.ContainsFunc(p.Jobs, m.tight) {
		s.ClientStep = append(s.ClientStep, "--overlap")
	}
	s.MonitorStep = append([]string{"--overlap", "--cpus-per-task=1"}, m.gpuStep(shared, shared)...)
	if m.cl.PrefetchCompute {
		s.Prefetch = Prefetch{true, m.prefetchDirectives(p)}
	}
}

func (m *maker) prefetchDirectives(p *Plan) []Directive {
	r := p.Jobs[0].recipe
	partition, qos := cmp.Or(m.cl.PrefetchPartition, r.Partition), cmp.Or(m.cl.PrefetchQOS, r.QOS)
	var all []Directive
	for _, d := range []Directive{
		{"job-name", p.Slug + "-prefetch"}, {"partition", partition}, {"account", r.Account}, {"qos", qos},
		{"nodes", "1"}, {"time", "02:00:00"},
	} {
		if d.Value != "" {
			all = append(all, d)
		}
	}
	return all
}

// checkPorts finds what one machine, with one address, can't do beyond what the recipe's own rules know.
func (m *maker) checkPorts(p *Plan, s *Setting) {
	for _, j := range p.Jobs {
		if j.Clients == 0 && s.ServerPort != 0 && s.ServerPort == s.ClientPort {
			m.bad("clients.port", fmt.Errorf("%d is the server's port too, and the client runs on the same node", s.ClientPort))
		}
		if m.local && j.Total > 10 {
			m.bad("orchestration.total_nodes", fmt.Errorf("%d nodes: this machine plays ten at most", j.Total))
		}
	}
}

// tight tells whether a client and a server on one node may not find cores of their own. Two steps without --overlap do
// (with it, each begins at the job's first core), but where a core has two threads an odd count of CPUs takes one more
// than the job asked for; a whole node has it.
func (m *maker) tight(j *Job) bool {
	if j.Clients > 0 || j.recipe.Job.Exclusive || m.cl.Whole(j.recipe.Partition) {
		return false
	}
	return slices.ContainsFunc(j.deployments, func(d *Deployment) bool {
		r := d.recipe.Resources
		return r.Servers.CPUsPerTask%2+r.Clients.CPUsPerTask%2 > 0
	})
}

package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/recipe"
)

// setting gathers what the whole bundle shares, from the first point: none of it can be swept.
func (m *maker) setting(p *Plan, r *recipe.Recipe) Setting {
	_, unit := m.cl.Bill()
	s := Setting{
		Cluster: m.cl.Name, Local: m.local, Shell: m.cl.Shell, Interfaces: m.cl.Fabric(), MPI: m.cl.MPI,
		ServerPort: r.Servers.Port, ClientPort: r.Clients.Port, Binds: r.Binds, Modules: r.Modules, Bill: unit,
		Login: Login{m.cl.SSHHost, m.cl.SSHPort, m.cl.SSHDir},
	}
	if r.Monitoring.Enabled {
		s.stores(r.Monitoring)
	}
	if slices.ContainsFunc(p.Deployments, func(d *Deployment) bool { return d.Image != "" }) || slices.ContainsFunc(s.Stores, func(k Store) bool { return k.Image != "" }) {
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
	s.Files, s.KeyFile = files(p.Trials), r.Workload.APIKeyFile
	for _, name := range sorted(m.cl.Env) {
		s.SiteEnv = append(s.SiteEnv, name+"="+m.cl.Env[name])
	}
	if r.Monitoring.Enabled {
		s.MonitorS = r.Monitoring.IntervalS
		s.Watch, s.OutputFile = m.watch(r), r.Monitoring.OutputFile
	}
	if r.Logging.Enabled {
		s.Logs = &r.Logging.Logs
	}
	m.health(&s, r.Servers.HealthCheck)
	m.steps(&s, p)
	m.checkPorts(p, &s)
	if m.local {
		s.Interfaces = "lo"
	}
	return s
}

// stores are the Pushgateway and the Prometheus that the recipe asks for. What pushes begins after the first, and the second reads
// what has begun.
func (s *Setting) stores(r recipe.Monitoring) {
	for _, k := range []struct {
		name, argv string
		port       int
		recipe.Store
	}{{"pushgateway", "pushgateway", 9, r.Pushgateway}, {"prometheus", "prometheus", 90, r.Prometheus}} {
		if k.Asked() {
			s.Stores = append(s.Stores, Store{Name: k.name, Argv: cmp.Or(k.Program, k.argv), Port: k.port, Image: k.Image, Remote: k.Remote})
		}
	}
	if r.Prometheus.Asked() {
		s.ScrapeS = r.ScrapeS
	}
}

// watch is what is asked of the servers and of commands on the nodes, and who is told; zero where that is nothing. A Prometheus of
// the job's own reads the nodes too, and its own Pushgateway gets what a further one would.
func (m *maker) watch(recipe *recipe.Recipe) workload.Watch {
	r := recipe.Monitoring
	w := workload.Watch{Schema: workload.Schema, IntervalS: r.IntervalS, Collectors: r.Collectors, Exporter: r.Exporter || r.Prometheus.Asked()}
	if r.Push.URL != "" || r.Pushgateway.Asked() {
		w.Push = &workload.Push{URL: r.Push.URL, IntervalS: r.Push.IntervalS, RetentionS: r.Push.RetentionS, Scenario: recipe.Scenario}
	}
	if page := m.svc.Metrics; page.Path != "" && (r.Reads("server") || slices.ContainsFunc(r.Metrics, func(x workload.Metric) bool { return x.Metric != "" })) {
		w.Server = &workload.MetricsPage{Path: page.Path, PortOffset: page.PortOffset, Map: page.Map}
	}
	for _, x := range m.svc.Metrics.Extra {
		w.Metrics = append(w.Metrics, x.Watched())
	}
	w.Metrics = append(w.Metrics, r.Metrics...)
	if w.Server == nil && len(w.Metrics) == 0 && len(w.Collectors) == 0 && !w.Exporter && w.Push == nil {
		return workload.Watch{}
	}
	return w
}

// files are what the trials read on the client nodes, each once. What is in the bundle is none of them.
func files(trials []*Trial) []string {
	var all []string
	for _, t := range trials {
		for _, name := range []string{t.Workload.Dataset, t.Workload.Trace, t.Workload.Tokenizer, t.Workload.APIKeyFile} {
			if path.IsAbs(name) && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
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
	shared, het := math.MaxInt, false
	for _, j := range p.Jobs {
		shared, het = min(shared, m.most(j).GPUs), het || j.Het
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
	if !het { // else its component has no GPU that it could hold
		s.ClientStep = append(s.ClientStep, m.gpuStep(r.Clients.GPUs, shared)...)
	}
	if slices.ContainsFunc(p.Jobs, m.tight) {
		s.ClientStep = append(s.ClientStep, "--overlap")
	}
	s.MonitorStep, s.MonitorGPUs = []string{"--overlap", "--cpus-per-task=1"}, m.gpuStep(shared, shared)
	if len(s.Stores) > 0 {
		s.StoreStep = append(slices.Clone(s.MonitorStep), m.gpuStep(0, shared)...)
	}
	if len(m.gpus(shared)) > 0 {
		s.GPUs = shared
	}
	if m.cl.PrefetchCompute {
		s.Prefetch = Prefetch{true, m.prefetchDirectives(p)}
	}
}

func (m *maker) prefetchDirectives(p *Plan) []Directive {
	r := p.Jobs[0].recipe
	partition, qos := cmp.Or(m.cl.PrefetchPartition, r.Partition), cmp.Or(m.cl.PrefetchQOS, r.QOS)
	return filled([]Directive{
		{"job-name", p.Slug + "-prefetch"}, {"partition", partition}, {"account", r.Account}, {"qos", qos},
		{"nodes", "1"}, {"time", "02:00:00"},
	})
}

// checkPorts finds what nodes with one address each can't do beyond what the recipe's own rules know.
func (m *maker) checkPorts(p *Plan, s *Setting) {
	replicas := 1
	for _, d := range p.Deployments {
		replicas = max(replicas, d.Replicas)
	}
	if replicas > 10 {
		m.bad(nodesOf+"servers.replicas_per_node", fmt.Errorf("%d: a job's block of ports has room for ten servers on a node", replicas))
	}
	if replicas > 9 && s.ScrapeS > 0 {
		m.bad("monitoring.prometheus", fmt.Errorf("the tenth of %d servers on a node has its port in the job's block: start nine at most", replicas))
	}
	if replicas > 1 && s.ServerPort != 0 {
		m.bad("servers.port", fmt.Errorf("%d servers on a node can't share one port: leave it out", replicas))
	}
	for _, j := range p.Jobs {
		if j.Beside > 0 && s.ServerPort != 0 && s.ServerPort == s.ClientPort {
			m.bad("clients.port", fmt.Errorf("%d is the server's port too, and the client runs on the same node", s.ClientPort))
		}
		if m.local && j.Total*replicas > 10 {
			m.bad("orchestration.total_nodes", fmt.Errorf("%d nodes: this machine plays ten at most, with one server each", j.Total))
		}
		if m.local && j.Het {
			m.bad(nodesOf+"clients.placement", fmt.Errorf("het is two kinds of nodes, and this is one machine"))
		}
	}
}

// tight tells whether a client and a server on one node may not find cores of their own. Two steps without --overlap do
// (with it, each begins at the job's first core), but where a core has two threads an odd count of CPUs takes one more
// than the job asked for; a whole node has it.
func (m *maker) tight(j *Job) bool {
	if j.Beside == 0 || j.recipe.Job.Exclusive || m.cl.Whole(j.recipe.Partition) {
		return false
	}
	return slices.ContainsFunc(j.deployments, func(d *Deployment) bool {
		r := d.recipe.Resources
		return r.Servers.CPUsPerTask/max(1, d.Replicas)%2+r.Clients.CPUsPerTask%2 > 0
	})
}

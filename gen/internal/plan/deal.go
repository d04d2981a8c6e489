package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"hpcbench/gen/internal/recipe"
)

// deal puts points that can share a server into one deployment, and deployments that can share an allocation into one
// job, each in the order in which they first appear: no server is started twice.
func (m *maker) deal(points []recipe.Point) []*Job {
	deployments := map[string]*Deployment{}
	jobs := map[string]*Job{}
	var order []*Job
	var before recipe.Recipe
	var key string
	for _, pt := range points {
		if server := serverOf(pt.Recipe); key == "" || !reflect.DeepEqual(server, before) { // neighbours mostly differ in their load
			key, before = text(server), server
		}
		if d := deployments[key]; d != nil {
			d.points = append(d.points, pt)
			continue
		}
		d := &Deployment{recipe: pt.Recipe, points: []recipe.Point{pt}, What: what(pt)}
		deployments[key] = d
		nodes := jobKey(pt.Recipe)
		if jobs[nodes] == nil {
			jobs[nodes] = m.job(pt.Recipe)
			order = append(order, jobs[nodes])
		}
		jobs[nodes].deployments = append(jobs[nodes].deployments, d)
	}
	return order
}

// again gives each job its deployments once more for every restart. Each round runs them in the opposite direction of the
// one before (A B, B A, A B, …), so that a drift that goes one way falls on all of them alike.
func (m *maker) again(jobs []*Job) {
	for _, j := range jobs {
		round, restarts := j.deployments, 1
		for _, d := range round {
			restarts = max(restarts, d.recipe.Restarts)
		}
		for k := 2; k <= restarts; k++ {
			round = slices.Clone(round)
			slices.Reverse(round)
			for i, d := range round {
				c := *d
				c.Restart = k
				round[i] = &c
			}
			j.deployments = append(j.deployments, round...)
		}
		if restarts > 1 {
			for _, d := range j.deployments {
				d.Restart = max(1, d.Restart)
			}
		}
	}
}

// serverOf is equal for two points that one running server can serve.
func serverOf(r *recipe.Recipe) recipe.Recipe {
	c := *r
	w := r.Workload
	c.Repetitions, c.Seed, c.Orchestration = 0, 0, allocation(r.Orchestration)
	c.Orchestration.Replicas = r.Orchestration.Replicas
	c.Metadata, c.Reporting = recipe.Metadata{}, recipe.Reporting{}
	c.Workload = recipe.Workload{Component: w.Component, Service: w.Service, Model: w.Model, Endpoints: w.Endpoints}
	return c
}

// jobKey is equal for two points that one allocation can hold.
func jobKey(r *recipe.Recipe) string {
	return text([]any{r.Partition, r.Account, r.QOS, allocation(r.Orchestration), r.Job})
}

// allocation is what of the orchestration Slurm is asked for.
func allocation(o recipe.Orchestration) recipe.Orchestration {
	o.Replicas, o.Distribution, o.Mapping = 0, "", nil
	return o
}

// text writes a value so that equal values are equal texts: struct fields in their order, keys sorted.
func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a recipe that can't be written as JSON: %v", err)) // numbers and text only: our bug
	}
	return string(out)
}

// job has the node counts of a recipe.
func (m *maker) job(r *recipe.Recipe) *Job {
	n := r.Orchestration.Nodes
	j := &Job{recipe: r, Monitors: n.Monitors, Clients: n.Clients, Servers: n.Servers, Het: r.Orchestration.Placement == "het"}
	if sameNode(r) {
		j.Clients, j.Beside = 0, max(1, n.Clients)
	}
	sum := j.Monitors + j.Clients + j.Servers
	j.Total = max(sum, r.Orchestration.TotalNodes)
	j.Idle = j.Total - sum
	m.seat(j)
	return j
}

// sameNode tells whether clients run beside servers.
func sameNode(r *recipe.Recipe) bool {
	return r.Orchestration.Placement == "same-node" || r.Orchestration.Nodes.Clients == 0
}

// what names the swept values that make a deployment.
func what(pt recipe.Point) string {
	var all []string
	for _, v := range pt.Values {
		if makesServer(v.Path) {
			all = append(all, fmt.Sprintf("%s=%v", cmp.Or(short[v.Path], v.Path[strings.LastIndex(v.Path, ".")+1:]), v.V))
		}
	}
	return strings.Join(all, ", ")
}

// makesServer tells whether a swept value needs a server of its own.
func makesServer(path string) bool {
	if strings.HasPrefix(path, "workload.") {
		return path == "workload.model" || path == "workload.endpoints"
	}
	for _, load := range []string{"metadata.", "reporting.", nodesOf + "clients.clients_per_node", nodesOf + "clients.distribution_strategy", nodesOf + "clients.target_mapping"} {
		if strings.HasPrefix(path, load) {
			return false
		}
	}
	return true
}

// common are the paths whose value the whole bundle shares: see setting.
var common = []string{"servers.health_check", "servers.port", "clients.port", "monitoring", "orchestration.mode", "logging", "scenario", "cluster",
	"workload.service", "resources.clients.cpus_per_task", "resources.clients.gpus", "binds", "modules", "secrets"}

func (m *maker) checkSweeps(points []recipe.Point) {
	for _, v := range points[0].Values {
		if slices.ContainsFunc(common, func(c string) bool { return v.Path == c || strings.HasPrefix(v.Path, c+".") }) {
			m.found.Errorf(m.place(v.Path), "sweep", "compile one recipe for each value", "%s can't be swept: the whole bundle has one value for it", v.Path)
		}
	}
}

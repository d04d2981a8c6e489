package plan

import (
	"encoding/json"
	"fmt"
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
	for _, pt := range points {
		key := serverKey(pt.Recipe)
		if d := deployments[key]; d != nil {
			d.points = append(d.points, pt)
			continue
		}
		d := &Deployment{recipe: pt.Recipe, points: []recipe.Point{pt}, What: what(pt)}
		deployments[key] = d
		key = jobKey(pt.Recipe)
		if jobs[key] == nil {
			jobs[key] = m.job(pt.Recipe)
			order = append(order, jobs[key])
		}
		jobs[key].deployments = append(jobs[key].deployments, d)
	}
	return order
}

// serverKey is equal for two points that one running server can serve.
func serverKey(r *recipe.Recipe) string {
	c := *r
	c.Repetitions, c.Seed, c.Orchestration.ClientsPerNode = 0, 0, 0
	c.Workload = recipe.Workload{Component: r.Workload.Component, Service: r.Workload.Service, Model: r.Workload.Model}
	return text(c)
}

// jobKey is equal for two points that one allocation can hold.
func jobKey(r *recipe.Recipe) string {
	o := r.Orchestration
	o.ClientsPerNode = 0
	return text([]any{r.Partition, r.Account, r.QOS, o, r.Job})
}

// text writes a value so that equal values are equal texts: struct fields in their order, keys sorted.
func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a recipe that can't be written as JSON: %v", err)) // numbers and text only: our bug
	}
	return string(out)
}

// job has the node counts of a recipe. Without a client node the client shares the first server's.
func (m *maker) job(r *recipe.Recipe) *Job {
	n := r.Orchestration.Nodes
	sum := n.Monitors + n.Clients + n.Servers
	j := &Job{recipe: r, Monitors: n.Monitors, Clients: n.Clients, Servers: n.Servers, Total: max(sum, r.Orchestration.TotalNodes)}
	j.Idle = j.Total - sum
	return j
}

// what names the swept values that make a deployment.
func what(pt recipe.Point) string {
	var all []string
	for _, v := range pt.Values {
		if makesServer(v.Path) {
			all = append(all, fmt.Sprintf("%s=%v", v.Path[strings.LastIndex(v.Path, ".")+1:], v.V))
		}
	}
	return strings.Join(all, ", ")
}

// makesServer tells whether a swept value needs a server of its own.
func makesServer(path string) bool {
	return path == "workload.model" || !strings.HasPrefix(path, "workload.") && !strings.HasSuffix(path, "clients_per_node")
}

// common are the paths whose value the whole bundle shares.
var common = []string{"servers.health_check", "servers.port", "clients.port", "monitoring", "orchestration.mode", "scenario", "cluster", "workload.service"}

func (m *maker) checkSweeps(points []recipe.Point) {
	for _, v := range points[0].Values {
		if slices.ContainsFunc(common, func(c string) bool { return v.Path == c || strings.HasPrefix(v.Path, c+".") }) {
			m.found.Errorf(m.place(v.Path), "sweep", "compile one recipe for each value", "%s can't be swept: the whole bundle has one value for it", v.Path)
		}
	}
}

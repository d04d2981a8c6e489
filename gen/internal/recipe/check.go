package recipe

import (
	"fmt"
	"slices"
	"strings"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/service"
)

// Check holds the recipe against its service and its cluster profile, and its fields against each other, at every point
// of the sweep. Either may be nil where it is not known; its rules are left out then. What Load reported is not said
// again, and rules about a value that Load refused are left out.
func (f *File) Check(svc *service.Service, cl *cluster.Profile) diag.List {
	if f.read.bad {
		return nil
	}
	f.service, f.profile, f.written = svc, cl, f.read.clone()
	var l diag.List
	if err := f.learn(); err != nil {
		l.Errorf(f.Pos("workload.service"), "service-schema", "mend its service.yaml", "%v", err)
	}
	l = append(l, f.config()...)
	f.complete()
	if n, ok := f.Count(); !ok {
		l.Errorf(f.swept()[0].pos, "sweep-size", "shorten a list", "the sweep makes %d points or more, at most %d", n, MaxPoints)
		return l.Sorted()
	}
	seen := map[diag.Diagnostic]bool{}
	f.each(func(v *values) {
		c := check{values: v, Recipe: v.recipe(), svc: svc, cl: cl}
		c.rules()
		for _, d := range c.l {
			if !seen[d] {
				seen[d] = true
				l = append(l, d)
			}
		}
	})
	return l.Sorted()
}

// check is one point under the rules.
type check struct {
	*values
	*Recipe
	svc *service.Service
	cl  *cluster.Profile
	l   diag.List
}

// rules are those between fields, each a few lines. They run for every point.
func (c *check) rules() {
	c.nodes()
	c.load()
	c.times()
	if c.svc != nil {
		c.serviceRules()
	}
	if c.Orchestration.Mode == "local" {
		c.model()
		c.local()
		return
	}
	if c.svc != nil {
		c.image()
	}
	if c.cl != nil {
		c.site()
	}
}

// at is the place of the point's value at a path.
func (c *check) at(path string) diag.Pos {
	if n := c.node(path); n != nil && n.pos.Line > 0 {
		return n.pos
	}
	return c.file.Pos(path)
}

// good tells whether the values at all paths are there, written or by default, and were not refused.
func (c *check) good(paths ...string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool {
		n := c.node(p)
		return n == nil || n.bad || n.kind == null
	})
}

// plural is a number with its word.
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// written tells whether the recipe itself has a value at a path.
func (c *check) written(path string) bool {
	return c.file.written.at(strings.Split(path, ".")...) != nil
}

const nodesOf = "orchestration.node_allocation."

// nodes: the roles must fit into the allocation, and should fill it.
func (c *check) nodes() {
	roles := []string{nodesOf + "servers.nodes", nodesOf + "clients.nodes", nodesOf + "monitors.nodes"}
	if !c.good(append(roles, "orchestration.total_nodes")...) {
		return
	}
	n, total := c.Orchestration.Nodes, c.Orchestration.TotalNodes
	sum := n.Servers + n.Clients + n.Monitors
	words := fmt.Sprintf("%s + %s + %s = %s", plural(n.Servers, "server"), plural(n.Clients, "client"), plural(n.Monitors, "monitor"), plural(sum, "node"))
	if sum > total {
		c.l.Errorf(c.at("orchestration.total_nodes"), "node-sum", fmt.Sprintf("write total_nodes: %d, or ask for fewer", sum), "%s, and total_nodes is %d", words, total)
		c.l.Fix(c.write("orchestration.total_nodes", sum))
	} else if sum < total {
		c.l.Warnf(c.at("orchestration.total_nodes"), "node-sum", fmt.Sprintf("write total_nodes: %d", sum), "%s, so %d of %d stay unused and are billed", words, total-sum, total)
		c.l.Fix(c.write("orchestration.total_nodes", sum))
	}
}

// load: which of the values that say how much load there is counts.
func (c *check) load() {
	w := c.Workload
	perNode := c.good("workload.clients_per_node")
	switch {
	case !perNode:
	case c.good("workload.target_rps"):
		c.l.Hintf(c.at("workload.clients_per_node"), "no-effect", "delete it; concurrency would cap what is in flight", "clients_per_node has no effect with target_rps")
		c.l.Fix(c.delete("workload.clients_per_node"))
	case c.good("workload.concurrency"):
		c.l.Hintf(c.at("workload.clients_per_node"), "concurrency-wins", "delete the one that is not meant",
			"clients_per_node has no effect: concurrency on line %d wins over it", c.file.Pos("workload.concurrency").Line)
		c.l.Fix(c.delete("workload.clients_per_node"))
	}
	if w.TargetRPS == 0 && w.RequestDistribution != "constant" && c.good("workload.request_distribution") {
		c.l.Hintf(c.at("workload.request_distribution"), "no-effect", "write target_rps for an open loop", "request_distribution has no effect without target_rps")
	}
	if w.TargetRPS > 0 && w.ThinkTimeS > 0 {
		c.l.Hintf(c.at("workload.think_time"), "no-effect", "delete it", "think_time has no effect with target_rps")
		c.l.Fix(c.delete("workload.think_time"))
	}
	if w.Concurrency > 0 && w.Concurrency < c.Orchestration.Nodes.Clients {
		c.l.Warnf(c.at("workload.concurrency"), "idle-clients", fmt.Sprintf("write at least %d, or fewer client nodes", c.Orchestration.Nodes.Clients),
			"%d in flight over %d client nodes leaves some without work", w.Concurrency, c.Orchestration.Nodes.Clients)
	}
}

// times: a window of no length measures nothing.
func (c *check) times() {
	for _, path := range []string{"workload.duration", "workload.timeout", "servers.health_check.interval", "servers.health_check.timeout"} {
		if c.good(path) && c.seconds(path) == 0 {
			c.l.Errorf(c.at(path), "out-of-range", "write a duration above 0", "%s is 0", path)
		}
	}
	if c.good("monitoring.interval") && c.Monitoring.IntervalS < 0.1 {
		c.l.Errorf(c.at("monitoring.interval"), "out-of-range", "write 100ms or more", "monitoring.interval is %g s, and a reading itself takes milliseconds", c.Monitoring.IntervalS)
	}
}

// local: all nodes are this machine.
func (c *check) local() {
	if c.Servers.Port > 0 && c.Servers.Port == c.Clients.Port {
		c.l.Errorf(c.at("clients.port"), "port-twice", "write another port, or none", "servers.port is %d, too, and local mode is one machine", c.Servers.Port)
	}
	for _, p := range []struct {
		path  string
		port  int
		role  string
		nodes int
	}{
		{"servers.port", c.Servers.Port, "servers", c.Orchestration.Nodes.Servers},
		{"clients.port", c.Clients.Port, "clients", c.Orchestration.Nodes.Clients},
	} {
		if p.port > 0 && p.nodes > 1 {
			c.l.Errorf(c.at(p.path), "port-twice", "delete it: each gets a port of its own", "%d %s can't share port %d on one machine", p.nodes, p.role, p.port)
			c.l.Fix(c.delete(p.path))
		}
	}
	if c.yes(distributed + "enabled") {
		c.l.Errorf(c.at(distributed+"enabled"), "local-distributed", `write "mode: slurm", or false here`, "local mode is one machine: there is nothing to distribute a server over")
		c.l.Fix(c.write(distributed+"enabled", false))
	}
}

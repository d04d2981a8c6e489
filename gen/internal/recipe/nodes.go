package recipe

import (
	"cmp"
	"fmt"

	"hpcbench/gen/internal/diag"
)

const nodesOf = "orchestration.node_allocation."

// orchestration decodes where the roles run. Servers that nobody starts need no nodes, and the load then needs one.
func (v *values) orchestration() Orchestration {
	o := Orchestration{
		Mode:            v.text("orchestration.mode"),
		TotalNodes:      v.whole("orchestration.total_nodes"),
		Nodes:           Roles[int]{v.whole(nodesOf + "servers.nodes"), v.whole(nodesOf + "clients.nodes"), v.whole(nodesOf + "monitors.nodes")},
		Placement:       v.text(nodesOf + "clients.placement"),
		ClientPartition: v.text(nodesOf + "clients.partition"),
		NodeRange:       Roles[string]{v.nodeRange("servers"), v.nodeRange("clients"), v.nodeRange("monitors")},
		Replicas:        max(1, v.whole(nodesOf+"servers.replicas_per_node")),
		Distribution:    v.distribution(),
		Mapping:         v.mapping(),
	}
	switch {
	case v.has("workload.endpoints"):
		o.Nodes.Servers, o.Nodes.Clients = 0, max(1, o.Nodes.Clients)
		if o.Placement != "het" {
			o.Placement = "own-node"
		}
	case o.Placement == "" && o.Nodes.Clients > 0:
		o.Placement = "own-node"
	case o.Placement == "":
		o.Placement = "same-node"
	}
	o.TotalNodes = cmp.Or(o.TotalNodes, sum(o.Own()))
	return o
}

// Own are the nodes of each role that have no other role beside it.
func (o Orchestration) Own() Roles[int] {
	own := o.Nodes
	if o.Placement == "same-node" {
		own.Clients = 0
	}
	return own
}

func (r Roles[T]) each() []T { return []T{r.Servers, r.Clients, r.Monitors} }

func sum(n Roles[int]) int { return n.Servers + n.Clients + n.Monitors }

func (v *values) nodeRange(role string) string {
	n := v.node(nodesOf + role + ".node_range")
	if n == nil || n.kind != scalar {
		return ""
	}
	r, err := parseRange(n.word())
	if err != nil {
		return "" // Load told of it
	}
	return r.text()
}

// distribution is the strategy as written, else static where there is a mapping.
func (v *values) distribution() string {
	written := v.text(nodesOf + "clients.distribution_strategy")
	if v.has(nodesOf+"clients.target_mapping") && written == "" {
		return "static"
	}
	return cmp.Or(written, "round-robin")
}

func (v *values) mapping() []Target {
	n := v.node(nodesOf + "clients.target_mapping")
	if n == nil {
		return nil
	}
	var all []Target
	for _, item := range n.items {
		all = append(all, Target{item.get("client_group").some(), item.get("server_endpoints").some()})
	}
	return all
}

// endpoints is how many servers there are to send to.
func (c *check) endpoints() int {
	switch n := len(c.Workload.Endpoints); {
	case n > 0:
		return n
	case c.yes(distributed + "enabled"):
		return 1
	}
	return c.Orchestration.Nodes.Servers * c.Orchestration.Replicas
}

// placement: the clients need nodes, or servers beside which they run.
func (c *check) placement() {
	o, at, nodes := c.Orchestration, nodesOf+"clients.placement", nodesOf+"clients.nodes"
	if !c.good(at) || c.node(nodes).refused() {
		return
	}
	switch clients := c.whole(nodes); {
	case c.text(at) == "het" && o.Mode == "local":
		c.l.Errorf(c.at(at), "placement", "write own-node or same-node", "het is a job of two kinds of nodes, and local mode is one machine")
	case c.text(at) == "het" && clients == 0:
		c.l.Errorf(c.at(at), "placement", "write, for example, nodes: 1", "het puts the clients on nodes of their own, and clients.nodes is 0 or missing")
	case c.text(at) == "own-node" && clients == 0 && c.written(nodes):
		c.l.Errorf(c.at(nodes), "placement", "write at least 1, or placement: same-node", "own-node puts the clients on nodes of their own, and clients.nodes is 0")
	case c.text(at) == "own-node" && clients == 0 && c.written(at) && len(c.Workload.Endpoints) == 0:
		c.l.Errorf(c.at(at), "placement", "write, for example, nodes: 1", "own-node puts the clients on nodes of their own, and clients.nodes is missing")
	case c.text(at) == "same-node" && len(c.Workload.Endpoints) > 0:
		c.l.Errorf(c.at(at), "placement", "delete it: the clients have nodes of their own", "there is no server's node to be on: workload.endpoints run elsewhere")
	case c.text(at) == "same-node" && clients > o.Nodes.Servers:
		c.l.Errorf(c.at(nodes), "placement", fmt.Sprintf("write at most %d", o.Nodes.Servers), "same-node has %s on %s", diag.Several(clients, "client"), diag.Several(o.Nodes.Servers, "server node"))
		c.l.Fix(c.write(nodes, o.Nodes.Servers))
	}
	if c.good(nodesOf+"clients.partition") && o.Placement != "het" {
		c.l.Hintf(c.at(nodesOf+"clients.partition"), "no-effect", "delete it, or write placement: het", "clients.partition has no effect without placement: het")
		c.l.Fix(c.delete(nodesOf + "clients.partition"))
	}
}

// nodes: the roles must fit into the allocation, and should fill it.
func (c *check) nodes() {
	at := []string{nodesOf + "servers.nodes", nodesOf + "clients.nodes", nodesOf + "monitors.nodes"}
	if c.refusedAny(append(at, "orchestration.total_nodes", nodesOf+"clients.placement", "workload.endpoints")...) {
		return
	}
	own, total := c.Orchestration.Own(), c.Orchestration.TotalNodes
	if !c.good(at[0]) || len(c.Workload.Endpoints) == 0 && c.has("workload.endpoints") {
		return
	}
	if own.Servers == 0 && len(c.Workload.Endpoints) == 0 {
		c.l.Errorf(c.at(at[0]), "no-servers", "write at least 1, or workload.endpoints of servers that run already", "servers.nodes is 0")
		return
	}
	sum := sum(own)
	words := func() string {
		return fmt.Sprintf("%s + %s + %s = %s", diag.Several(own.Servers, "server"), diag.Several(own.Clients, "client"), diag.Several(own.Monitors, "monitor"), diag.Several(sum, "node"))
	}
	switch {
	case !c.good("orchestration.total_nodes"):
	case sum > total:
		for i, n := range own.each() {
			if n > 0 {
				c.l.Errorf(c.at(at[i]), "node-sum", fmt.Sprintf("write total_nodes: %d, or ask for fewer", sum), "%s, and total_nodes is %d", words(), total)
				c.l.Fix(c.write("orchestration.total_nodes", sum))
			}
		}
	case sum < total:
		c.l.Warnf(c.at("orchestration.total_nodes"), "node-sum", fmt.Sprintf("write total_nodes: %d", sum), "%s, so %d of %d stay unused and are billed", words(), total-sum, total)
		c.l.Fix(c.write("orchestration.total_nodes", sum))
	}
	if total > manyNodes {
		c.l.Warnf(c.at("orchestration.total_nodes"), "large-cluster", "is it meant?", "%d nodes in one job", total)
	}
}

// manyNodes is an allocation that few sites give without being asked, and few benchmarks need.
const manyNodes = 256

// refusedAny tells whether an error stands at one of the paths already.
func (c *check) refusedAny(paths ...string) bool {
	for _, p := range paths {
		if c.node(p).refused() {
			return true
		}
	}
	return false
}

// ranges: the roles' nodes by index or by name.
func (c *check) ranges() {
	var before []nodeRange
	var names []string
	o := c.Orchestration
	for i, role := range roles {
		at := nodesOf + role + ".node_range"
		if !c.good(at) {
			continue
		}
		r, err := parseRange(c.node(at).word())
		if err != nil {
			continue
		}
		if n := o.Nodes.each()[i]; r.count() != n && c.good(nodesOf+role+".nodes") {
			c.l.Errorf(c.at(at), "node-range", fmt.Sprintf("write nodes: %d, or delete nodes", r.count()), "%s.node_range names %s, and nodes is %d", role, diag.Several(r.count(), "node"), n)
			c.l.Fix(c.write(nodesOf+role+".nodes", r.count()))
		}
		if role == "clients" && o.Placement == "same-node" {
			c.l.Errorf(c.at(at), "node-range", "delete it", "clients.node_range has nothing to say: with same-node the clients are on the servers' nodes")
		}
		for _, index := range r.indices {
			if index >= o.TotalNodes && c.good("orchestration.total_nodes") {
				c.l.Errorf(c.at(at), "node-range", fmt.Sprintf("indices are 0 to %d", o.TotalNodes-1), "%s.node_range has %d, and total_nodes is %d", role, index, o.TotalNodes)
				break
			}
		}
		for k, other := range before {
			c.apart(at, role, names[k], r, other)
		}
		before, names = append(before, r), append(names, role)
	}
}

// apart: two roles' ranges share no node, and speak of nodes in one way.
func (c *check) apart(at, role, other string, r, s nodeRange) {
	if (len(r.hosts) > 0) != (len(s.hosts) > 0) {
		c.l.Errorf(c.at(at), "node-range", "write indices for all roles, or host names for all", "%s.node_range and %s.node_range are one by index and one by name", role, other)
		return
	}
	if index, both := overlap(r.indices, s.indices); both {
		c.l.Errorf(c.at(at), "node-range", "give each role nodes of its own", "node %d is in %s.node_range, too", index, other)
	} else if host, both := overlap(r.hosts, s.hosts); both {
		c.l.Errorf(c.at(at), "node-range", "give each role nodes of its own", "%s is in %s.node_range, too", host, other)
	}
}

// replicas: servers on one node share out what it has.
func (c *check) replicas() {
	at, n := nodesOf+"servers.replicas_per_node", c.Orchestration.Replicas
	if !c.good(at) || n == 1 {
		return
	}
	gpus := c.Resources.Servers.GPUs
	if gpus%n != 0 && c.good("resources.servers.gpus") {
		c.l.Errorf(c.at(at), "replicas", "write a number that divides them", "%d servers on a node can't share out %s evenly", n, diag.Several(gpus, "GPU"))
	}
	if c.yes(distributed + "enabled") {
		c.l.Errorf(c.at(at), "replicas", "delete one of them", "distributed makes one server of all nodes, and this %d of each", n)
	}
	if c.Servers.Port > 0 {
		c.l.Errorf(c.at("servers.port"), "port-twice", "delete it: each gets a port of its own", "%d servers on a node can't share port %d", n, c.Servers.Port)
		c.l.Fix(c.delete("servers.port"))
	}
}

// routes: which client sends to which endpoint.
func (c *check) routes() {
	at := nodesOf + "clients.target_mapping"
	strategy := nodesOf + "clients.distribution_strategy"
	if c.refusedAny(at, strategy) {
		return
	}
	switch o := c.Orchestration; {
	case !c.has(at) && o.Distribution == "static":
		c.l.Errorf(c.at(strategy), "missing-field", `write, for example, target_mapping: [{client_group: 0, server_endpoints: [0, 1]}]`, "static needs a target_mapping")
		return
	case c.has(at) && o.Distribution != "static":
		c.l.Errorf(c.at(at), "conflict", "write distribution_strategy: static, or delete the mapping", "target_mapping is of static, and distribution_strategy is %s", o.Distribution)
		return
	}
	clients, endpoints := c.Orchestration.Senders(), c.endpoints()
	seen := map[int]bool{}
	for i, t := range c.Orchestration.Mapping {
		pos := c.node(at).items[i].pos
		for _, k := range t.Clients {
			if k >= clients {
				c.l.Errorf(pos, "target-mapping", fmt.Sprintf("client nodes are 0 to %d", clients-1), "there is no client node %d", k)
			} else if seen[k] {
				c.l.Errorf(pos, "target-mapping", "put it into one group", "client node %d is in two groups", k)
			}
			seen[k] = true
		}
		for _, k := range t.Endpoints {
			if k >= endpoints {
				c.l.Errorf(pos, "target-mapping", fmt.Sprintf("endpoints are 0 to %d", endpoints-1), "there is no endpoint %d", k)
			}
		}
	}
	if c.has(at) && len(seen) < clients {
		c.l.Errorf(c.at(at), "target-mapping", "put each into a group", "%d of %d client nodes are in no group", clients-len(seen), clients)
	}
}

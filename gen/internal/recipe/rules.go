package recipe

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"hpcbench/gen/internal/diag"
)

const (
	settings    = "servers.service_config."
	distributed = settings + "distributed."
)

// serviceRules: what the service can't do.
func (c *check) serviceRules() {
	if c.good("workload.dialect") && !slices.Contains(c.svc.Dialects, c.Workload.Dialect) {
		cure := diag.DidYouMean(c.Workload.Dialect, c.svc.Dialects)
		if cure == "" {
			cure = "it speaks " + strings.Join(c.svc.Dialects, ", ")
		}
		c.l.Errorf(c.at("workload.dialect"), "unknown-dialect", cure, "the service %s does not speak %q", c.svc.Name, c.Workload.Dialect)
		c.l.Fix(nearest(c.at("workload.dialect"), c.node("workload.dialect"), c.svc.Dialects))
	}
	if own := c.svc.Health.Path; own != "" && c.good("servers.health_check.endpoint") && c.Servers.HealthCheck.Endpoint != own {
		c.l.Warnf(c.at("servers.health_check.endpoint"), "health-endpoint", fmt.Sprintf("write %s, or delete the line", own),
			"%s tells of its health at %s, not at %s", c.svc.Name, own, clip(c.Servers.HealthCheck.Endpoint))
		c.l.Fix(c.write("servers.health_check.endpoint", own))
	}
	c.model()
	if c.external(); c.svc.External() {
		return
	}
	c.parallel(c.Orchestration.Nodes.Servers)
	c.pinned()
	c.room()
	c.slots()
}

// parallel: the GPUs that the model is split over must be those the servers have.
func (c *check) parallel(servers int) {
	tpPath, ppPath, nodes := settings+"tensor_parallel_size", settings+"pipeline_parallel_size", 1
	if c.yes(distributed + "enabled") {
		nodes = servers
		if c.node(distributed+"tensor_parallel_size") != nil {
			tpPath = distributed + "tensor_parallel_size"
		}
		if c.node(distributed+"pipeline_parallel_size") != nil {
			ppPath = distributed + "pipeline_parallel_size"
		}
	}
	gpus := c.Resources.Servers.GPUs / c.Orchestration.Replicas
	if gpus == 0 || !c.good(tpPath, "resources.servers.gpus") {
		return // without GPUs the split is over processes, and any is right
	}
	tp, pp, dp := c.whole(tpPath), max(c.whole(ppPath), 1), max(c.whole(settings+"data_parallel_size"), 1)
	need, have := tp*pp*dp, nodes*gpus
	copies := ""
	if dp > 1 {
		copies = fmt.Sprintf(" × data %d", dp)
	}
	sums := fmt.Sprintf("tensor %d × pipeline %d%s = %d GPUs, and the server has %s × %d = %d", tp, pp, copies, need, diag.Several(nodes, "node"), gpus, have)
	if n := c.Orchestration.Replicas; n > 1 {
		sums = fmt.Sprintf("tensor %d × pipeline %d%s = %d GPUs, and each of %d servers on a node has %d", tp, pp, copies, need, n, have)
	}
	switch {
	case tp == 0:
	case need > have:
		c.l.Errorf(c.at(tpPath), "parallel-size", fmt.Sprintf("make the product %d, or ask for more GPUs", have), "%s", sums)
		c.l.Fix(c.split(tpPath, have, pp*dp))
	case nodes > 1 && need%nodes != 0:
		c.l.Errorf(c.at(tpPath), "parallel-size", fmt.Sprintf("make the product %d", have), "%s: %d can't be spread evenly over %d nodes", sums, need, nodes)
		c.l.Fix(c.split(tpPath, have, pp*dp))
	case need < have && c.written(tpPath):
		c.l.Warnf(c.at(tpPath), "parallel-size", fmt.Sprintf("make the product %d, or ask for fewer GPUs", have), "%s: %d are billed and idle", sums, have-need)
		c.l.Fix(c.split(tpPath, have, pp*dp))
	}
}

// image: a service in a container needs to know where its image lies.
func (c *check) image() {
	file := c.text("artifacts.service.path")
	switch {
	case file == "" && c.svc.NeedsImage:
		if !c.node("artifacts.service.path").refused() {
			c.l.Errorf(c.file.Pos("artifacts.service.path"), "missing-field", fmt.Sprintf("write, for example, artifacts: {containers_dir: /project/containers, service: {path: %s.sif}}", c.svc.Name),
				"missing field %q: %s runs in a container", "artifacts.service.path", c.svc.Name)
			c.l.Fix(diag.Add("artifacts.service.path", c.svc.Name+".sif").Asked())
		}
	case file != "" && !path.IsAbs(file) && c.text("artifacts.containers_dir") == "" && !c.node("artifacts.containers_dir").refused():
		c.l.Errorf(c.at("artifacts.service.path"), "missing-field", "write containers_dir: DIRECTORY, or an absolute path here",
			"missing field %q: %q is relative to it", "artifacts.containers_dir", clip(file))
		c.l.Fix(diag.Add("artifacts.containers_dir", "/project/containers").Asked())
	}
}

// refused tells whether an error stands at the node already.
func (n *node) refused() bool { return n != nil && n.bad }

// site: what the cluster profile knows to be wrong on that cluster.
func (c *check) site() {
	c.account()
	c.runtime()
	c.known("partition", "partition", c.Partition, c.cl.Partitions)
	c.known(nodesOf+"clients.partition", "partition", c.Orchestration.ClientPartition, c.cl.Partitions)
	c.known("qos", "qos", c.QOS, c.cl.QOS)
	for _, role := range []struct {
		name string
		gpus int
	}{{"servers", c.Resources.Servers.GPUs}, {"clients", c.Resources.Clients.GPUs}, {"monitors", c.Resources.Monitors.GPUs}} {
		at := "resources." + role.name + ".gpus"
		if c.cl.GPUsPerNode > 0 && role.gpus > c.cl.GPUsPerNode {
			c.l.Errorf(c.at(at), "too-many-gpus", fmt.Sprintf("write at most %d, and more nodes", c.cl.GPUsPerNode), "%s is %d, and a node of %s has %d", at, role.gpus, c.cl.Name, c.cl.GPUsPerNode)
			c.l.Fix(c.write(at, c.cl.GPUsPerNode))
		} else if role.gpus > 0 && role.name != "servers" {
			c.l.Warnf(c.at(at), "idle-gpus", "write 0", "%s is %d: only a server uses GPUs", at, role.gpus)
			c.l.Fix(c.write(at, 0))
		}
	}
	if limit := c.Job.TimeLimitS; c.cl.MaxTimeS > 0 && limit > c.cl.MaxTimeS {
		c.l.Errorf(c.at("orchestration.job_config.time_limit"), "time-limit", fmt.Sprintf("write at most %gh", c.cl.MaxTimeS/3600),
			"the time limit is %gh, and %s allows %gh", limit/3600, c.cl.Name, c.cl.MaxTimeS/3600)
		c.l.Fix(c.write("orchestration.job_config.time_limit", fmt.Sprintf("%gh", c.cl.MaxTimeS/3600)))
	}
}

// runtime: a container runtime is the site's to have.
func (c *check) runtime() {
	if name := c.text("artifacts.container"); name != "" && c.cl.Runtime != "" && name != c.cl.Runtime {
		c.l.Warnf(c.at("artifacts.container"), "runtime", "delete it", "%s has %s, and this is %s", c.cl.Name, c.cl.Runtime, name)
		c.l.Fix(c.delete("artifacts.container"))
	}
}

func (c *check) account() {
	if c.cl.AccountRequired && c.Account == "" && !c.node("account").refused() {
		c.l.Errorf(c.file.Pos("account"), "missing-field", `write, for example, "account: p200981"`, "missing field %q: %s wants to know who pays", "account", c.cl.Name)
		c.l.Fix(diag.Add("account", "p200981").Asked())
	}
	if c.cl.QOSRequired && c.QOS == "" && !c.node("qos").refused() {
		c.l.Errorf(c.file.Pos("qos"), "missing-field", "write one of "+strings.Join(c.cl.QOS, ", "), "missing field %q: %s wants one", "qos", c.cl.Name)
		c.l.Fix(usual("qos", c.cl.QOS))
	}
}

// known warns of a name that the profile does not have: profiles age, so it is no error.
func (c *check) known(path, what, name string, known []string) {
	if name == "" || c.node(path).refused() || len(known) == 0 || slices.Contains(known, name) {
		return
	}
	cure := diag.DidYouMean(name, known)
	if cure == "" {
		cure = "there are " + strings.Join(known, ", ")
	}
	c.l.Warnf(c.at(path), "unknown-"+what, cure, "the profile %s knows no %s %q", c.cl.Name, what, name)
	c.l.Fix(nearest(c.at(path), c.node(path), known))
}

package recipe

import (
	"regexp"
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
	sweep := f.sweepRules()
	if l = append(l, sweep...); sweep.Failed() {
		return l.Sorted()
	}
	seen := map[diag.Diagnostic]bool{}
	points := 0
	vary := f.each(func(v *values) {
		points++
		c := check{values: v, Recipe: v.recipe(), svc: svc, cl: cl}
		if c.rules(); points == 1 {
			c.idle()
			c.logs()
			c.carried()
		}
		for _, d := range c.l {
			if !seen[d] {
				seen[d] = true
				l = append(l, d)
			}
		}
	})
	return append(l, f.exclusions(vary, points)...).Sorted()
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
	c.placement()
	c.nodes()
	c.ranges()
	c.replicas()
	c.routes()
	c.load()
	c.times()
	c.stores()
	if c.svc != nil {
		c.addedMetrics(c.svc)
		c.serviceRules()
	}
	if c.Orchestration.Mode == "local" {
		c.local()
		return
	}
	if c.svc != nil && !c.svc.External() {
		c.image()
	}
	c.shared()
	if c.cl != nil {
		c.site()
	}
}

// at is the place of the point's value at a path.
func (c *check) at(path string) diag.Pos {
	if n := c.node(path); n != nil && n.pos.Line > 0 && n.pos.File != schemaFile {
		return n.pos
	}
	return c.file.Pos(path)
}

// keyAt is the place of the key at a path.
func (c *check) keyAt(path string) diag.Pos {
	n := c.base[path]
	for n != nil && n.absent && n.kind == mapping { // a section of this point alone: its first value tells where
		i := slices.IndexFunc(n.fields, func(f field) bool { return c.has(path + "." + f.name) })
		if i < 0 {
			break
		}
		path += "." + n.fields[i].name
		n = c.base[path]
	}
	if n != nil && n.key.Line > 0 && n.key.File != schemaFile {
		return n.key
	}
	return c.at(path)
}

// good tells whether the values at all paths are there, written or by default, and were not refused.
func (c *check) good(paths ...string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool {
		n := c.node(p)
		return n == nil || n.bad || n.kind == null
	})
}

// written tells whether the recipe itself has a value at a path.
func (c *check) written(path string) bool {
	return c.file.written.at(strings.Split(path, ".")...) != nil
}

// brought tells whether a section comes with a point of the sweep alone: of the keys that the recipe's own lacks Load has told.
func (c *check) brought(path string) bool { return c.has(path) && !c.written(path) }

// ownFile are the names that a job's results have anyway, those of trials and of monitors' files among them.
var ownFile = regexp.MustCompile(`^(job\.json|(events|ledger|nodes|blamed)\.tsv|summary\.csv|report\.(txt|html)|control\.token|edited|ballast|logs|executors|exporters|addresses|monitor-.*|\d+)$`)

// times: a window of no length measures nothing, and what is read has a pace and a place of its own.
func (c *check) times() {
	for _, path := range []string{"workload.duration", "workload.timeout", "servers.health_check.interval", "servers.health_check.timeout"} {
		if c.good(path) && c.seconds(path) == 0 {
			c.l.Errorf(c.at(path), "out-of-range", "write a duration above 0", "%s is 0", path)
		}
	}
	if name := c.Monitoring.OutputFile; c.good("monitoring.output_file") && ownFile.MatchString(name) {
		c.l.Errorf(c.at("monitoring.output_file"), "taken", "write a name such as benchmark_metrics.csv", "monitoring.output_file is %s, and a job's results have a file of that name already", name)
	}
	if c.good("monitoring.interval") && c.Monitoring.IntervalS < 0.1 {
		c.l.Errorf(c.at("monitoring.interval"), "out-of-range", "write 100ms or more", "monitoring.interval is %g s, and a reading itself takes milliseconds", c.Monitoring.IntervalS)
	}
	if at := "monitoring.push_interval"; c.good(at) && c.seconds(at) < 1 {
		c.l.Errorf(c.at(at), "out-of-range", "write 1s or more: Prometheus itself looks each 15s", "%s is %g s, and a Pushgateway checks all that it has at each push", at, c.seconds(at))
	}
}

// idle: what is switched off needs no settings.
func (c *check) idle() {
	for _, section := range []string{"servers.health_check", "monitoring", "logging"} {
		on := c.node(section + ".enabled")
		n := c.file.written.at(strings.Split(section, ".")...)
		if on == nil || on.value != false || n == nil {
			continue
		}
		for _, f := range n.fields {
			if f.name != "enabled" {
				c.l.Hintf(f.key, "no-effect", "delete it", "%s.%s has no effect: it is not enabled", section, f.name)
				c.l.Fix(diag.Delete(f.key))
			}
		}
	}
	c.unpushed()
}

// unpushed: without a Pushgateway nothing is pushed, and the job's own ends with the job.
func (c *check) unpushed() {
	const url, own = "monitoring.pushgateway_url", "monitoring.pushgateway"
	if c.node(url).refused() || c.good(url) {
		return
	}
	for _, key := range []string{"push_interval", "retention"} {
		switch at := "monitoring." + key; {
		case !c.written(at) || c.has(own) && key == "push_interval":
		case c.has(own):
			c.l.Hintf(c.keyAt(at), "no-effect", "delete it", "%s has no effect: the job's own Pushgateway ends with it", at)
			c.l.Fix(c.delete(at))
		default:
			c.l.Hintf(c.keyAt(at), "no-effect", "write monitoring.pushgateway_url, or delete it", "%s has no effect without a Pushgateway", at)
			c.l.Fix(c.delete(at))
		}
	}
}

// carried: keys that are checked and kept, and that no part of a job reads yet. Who writes them is told so, once a section.
func (c *check) carried() {
	for section, keys := range map[string][]string{
		"reporting": {"formats", "include", "output_directory"},
	} {
		var all []string
		for _, key := range keys {
			if c.written(section+"."+key) && !c.node(section+"."+key).refused() {
				all = append(all, key)
			}
		}
		if len(all) > 0 {
			c.l.Hintf(c.keyAt(section+"."+all[0]), "carried", "leave it, or delete it: the job runs alike", "%s.%s: kept in recipe.resolved.yaml, and no part of a job reads it yet", section, strings.Join(all, ", "))
		}
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
		{"clients.port", c.Clients.Port, "clients", c.Orchestration.Senders()},
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

// shared: a client beside a server needs a port of its own.
func (c *check) shared() {
	if c.Servers.Port > 0 && c.Servers.Port == c.Clients.Port && c.Orchestration.Placement == "same-node" {
		c.l.Errorf(c.at("clients.port"), "port-twice", "write another port, or none", "servers.port is %d, too, and the client is on the server's node", c.Servers.Port)
		c.l.Fix(c.delete("clients.port"))
	}
}

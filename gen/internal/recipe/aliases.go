package recipe

import (
	"regexp"
	"strings"

	"hpcbench/gen/internal/diag"
)

// aliases are keys of the older toolkit and of its command line, with their places today.
var aliases = []struct{ old, now string }{
	{"server-port", "servers.port"},
	{"client-port", "clients.port"},
	{"timeout", "servers.health_check.timeout"},
	{"monitoring.monitor_interval", "monitoring.interval"},
	{"monitoring.prometheus_push_interval", "monitoring.push_interval"},
	{"artifacts.dataset", "workload.dataset"},
}

// settleNames moves what stands under an older name.
func settleNames(root *node, l *diag.List) {
	for _, a := range aliases {
		n := root.take(a.old)
		if n == nil {
			continue
		}
		if other := root.at(strings.Split(a.now, ".")...); other != nil {
			if !other.equal(n) {
				conflict(l, a.now, n, other)
			}
			continue
		}
		if d := put(root, a.now, n); d.Failed() {
			continue // a section is no section, which validation told of
		}
		if !n.bad && a.old != "artifacts.dataset" {
			l.Hintf(n.key, "moved", "write it there", "%s is taken as %s", a.old, a.now)
			l.Fix(diag.Move(n.key, a.now))
		}
	}
}

// take removes the value at a dotted path, and its section where nothing else is in it.
func (n *node) take(path string) *node {
	section, name := n, path
	if i := strings.LastIndex(path, "."); i >= 0 {
		section, name = n.at(strings.Split(path[:i], ".")...), path[i+1:]
	}
	found := section.get(name)
	if found != nil {
		section.remove(name)
	}
	return found
}

var (
	runtimes    = regexp.MustCompile(`^(apptainer|singularity)$`)
	imageScheme = regexp.MustCompile(`^[a-z]+://`)
)

// settleImage puts artifacts.container to where the image stands, unless it is the name of a runtime.
func settleImage(root *node, l *diag.List) {
	container := root.at("artifacts", "container")
	text, ok := container.str()
	if !ok || container.bad || runtimes.MatchString(text) {
		return
	}
	root.take("artifacts.container")
	place := "artifacts.service.path"
	if imageScheme.MatchString(text) {
		place = "artifacts.service.remote"
	}
	if other := root.at(strings.Split(place, ".")...); other == nil {
		put(root, place, container) // where service is no section, validation told of it
	} else if !other.equal(container) {
		conflict(l, "the image", container, other)
	}
}

// ranges says how many nodes a role has where node_range alone does.
func ranges(root *node) {
	for _, role := range roles {
		section := root.at("orchestration", "node_allocation", role)
		at := section.get("node_range")
		if at == nil || section.get("nodes") != nil {
			continue
		}
		r, err := parseRange(at.word())
		section.set("nodes", &node{kind: scalar, pos: at.pos, key: at.key, value: int64(max(1, r.count())), bad: err != nil || at.kind != scalar})
	}
}

var roles = []string{"servers", "clients", "monitors"}

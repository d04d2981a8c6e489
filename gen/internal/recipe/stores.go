package recipe

import (
	"cmp"
	"path"

	"hpcbench/gen/internal/diag"
)

// Store is a program that keeps metrics while a job runs, and that the job starts itself: the zero one is not asked for.
type Store struct {
	Program string // its path on the nodes, where it runs without a container
	Image   string // its image: containers_dir joined with what the recipe says
	Remote  string // where prefetch pulls the image from
}

// Asked tells whether the job is to start it.
func (s Store) Asked() bool { return s.Program != "" || s.Image != "" }

// The images that prefetch pulls where a recipe names a file alone: the releases of summer 2026. Prometheus's reads native
// histograms by its configuration (from 3.9 on), Debian's 2.53 by a flag.
const (
	PushgatewayImage = "docker://prom/pushgateway:v1.11.4"
	PrometheusImage  = "docker://prom/prometheus:v3.13.1"
)

const storesAt = "monitoring."

var stores = []struct{ name, program, image string }{
	{"pushgateway", "/usr/bin/prometheus-pushgateway", PushgatewayImage},
	{"prometheus", "/usr/bin/prometheus", PrometheusImage},
}

func (v *values) store(name string) Store {
	at := storesAt + name + "."
	s := Store{Program: v.text(at + "program"), Image: v.contained(at + "image"), Remote: v.text(at + "remote")}
	for _, known := range stores {
		if known.name == name && s.Image != "" {
			s.Remote = cmp.Or(s.Remote, known.image)
		}
	}
	return s
}

// stores: each is a program or an image, and never both.
func (c *check) stores() {
	for _, s := range stores {
		at := storesAt + s.name
		if !c.has(at) || c.node(at).refused() || c.node(at+".program").refused() || c.node(at+".image").refused() {
			continue
		}
		program, image := c.text(at+".program"), c.text(at+".image")
		switch {
		case program == "" && image == "":
			c.l.Errorf(c.keyAt(at), "missing-field", "write program: "+s.program+", or image: "+s.name+".sif",
				"%s says neither which program of the nodes it is, nor which image", at)
			c.l.Fix(diag.Add(at+".program", s.program).Asked())
		case program != "" && image != "":
			c.l.Errorf(c.at(at+".image"), "conflict", "delete one of the two", "%s has a program of the nodes and an image", at)
			c.l.Fix(c.delete(at + ".image"))
		case image != "" && !path.IsAbs(image) && c.text("artifacts.containers_dir") == "" && !c.node("artifacts.containers_dir").refused():
			c.l.Errorf(c.at(at+".image"), "missing-field", "write containers_dir: DIRECTORY, or an absolute path here",
				"missing field %q: %q is relative to it", "artifacts.containers_dir", clip(image))
			c.l.Fix(diag.Add("artifacts.containers_dir", "/project/containers").Asked())
		case image == "" && c.written(at+".remote"):
			c.l.Hintf(c.keyAt(at+".remote"), "no-effect", "delete it", "%s.remote has no effect: it runs without an image", at)
			c.l.Fix(c.delete(at + ".remote"))
		}
	}
	if url, own := storesAt+"pushgateway_url", storesAt+"pushgateway"; c.good(url) && c.has(own) {
		c.l.Errorf(c.at(url), "conflict", "delete one of the two", "%s and %s: readings are pushed to one Pushgateway", url, own)
		c.l.Fix(c.delete(url))
	}
	if at := storesAt + "prometheus.interval"; c.good(at) && c.seconds(at) < 1 {
		c.l.Errorf(c.at(at), "out-of-range", "write 1s or more", "%s is %g s: every reading is a request to each node", at, c.seconds(at))
	}
}

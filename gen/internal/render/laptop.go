package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/dashboard"
)

// scrapers are the forms of prometheus.yml: the keys about native histograms have changed twice, and each Prometheus refuses a file
// with a key that it does not know.
var scrapers = map[string]Scraper{
	"prometheus.yml": {"version 3.8 and later", "docker-compose.yml starts it with this file, and so does prometheus.sh.",
		[]string{"scrape_native_histograms: true", "always_scrape_classic_histograms: true"}},
	"prometheus-3.0.yml": {"versions 3.0 to 3.7", "Start it with --enable-feature=native-histograms, or by prometheus.sh, which does.",
		[]string{"always_scrape_classic_histograms: true"}},
	"prometheus-2.yml": {"versions 2.45 to 2.55", "Start it with --enable-feature=native-histograms, or by prometheus.sh, which does.",
		[]string{"scrape_classic_histograms: true"}},
}

// provisioned are files that say the same in every bundle, or nearly.
var provisioned = []string{"docker-compose.yml", "grafana.env", "grafana/provisioning/dashboards/hpcbench.yml", "grafana/provisioning/datasources/prometheus.yml"}

// laptop is what monitoring/ sees.
func laptop(in Input) Laptop {
	p, login := in.Plan, in.Plan.Setting.Login
	scenario, err := json.Marshal(p.Scenario)
	if err != nil {
		panic(err) // a string has a form in JSON
	}
	return Laptop{
		Service: p.Service, Slug: p.Slug, ScenarioJSON: string(scenario), Local: p.Setting.Local,
		SSHHost: login.Host, SSHPort: port(login.Port), SSHDir: login.Dir,
		Dashboards: []string{dashboard.UID(p.Service), dashboard.NodesUID},
	}
}

// laptop adds monitoring/: what shows a run on a person's own machine. Where nothing is watched there is nothing to show.
func (r *renderer) laptop(in Input, v *Bundle) error {
	if v.MonitorInterval == "" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(scrapers)) {
		r.execute("monitoring/prometheus.yml.tmpl", "monitoring/"+name, 0o644, scrapers[name])
	}
	for _, name := range provisioned {
		r.execute("monitoring/"+name+".tmpl", "monitoring/"+name, 0o644, v.Laptop)
	}
	for _, name := range []string{"prometheus.sh", "tunnel.sh", "view.sh"} {
		r.script("monitoring/"+name+".tmpl", "monitoring/"+name, v.Laptop)
	}
	if r.err != nil {
		return r.err
	}
	return r.dashboards(in)
}

// dashboards adds those of the service and of the nodes, and the alert rules.
func (r *renderer) dashboards(in Input) error {
	subject, err := subject(in)
	if err != nil {
		return err
	}
	for _, d := range []struct {
		name string
		dashboard.Dashboard
	}{{subject.Service, dashboard.Service(subject)}, {"nodes-and-gpus", dashboard.Nodes()}} {
		text, err := d.JSON()
		if err != nil {
			return fmt.Errorf("rendering the dashboard %s: %w", d.name, err)
		}
		r.bundle.Add("monitoring/grafana/dashboards/"+d.name+".json", 0o644, text)
	}
	r.bundle.Add("monitoring/alerts.yml", 0o644, dashboard.Rules(subject))
	return nil
}

// subject is the service with what its servers tell of themselves.
func subject(in Input) (dashboard.Subject, error) {
	s := dashboard.Subject{Service: in.Plan.Service}
	if page := in.Plan.Setting.Watch.Server; page != nil {
		sources, err := workload.Sources(page.Map)
		if err != nil {
			return s, fmt.Errorf("reading what %s tells of itself: %w", s.Service, err)
		}
		s.Told = slices.Sorted(maps.Keys(sources))
	}
	return s, nil
}

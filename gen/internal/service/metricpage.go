package service

import (
	_ "embed" // of the page's head
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"hpcbench/agent/metric"
	"hpcbench/agent/workload"
)

//go:embed metricpage.md
var metricHead string

// parts are those of the page's tables, by whose metrics they have.
var parts = []struct {
	source metric.Source
	title  string
	words  string
}{
	{metric.Client, "What a client node sends and hears", "At every client node, of every service. Gauges tell of the trial that runs, or ran last; counters and histograms count for as long as the executor lives, which is mostly as long as the job."},
	{metric.Server, "What servers tell of themselves", "At the first client node while a trial runs, from the last look at each server's own page, with the endpoint as a label. The last column has the services whose pages tell it (docs/services.md)."},
	{metric.Node, "What a node's monitor reads", "At every node. Rates are over the monitor's interval."},
	{metric.Push, "What says how long a group is to stay", "In a Pushgateway alone."},
}

// MetricReference is docs/metrics.md: every metric of the table, and which of the services of fsys have it.
func MetricReference(fsys fs.FS) ([]byte, error) {
	having, err := having(fsys)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(strings.NewReplacer("LATENCY", bounds(metric.LatencyBuckets), "TOKEN", bounds(metric.TokenBuckets)).Replace(metricHead))
	for _, p := range parts {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| name | type | unit | labels beside host | meaning |", p.title, p.words)
		column := map[metric.Source]string{metric.Server: " services |", metric.Node: " column of the CSV |"}[p.source]
		b.WriteString(column + "\n|---|---|---|---|---|" + strings.Repeat("---|", strings.Count(column, "|")) + "\n")
		for _, m := range metric.Table {
			if m.Source == p.source {
				b.WriteString(metricRow(m, having))
			}
		}
	}
	b.WriteString("\n## Labels\n\n| label | what it is | its values |\n|---|---|---|\n")
	for _, l := range metric.Labels {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", l.Name, l.Is, l.Bound)
	}
	b.WriteString("\nWhat a recipe or a service adds (`monitoring.metrics`, `metrics.extra` of a service.yaml) has the name that is written there, and is a gauge at the first client node.\n")
	return []byte(b.String()), nil
}

func metricRow(m metric.Metric, having map[string][]string) string {
	row := fmt.Sprintf("| `%s` | %s | %s | %s | %s |", m.Full("SERVICE"), m.Kind, strings.ReplaceAll(m.Unit, "_", " "), strings.Join(m.Labels, ", "), m.Help)
	switch {
	case m.Source == metric.Server:
		row += fmt.Sprintf(" %s |", strings.Join(having[m.Column], ", "))
	case m.Source == metric.Node && m.Column != "":
		row += fmt.Sprintf(" `%s` |", m.Column)
	case m.Source == metric.Node:
		row += " |"
	}
	return row + "\n"
}

// having are the services whose pages tell a column of server.csv; "": those that have a page.
func having(fsys fs.FS) (map[string][]string, error) {
	names, err := List(fsys)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, name := range names {
		s, err := Load(fsys, name)
		if err != nil {
			return nil, err
		}
		sources, err := workload.Sources(s.Metrics.Map)
		if err != nil {
			return nil, err
		}
		if s.Metrics.Path == "" {
			continue
		}
		found[""] = append(found[""], name)
		for _, m := range metric.Table {
			ours := strings.TrimSuffix(strings.TrimSuffix(m.Column, "_total"), "_ratio") // of a column of server.csv
			if _, told := sources[ours]; told && m.Source == metric.Server && !slices.Contains(found[m.Column], name) {
				found[m.Column] = append(found[m.Column], name)
			}
		}
	}
	return found, nil
}

// bounds are numbers in words.
func bounds(all []float64) string {
	var words []string
	for _, v := range all {
		words = append(words, fmt.Sprint(v))
	}
	return strings.Join(words, ", ")
}

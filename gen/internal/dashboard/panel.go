package dashboard

import (
	"strings"

	"hpcbench/agent/metric"
)

// query is an expression and what its lines are called.
type query struct{ expr, legend string }

// targets are the queries of a panel over time.
func targets(queries []query) []Target {
	var all []Target
	for k, q := range queries {
		all = append(all, Target{RefID: refID(k), Datasource: prometheus, Expr: q.expr, Legend: q.legend, Range: true, Format: "time_series"})
	}
	return all
}

func refID(k int) string { return string(rune('A' + k)) }

// lines is a panel over time, in one of Grafana's units.
func lines(title, help, unit string, queries ...query) Panel {
	return Panel{
		Type: "timeseries", Title: title, Description: help, Datasource: prometheus, Targets: targets(queries),
		Options: map[string]any{
			"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		},
		Fields: &fields{Overrides: none, Defaults: defaults{
			Unit: unit, Color: &color{"palette-classic"}, Min: number(0),
			Custom: map[string]any{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "auto", "spanNulls": false},
		}},
	}
}

// none is an empty list in JSON, which Grafana wants where nothing is overridden.
var none = []struct{}{}

func number(v float64) *float64 { return &v }

// now is a panel of one number as it is: type is stat or gauge.
func now(kind, title, help, unit, expr string) Panel {
	return Panel{
		Type: kind, Title: title, Description: help, Datasource: prometheus,
		Targets: []Target{{RefID: "A", Datasource: prometheus, Expr: expr, Instant: true, Format: "time_series"}},
		Options: map[string]any{"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}},
		Fields:  &fields{Overrides: none, Defaults: defaults{Unit: unit, NoValue: "no job", Color: &color{"thresholds"}, Thresholds: steps("green")}},
	}
}

// steps are colours from below: a colour, then a number from which on the next one holds.
func steps(first string, further ...any) *thresholds {
	t := &thresholds{Mode: "absolute", Steps: []threshold{{nil, first}}}
	for k := 0; k+1 < len(further); k += 2 {
		t.Steps = append(t.Steps, threshold{number(further[k].(float64)), further[k+1].(string)})
	}
	return t
}

// bars is a bar a host and query, as they are now. The label host is what the bars stand over.
func bars(title, help string, queries ...query) Panel {
	p := Panel{
		Type: "barchart", Title: title, Description: help, Datasource: prometheus,
		Options: map[string]any{
			"xField": "host", "orientation": "auto", "stacking": "none", "showValue": "auto", "barWidth": 0.9, "groupWidth": 0.7,
			"legend": map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}}, "tooltip": map[string]any{"mode": "multi", "sort": "none"},
		},
		Fields: &fields{Overrides: none, Defaults: defaults{Unit: "short", Color: &color{"palette-classic"}, Min: number(0)}},
	}
	names := map[string]any{}
	for k, q := range queries {
		p.Targets = append(p.Targets, Target{RefID: refID(k), Datasource: prometheus, Expr: q.expr, Instant: true, Format: "table"})
		names["Value #"+refID(k)] = q.legend
	}
	p.Transformations = []transform{
		{"merge", map[string]any{}},
		{"organize", map[string]any{"excludeByName": map[string]any{"Time": true}, "indexByName": map[string]any{}, "renameByName": names}},
	}
	return p
}

// section is a row of a dashboard with the panels below it; wide is how many of them stand side by side.
type section struct {
	title  string
	wide   int
	panels []Panel
}

const page = 24 // Grafana's width

// laid gives panels their numbers and places.
func laid(sections ...section) []Panel {
	var all []Panel
	y := 0
	add := func(p Panel, g grid) {
		p.ID, p.Grid = len(all)+1, g
		all = append(all, p)
	}
	for _, s := range sections {
		if len(s.panels) == 0 {
			continue
		}
		open := false
		add(Panel{Type: "row", Title: s.title, Collapsed: &open, Panels: &[]Panel{}}, grid{H: 1, W: page, Y: y})
		y++
		w := page / s.wide
		for k, p := range s.panels {
			add(p, grid{H: 8, W: w, X: k % s.wide * w, Y: y + k/s.wide*8})
		}
		y += (len(s.panels) + s.wide - 1) / s.wide * 8
	}
	return all
}

// units are Grafana's names of the table's units.
var units = map[string]string{
	"": "short", "seconds": "s", "bytes": "bytes", "ratio": "percentunit", "watts": "watt", "joules": "joule", "celsius": "celsius", "hertz": "hertz", "bytes_per_second": "Bps",
}

// unitOf is the unit of a metric's readings; counters are shown as what they gain each second.
func unitOf(m metric.Metric) string {
	switch {
	case m.Kind == metric.Counter && m.Unit == "joules":
		return "watt"
	case m.Kind == metric.Counter && m.Unit == "":
		return "cps"
	}
	if unit, ok := units[m.Unit]; ok {
		return unit
	}
	return "suffix: " + strings.ReplaceAll(m.Unit, "_", " ")
}

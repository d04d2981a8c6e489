package scrape

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hpcbench/agent/workload"
)

// page is the columns that are read from a metrics page, the added ones last.
type page []column

// column is one number of a page.
type column struct {
	head   string
	kind   string         // of workload.ServerNames; "": it was added
	from   []workload.Sum // the first that is on the page; several: the server has changed its names
	suffix string         // of a histogram: _sum or _count
	mean   bool           // of several series, as of several engines; else their sum
}

// newPage makes the columns: all of ours, whether or not the server tells them, and those that were added.
func newPage(w workload.Watch) (page, error) {
	sources, err := workload.Sources(w.Server.Map)
	if err != nil {
		return nil, err
	}
	var p page
	for _, n := range workload.ServerNames {
		p = append(p, columns(n, sources[n.Name])...)
	}
	for _, m := range w.Metrics {
		if m.Metric == "" {
			continue // of a command
		}
		s, err := workload.ParseSelector(m.Metric)
		if err != nil {
			return nil, err
		}
		p = append(p, column{head: m.Column(), from: []workload.Sum{{s}}})
	}
	return p, nil
}

// columns are those of one of our names.
func columns(n workload.ServerName, from []workload.Sum) []column {
	switch n.Kind {
	case workload.Counter:
		return []column{{head: n.Name + "_total", kind: n.Kind, from: from}}
	case workload.Histogram:
		return []column{
			{head: n.Name + "_s_sum", kind: n.Kind, from: from, suffix: "_sum"},
			{head: n.Name + "_s_count", kind: n.Kind, from: from, suffix: "_count"},
		}
	}
	if n.Name == "kv_usage" {
		return []column{{head: "kv_usage_ratio", kind: n.Kind, from: from, mean: true}}
	}
	return []column{{head: n.Name, kind: n.Kind, from: from}}
}

func (p page) heads() []string {
	var heads []string
	for _, c := range p {
		heads = append(heads, c.head)
	}
	return heads
}

// known are the values that are there, by their columns.
func (p page) known(values []float64) map[string]float64 {
	there := map[string]float64{}
	for i, c := range p {
		if !math.IsNaN(values[i]) {
			there[c.head] = values[i]
		}
	}
	return there
}

// read finds the columns' values in a page; NaN for those that are not on it.
func (p page) read(text []byte) ([]float64, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("not Prometheus's text format: %w", err)
	}
	values, found := make([]float64, len(p)), false
	for i, c := range p {
		values[i] = c.value(families)
		found = found || !math.IsNaN(values[i])
	}
	if !found {
		return nil, fmt.Errorf("none of the service's names is among the %d on its page", len(families))
	}
	return values, nil
}

// value is the column's, of the first of its names that is on the page.
func (c column) value(families map[string]*dto.MetricFamily) float64 {
	for _, terms := range c.from {
		total, there := 0.0, true
		for _, s := range terms {
			v, known := c.term(families, s)
			total, there = total+v, there && known
		}
		if there && !math.IsInf(total, 0) {
			return total
		}
	}
	return math.NaN()
}

// term is the value of one name: the sum of its series, or their mean.
func (c column) term(families map[string]*dto.MetricFamily, s workload.Selector) (v float64, known bool) {
	all := series(families, s, c.suffix)
	for _, one := range all {
		v += one
	}
	if c.mean && len(all) > 0 {
		v /= float64(len(all))
	}
	return v, len(all) > 0
}

// series are the values of the series that a selector names. A histogram and a summary have two, of which the suffix names one;
// it may be the selector's own.
func series(families map[string]*dto.MetricFamily, s workload.Selector, suffix string) []float64 {
	family := families[s.Name]
	for _, own := range []string{"_sum", "_count"} {
		if name, has := strings.CutSuffix(s.Name, own); family == nil && has {
			family, suffix = families[name], own
		}
	}
	var all []float64
	for _, m := range family.GetMetric() {
		if v, known := number(m, suffix); known && labelled(m, s.Labels) {
			all = append(all, v)
		}
	}
	return all
}

func labelled(m *dto.Metric, want map[string]string) bool {
	have := map[string]string{}
	for _, l := range m.GetLabel() {
		have[l.GetName()] = l.GetValue()
	}
	for name, value := range want {
		if have[name] != value {
			return false
		}
	}
	return true
}

// number is a series' value, or of a histogram or summary what the suffix names.
func number(m *dto.Metric, suffix string) (float64, bool) {
	switch sum, count := suffix == "_sum", suffix == "_count"; {
	case m.Histogram != nil && sum:
		return m.Histogram.GetSampleSum(), true
	case m.Histogram != nil && count:
		return float64(m.Histogram.GetSampleCount()), true
	case m.Summary != nil && sum:
		return m.Summary.GetSampleSum(), true
	case m.Summary != nil && count:
		return float64(m.Summary.GetSampleCount()), true
	case suffix != "" || m.Histogram != nil || m.Summary != nil:
		return 0, false
	case m.Gauge != nil:
		return m.Gauge.GetValue(), true
	case m.Counter != nil:
		return m.Counter.GetValue(), true
	}
	return m.GetUntyped().GetValue(), m.Untyped != nil
}

// cell is a value in CSV, empty where it is missing.
func cell(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func blank(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

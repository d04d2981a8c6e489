package workload

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Watch is what is read while trials run, beside the nodes' own readings: the whole content of node/watch.json. It is in no
// trial, and so in no ledger's key: who looks more closely has not measured something else.
type Watch struct {
	Schema     int          `json:"schema"`
	IntervalS  float64      `json:"interval_s"`           // from one look at a server to the next
	Collectors []string     `json:"collectors,omitempty"` // what is read of nodes, of Collectors; none: all of ByDefault
	Server     *MetricsPage `json:"server,omitempty"`
	Metrics    []Metric     `json:"metrics,omitempty"`
	Exporter   bool         `json:"exporter,omitempty"` // monitors show their last row at GET /metrics/prometheus
	Push       *Push        `json:"push,omitempty"`     // nil: nothing is pushed
}

// MetricsPage is where each endpoint tells of itself, in Prometheus's text format.
type MetricsPage struct {
	Path       string            `json:"path"`                  // such as /metrics
	PortOffset int               `json:"port_offset,omitempty"` // its port is the endpoint's plus this
	Map        map[string]string `json:"map"`                   // the server's names to ours (see Sources)
}

// Metric is one that a recipe or a service adds (spec §12.2): a number of a server's page, or of a command on each node.
type Metric struct {
	Name    string   `json:"name"`              // in CSV files as custom_NAME, and at /metrics/prometheus
	Metric  string   `json:"metric,omitempty"`  // a Selector; the sum over the series that match
	Command []string `json:"command,omitempty"` // run without a shell; the last line that it writes is the number
	Unit    string   `json:"unit,omitempty"`
	Help    string   `json:"help,omitempty"`
}

// Column is the metric's column in CSV files: its name with its unit, unless that is its end anyway.
func (m Metric) Column() string {
	unit := strings.Trim(notInNames.ReplaceAllString(m.Unit, "_"), "_")
	if unit == "" || strings.HasSuffix(m.Name, unit) {
		return CustomColumn + m.Name
	}
	return CustomColumn + m.Name + "_" + unit
}

// Check says what keeps the metric from being read, of a service that has a page of its own or has none; nil where nothing does.
func (m Metric) Check(service string, page bool) error {
	switch taken := notInNames.ReplaceAllString(service, "_") + "_"; {
	case !MetricName(m.Name):
		return fmt.Errorf("%q is no name for Prometheus: want letters, digits and _, and no digit in front", m.Name)
	case strings.HasPrefix(m.Name, taken):
		return fmt.Errorf("%s begins with %s, as the executor's own metrics do", m.Name, taken)
	case (m.Metric == "") == (len(m.Command) == 0):
		return fmt.Errorf("%s needs either metric, a name on the server's page, or command", m.Name)
	case m.Metric != "" && !page:
		return fmt.Errorf("%s is of the server's page, and %s has none", m.Name, service)
	case len(m.Command) > 0 && m.Command[0] == "":
		return fmt.Errorf("%s has a command without a program", m.Name)
	case m.Metric != "":
		_, err := ParseSelector(m.Metric)
		return err
	}
	return nil
}

// CustomColumn begins the name of a column that a recipe or service has added.
const CustomColumn = "custom_"

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// The kinds of what a server tells.
const (
	Gauge     = "gauge"     // as it stands
	Counter   = "counter"   // only grows, and begins anew with the server
	Histogram = "histogram" // of seconds: its sum and its count
)

// ServerName is one of our names of what servers tell of themselves.
type ServerName struct {
	Name string // in a service's map
	Kind string // Gauge, Counter or Histogram
	Help string
}

// ServerNames are all of them, in the order of server.csv.
var ServerNames = []ServerName{
	{"running", Gauge, "requests in work"},
	{"waiting", Gauge, "requests in the server's queue"},
	{"kv_usage", Gauge, "share of the KV cache that is in use, 0 to 1"},
	{"preemptions", Counter, "requests that were put back into the queue for want of KV cache"},
	{"prompt_tokens", Counter, "prompt tokens, whether or not a cache had them"},
	{"gen_tokens", Counter, "tokens made"},
	{"prefix_queries", Counter, "tokens looked up in the prefix cache"},
	{"prefix_hits", Counter, "tokens found there"},
	{"ttft", Histogram, "seconds to the first token, by the server's clock"},
	{"itl", Histogram, "seconds from token to token, by the server's clock"},
	{"e2e", Histogram, "seconds of a whole request, by the server's clock"},
}

// Sum is a name of a server's page, or several that add up: each has to be there.
type Sum []Selector

// Sources are, by our names, what a map from a server's names to ours takes them from: the first whose series are on the page
// counts. One of the server's may be a sum, x + y; ours may be several, with commas between. Longer sums come first, for a server
// that lacks one of the names is an older one.
func Sources(names map[string]string) (map[string][]Sum, error) {
	found := map[string][]Sum{}
	for _, theirs := range slices.Sorted(maps.Keys(names)) {
		var sum Sum
		for _, term := range strings.Split(theirs, " + ") {
			s, err := ParseSelector(term)
			if err != nil {
				return nil, err
			}
			sum = append(sum, s)
		}
		for _, ours := range strings.Split(names[theirs], ",") {
			ours = strings.TrimSpace(ours)
			if !slices.ContainsFunc(ServerNames, func(n ServerName) bool { return n.Name == ours }) {
				return nil, fmt.Errorf("%s is mapped to %q; there are %s", theirs, ours, serverNames())
			}
			found[ours] = append(found[ours], sum)
		}
	}
	for _, sums := range found {
		slices.SortStableFunc(sums, func(a, b Sum) int { return len(b) - len(a) })
	}
	return found, nil
}

func serverNames() string {
	var names []string
	for _, n := range ServerNames {
		names = append(names, n.Name)
	}
	return strings.Join(names, ", ")
}

// Selector names series of a page: x, or x{label="v",other="w"}, of which each must be so.
type Selector struct {
	Name   string
	Labels map[string]string
}

var (
	selector   = regexp.MustCompile(`^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?$`)
	labelPair  = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$)`)
	metricName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	unescape   = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")
)

// MetricName tells whether Prometheus takes the name of a metric. Colons are for its own rules.
func MetricName(name string) bool {
	return metricName.MatchString(name) && !strings.HasPrefix(name, "__")
}

// ParseSelector reads a selector.
func ParseSelector(text string) (Selector, error) {
	m := selector.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Selector{}, fmt.Errorf(`%q is no series: want a name such as vllm:num_requests_running, or one with labels, as in x{label="v"}`, text)
	}
	s, rest := Selector{Name: m[1]}, m[2]
	for rest != "" {
		pair := labelPair.FindStringSubmatch(rest)
		if pair == nil {
			return Selector{}, fmt.Errorf(`%q: its labels are not of the form label="value", with commas between`, text)
		}
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[pair[1]] = unescape.Replace(pair[2])
		rest = rest[len(pair[0]):]
	}
	return s, nil
}

package expose

import (
	"math"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/monitor"
	"hpcbench/agent/metric"
)

// Node shows a monitor's last row. What is missing in it is absent; so is all of it when the row is old, for then the monitor is
// stuck, and every collector's success is 0.
type Node struct {
	host  string
	lasts time.Duration // for which a row tells of now
	now   func() time.Time
	descs Descs

	mu     sync.Mutex
	row    monitor.Row
	places []place // by column of row
}

// place is what a column of the monitor's CSV is in the table.
type place struct {
	metric metric.Metric // no name: it is not in the table, as what a recipe adds, which the first executor tells
	labels []string      // the column's part of the labels' values
}

// NewNode makes one for a host whose monitor makes a row each interval.
func NewNode(host string, interval time.Duration) *Node {
	return &Node{host: host, lasts: 3*interval + 2*time.Second, now: time.Now, descs: Of(metric.Node, "")}
}

// Show takes the monitor's next row.
func (n *Node) Show(row monitor.Row) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.row = row
	for k := len(n.places); k < len(row.Columns); k++ {
		n.places = append(n.places, placeOf(row.Columns[k]))
	}
}

// columns are the patterns of the table's columns: what stands for {gpu} in gpu{gpu}_power_watts is that label's value.
var columns = func() map[*regexp.Regexp]metric.Metric {
	found := map[*regexp.Regexp]metric.Metric{}
	label := regexp.MustCompile(`\\\{[a-z]+\\\}`)
	for _, m := range metric.Table {
		if m.Source == metric.Node && m.Column != "" {
			found[regexp.MustCompile("^"+label.ReplaceAllString(regexp.QuoteMeta(m.Column), "([a-z0-9]+)")+"$")] = m
		}
	}
	return found
}()

func placeOf(column string) place {
	for pattern, m := range columns {
		if found := pattern.FindStringSubmatch(column); found != nil {
			return place{m, found[1:]}
		}
	}
	return place{}
}

// Describe implements prometheus.Collector.
func (n *Node) Describe(out chan<- *prometheus.Desc) { n.descs.Describe(out) }

// Collect implements prometheus.Collector. The monitor does not wait for it.
func (n *Node) Collect(out chan<- prometheus.Metric) {
	n.mu.Lock()
	row, places := n.row, n.places
	n.mu.Unlock()
	old := n.now().Sub(row.Time) > n.lasts
	for name, came := range row.Success {
		v := 0.0
		if came && !old {
			v = 1
		}
		n.send(out, metric.Of(metric.Node, "collector_success"), v, name)
	}
	if old {
		return
	}
	for k, p := range places {
		switch {
		case p.metric.Name == "":
		case len(p.labels) < len(p.metric.Labels): // its last label's values are the column's words
			n.words(out, p, row.Words[k])
		case !math.IsNaN(row.Values[k]):
			n.send(out, p.metric, row.Values[k], p.labels...)
		}
	}
}

// words tells 1 for each word of a cell.
func (n *Node) words(out chan<- prometheus.Metric, p place, cell string) {
	seen := map[string]bool{"": true, monitor.NotThrottled: true}
	for _, word := range strings.Split(cell, ";") {
		if word = strings.TrimSpace(word); !seen[word] {
			n.send(out, p.metric, 1, append(append([]string{}, p.labels...), word)...)
		}
		seen[word] = true
	}
}

func (n *Node) send(out chan<- prometheus.Metric, m metric.Metric, v float64, labels ...string) {
	out <- Value(n.descs[m.Name], m, v, append([]string{n.host}, labels...)...)
}

package live

import (
	"math"
	"path/filepath"
	"slices"

	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/readings"
	"hpcbench/agent/internal/scrape"
	"hpcbench/agent/internal/whole"
)

// The columns of a node's points behind their time, and of a server's. Shares are 0 to 1; of a node's GPUs it is the mean of
// their utilisation, and the sum of memory and power.
var (
	nodeColumns   = []string{"cpu_busy_ratio", "mem_used_bytes", "mem_total_bytes", "gpu_utilization_ratio", "gpu_memory_used_bytes", "gpu_power_watts"}
	serverColumns = []string{"running", "waiting", "kv_usage_ratio"}
)

// node is a node by its monitor's file.
type node struct {
	table table
	curve curve
}

// readingsInAll is how many readings of all nodes, or of all servers, are kept; the older half of too many is thinned.
const readingsInAll = 24000

// readNodes reads what the monitors wrote since.
func (r *run) readNodes() {
	names := readings.Nodes(r.dir)
	for _, name := range names {
		n := r.nodes[name]
		if n == nil {
			n = &node{table: table{growing: growing{path: readings.Path(r.dir, name)}}}
			r.nodes[name] = n
		}
		rows, anew, err := n.table.rows()
		r.note("monitor of "+name, err)
		if anew {
			n.curve.replace(r.count, nil)
		}
		for _, row := range rows {
			r.reading(n, row, r.lines.ahead(name))
		}
		n.curve.thin(r.count, max(300, readingsInAll/len(names)))
	}
}

// reading adds a row of a monitor, whose clock is so far ahead.
func (r *run) reading(n *node, row cells, ahead float64) {
	p := point{row.number("time_s") - ahead - r.start()}
	if math.IsNaN(p[0]) {
		return
	}
	for _, column := range nodeColumns[:3] {
		p = append(p, row.number(column))
	}
	n.curve.put(r.count, append(p, row.overGPUs("utilization_ratio", true), row.overGPUs("memory_used_bytes", false), row.overGPUs("power_watts", false)))
}

// readServers reads what the servers told of themselves since, in the trials that have begun, and the probes of a search. One that
// is over is read once more.
func (r *run) readServers() {
	if r.job == nil {
		return
	}
	for _, t := range r.job.Trials {
		known := r.trial(t.ID)
		if t.Start == 0 || known.told {
			continue
		}
		known.told = known.settled
		for _, pattern := range []string{scrape.File, "probes/*/" + scrape.File} {
			for _, file := range whole.Glob(filepath.Join(r.dir, t.ID), pattern) {
				if r.tables[file] == nil {
					r.tables[file] = &table{growing: growing{path: file}}
				}
				r.readServer(r.tables[file])
			}
		}
	}
	for _, c := range r.servers {
		c.thin(r.count, max(300, readingsInAll/len(r.servers)))
	}
}

// readServer reads one file of what servers told, whose times are by the clock of the first client node, which asks.
func (r *run) readServer(t *table) {
	ahead := 0.0
	if k := slices.IndexFunc(r.job.Nodes, func(n nodes.Node) bool { return n.Role == "client" }); k >= 0 {
		ahead = r.lines.ahead(r.job.Nodes[k].Name)
	}
	rows, _, err := t.rows()
	r.note(t.path, err)
	for _, row := range rows {
		p := point{row.number("time_s") - ahead - r.start()}
		endpoint := row.text("endpoint")
		if math.IsNaN(p[0]) || endpoint == "" {
			continue
		}
		for _, column := range serverColumns {
			p = append(p, row.number(column))
		}
		if r.servers[endpoint] == nil {
			r.servers[endpoint] = &curve{}
		}
		r.servers[endpoint].put(r.count, p)
	}
}

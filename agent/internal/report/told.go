package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/readings"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// The columns of what the servers tell of themselves.
var (
	queued     = level("server queue", depth, func(s *summary.Server) *summary.Level { return s.Waiting })
	kvUse      = level("KV cache", share, func(s *summary.Server) *summary.Level { return s.KVUsage })
	prefixHits = column{title: "prefix hits", kind: share, of: func(s *summary.Summary) (float64, bool) {
		if s.Server == nil {
			return 0, false
		}
		return deref(s.Server.PrefixHitShare)
	}}
)

// level is the column of a gauge's mean.
func level(title string, k kind, of func(*summary.Server) *summary.Level) column {
	return column{title: title, kind: k, of: func(s *summary.Summary) (float64, bool) {
		if s.Server == nil || of(s.Server) == nil {
			return 0, false
		}
		return of(s.Server).Mean, true
	}}
}

// csvToldHeads are the columns of csvTold.
func (r *Report) csvToldHeads() []string {
	heads := []string{"server_running_mean", "server_running_max", "server_waiting_mean", "server_waiting_max", "server_kv_usage_mean", "server_kv_usage_max",
		"server_preemptions", "server_prompt_tokens", "server_gen_tokens", "server_prefix_queries", "server_prefix_hits", "server_prefix_hit_share",
		"server_ttft_s_mean", "server_itl_s_mean", "server_e2e_s_mean", "server_looks", "server_looks_failed"}
	for _, name := range r.customs() {
		heads = append(heads, "server_"+name+"_mean", "server_"+name+"_max")
	}
	return heads
}

// csvTold are the cells of what the servers told, empty where they did not.
func (r *Report) csvTold(s *summary.Summary) []string {
	var row []string
	told := orZeroOf(s.Server)
	of := func(l *summary.Level) { // two cells
		if l == nil {
			row = append(row, "", "")
			return
		}
		row = append(row, decimal(l.Mean), decimal(l.Max))
	}
	of(told.Running)
	of(told.Waiting)
	of(told.KVUsage)
	for _, v := range []*float64{told.Preemptions, told.PromptTokens, told.GenTokens, told.PrefixQueries, told.PrefixHits, told.PrefixHitShare} {
		row = append(row, cell64(v))
	}
	for _, t := range []*summary.Timed{told.TTFT, told.ITL, told.E2E} {
		if t == nil {
			row = append(row, "")
			continue
		}
		row = append(row, decimal(t.Mean))
	}
	if s.Server == nil {
		row = append(row, "", "")
	} else {
		row = append(row, whole64(told.Looks), whole64(told.Failed))
	}
	for _, name := range r.customs() {
		if l, has := told.Custom[name]; has {
			of(&l)
		} else {
			of(nil)
		}
	}
	return row
}

// customs are the metrics that recipes or services added and some server told, by their columns.
func (r *Report) customs() []string {
	names := map[string]bool{}
	for _, t := range r.complete() {
		if t.Summary.Server != nil {
			for name := range t.Summary.Server.Custom {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// most is how many nodes are told one by one.
const most = 4

// proof is what a deployment's servers say in their logs of how they run, in a line; empty where nothing was noted.
func proof(d job.Deployment) string {
	var names []string
	values := map[string][]string{}
	for _, p := range d.Proof {
		if values[p.Name] == nil {
			names = append(names, p.Name)
		}
		if p.Node != "" {
			p.Value += " (" + p.Node + ")"
		}
		values[p.Name] = append(values[p.Name], p.Value)
	}
	for i, name := range names {
		names[i] = name + ": " + several(values[name])
	}
	return strings.Join(names, " · ")
}

// several are some words of nodes, the first in full.
func several(words []string) string {
	if len(words) > most {
		words = append(slices.Clone(words[:most]), fmt.Sprintf("and %d more", len(words)-most))
	}
	return strings.Join(words, ", ")
}

// proofs are those of the job's deployments, each by its latest start that has any, as rows of name and text.
func (r *run) proofs() [][2]string {
	var rows [][2]string
	for _, d := range r.job.Deployments {
		text := proof(d)
		if text == "" {
			continue
		}
		if k := slices.IndexFunc(rows, func(row [2]string) bool { return row[0] == d.ID }); k >= 0 {
			rows[k][1] = text
			continue
		}
		rows = append(rows, [2]string{d.ID, text})
	}
	return rows
}

// added is what commands on the job's nodes told, over the whole job, as rows of name and text; and what could not be read of it.
type added struct {
	rows  [][2]string
	notes []string
}

// added reads what the commands told, once: the text and the page both ask, and a monitor's file may be long.
func (r *run) added() added {
	if r.told == nil {
		r.told = new(r.readAll())
	}
	return *r.told
}

func (r *run) readAll() (told added) {
	words := map[string][]string{}
	for _, node := range slices.Sorted(maps.Keys(r.nodeRoles())) {
		all, err := readAdded(readings.Path(r.dir, node))
		if err != nil {
			told.notes = append(told.notes, err.Error())
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			text := node + " nothing"
			if c := all[name]; c.n > 0 {
				text = fmt.Sprintf("%s %s (%s to %s)", node, number(c.sum/float64(c.n)), number(c.low), number(c.high))
			}
			words[name] = append(words[name], text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		told.rows = append(told.rows, [2]string{strings.TrimPrefix(name, workload.CustomColumn), several(words[name])})
	}
	return told
}

// values are what a node's column has: how many, their sum, and the least and the highest.
type values struct {
	n         int
	sum       float64
	low, high float64
}

// readAdded reads the columns of a monitor's file that were added.
func readAdded(path string) (map[string]values, error) {
	f, err := readings.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string]values{}
	for _, name := range f.Columns {
		if strings.HasPrefix(name, workload.CustomColumn) {
			all[name] = values{}
		}
	}
	for len(all) > 0 {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return all, err
		}
		for i, name := range f.Columns {
			if c, asked := all[name]; asked {
				all[name] = c.with(row.Number(i))
			}
		}
	}
	return all, nil
}

// with counts a number too, and nothing where it is missing.
func (c values) with(v float64) values {
	switch {
	case math.IsNaN(v):
		return c
	case c.n == 0:
		return values{1, v, v, v}
	}
	return values{c.n + 1, c.sum + v, min(c.low, v), max(c.high, v)}
}

// lists are the text's sections of what servers' logs prove and what commands on nodes told; empty where there is none.
func (r *Report) lists() string {
	var proofs, added strings.Builder
	for _, job := range r.accounted() {
		for _, row := range job.proofs() {
			proofs.WriteString(wrap("  "+job.id+" "+row[0]+"  ", row[1]))
		}
		for _, row := range job.added().rows { // the page tells what could not be read
			added.WriteString(wrap("  "+job.id+" "+row[0]+"  ", row[1]))
		}
	}
	return titled("Proof: what the servers' logs say of how they run", proofs.String()) +
		titled("Energy of the servers' GPUs over the window", r.energies()) +
		titled("Nodes that were not watched all of a window", r.gaps()) +
		titled("Added metrics of the nodes: mean (least to highest) over the job", added.String())
}

func titled(title, text string) string {
	if text == "" {
		return ""
	}
	return "\n" + title + "\n" + text
}

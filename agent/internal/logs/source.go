package logs

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hpcbench/agent/internal/nodes"
)

// Source is a log and whose it is (spec §9.2): what every one of its lines has in common.
type Source struct {
	Path       string // where it is read
	File       string // its name in entries: from the job's directory
	Category   Category
	Component  string
	Name       string // a deployment and its launch: d1.1
	Deployment string // d1
	Launch     int    // from 1
	Node       string // "": the job's first node, where the job script runs
	Rank       int    // of a server; -1: none
	Trial      string
}

// components are the logs by the first word of their names. Others are the job script's, too.
var components = map[string]struct {
	category  Category
	component string
}{
	"server":    {Application, "server"},
	"prepare":   {Application, "server"},
	"client":    {Application, "client"},
	"trial":     {Benchmark, "trial"},
	"ready":     {Benchmark, "ready"},
	"ledger":    {Benchmark, "ledger"},
	"report":    {Benchmark, "report"},
	"preflight": {Benchmark, "preflight"},
	"monitors":  {Infrastructure, "monitor"},
	"store":     {Infrastructure, "store"}, // each is a component of its own, by its name
	"addresses": {Infrastructure, "addresses"},
	"cleaning":  {Infrastructure, "cleaning"},
	"image":     {Infrastructure, "container"},
	"collect":   {Infrastructure, "collector"},
}

// SourceOf tells by a log's path, from the job's directory, whose it is: logs/server.d1.1.mel2093.log. The table has the
// nodes, whose names may have dots.
func SourceOf(file string, table nodes.Table) Source {
	s := Source{File: file, Rank: -1, Category: Benchmark, Component: "job"}
	name, isLog := strings.CutSuffix(filepath.Base(file), ".log")
	if !isLog {
		return s // slurm-4711.out, and what else the job script writes itself
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, Past), Tailed) // parts of a log that is bounded
	kind, rest, _ := strings.Cut(name, ".")
	if d, is := strings.CutPrefix(kind, "prepare-"); is { // prepare-d1-1.NODE
		kind, rest = "prepare", strings.Replace(d, "-", ".", 1)+"."+rest
	}
	known, ok := components[kind]
	if !ok {
		s.Component = kind
		return s
	}
	s.Category, s.Component = known.category, known.component
	switch kind {
	case "trial":
		s.Trial = rest
	case "server", "prepare", "ready":
		s.launched(rest, table)
	case "store":
		s.Component, s.Node = rest, storeNode(table)
	default:
		s.Node = rest
		if !named(table, rest) && number(rest) >= 0 { // the second component of a job: monitors.1
			s.Node = ""
		}
	}
	return s
}

// Past and Tailed are what a bounded log's further parts have before .log in their names (see Bound).
const (
	Past   = ".past"
	Tailed = ".tail"
)

// launched reads deployment, launch, node and which of several: d1.1, d1.1.NODE, d1.1.NODE.2.
func (s *Source) launched(rest string, table nodes.Table) {
	words := strings.SplitN(rest, ".", 3)
	s.Deployment = words[0]
	if len(words) > 1 {
		s.Launch = max(0, number(words[1]))
		s.Name = words[0] + "." + words[1]
	}
	if len(words) < 3 || words[2] == "" {
		return
	}
	s.Node = words[2]
	servers := rows(table, s.Node)
	k := strings.LastIndexByte(s.Node, '.')
	if last := s.Node[k+1:]; len(servers) == 0 && k > 0 && number(last) >= 0 {
		s.Node = s.Node[:k]
		s.Rank = rankOf(rows(table, s.Node), number(last))
		return
	}
	if s.Component == "server" && len(servers) > 0 {
		s.Rank = servers[0]
	}
}

// storeNode is the node of a job's own Pushgateway and Prometheus, as start_stores of templates/lib/stores.sh has it.
func storeNode(table nodes.Table) string {
	for _, role := range []string{"monitor", "idle", "client"} {
		if k := slices.IndexFunc(table, func(n nodes.Node) bool { return n.Role == role }); k >= 0 {
			return table[k].Name
		}
	}
	return ""
}

// rankOf is the rank of a node's server or task: of several rows the one of that number, else the number itself, for a task's is
// its rank.
func rankOf(servers []int, k int) int {
	if len(servers) > 1 && k < len(servers) {
		return servers[k]
	}
	return k
}

// rows are the ranks of a node's servers: their places among all servers.
func rows(table nodes.Table, node string) (ranks []int) {
	rank := 0
	for _, n := range table {
		if n.Role != "server" {
			continue
		}
		if n.Name == node {
			ranks = append(ranks, rank)
		}
		rank++
	}
	return ranks
}

func named(table nodes.Table, node string) bool {
	return slices.ContainsFunc(table, func(n nodes.Node) bool { return n.Name == node })
}

// number is a number in a name; -1 where it is none.
func number(text string) int {
	if n, err := strconv.Atoi(text); err == nil && len(text) < 9 {
		return n
	}
	return -1
}

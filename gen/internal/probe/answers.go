// Package probe makes a cluster profile of what a cluster said of itself: the answers of templates/probe.sbatch.tmpl.
package probe

import (
	"fmt"
	"slices"
	"strings"
)

// Answers are what a cluster said, by the names of its facts. A fact that was asked for and found nothing is there, and
// empty; one that was not asked for, or was struck out, is not there.
type Answers map[string][]string

// asked are the facts that probe.sbatch asks for.
var asked = []string{
	"date", "login.host", "login.ssh_port",
	"login.bash", "login.module", "login.module_in_login_shell", "login.runtime", "login.runtime_module", "login.runtime_module_hidden", "login.internet", "login.proxy",
	"slurm.version", "slurm.config", "slurm.partition", "slurm.nodes", "slurm.qos", "slurm.association", "slurm.mpi",
	"node.host", "node.partition", "node.architecture", "node.job_gpus", "node.slurm", "node.gpu", "node.interface", "node.infiniband", "node.space", "node.fuse",
	"node.bash", "node.module", "node.module_in_login_shell", "node.runtime", "node.runtime_module", "node.runtime_module_hidden", "node.internet", "node.proxy",
}

// Parse reads a file of answers. An error names each line that is no answer, and says when the job has not answered yet.
func Parse(file string, text []byte) (Answers, error) {
	a := Answers{}
	var bad []string
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, "\r\n ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, " =")
		if !ok || !slices.Contains(asked, name) {
			bad = append(bad, fmt.Sprintf("%s:%d: error: %.60q is no answer of probe.sbatch (NAME = WHAT)", file, n, line))
			continue
		}
		a[name] = append(a[name], strings.TrimSpace(value))
	}
	switch {
	case len(bad) > 0:
		return nil, fmt.Errorf("%s", strings.Join(bad, "\n"))
	case a["node.host"] == nil:
		return nil, fmt.Errorf("%s: error: no compute node has answered yet (the job of probe.sbatch adds lines node.…: has it ended, and what is in probe-JOBID.out?)", file)
	}
	return a, nil
}

// one is a fact of which there is one, "" where nothing was found.
func (a Answers) one(name string) string {
	if len(a[name]) == 0 {
		return ""
	}
	return a[name][0]
}

// all are the facts of a name, without blanks.
func (a Answers) all(name string) []string {
	return slices.DeleteFunc(slices.Clone(a[name]), func(v string) bool { return v == "" })
}

// config is a value of scontrol show config.
func (a Answers) config(key string) string {
	for _, line := range a["slurm.config"] {
		if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// reached tells whether a side, login or node, has internet: nil where it was not asked.
func (a Answers) reached(side string) *bool {
	hosts := a.all(side + ".internet")
	if len(hosts) == 0 {
		return nil
	}
	all := !slices.ContainsFunc(hosts, func(h string) bool { return !strings.HasSuffix(h, " yes") })
	return &all
}

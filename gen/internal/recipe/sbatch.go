package recipe

import (
	"regexp"
	"strings"
)

// directive is an option of sbatch as an #SBATCH line carries it: sbatch knows no quotes there, and # begins a comment.
var directive = regexp.MustCompile(`^--([a-z][a-z0-9-]*)(=[^\s'"\\#]+)?$`)

// ours are the options that gen itself writes, each with what to write in a recipe instead.
var ours = map[string]string{
	"job-name": "scenario", "partition": "partition", "account": "account", "qos": "qos", "reservation": "orchestration.job_config.reservation",
	"nodes": "orchestration.total_nodes", "nodelist": "node_range of a role", "time": "orchestration.job_config.time_limit",
	"exclusive": "orchestration.job_config.exclusive", "mem": "resources.servers.mem_gb", "mem-per-cpu": "resources.servers.mem_gb",
	"mem-per-gpu": "resources.servers.mem_gb", "cpus-per-task": "resources.servers.cpus_per_task", "cpus-per-gpu": "resources.servers.cpus_per_task",
	"gpus": "resources.servers.gpus", "gpus-per-node": "resources.servers.gpus", "gpus-per-task": "resources.servers.gpus", "gres": "resources.servers.gpus",
	"ntasks": "orchestration.node_allocation", "ntasks-per-node": "orchestration.node_allocation",
	"signal": "", "requeue": "", "no-requeue": "", "open-mode": "", "export": "", "export-file": "", "array": "", "wrap": "", "chdir": "", "parsable": "",
	"dependency": "", "output": "", "error": "", "hold": "", "test-only": "", "wait": "",
}

// cured is an error with what to write instead.
type cured struct{ text, cure string }

func (e cured) Error() string { return e.text }

// sbatchOption refuses what can't be a directive, and what the job itself says.
func sbatchOption(text string) error {
	m := directive.FindStringSubmatch(text)
	if m == nil {
		return cured{"is no option in long form without blanks and quotes", "write one option, such as --constraint=a100"}
	}
	key, is := ours[m[1]]
	switch {
	case !is:
		return nil
	case key != "":
		return cured{"is written by gen", "write " + key}
	case strings.HasPrefix(m[1], "dep") || m[1] == "output" || m[1] == "error" || m[1] == "hold" || m[1] == "wait" || m[1] == "test-only":
		return cured{"is for the command line", "give it to submit.sh, which hands its arguments to sbatch"}
	}
	return cured{"is set by the job itself", "delete it"}
}

package recipe

import (
	"fmt"
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

// sbatchOption refuses what can't be a directive, and what the job itself says.
func sbatchOption(text string) error {
	m := directive.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("is no option in long form without blanks and quotes")
	}
	key, is := ours[m[1]]
	switch {
	case !is:
		return nil
	case key != "":
		return fmt.Errorf("is written by gen: say it with %s", key)
	case strings.HasPrefix(m[1], "dep") || m[1] == "output" || m[1] == "error" || m[1] == "hold" || m[1] == "wait" || m[1] == "test-only":
		return fmt.Errorf("is for the command line: submit.sh hands its arguments to sbatch")
	}
	return fmt.Errorf("is set by the job itself")
}

package service

import (
	"fmt"
	"regexp"
	"strings"
)

// Common are causes of any server's end: what Slurm and the container runtime say of it in its log. The services' own come first.
var Common = []Cause{
	{
		Pattern: `Detected [0-9]+ oom[-_]kill event|Out Of Memory`,
		Cause:   "the node's memory was full and the kernel killed a process", Cure: "raise resources.servers.mem_gb",
	},
	{
		Pattern: `^srun: error: (Node failure on .*|.*DUE TO NODE FAILURE.*)`,
		Cause:   "a node failed", Detail: `\1`, Cure: "submit again with --exclude=NODE",
	},
	{
		Pattern: `^srun: error: (Unable to create step for job [0-9]+: .*|Unable to confirm allocation.*)`,
		Cause:   "Slurm would not start the step", Detail: `\1`, Cure: "ask for no more CPUs, memory and GPUs than the nodes have",
	},
	{
		Pattern: `^srun: error: Task launch for [^ ]+ failed on node ([^ :]+): (.*)`,
		Cause:   `Slurm could not start the step on \1`, Detail: `\2`, Cure: `submit again with --exclude=\1`,
	},
	{ // of want_port and own_port
		Pattern: `can't be bound: (bind: )?address already in use(, by ([^ ]+))?`,
		Cause:   "the port is taken", Detail: `by \3`, Cure: "leave servers.port out so that the job finds one",
	},
	{
		Pattern: `([^ ]+): .*Exec format error`,
		Cause:   `\1 is for another architecture than this node's`, Cure: "take an image, and a cluster profile, for the node's architecture",
	},
	{
		Pattern: `^FATAL: +(.*)`,
		Cause:   "the container runtime could not start the image here", Detail: `\1`, Cure: "try it on that node: apptainer exec IMAGE true",
	},
	{
		Pattern: `(No space left on device|Disk quota exceeded)`,
		Cause:   `\1`, Cure: "free some of /tmp, /dev/shm and the caches that the server writes",
	},
	{
		Pattern: `[Uu]ncorrectable (ECC|NVLink) error|GPU has fallen off the bus`,
		Cause:   "a GPU of the node is broken", Cure: "submit again with --exclude=NODE, and tell the site",
	},
	{
		Pattern: `Connection reset by peer|Connection refused|Connection closed by peer|Broken pipe`,
		Cause:   "it lost the connection to another rank", Cure: "look at the other ranks' logs", Follows: true,
	},
}

// check refuses what grep -E would choke on, what would break a line of node/causes.tsv, and words that want more than
// the pattern takes.
func (c Cause) check() error {
	words := c.Cause + c.Detail + c.Cure
	if strings.ContainsAny(c.Pattern+words, "\t\n\r") || c.Pattern == "" || c.Cause == "" {
		return fmt.Errorf("%q: %q needs a pattern and a cause, without tabs and newlines", c.Pattern, c.Cause)
	}
	pattern, err := regexp.CompilePOSIX(c.Pattern)
	if err != nil {
		return err
	}
	for k := pattern.NumSubexp() + 1; k < 10; k++ {
		if strings.Contains(words, fmt.Sprintf(`\%d`, k)) {
			return fmt.Errorf(`%q has %d groups, and its words want \%d`, c.Pattern, pattern.NumSubexp(), k)
		}
	}
	return nil
}

package probe

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// partition is what scontrol and sinfo say of one.
type partition struct {
	name    string
	maxS    float64 // longest job, seconds; 0: no limit
	whole   bool    // its jobs never share a node
	gpus    int     // of a node, the most
	weights string  // TRESBillingWeights, "" where there are none
}

// pairs takes NAME=VALUE words apart, as scontrol --oneliner prints them.
func pairs(line string) map[string]string {
	all := map[string]string{}
	for _, word := range strings.Fields(line) {
		if name, value, ok := strings.Cut(word, "="); ok {
			all[name] = value
		}
	}
	return all
}

// partitions are all that were seen, in Slurm's order.
func (a Answers) partitions() []partition {
	var all []partition
	for _, line := range a.all("slurm.partition") {
		p := pairs(line)
		all = append(all, partition{
			name: p["PartitionName"], maxS: seconds(p["MaxTime"]), gpus: a.gpusOf(p["PartitionName"]), weights: p["TRESBillingWeights"],
			whole: strings.HasPrefix(p["OverSubscribe"], "EXCLUSIVE") || a.config("SelectType") == "select/linear",
		})
	}
	return all
}

// gpusOf is the most GPUs that a node of a partition has: sinfo's partition|nodes|CPUs|MB|GRES.
func (a Answers) gpusOf(name string) int {
	most := 0
	for _, line := range a.all("slurm.nodes") {
		if f := strings.Split(line, "|"); len(f) == 5 && f[0] == name {
			n, _ := gres(f[4])
			most = max(most, n)
		}
	}
	return most
}

var gpuGRES = regexp.MustCompile(`(?:^|,)gpu(?::([A-Za-z_][A-Za-z0-9_.-]*))?:(\d+)`)

// gres is how many GPUs a GRES has, such as gpu:a100:4(S:0-1), and of which type, "" where it does not say.
func gres(text string) (count int, kind string) {
	for _, m := range gpuGRES.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[2]); err == nil {
			count, kind = count+n, m[1]
		}
	}
	return count, kind
}

// qos is one that sacctmgr knows.
type qos struct {
	name string
	maxS float64 // longest job, seconds; 0: no limit of its own
}

// qosList are those that the user's associations allow, or all where it has none.
func (a Answers) qosList() []qos {
	var allowed []string
	for _, line := range a.all("slurm.association") {
		if f := strings.Split(line, "|"); len(f) == 4 && f[3] != "" {
			allowed = append(allowed, strings.Split(f[3], ",")...)
		}
	}
	var all []qos
	for _, line := range a.all("slurm.qos") {
		name, wall, ok := strings.Cut(line, "|")
		if ok && (len(allowed) == 0 || slices.Contains(allowed, name)) {
			all = append(all, qos{name, seconds(wall)})
		}
	}
	return all
}

var clock = regexp.MustCompile(`^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)$`)

// seconds is a time as Slurm prints it, 2-00:00:00, 30:00; 0 for UNLIMITED and what else is none.
func seconds(text string) float64 {
	m := clock.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	total := 0.0
	for i, each := range []float64{86400, 3600, 60, 1} {
		n, _ := strconv.ParseFloat("0"+m[i+1], 64)
		total += n * each
	}
	return total
}

var forTests = regexp.MustCompile(`^(dev|debug|dbg|test|exp)|[_-](dev|devel|debug|dbg|test|exp)([_-]|$)`)

// shortS is how long a queue for tests may let a job run at most, seconds: six hours, MeluXina's dev.
const shortS = 6 * 3600

// tests is the one queue of names and their limits that is by its name and limit for tests; "" where there is none, or
// several.
func tests(names []string, maxS []float64) (name string, limit float64, candidates []string) {
	for i, n := range names {
		if forTests.MatchString(n) && maxS[i] > 0 && maxS[i] <= shortS {
			name, limit, candidates = n, maxS[i], append(candidates, n)
		}
	}
	if len(candidates) != 1 {
		return "", 0, candidates
	}
	return name, limit, candidates
}

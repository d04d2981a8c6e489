package probe

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// list is a YAML list of plain words.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = scalar(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

var plain = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./-]*$`)

// words that YAML reads as something else than text
var taken = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}

// scalar is a text as YAML, in quotes where it could be taken for anything else.
func scalar(text string) string {
	if plain.MatchString(text) && !slices.Contains(taken, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// count is a number, and blank for 0.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// queues are the keys of what a job asks for.
func (a Answers) queues() []line {
	parts, quality := a.partitions(), a.qosList()
	var names, whole, qosNames []string
	for _, p := range parts {
		names = append(names, p.name)
		if p.whole {
			whole = append(whole, p.name)
		}
	}
	for _, q := range quality {
		qosNames = append(qosNames, q.name)
	}
	lines := []line{a.shell(), {"partitions", list(names), "scontrol show partition"}, {"qos", list(qosNames), a.qosSource(quality)}, a.account(), a.qosNeeded()}
	lines = append(lines, line{"whole_nodes", fmt.Sprint(len(whole) > 0 && len(whole) == len(parts)), "scontrol: OverSubscribe of the partitions, SelectType=" + a.config("SelectType")})
	if len(whole) > 0 && len(whole) < len(parts) {
		lines = append(lines, line{"whole_node_partitions", list(whole), "scontrol show partition: OverSubscribe=EXCLUSIVE"})
	}
	return append(lines, a.smoke(parts, quality)...)
}

// shell is the first line of scripts: module may be a function of login shells alone.
func (a Answers) shell() line {
	bash := "bash " + or(a.one("node.bash"), "of a version not said")
	if old(a.one("node.bash")) {
		bash += ", and our scripts want 4.4: they may fail"
	}
	if a.one("node.module") == "" && a.one("node.module_in_login_shell") != "" {
		return line{"shell", "/bin/bash -l", "module is there in login shells alone; " + bash}
	}
	return line{"shell", "/bin/bash", bash}
}

// old tells whether a bash is older than 4.4.
func old(version string) bool {
	var major, minor int
	if n, err := fmt.Sscanf(version, "%d.%d", &major, &minor); n < 2 || err != nil {
		return false
	}
	return major < 4 || major == 4 && minor < 4
}

func (a Answers) qosSource(found []qos) string {
	switch {
	case len(found) == 0:
		return "sacctmgr knows of none"
	case len(a.all("slurm.association")) > 0:
		return "sacctmgr: those of the user's associations"
	}
	return "sacctmgr show qos"
}

// account: with associations enforced and no default account, no job runs without --account.
func (a Answers) account() line {
	enforced := a.config("AccountingStorageEnforce")
	rule := ""
	if plugins := a.config("JobSubmitPlugins"); plugins != "" && plugins != "(null)" {
		rule = "; but JobSubmitPlugins=" + plugins + " may have rules of its own"
	}
	if !strings.Contains(enforced, "associations") && !strings.Contains(enforced, "limits") && !strings.Contains(enforced, "qos") {
		return line{"account_required", "false", "scontrol show config: AccountingStorageEnforce=" + or(enforced, "none") + rule}
	}
	var accounts []string
	for _, found := range a.all("slurm.association") {
		if account, _, _ := strings.Cut(found, "|"); !slices.Contains(accounts, account) {
			accounts = append(accounts, account)
		}
	}
	if len(accounts) == 1 {
		return line{"account_required", "false", "AccountingStorageEnforce=" + enforced + ", and this user has one account alone" + rule}
	}
	return line{"account_required", "true", fmt.Sprintf("AccountingStorageEnforce=%s, and this user has %d accounts", enforced, len(accounts))}
}

// qosNeeded: where qos are enforced, an association without a default one leaves a job none.
func (a Answers) qosNeeded() line {
	enforced := a.config("AccountingStorageEnforce")
	if !strings.Contains(enforced, "qos") {
		return line{"qos_required", "false", "AccountingStorageEnforce=" + or(enforced, "none")}
	}
	without := slices.ContainsFunc(a.all("slurm.association"), func(found string) bool {
		f := strings.Split(found, "|")
		return len(f) == 4 && f[2] == "" && strings.Contains(f[3], ",")
	})
	return line{"qos_required", fmt.Sprint(without), "AccountingStorageEnforce=" + enforced + ", and the associations' DefaultQOS"}
}

// smoke are the keys of the queue for tests, guessed by name, and of the partition for clients without GPUs.
func (a Answers) smoke(parts []partition, quality []qos) []line {
	var names, qosNames, cpu []string
	var maxS, qosMaxS []float64
	for _, p := range parts {
		if p.gpus > 0 {
			names, maxS = append(names, p.name), append(maxS, p.maxS)
		} else if len(a.all("slurm.nodes")) > 0 {
			cpu = append(cpu, p.name)
		}
	}
	for _, q := range quality {
		qosNames, qosMaxS = append(qosNames, q.name), append(qosMaxS, q.maxS)
	}
	name, limit, others := tests(names, maxS)
	qosName, qosLimit, otherQOS := tests(qosNames, qosMaxS)
	lines := []line{
		{"smoke_partition", scalarOrBlank(name), guess(others)},
		{"smoke_qos", scalarOrBlank(qosName), guess(otherQOS)},
	}
	switch shortest := min(orNever(limit), orNever(qosLimit)); {
	case name+qosName == "":
		lines = append(lines, line{"smoke_time_s", "", ""})
	default:
		lines = append(lines, line{"smoke_time_s", number(shortest), "its limit"})
	}
	client := line{"client_partition", "", "partitions without GPUs: " + or(strings.Join(cpu, ", "), "none")}
	if len(cpu) == 1 {
		client = line{"client_partition", scalar(cpu[0]), "sinfo: the one partition without GPUs"}
	}
	return append(lines, client)
}

func scalarOrBlank(text string) string {
	if text == "" {
		return ""
	}
	return scalar(text)
}

// never is a limit that is none.
const never = 1 << 40

func orNever(limit float64) float64 {
	if limit == 0 {
		return never
	}
	return limit
}

func guess(candidates []string) string {
	switch len(candidates) {
	case 0:
		return "no name of one tells that it is for tests"
	case 1:
		return "by its name and limit"
	}
	return "one of " + strings.Join(candidates, ", ")
}

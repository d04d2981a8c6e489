package probe

import (
	"fmt"
	"regexp"
	"strings"
)

// line is one key of a profile, with its value as YAML has it ("" where nobody knows) and what it was read from, or why
// it is blank.
type line struct{ key, value, source string }

// Profile is the profile that the answers make, as YAML with the source of each value behind it, and the keys that are
// blank in it. Name "" stands for Slurm's own name of the cluster.
func Profile(a Answers, name string) (text []byte, blanks []string) {
	var b strings.Builder
	a.head(&b, name)
	for _, l := range a.lines() {
		if l.value == "" {
			blanks = append(blanks, l.key)
			l.source = "not known" + strings.TrimSuffix(": "+l.source, ": ")
		}
		word := strings.TrimRight(l.key+": "+l.value, " ")
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%-29s # %s", word, oneLine(l.source)), " #"))
	}
	a.also(&b)
	return []byte(b.String()), blanks
}

// head is the profile's name, and where it comes from.
func (a Answers) head(b *strings.Builder, name string) {
	slurm := a.config("ClusterName")
	if name == "" {
		name = word(slurm, "mine")
	}
	fmt.Fprintf(b, "# Made by gen probe of what %s and its node %s answered on %s. A value has behind it what it was read from; a blank is\n",
		or(a.one("login.host"), "a login node"), a.one("node.host"), or(a.one("date"), "a day not said"))
	fmt.Fprintf(b, "# asked of no job. Mend what you know better, and give it to gen: gen RECIPE --cluster FILE\n")
	fmt.Fprintf(b, "name: %s\ndescription: %s\n\n", scalar(name), scalar(or(oneLine(slurm), "a cluster")+", as it answered gen probe"))
}

var noWord = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// word is text as one plain word, or instead where nothing is left of it.
func word(text, instead string) string {
	return or(strings.Trim(noWord.ReplaceAllString(text, "-"), "-"), instead)
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// oneLine keeps a comment a comment, whatever a cluster answered.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// lines are the profile's keys in the order of gen's own profiles.
func (a Answers) lines() []line {
	var all []line
	for _, group := range [][]line{a.queues(), a.hardware(), a.containers(), a.network(), a.rest()} {
		all = append(all, group...)
	}
	return all
}

// also are facts that a profile has no key for, as comments.
func (a Answers) also(b *strings.Builder) {
	b.WriteString("\n# Also found, and asked for by no key:\n")
	for _, c := range []struct{ what, name string }{
		{"Slurm", "slurm.version"}, {"MPI types", "slurm.mpi"}, {"space in KiB", "node.space"}, {"InfiniBand", "node.infiniband"},
		{"GPU", "node.gpu"}, {"bash", "node.bash"}, {"/dev/fuse for users", "node.fuse"}, {"qos", "slurm.qos"},
		{"runtime behind modules", "node.runtime_module_hidden"}, {"proxy on compute nodes", "node.proxy"},
	} {
		for _, found := range a.all(c.name) {
			fmt.Fprintf(b, "# %s: %s\n", c.what, oneLine(found))
		}
	}
}

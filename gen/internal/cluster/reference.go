package cluster

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

const referenceHead = `# Clusters

<!-- Made from templates/clusters/*.yaml by go test ./gen/internal/cli -update. Edit those files. -->

A cluster is a file: ` + "`cluster: NAME`" + ` in a recipe or ` + "`--cluster NAME|FILE`" + ` names it. In the file each value has its source as a
comment; here stands what a job is made from. What nobody has found is unknown: nothing is asked of it, and a job that needs it
may have to be told (` + "`modules`, `environment`, `job_config`" + ` of the recipe). Names age: an unknown partition or qos is a warning.

A profile of your own is made by ` + "`gen probe`" + `, which asks the cluster itself, or is a copy of templates/clusters/generic.yaml; ` + "`checked`" + ` is
the day and ` + "`sources`" + ` are the pages. An unknown key is an error. Blank is unknown. The keys are those of Profile in
gen/internal/cluster/cluster.go, each with what it means.

`

// unknown is what a table says of a blank.
const unknown = "unknown"

// Reference is docs/clusters.md: the profiles of fsys.
func Reference(fsys fs.FS) ([]byte, error) {
	names, err := List(fsys)
	if err != nil {
		return nil, err
	}
	var table, rest strings.Builder
	table.WriteString("| cluster | GPUs a node | CPUs a node | architecture | runtime | internet: login, compute | bill | longest job | checked |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, name := range names {
		p, err := Load(fsys, name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&table, "| [%s](#%s) | %s | %s | %s | %s | %s, %s | %s | %s | %s |\n", p.Name, p.Name, p.GPUs(), p.CPUs(), p.arch(),
			cmp.Or(p.Runtime, unknown), yes(p.InternetLogin), yes(p.InternetCompute), p.bill(), hours(p.MaxTimeS), cmp.Or(p.Checked, "-"))
		p.reference(&rest)
	}
	return []byte(referenceHead + table.String() + rest.String()), nil
}

// GPUs are a node's, in words.
func (p *Profile) GPUs() string {
	switch {
	case p.GPUsPerNode > 0 && p.GPUModel == "none":
		return fmt.Sprintf("%d (mock)", p.GPUsPerNode)
	case p.GPUsPerNode > 0:
		return strings.TrimSpace(fmt.Sprintf("%d × %s", p.GPUsPerNode, p.GPUModel))
	case p.Mode == "local":
		return "-"
	}
	return unknown
}

// Unit is that of the bill, in words.
func (p *Profile) Unit() string { return cmp.Or(p.BillUnit, unknown) }

func (p *Profile) arch() string { return cmp.Or(p.Architecture, "this machine's") }

func (p *Profile) bill() string {
	if each, unit := p.Bill(); p.BillUnit != "" && each != 1 {
		return fmt.Sprintf("%g %s a node and hour", each, unit)
	}
	return p.Unit()
}

// CPUs are a node's, in words.
func (p *Profile) CPUs() string {
	switch {
	case p.CPUsPerNode > 0:
		return fmt.Sprint(p.CPUsPerNode)
	case p.Mode == "local":
		return "-"
	}
	return unknown
}

func yes(b *bool) string {
	switch {
	case b == nil:
		return unknown
	case *b:
		return "yes"
	}
	return "no"
}

func hours(s float64) string {
	if s == 0 {
		return unknown
	}
	return fmt.Sprintf("%g h", s/3600)
}

// reference tells of one profile what the table has no room for.
func (p *Profile) reference(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n", p.Name, p.Description)
	if p.Mode != "local" {
		p.request(b)
		p.container(b)
	}
	if len(p.ServerEnv) > 0 {
		var words []string
		for _, name := range slices.Sorted(maps.Keys(p.ServerEnv)) {
			words = append(words, "`"+name+"="+p.ServerEnv[name]+"`")
		}
		fmt.Fprintf(b, "- servers get %s, unless the recipe's environment says otherwise\n", strings.Join(words, ", "))
	}
	for _, source := range p.Sources {
		fmt.Fprintf(b, "- source: <%s>\n", source)
	}
}

// request tells what Slurm is asked for.
func (p *Profile) request(b *strings.Builder) {
	fmt.Fprintf(b, "- partitions: %s; qos: %s\n", names(p.Partitions), names(p.QOS))
	for _, c := range []struct {
		is   bool
		text string
	}{
		{p.AccountRequired && p.QOSRequired, "account and qos are mandatory"},
		{p.AccountRequired && !p.QOSRequired, "an account is mandatory"},
		{!p.AccountRequired && p.QOSRequired, "a qos is mandatory"},
		{p.WholeNodes, "nodes are never shared"},
		{len(p.WholeNodePartitions) > 0, "nodes are not shared in " + strings.Join(p.WholeNodePartitions, ", ")},
		{p.CPUsPerGPU > 0, fmt.Sprintf("a job asks for %d CPUs with each GPU, or more", p.CPUsPerGPU)},
		{!p.Memory, "no memory directive: it is refused"},
		{len(p.ExtraDirectives) > 0, "every job has `" + strings.Join(p.ExtraDirectives, " ") + "`"},
	} {
		if c.is {
			fmt.Fprintf(b, "- %s\n", c.text)
		}
	}
	fmt.Fprintf(b, "- tests (`submit.sh --smoke`): %s; a client on a CPU node (`placement: het`): %s\n", p.smoke(), p.client())
	switch p.GPURequest {
	case "gres":
		b.WriteString("- GPUs are asked for by `--gres=gpu:N`\n")
	case "none":
	default:
		fmt.Fprintf(b, "- GPUs are asked for by `--%s=N`\n", p.GPURequest)
	}
}

// smoke is the queue for tests, in words.
func (p *Profile) smoke() string {
	var words []string
	for _, c := range []struct{ kind, name string }{
		{"partition", p.SmokePartition}, {"qos", p.SmokeQOS}, {"reservation", p.SmokeReservation},
	} {
		if c.name != "" {
			words = append(words, c.kind+" "+c.name)
		}
	}
	if p.SmokeTimeS > 0 {
		words = append(words, fmt.Sprintf("%g min at most", p.SmokeTimeS/60))
	}
	return cmp.Or(strings.Join(words, ", "), "no queue of their own known")
}

// client is where a client goes that has no GPU node, in words.
func (p *Profile) client() string {
	if p.ClientPartition == "" {
		return unknown
	}
	return "partition " + p.ClientPartition
}

// container tells how images run, and where they are fetched.
func (p *Profile) container(b *strings.Builder) {
	fmt.Fprintf(b, "- modules: %s; interfaces: %s\n", names(p.Modules), cmp.Or(code(p.Interfaces), unknown+", "+code(UsualInterfaces)+" is tried"))
	if p.PrefetchCompute {
		where := "images are pulled in a job"
		if p.PrefetchPartition != "" {
			where += ", in partition " + p.PrefetchPartition
		}
		if p.PrefetchQOS != "" {
			where += ", with qos " + p.PrefetchQOS
		}
		fmt.Fprintf(b, "- %s\n", where)
	}
	host := cmp.Or(p.SSHHost, unknown)
	if p.SSHPort > 0 {
		host += fmt.Sprintf(", port %d", p.SSHPort)
	}
	if p.SSHDir != "" {
		host += ", job directories go to " + p.SSHDir
	}
	fmt.Fprintf(b, "- login: %s\n", host)
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// names lists what is known: blank in the file is unknown, and [] is none.
func names(all []string) string {
	switch {
	case all == nil:
		return unknown
	case len(all) == 0:
		return "none"
	}
	return strings.Join(all, ", ")
}

package recipe

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/service"
)

// File is a recipe file that was read: what it says, where, and what it means.
type File struct {
	name    string
	read    *node // as Load left it: each value at its one place
	written *node // as Check left it: with the settings of service_config at their places, too
	full    *node // with the defaults

	service  *service.Service
	settings *schema // of service_config; nil where there is no service
	profile  *cluster.Profile

	inputs  []Input
	parents map[string][]byte
}

// Load reads a recipe from its text, with the recipes that it extends and the files that it names; name is the file's
// name in diagnostics. It checks what one value or one section can tell; Check does the rest. The File is never nil, and
// fit for Points only when the list has no error.
func Load(name string, src []byte, options Options) (*File, diag.List) {
	f := &File{name: name, parents: map[string][]byte{}}
	root, diags := parse(name, src)
	if root == nil {
		nothing := &node{kind: mapping, pos: diag.Pos{File: name, Line: 1, Col: 1}, bad: true}
		f.read, f.written, f.full = nothing, nothing, nothing
		return f, diags.Sorted()
	}
	r := &family{File: f, options: options, dir: path.Dir(filepath.ToSlash(name)), where: map[string]string{}, done: map[*node]bool{}}
	root = r.merged(root)
	alone := r.diags.Failed() // a parent is missing, and with it what this recipe may well not say itself
	if alone {
		root.prune()
	}
	diags = append(diags, apply(root, options.Sets)...)
	if late := root.get("extends"); late != nil && !alone {
		diags.Errorf(late.pos, "set", "write it in the recipe", "extends can't be set: parents were read before")
		root.remove("extends")
	}
	ranges(root)
	v := validator{root: root, schema: recipeSchema(), partial: alone}
	v.run()
	root.bad = root.bad || alone
	diags = append(append(diags, v.diags...), furtherPoints(root)...)
	diags = append(diags, texts(root)...)
	diags = append(diags, settle(root)...)
	r.data(root)
	f.read, f.written = root, root
	f.complete()
	return f, append(diags, r.diags...).Sorted()
}

// Service is the service's name as written, "" where there is none.
func (f *File) Service() string {
	name, _ := f.written.at("workload", "service").str()
	return name
}

// Cluster is the profile's name: as written, else local in local mode, else generic.
func (f *File) Cluster() string {
	if name, ok := f.written.get("cluster").str(); ok {
		return name
	}
	if mode, _ := f.written.at("orchestration", "mode").str(); mode == "local" {
		return "local"
	}
	return "generic"
}

// Pos is the place of the value at a dotted path such as workload.model, or of the section where it would stand.
func (f *File) Pos(path string) diag.Pos {
	n, root := f.written, true
	for name := range strings.SplitSeq(path, ".") {
		next := n.get(name)
		if next == nil {
			if root {
				return n.pos
			}
			return n.key
		}
		n, root = next, false
	}
	return n.pos
}

// Unknown is the diagnostic of a name that stands at path and is none of those known: a service, a cluster.
func (f *File) Unknown(path, what, name string, known []string) diag.Diagnostic {
	cure := diag.DidYouMean(name, known)
	if cure == "" && len(known) > 0 {
		cure = "there are " + strings.Join(known, ", ")
	}
	return diag.Diagnostic{Pos: f.Pos(path), Severity: diag.Error, Code: "unknown-" + what,
		Message: fmt.Sprintf("unknown %s %q", what, name), Cure: cure, Fix: nearest(f.Pos(path), wrap(name), known)}
}

var (
	secretName = regexp.MustCompile(`(?i)(TOKEN|KEY|SECRET|PASSWORD|AUTHORIZATION|COOKIE)$`)
	control    = regexp.MustCompile(`[\x00-\x1f\x7f\x{80}-\x{9f}]`)
)

// texts checks what holds for every text of a recipe: it is one line, since it may become an argument or a directive,
// and no secret.
func texts(root *node) diag.List {
	var l diag.List
	for _, further := range overlays(root) {
		l = append(l, texts(further)...)
	}
	root.walk("", func(path string, n *node) {
		if strings.HasPrefix(path, "sweep.") {
			return // its points are told of by what they lay over the recipe
		}
		for _, f := range n.fields {
			if control.MatchString(f.name) {
				l.Errorf(f.key, "control-character", "keys are plain words", "the key %q has a newline or another control character", clip(f.name))
			}
		}
		text, ok := n.str()
		switch {
		case literalSecret(path) && n.secret():
			name := path[strings.LastIndex(path, ".")+1:]
			cure := fmt.Sprintf("put the value into a file on the cluster and write secrets: {%s: /path/of/the/file}", name)
			if strings.HasPrefix(path, "workload.") {
				cure = "put the key into a file on the cluster and write workload.api_key_file: /path/of/the/file"
			}
			l.Errorf(n.pos, "literal-secret", cure,
				"%s is a secret written out, which would stand in every bundle", label(path))
			n.bad = true
		case !ok:
		case path == "metadata.notes" && !control.MatchString(strings.ReplaceAll(text, "\n", "")):
		case control.MatchString(text):
			l.Errorf(n.pos, "control-character", "write it on one line", "%s has a newline or another control character", label(path))
			n.bad = true
		}
	})
	return l
}

// secretive are the sections whose keys are the user's own.
var secretive = []string{"environment.", "servers.service_config.", "workload.headers.", "workload.extra_body."}

// literalSecret tells whether text at this path would be a secret.
func literalSecret(path string) bool {
	return slices.ContainsFunc(secretive, func(section string) bool { return strings.HasPrefix(path, section) }) &&
		secretName.MatchString(path)
}

// secret tells whether a scalar can be one: text, or a number of a variable.
func (n *node) secret() bool {
	_, isBool := n.value.(bool)
	return n.kind == scalar && n.value != "" && !isBool
}

// settle moves each value to its one place, where the language allows two, and comments on what is allowed but odd.
func settle(root *node) diag.List {
	var l diag.List
	settleJob(root, &l)
	settleClients(root, &l)
	settleNames(root, &l)
	settleImage(root, &l)
	if python := root.at("artifacts", "python"); python != nil {
		l.Hintf(python.key, "unneeded", "delete it", "nothing needs artifacts.python: the load comes from bin/agent")
		l.Fix(diag.Delete(python.key))
	}
	if limit := root.at("orchestration", "job_config", "time_limit"); limit != nil && !limit.bad && limit.plain {
		if _, ok := number(limit.value); ok {
			l.Warnf(limit.pos, "bare-time-limit", fmt.Sprintf("write %ss or %sm", limit.text, limit.text),
				"time_limit %s means seconds here, and minutes to sbatch", limit.text)
			l.Fix(diag.Replace(limit.pos, limit.text+"m").Asked())
		} else if strings.Contains(limit.text, ":") {
			l.Hintf(limit.pos, "sexagesimal", fmt.Sprintf("write %q", limit.text), "without quotes some YAML readers take %s for a number", limit.text)
			l.Fix(diag.Replace(limit.pos, strconv.Quote(limit.text)))
		}
	}
	if mode := root.at("orchestration", "mode"); mode != nil && mode.value == "kubernetes" {
		l.Errorf(mode.pos, "not-yet", `write "slurm" or "local"`, "orchestration.mode kubernetes is not there yet")
	}
	return l
}

// settleJob moves a top-level job_config under orchestration.
func settleJob(root *node, l *diag.List) {
	top := root.get("job_config")
	if top == nil || top.kind != mapping {
		return
	}
	root.remove("job_config")
	section := root.get("orchestration")
	switch {
	case section == nil:
		section = &node{kind: mapping, pos: top.pos, key: top.key}
		root.set("orchestration", section)
	case section.kind != mapping:
		return
	}
	inner := section.get("job_config")
	if inner == nil {
		section.set("job_config", top)
		return
	}
	for _, f := range top.fields {
		if other := inner.get(f.name); other != nil && !other.equal(f.node) {
			conflict(l, "job_config."+f.name, f.node, other)
		} else if inner.kind == mapping {
			inner.set(f.name, f.node)
		}
	}
}

// settleClients moves node_allocation.clients.clients_per_node to the workload.
func settleClients(root *node, l *diag.List) {
	clients, workload := root.at("orchestration", "node_allocation", "clients"), root.get("workload")
	count := clients.get("clients_per_node")
	if count == nil || workload == nil || workload.kind != mapping {
		return
	}
	clients.remove("clients_per_node")
	other := workload.get("clients_per_node")
	if other == nil {
		workload.set("clients_per_node", count)
	} else if !other.equal(count) {
		conflict(l, "clients_per_node", count, other)
	}
}

// conflict reports one value that stands in two places with two meanings.
func conflict(l *diag.List, name string, a, b *node) {
	if before(a.pos, b.pos) > 0 {
		a, b = b, a
	}
	here, there := b.shown(), a.shown()
	if secretName.MatchString(name) {
		here, there = "one thing", "another"
	}
	l.Errorf(b.pos, "conflict", "keep one of them", "%s is %s here and %s on line %d", name, here, there, a.pos.Line)
}

// shown is a node's value for a message.
func (n *node) shown() string {
	switch {
	case n.kind == scalar && n.text != "":
		return clip(n.text)
	case n.kind == scalar:
		return fmt.Sprintf("%q", fmt.Sprint(n.value))
	case n.kind == list && !slices.ContainsFunc(n.items, func(i *node) bool { return i.kind != scalar }):
		return clip("[" + strings.Join(n.words(), ", ") + "]")
	}
	return describe(n)
}

// clip shortens a text to what a message can carry.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}

// label is a path for a message; the root has a name, too.
func label(path string) string {
	if path == "" {
		return "the recipe"
	}
	return path
}

package recipe

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hpcbench/gen/internal/diag"
)

// The functions below are cures for programs (diag.Fix): what gen check -i offers. The zero Fix is none.

// asYAML is a value as one writes it in YAML: true in quotes where it is text.
func asYAML(v any) string { return yamlText(wrap(v)) }

// nearest replaces a misspelt word by the known one that is like it.
func nearest(at diag.Pos, n *node, known []string) diag.Fix {
	word, _ := n.str()
	if near := diag.Nearest(word, known); near != "" {
		return diag.Replace(at, asYAML(near))
	}
	return diag.Fix{}
}

// renamed gives a misspelt key of a section the known name that is like it.
func renamed(section, key *node, name string, known []string) diag.Fix {
	if near := diag.Nearest(name, known); near != "" && section.get(near) == nil {
		return diag.Rename(key.key, near)
	}
	return diag.Fix{}
}

// rightPlace is what meant says, for programs: another name, or another place.
func (v *validator) rightPlace(section, key *node, name string, s *schema) diag.Fix {
	if diag.Nearest(name, s.names()) != "" {
		return renamed(section, key, name, s.names())
	}
	for _, known := range []string{name, diag.Nearest(name, v.schema.all())} {
		if p := v.schema.find(known); known != "" && p != "" {
			if v.root.at(strings.Split(p, ".")...) != nil {
				return diag.Fix{}
			}
			return diag.Move(key.key, join(v.prefix, p))
		}
	}
	return diag.Fix{}
}

// absent writes a key that must be there, with an example: a section with all that it needs, the sum over roles.
func (v *validator) absent(path string, s *schema) diag.Fix {
	if s == nil {
		return diag.Fix{}
	}
	if n, ok := v.sum(); ok && path == "orchestration.total_nodes" {
		return diag.Add(path, asYAML(n)).Asked()
	}
	if text := s.sample(path); text != "" {
		return diag.Add(path, text).Asked()
	}
	return diag.Fix{}
}

// sum is the number of nodes of all roles that are written, of clients beside servers none; false where one is no number,
// or none is.
func (v *validator) sum() (sum int64, ok bool) {
	placement, _ := v.root.at("orchestration", "node_allocation", "clients", "placement").str()
	for _, role := range roles {
		if role == "clients" && placement == "same-node" {
			continue
		}
		if n := v.root.at("orchestration", "node_allocation", role, "nodes"); n != nil {
			count, number := n.value.(int64)
			if !number {
				return 0, false
			}
			sum, ok = sum+count, true
		}
	}
	return sum, ok && sum > 0
}

// sample is an example of a value on one line; of a section the keys that it can't do without, or else those that have a
// default.
func (s *schema) sample(path string) string {
	switch {
	case s.example != "":
		return s.example
	case s.def != nil:
		return yamlText(s.def)
	case len(s.fields) == 0:
		return ""
	}
	var needed, usual []string
	for _, f := range s.fields {
		p := join(path, f.name)
		must := slices.Contains(s.required, f.name) || neededWithSlurm[p]
		if f.never || f.old || !must && f.def == nil {
			continue
		}
		if text := f.sample(p); text != "" {
			usual = append(usual, f.name+": "+text)
			if must {
				needed = append(needed, f.name+": "+text)
			}
		}
	}
	if len(needed) > 0 {
		usual = needed
	}
	for i := 0; len(usual) == 0 && i < len(s.fields); i++ {
		if text := s.fields[i].sample(join(path, s.fields[i].name)); text != "" && !s.fields[i].old {
			usual = []string{s.fields[i].name + ": " + text}
		}
	}
	if len(usual) == 0 {
		return ""
	}
	return "{" + strings.Join(usual, ", ") + "}"
}

// valueless gives a key without a value an example, or takes it out.
func valueless(n *node, s *schema) diag.Fix {
	if s.example != "" {
		return diag.Replace(n.key, s.example).Asked()
	}
	return diag.Delete(n.key)
}

// retyped is what typeCure says, for programs.
func retyped(n *node, s *schema, path string) diag.Fix {
	word, isText := n.str()
	number, err := strconv.ParseFloat(word, 64)
	switch {
	case hidden(path) || n.kind != scalar:
	case s.takes("string") && !isText:
		return diag.Replace(n.pos, strconv.Quote(n.text))
	case isText && s.takes("boolean"):
		if b, known := yesNo[strings.ToLower(word)]; known {
			return diag.Replace(n.pos, strconv.FormatBool(b))
		}
	case isText && err == nil && (s.takes("number") || s.takes("integer") && number == float64(int64(number))):
		return diag.Replace(n.pos, word)
	case s.takes("array") && (s.item == nil || s.item.takes("string")):
		return diag.Replace(n.pos, "["+asYAML(n.value)+"]")
	}
	return diag.Fix{}
}

// wordy is a duration in words, such as "2 minutes".
var wordy = regexp.MustCompile(`(?i)^([0-9]+(?:\.[0-9]+)?) ?(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)$`)

// spelt is a duration or time limit as recipes have it, for one in words or in one of Slurm's shorter forms.
func spelt(n *node, s *schema) diag.Fix {
	word, _ := n.str()
	m := wordy.FindStringSubmatch(strings.TrimSpace(word))
	if m == nil || s.format != "hpc-duration" && s.format != "time-limit" {
		return diag.Fix{}
	}
	unit := strings.ToLower(m[2])
	if !strings.HasPrefix(unit, "ms") && !strings.HasPrefix(unit, "mil") {
		return diag.Replace(n.pos, m[1]+unit[:1])
	}
	return diag.Replace(n.pos, m[1]+"ms")
}

// usual writes a key with the word that a site has for what is usual, or else with its first.
func usual(path string, words []string) diag.Fix {
	if len(words) == 0 {
		return diag.Fix{}
	}
	if slices.Contains(words, "default") {
		return diag.Add(path, "default").Asked()
	}
	return diag.Add(path, asYAML(words[0])).Asked()
}

// write puts a value at a path: in the place of the point's own, or as a new key.
func (c *check) write(path string, v any) diag.Fix {
	if n := c.node(path); n != nil && n.pos.Line > 0 && c.written(path) {
		return diag.Replace(n.pos, asYAML(v))
	}
	return diag.Add(path, asYAML(v))
}

// delete takes a key out that the recipe has.
func (c *check) delete(path string) diag.Fix {
	if n := c.file.written.at(strings.Split(path, ".")...); n != nil {
		return diag.Delete(cmp.Or(n.key, n.pos))
	}
	return diag.Fix{}
}

// split sets a parallel size to what fills the GPUs, where the other sizes leave a whole number.
func (c *check) split(path string, have, others int) diag.Fix {
	if others < 1 || have%others != 0 {
		return diag.Fix{}
	}
	return c.write(path, have/others)
}

// Old are the keys of an older layout, each as a hint with where it stands today, in the order of the file. The schema
// says which they are (x-moved). What both places have is left alone where they differ: Load tells of it.
func Old(name string, src []byte) diag.List {
	var l diag.List
	root, diags := parse(name, src)
	if root == nil || diags.Failed() {
		return nil
	}
	moved(root, root, recipeSchema(), &l)
	return l.Sorted()
}

// moved walks a section for keys that have another place today.
func moved(root, n *node, s *schema, l *diag.List) {
	for _, f := range n.fields {
		below := s.field(f.name)
		switch {
		case below == nil:
		case below.moved != "":
			moveTo(root, f, below.moved, l)
		case f.kind == mapping:
			moved(root, f.node, below, l)
		}
	}
}

// moveTo moves one key, or, where its new place is there already, what is below it.
func moveTo(root *node, f field, path string, l *diag.List) {
	there := root.at(strings.Split(path, ".")...)
	switch {
	case there == nil:
		l.Hintf(f.key, "old-place", fmt.Sprintf("write it as %s", path), "%s stands at an older place", f.name)
		l.Fix(diag.Move(f.key, path))
	case f.equal(there):
		l.Hintf(f.key, "old-place", "delete it", "%s stands at an older place, and at %s too", f.name, path)
		l.Fix(diag.Delete(f.key))
	case f.kind == mapping && there.kind == mapping:
		for _, inner := range f.fields {
			moveTo(root, inner, join(path, inner.name), l)
		}
	}
}

package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Key is what the language says of one key, for who asks about it.
type Key struct {
	Doc      string   // what it is
	Says     string   // how to write it; ""
	Default  string   // what it is where a recipe is silent, in YAML; "": nothing
	Example  string   // in YAML; ""
	Words    []string // all it can be; nil: anything that fits
	Text     bool     // it is text, whatever it looks like
	List     bool     // a list by nature
	OneValue bool     // it can't be swept
}

// About is what the language says of the key at a dotted path; false where it does not know it. Settings of a service are
// known after Check.
func (f *File) About(path string) (Key, bool) {
	s := recipeSchema()
	for name := range strings.SplitSeq(path, ".") {
		if s.name == "service_config" && f.settings != nil {
			s = f.settings
		}
		if s = cmp.Or(s.field(name), s.other); s == nil {
			return Key{}, false
		}
	}
	k := Key{Doc: s.doc, Says: s.says, Example: s.example, Words: s.enum, OneValue: s.fixed, List: s.takes("array"),
		Text: s.takes("string") && !s.takes("number") && !s.takes("integer") && !s.takes("array")}
	if s.def != nil {
		k.Default = yamlText(s.def)
	}
	return k, true
}

// Value is an answer to a question for the key as YAML: text that would be read as something else gets quotes, and one
// item of a list its brackets.
func (k Key) Value(answer string) string {
	bracket := strings.HasPrefix(answer, "[")
	switch {
	case k.List && !bracket:
		var items []string
		for item := range strings.SplitSeq(answer, ",") {
			items = append(items, asYAML(strings.TrimSpace(item)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case k.Text && !strings.HasPrefix(answer, `"`) && (k.OneValue || !bracket):
		return asYAML(answer)
	}
	return answer
}

// Draft is the recipe as a person would write it: what was written or set, in the order of the language, each section and
// key with what the language says of it.
func (f *File) Draft() []byte {
	d := drafter{file: f}
	d.section(f.written, recipeSchema(), "", 0)
	return []byte(d.String())
}

type drafter struct {
	strings.Builder
	file *File
}

// lineWidth is how long a line of a draft may be with its comment, and commentAt where comments begin.
const lineWidth, commentAt = 128, 40

// section writes the keys of a mapping, those that have keys of their own behind an empty line at the top level.
func (d *drafter) section(n *node, s *schema, path string, depth int) {
	pad := strings.Repeat("  ", depth)
	for _, f := range ordered(n, s) {
		below := s.field(f.name)
		p := join(path, f.name)
		if settings := d.file.settings; p == "servers.service_config" && settings != nil {
			own := *settings
			own.doc = "Settings of the service itself."
			below = &own
		}
		if below == nil {
			below = cmp.Or(s.other, &schema{})
		}
		switch {
		case f.kind == mapping && len(f.fields) > 0 && (!plain(f.node) || depth == 0 || p == "servers.service_config"):
			if depth == 0 {
				d.WriteString("\n")
			}
			d.comment(pad, below.doc)
			d.WriteString(pad + f.name + ":\n")
			d.section(f.node, below, p, depth+1)
		case f.kind == list && !f.sweep && len(f.items) > 0:
			if depth == 0 {
				d.WriteString("\n")
			}
			d.comment(pad, below.doc)
			d.WriteString(pad + f.name + ":\n")
			for _, item := range f.items {
				d.WriteString(pad + "  - " + flow(item) + "\n")
			}
		default:
			d.line(pad+asYAML(f.name)+": "+flow(f.node), below.doc)
		}
	}
}

// ordered are the fields of a mapping in the order of the schema, those that it does not know last.
func ordered(n *node, s *schema) []field {
	place := func(f field) int {
		if i := slices.IndexFunc(s.fields, func(known *schema) bool { return known.name == f.name }); i >= 0 {
			return i
		}
		return len(s.fields)
	}
	fields := slices.Clone(n.fields)
	slices.SortStableFunc(fields, func(a, b field) int { return cmp.Compare(place(a), place(b)) })
	return fields
}

// plain tells whether a mapping is small enough for one line.
func plain(n *node) bool {
	return len(n.fields) <= 4 && !slices.ContainsFunc(n.fields, func(f field) bool { return f.kind == mapping || f.kind == list && !f.sweep })
}

// flow is a node on one line.
func flow(n *node) string {
	var parts []string
	switch n.kind {
	case mapping:
		for _, f := range n.fields {
			parts = append(parts, asYAML(f.name)+": "+flow(f.node))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case list:
		for _, item := range n.items {
			parts = append(parts, flow(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case null:
		return "null"
	}
	text := asYAML(n.value)
	if s, ok := n.str(); ok && text == s && (strings.ContainsAny(s, ",[]{}") || clock.MatchString(s)) {
		return fmt.Sprintf("%q", s) // it may stand within brackets, and other readers take 01:00:00 for a number
	}
	return text
}

// line writes a key with its value and, where there is room, the first sentence about it.
func (d *drafter) line(text, doc string) {
	about, _, _ := strings.Cut(doc, ". ")
	if strings.HasPrefix(doc, "`") {
		about = strings.ReplaceAll(doc, "`", "") // it tells of each of the words that there are
	}
	if with := fmt.Sprintf("%-*s # %s", commentAt, text, strings.TrimSuffix(about, ".")); about != "" && len(with) <= lineWidth {
		text = with
	} else if about, _, _ = strings.Cut(about, ": "); len(with) > lineWidth && !strings.HasPrefix(doc, "`") {
		text = fmt.Sprintf("%-*s # %s", commentAt, text, about)
	}
	d.WriteString(text + "\n")
}

// comment writes what a section is above it.
func (d *drafter) comment(pad, doc string) {
	line := pad + "#"
	for _, word := range strings.Fields(doc) {
		if len(line)+1+len(word) > lineWidth {
			d.WriteString(line + "\n")
			line = pad + "#"
		}
		line += " " + word
	}
	if doc != "" {
		d.WriteString(line + "\n")
	}
}

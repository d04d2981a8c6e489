package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"hpcbench/gen/internal/diag"
)

// validator holds a tree against a schema. Errors mark their node as bad, so that later rules leave it alone.
type validator struct {
	root    *node
	schema  *schema
	prefix  string // path of root in the recipe
	partial bool   // root is laid over something that has what it lacks
	diags   diag.List
}

// run finds the sweeps, validates each alternative at its own place, and then the whole with the first of each.
func (v *validator) run() {
	v.sweeps(v.prefix, v.root, v.schema)
	v.validate(v.root, v.schema, v.prefix)
}

// sweeps marks the lists that stand where the schema wants a scalar.
func (v *validator) sweeps(path string, n *node, s *schema) {
	switch {
	case s == nil || n.kind != list && n.kind != mapping:
	case n.kind == mapping:
		for _, f := range n.fields {
			if s.keys != nil && !s.keys.MatchString(f.name) {
				v.name(f, path)
			}
			v.sweeps(join(path, f.name), f.node, s.below(f.name))
		}
	case s.swept() && n.kind == list:
		n.sweep = true
		v.alternatives(path, n, s)
	}
}

// below is the schema of a key. An unknown key of an open section takes any scalar.
func (s *schema) below(name string) *schema {
	if s.open && s.field(name) == nil {
		return &schema{name: name}
	}
	return cmp.Or(s.field(name), s.other)
}

// alternatives checks the values of one sweep. The first is left to the validation of the whole.
func (v *validator) alternatives(path string, n *node, s *schema) {
	switch {
	case s.fixed:
		v.diags.Errorf(n.pos, "not-swept", "write one value", "%s can't be a list: it is the same for the whole recipe", path)
		n.bad = true
		return
	case len(n.items) == 0:
		v.diags.Errorf(n.pos, "empty-sweep", "write at least one value, or delete the line", "%s is an empty list: a sweep over nothing", path)
		v.diags.Fix(diag.Delete(n.key))
		n.bad = true
		return
	}
	seen := map[any]bool{}
	for i, item := range n.items {
		value := item.value
		if item.kind == mapping {
			value = item.json()
		}
		switch {
		case item.kind == list || item.kind == mapping && !s.takes("object"):
			v.diags.Errorf(item.pos, "nested-sweep", "write plain values: [1, 2, 4]", "%s has %s among the values of its sweep", path, describe(item))
			item.bad, n.bad = true, true
			continue
		case seen[value]:
			v.diags.Errorf(item.pos, "repeated-value", `to measure more than once write "repetitions: 3" at the top level`, "%s has %s twice in its sweep", path, item.quoted(path))
			v.diags.Fix(diag.Delete(item.pos))
			item.bad, n.bad = true, true
		}
		seen[value] = true
		if i > 0 && s.check != nil {
			v.validate(item, s, path)
		}
	}
}

// validate reports what the schema says against a tree.
func (v *validator) validate(n *node, s *schema, path string) {
	var failure *jsonschema.ValidationError
	if err := s.check.Validate(n.plainValue()); errors.As(err, &failure) {
		v.leaves(failure, func(e *jsonschema.ValidationError) { v.report(n, s, path, e) })
	}
}

// leaves calls f for the errors that have no causes: the ones a person can act on.
func (v *validator) leaves(e *jsonschema.ValidationError, f func(*jsonschema.ValidationError)) {
	if _, ok := e.ErrorKind.(*kind.PropertyNames); ok {
		return // told by sweeps: the library gives a wrong place for it (v6.0.3 keeps a slice that it goes on writing to)
	}
	if len(e.Causes) == 0 {
		f(e)
		return
	}
	for _, cause := range e.Causes {
		v.leaves(cause, f)
	}
}

// report turns one error of the library into diagnostics at the place it is about.
func (v *validator) report(n *node, s *schema, path string, e *jsonschema.ValidationError) {
	for _, name := range e.InstanceLocation {
		n = n.first()
		if i, err := strconv.Atoi(name); err == nil && n.kind == list && i < len(n.items) {
			n, s = n.items[i], s.item
			continue
		}
		if s != nil {
			s = cmp.Or(s.field(name), s.other)
		}
		if n.bad {
			return
		}
		next := n.get(name)
		if next == nil {
			break // the library named no place of ours: say it of the section
		}
		n, path = next, join(path, name)
	}
	if n.bad {
		return
	}
	if n = n.first(); n.bad {
		return
	}
	if s == nil {
		s = &schema{}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		v.unknown(n, s, path, k.Properties)
	case *kind.Required:
		if v.partial {
			return
		}
		v.missing(n, s, path, k.Missing)
	default:
		n.bad = true
		v.value(n, s, path, e.ErrorKind)
	}
}

// unknown reports keys that the schema does not know.
func (v *validator) unknown(n *node, s *schema, path string, names []string) {
	for _, name := range names {
		key := n.get(name)
		if key == nil || key.bad {
			continue
		}
		if s.open {
			v.diags.Warnf(key.key, "unknown-setting", diag.DidYouMean(name, s.names()),
				"the service does not know %q: it is handed to the server as its flag", clip(join(path, name)))
			v.diags.Fix(renamed(n, key, name, s.names()))
			continue
		}
		key.bad = true
		v.diags.Errorf(key.key, "unknown-field", v.meant(name, s), "unknown field %q", clip(join(path, name)))
		v.diags.Fix(v.rightPlace(n, key, name, s))
	}
}

// meant is the cure for an unknown key: a key like it, the place where it belongs, or what there is.
func (v *validator) meant(name string, s *schema) string {
	if cure := diag.DidYouMean(name, s.names()); cure != "" {
		return cure
	}
	if i := slices.IndexFunc(s.names(), func(known string) bool { return strings.HasPrefix(known, name+"_") }); i >= 0 {
		return fmt.Sprintf("did you mean %q?", s.names()[i])
	}
	if p := v.schema.find(name); p != "" {
		return "it belongs at " + join(v.prefix, p)
	}
	if p := v.schema.find(diag.Nearest(name, v.schema.all())); p != "" {
		return fmt.Sprintf("did you mean %q?", join(v.prefix, p))
	}
	return "known here: " + strings.Join(s.names(), ", ")
}

// missing reports keys that must be there, at the section's own key.
func (v *validator) missing(n *node, s *schema, path string, names []string) {
	pos := n.key
	if n == v.root {
		pos = n.pos
	}
	for _, name := range names {
		f := s.field(name)
		cure := ""
		switch {
		case f == nil:
		case f.example != "":
			cure = fmt.Sprintf("write, for example, %q", name+": "+f.example)
		case len(f.fields) > 0:
			cure = "a section with " + strings.Join(f.names()[:min(len(f.fields), 3)], ", ")
		}
		v.diags.Errorf(pos, "missing-field", cure, "missing field %q", join(path, name))
		v.diags.Fix(v.absent(join(path, name), f))
	}
}

// name reports a key that is not shaped as the section's keys are.
func (v *validator) name(key field, path string) {
	key.bad = true
	cure := "letters, digits and _, no digit first"
	if path == "servers.service_config" {
		cure = "letters, digits, _ and -"
	}
	v.diags.Errorf(key.key, "bad-name", cure, "%q can't be a name in %s", clip(key.name), path)
}

// value reports a value that does not fit.
func (v *validator) value(n *node, s *schema, path string, k jsonschema.ErrorKind) {
	path = label(path)
	is := path + " is " + n.quoted(path)
	if hidden(path) {
		is = path
	}
	switch k := k.(type) {
	case *kind.FalseSchema:
		v.diags.Errorf(n.key, "not-yours", "delete it", "%s is set by the job itself", path)
		v.diags.Fix(diag.Delete(n.key))
	case *kind.Type:
		v.typ(n, s, path)
	case *kind.Enum:
		cure := s.says
		if text, ok := n.str(); ok && cure == "" {
			cure = diag.DidYouMean(text, s.enum)
		}
		if len(s.enum) == 1 {
			cure = cmp.Or(s.says, "write "+s.enum[0])
		}
		v.diags.Errorf(n.pos, "bad-value", cmp.Or(cure, s.doc), "%s, want %s", is, oneOf(s.enum))
		v.diags.Fix(nearest(n.pos, n, s.enum))
	case *kind.Minimum, *kind.Maximum, *kind.ExclusiveMinimum, *kind.ExclusiveMaximum:
		v.diags.Errorf(n.pos, "out-of-range", s.says, "%s, want %s", is, s.limits)
	case *kind.Format:
		cure := s.says
		if own, ok := k.Err.(cured); ok {
			cure = own.cure
		}
		v.diags.Errorf(n.pos, "bad-value", cure, "%s: it %s", is, k.Err)
		v.diags.Fix(spelt(n, s))
	case *kind.MinItems, *kind.MaxItems, *kind.MinProperties, *kind.MaxProperties:
		cure := cmp.Or(s.says, s.doc)
		if len(n.items)+len(n.fields) == 0 {
			cure = "write at least one, or delete the line"
		}
		v.diags.Errorf(n.pos, "bad-value", cure, "%s has %s", path, diag.Several(len(n.items)+len(n.fields), "value"))
	case *kind.MinLength:
		v.diags.Errorf(n.pos, "bad-value", s.says, "%s is empty", path)
	case *kind.MaxLength:
		v.diags.Errorf(n.pos, "bad-value", s.says, "%s has %d characters, at most %d", path, k.Got, k.Want)
	case *kind.Pattern:
		words := alternatives(k.Want)
		v.diags.Errorf(n.pos, "bad-value", cmp.Or(diag.DidYouMean(k.Got, words), s.says, s.doc), "%s, which does not fit there", is)
		v.diags.Fix(nearest(n.pos, n, words))
	default:
		v.diags.Errorf(n.pos, "bad-value", s.says, "%s, which %s refuses", is, strings.Join(k.KeywordPath(), "/"))
	}
}

// alternatives are the words of a pattern that is nothing but words, ^(one|other)$: of what may be a word or something else.
func alternatives(pattern string) []string {
	words, is := strings.CutPrefix(pattern, "^(")
	words, ends := strings.CutSuffix(words, ")$")
	if !is || !ends || strings.ContainsAny(words, `()[]\.*+?^$`) {
		return nil
	}
	return strings.Split(words, "|")
}

// typ reports a value of the wrong type, with the cure for the traps of YAML.
func (v *validator) typ(n *node, s *schema, path string) {
	if n.kind == null {
		v.diags.Errorf(n.key, "no-value", "write one, or delete the line", "%s has no value", path)
		v.diags.Fix(valueless(n, s))
		return
	}
	v.diags.Errorf(n.pos, "wrong-type", typeCure(n, s, path), "%s is %s, want %s", path, n.quoted(path), s.want())
	v.diags.Fix(retyped(n, s, path))
}

// plainNumber is a number as one writes it before a unit.
var plainNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

func typeCure(n *node, s *schema, path string) string {
	text, isText := n.str()
	switch {
	case hidden(path):
	case n.kind == scalar && s.takes("string") && !isText:
		return fmt.Sprintf("write it in quotes: %q", n.text)
	case isText && s.takes("boolean"):
		if b, known := yesNo[strings.ToLower(text)]; known {
			return fmt.Sprintf("write %v", b)
		}
	case isText && (s.takes("integer") || s.takes("number")):
		if digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/ "); digits != text && plainNumber.MatchString(digits) && !strings.HasSuffix(strings.ToLower(text), "k") && s.says == "" {
			return fmt.Sprintf("write %s, without a unit", digits)
		}
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return fmt.Sprintf("write %s without quotes", text)
		} else if errors.Is(err, strconv.ErrRange) {
			return "that number is too large for a computer"
		}
	case n.kind == scalar && s.takes("array"):
		return fmt.Sprintf("write a list: [%s]", n.text)
	case n.kind == scalar && len(s.fields) > 0:
		return "known here: " + strings.Join(s.names(), ", ")
	}
	return s.says
}

// yesNo are the words that YAML 1.1 took for booleans.
var yesNo = map[string]bool{"yes": true, "y": true, "on": true, "true": true, "no": false, "n": false, "off": false, "false": false}

// want is what the schema takes, in words.
func (s *schema) want() string {
	words := map[string]string{"integer": "a whole number", "number": "a number", "boolean": "true or false",
		"string": "text", "array": "a list", "object": "a section of keys and values"}
	var want []string
	for _, t := range s.types {
		want = append(want, words[t])
	}
	if s.limits != "" && len(want) > 1 {
		want[0] += " (" + s.limits + ")"
	} else if s.limits != "" {
		want = []string{strings.Join(want, "") + ", " + s.limits}
	}
	return strings.Join(want, " or ")
}

// quoted is a node's type and value for a message; the value of what may be a secret is left out.
func (n *node) quoted(path string) string {
	if n.kind != scalar || hidden(path) {
		return describe(n)
	}
	if text, ok := n.str(); ok {
		return fmt.Sprintf("%q", clip(text))
	}
	return n.shown()
}

// hidden tells whether a value may be a secret, or lead to one.
func hidden(path string) bool { return literalSecret(path) || strings.HasPrefix(path, "secrets.") }

// oneOf is a choice in words.
func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return "one of " + strings.Join(words, ", ")
}

// all are the names of every property, at any depth.
func (s *schema) all() []string {
	names := s.names()
	for _, f := range s.fields {
		names = append(names, f.all()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

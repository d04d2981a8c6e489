package recipe

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hpcbench/gen/internal/diag"
	"hpcbench/schemas"
)

// schema is one place of a JSON Schema: what the library checks, and what we take from it besides.
type schema struct {
	name     string
	doc      string         // description
	types    []string       // empty: any
	says     string         // x-says: what to write
	fixed    bool           // x-sweep: false
	written  bool           // x-written: a section that is there only where it is written, whatever defaults it has
	def      *node          // default
	silent   *node          // x-default: what a plan takes where the recipe is silent, in words
	format   string         // format
	example  string         // the first of examples, as YAML
	enum     []string       // words of an enum
	limits   string         // "at least 1"
	required []string       // here, whatever the mode
	old      bool           // deprecated: taken, never filled in
	moved    string         // x-moved: dotted path where it stands today
	open     bool           // x-open: unknown keys are warnings, and may be swept
	never    bool           // false: nobody may set it
	keys     *regexp.Regexp // propertyNames: how keys look; nil: any way
	fields   []*schema      // properties, in the order of the file
	other    *schema        // of any further property, nil where there is none
	item     *schema        // of a list's items
	check    *jsonschema.Schema
}

// schemaFile is where defaults stand.
const schemaFile = "schemas/recipe-format.yaml"

// recipeSchema is the schema of a recipe, compiled once.
var recipeSchema = sync.OnceValue(func() *schema {
	root, diags := parse(schemaFile, schemas.Recipe)
	if len(diags) > 0 {
		panic(diags[0].String())
	}
	s, err := compile("recipe", root)
	if err != nil {
		panic(err)
	}
	return s
})

// compile makes a schema of its document.
func compile(name string, doc *node) (*schema, error) {
	url := "mem:///" + name
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	for _, f := range formats {
		c.RegisterFormat(f)
	}
	c.AssertFormat()
	plain, _ := doc.plainValue().(map[string]any)
	delete(plain, "$id") // the document is known by the url here
	if err := c.AddResource(url, plain); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	check, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("compiling the schema of %s: %w", name, err)
	}
	return newSchema("", doc, doc, check), nil
}

// newSchema reads one place of the document. What stands beside a $ref wins over what the $ref brings.
func newSchema(name string, doc, root *node, check *jsonschema.Schema) *schema {
	if ref, ok := doc.get("$ref").str(); ok {
		base := doc.clone()
		base.remove("$ref")
		for _, f := range root.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).fields {
			if base.get(f.name) == nil {
				base.set(f.name, f.node)
			}
		}
		doc = base
	}
	s := &schema{name: name, check: check, def: doc.get("default"), silent: doc.get("x-default"), limits: limits(doc)}
	s.doc, _ = doc.get("description").str()
	s.says, _ = doc.get("x-says").str()
	s.moved, _ = doc.get("x-moved").str()
	s.format, _ = doc.get("format").str()
	s.types = doc.get("type").words()
	s.enum = doc.get("enum").words()
	s.required = doc.get("required").words()
	if sweep := doc.get("x-sweep"); sweep != nil {
		s.fixed = !doc.flag("x-sweep")
	}
	s.old, s.open, s.never, s.written = doc.flag("deprecated"), doc.flag("x-open"), doc.value == false, doc.flag("x-written")
	if other := doc.get("additionalProperties"); other != nil && other.kind == mapping {
		s.other = newSchema("", other, root, further(check))
	}
	if pattern, ok := doc.at("propertyNames", "pattern").str(); ok {
		s.keys = regexp.MustCompile(pattern)
	}
	if item := doc.get("items"); item != nil && item.kind == mapping {
		s.item = newSchema("", item, root, nil)
	}
	if examples := doc.get("examples"); examples != nil && len(examples.items) > 0 {
		s.example = yamlText(examples.items[0])
	}
	if properties := doc.get("properties"); properties != nil {
		for _, f := range properties.fields {
			s.fields = append(s.fields, newSchema(f.name, f.node, root, property(check, f.name)))
		}
	}
	return s
}

// property is the compiled schema of a property, through $ref.
func property(s *jsonschema.Schema, name string) *jsonschema.Schema {
	for s != nil {
		if p, ok := s.Properties[name]; ok {
			return p
		}
		s = s.Ref
	}
	return nil
}

// further is the compiled schema of the properties that are not named.
func further(s *jsonschema.Schema) *jsonschema.Schema {
	if s == nil {
		return nil
	}
	other, _ := s.AdditionalProperties.(*jsonschema.Schema)
	return other
}

// str is a scalar's text; false where the node is nil or something else.
func (n *node) str() (string, bool) {
	if n == nil {
		return "", false
	}
	s, ok := n.value.(string)
	return s, ok
}

// flag tells whether the field is there and true.
func (n *node) flag(name string) bool {
	f := n.get(name)
	return f != nil && f.value == true
}

// words are the scalars of a list, or the one scalar, as text.
func (n *node) words() []string {
	switch {
	case n == nil:
		return nil
	case n.kind == scalar:
		return []string{fmt.Sprint(n.value)}
	}
	var words []string
	for _, item := range n.items {
		words = append(words, fmt.Sprint(item.value))
	}
	return words
}

// limits says the bounds of a number in words.
func limits(doc *node) string {
	low, above, high, below := doc.get("minimum"), doc.get("exclusiveMinimum"), doc.get("maximum"), doc.get("exclusiveMaximum")
	switch {
	case above != nil && below != nil:
		return fmt.Sprintf("more than %v, less than %v", above.value, below.value)
	case low != nil && high != nil:
		return fmt.Sprintf("%v to %v", low.value, high.value)
	case above != nil && high != nil:
		return fmt.Sprintf("more than %v, at most %v", above.value, high.value)
	case low != nil:
		return fmt.Sprintf("at least %v", low.value)
	case above != nil:
		return fmt.Sprintf("more than %v", above.value)
	case high != nil:
		return fmt.Sprintf("at most %v", high.value)
	}
	return ""
}

// field is the schema of a property, nil where there is none.
func (s *schema) field(name string) *schema {
	if s == nil {
		return nil
	}
	if i := slices.IndexFunc(s.fields, func(f *schema) bool { return f.name == name }); i >= 0 {
		return s.fields[i]
	}
	return nil
}

// names are the properties that one may set.
func (s *schema) names() []string {
	var names []string
	for _, f := range s.fields {
		if !f.never && !f.old {
			names = append(names, f.name)
		}
	}
	return names
}

// takes tells whether a value of this place may be of a type, such as array.
func (s *schema) takes(typ string) bool { return s != nil && slices.Contains(s.types, typ) }

// swept tells whether a list here is a sweep: where a list can't be the value itself, and something else than a section can.
func (s *schema) swept() bool {
	return !s.takes("array") && (!s.takes("object") || len(s.types) > 1)
}

// find is the dotted path of the first property with this name, breadth first and not at an older place; "" where there is
// none.
func (s *schema) find(name string) string {
	type place struct {
		path string
		*schema
	}
	for queue := []place{{"", s}}; len(queue) > 0; queue = queue[1:] {
		for _, f := range queue[0].fields {
			if f.old {
				continue
			}
			p := join(queue[0].path, f.name)
			if f.name == name {
				return p
			}
			queue = append(queue, place{p, f})
		}
	}
	return ""
}

// formats are the shapes of text that a pattern can't say well. What is not their type passes: type tells of that.
var formats = []*jsonschema.Format{
	{Name: "hpc-duration", Validate: duration},
	{Name: "share", Validate: func(v any) error { _, err := share(v); return err }},
	{Name: "time-limit", Validate: func(v any) error { _, err := timeLimit(v); return err }},
	{Name: "path", Validate: onText(absolute)},
	{Name: "bind", Validate: onText(bind)},
	{Name: "node-range", Validate: onText(func(s string) error { _, err := parseRange(s); return err })},
	{Name: "indices", Validate: onText(func(s string) error { _, err := indices(s); return err })},
	{Name: "sbatch", Validate: onText(sbatchOption)},
}

// duration passes sections: where one may stand, it is the type's to say.
func duration(v any) error {
	if _, section := v.(map[string]any); section {
		return nil
	}
	_, err := seconds(v)
	return err
}

func onText(f func(string) error) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); ok {
			return f(s)
		}
		return nil
	}
}

// absolute refuses what is no absolute path. Nothing expands ~ or $HOME later: values are never given to a shell.
func absolute(p string) error {
	switch {
	case strings.HasPrefix(p, "~"), strings.HasPrefix(p, "$"):
		return fmt.Errorf("is not expanded by any shell")
	case !path.IsAbs(p):
		return fmt.Errorf("is not an absolute path")
	}
	return nil
}

// bind checks source:destination[:options]. A comma would start another bind in Apptainer's own syntax.
func bind(s string) error {
	parts := strings.Split(s, ":")
	switch {
	case strings.Contains(s, ","):
		return fmt.Errorf("has a comma; each bind is an item of its own")
	case len(parts) < 2 || len(parts) > 3:
		return fmt.Errorf("has %s, a bind has two or three parts between colons", diag.Several(len(parts), "part"))
	case len(parts) == 3 && parts[2] != "ro" && parts[2] != "rw":
		return fmt.Errorf("ends in %q, which is neither ro nor rw", parts[2])
	}
	for i, side := range []string{"source", "destination"} {
		if err := absolute(parts[i]); err != nil {
			return fmt.Errorf("has a %s that %w", side, err)
		}
	}
	return nil
}

package recipe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hpcbench/gen/internal/service"
	"hpcbench/schemas"
)

// EditorSchema is the JSON Schema of a whole recipe for editors: the one that gen checks points by, with a list allowed
// wherever a sweep is, each service's settings where workload.service names it, and the known services and clusters
// as examples. It has no references, and none of our own keywords.
func EditorSchema(services []*service.Service, clusters []string) ([]byte, error) {
	doc, diags := parse("schemas/recipe-format.yaml", schemas.Recipe)
	if diags.Failed() {
		return nil, fmt.Errorf("reading the schema of recipes: %s", diags[0])
	}
	doc = inline(doc, doc)
	known := &node{kind: list}
	choices := &node{kind: list}
	for _, s := range services {
		known.items = append(known.items, wrap(s.Name))
		choices.items = append(choices.items, settingsOf(s))
	}
	doc.at("properties", "workload", "properties", "service").set("examples", known)
	names := &node{kind: list}
	for _, name := range clusters {
		names.items = append(names.items, wrap(name))
	}
	doc.at("properties", "cluster").set("examples", names)
	allowSweeps(doc)
	doc.remove("$defs")
	doc.remove("$id")
	choices.items = append(choices.items, whole(doc))
	doc.set("allOf", choices)
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(doc.json()), "", "  "); err != nil {
		return nil, fmt.Errorf("writing the schema of recipes: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}

// whole moves what a recipe must have into a condition: one that extends another may have it from there.
func whole(doc *node) *node {
	must := &node{kind: mapping}
	for _, key := range []string{"required", "if", "else"} {
		if n := doc.get(key); n != nil {
			must.set(key, n)
			doc.remove(key)
		}
	}
	choice := &node{kind: mapping}
	choice.set("if", wrap(map[string]any{"required": []any{"extends"}}))
	choice.set("else", must)
	return choice
}

// settingsOf is the condition: with this service, service_config is as its folder says.
func settingsOf(s *service.Service) *node {
	config := map[string]any{"type": "object"}
	maps.Copy(config, s.Config)
	settings := wrap(config)
	closed(settings, true, s.Flags)
	settings = inline(settings, settings)
	settings.remove("$defs")
	allowSweeps(settings)
	below := func(value *node, names ...string) *node {
		for _, name := range slices.Backward(names) {
			inner := &node{kind: mapping}
			inner.set(name, value)
			value = inner
		}
		return value
	}
	choice := below(below(wrap(s.Name), "properties", "workload", "properties", "service", "const"), "if")
	choice.get("if").set("required", wrap([]any{"workload"}))
	choice.at("if", "properties", "workload").set("required", wrap([]any{"service"}))
	choice.set("then", below(settings, "properties", "servers", "properties", "service_config"))
	return choice
}

// inline puts what a $ref means in its place; what stands beside it wins.
func inline(n, root *node) *node {
	c := *n
	c.fields, c.items = nil, nil
	for _, f := range n.fields {
		if f.name != "$ref" {
			c.set(f.name, inline(f.node, root))
		}
	}
	for _, item := range n.items {
		c.items = append(c.items, inline(item, root))
	}
	if ref, ok := n.get("$ref").str(); ok {
		for _, f := range root.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).fields {
			if c.get(f.name) == nil {
				c.set(f.name, inline(f.node, root))
			}
		}
	}
	return &c
}

// about are the keywords that tell of a value and do not test it.
var about = []string{"description", "default", "examples", "deprecated"}

// allowSweeps allows a list in the place of each scalar below, unless it can't be swept, and takes our own keywords out.
func allowSweeps(doc *node) {
	if doc.flag("x-open") {
		doc.remove("additionalProperties")
	}
	for _, at := range []string{"additionalProperties", "items"} {
		if inner := doc.get(at); inner != nil && inner.kind == mapping {
			allowSweeps(inner)
			if at == "items" {
				unwrap(inner)
			}
		}
	}
	if properties := doc.get("properties"); properties != nil {
		for _, f := range properties.fields {
			allowSweeps(f.node)
		}
	}
	types := doc.get("type").words()
	sweep := doc.get("x-sweep")
	if doc.kind == mapping && len(types) > 0 && (&schema{types: types}).swept() &&
		(sweep == nil || doc.flag("x-sweep")) {
		orList(doc)
	}
	doc.fields = slices.DeleteFunc(doc.fields, func(f field) bool { return strings.HasPrefix(f.name, "x-") })
}

// orList makes of the schema of a scalar that of the scalar or a list of them.
func orList(doc *node) {
	one := &node{kind: mapping}
	for _, f := range slices.Clone(doc.fields) {
		if !slices.Contains(about, f.name) {
			one.set(f.name, f.node)
			doc.remove(f.name)
		}
	}
	one.fields = slices.DeleteFunc(one.fields, func(f field) bool { return strings.HasPrefix(f.name, "x-") })
	sweep := wrap(map[string]any{"type": "array", "minItems": 1})
	sweep.set("description", wrap("a sweep: a trial for each value"))
	sweep.set("items", one.clone())
	doc.set("anyOf", &node{kind: list, items: []*node{one, sweep}})
}

// unwrap takes a list's items out of the choice that orList made: a list of lists is no sweep.
func unwrap(doc *node) {
	choice := doc.get("anyOf")
	if choice == nil {
		return
	}
	doc.remove("anyOf")
	for _, f := range choice.items[0].fields {
		doc.set(f.name, f.node)
	}
}

// json is the node as JSON with its fields in their order.
func (n *node) json() string {
	var parts []string
	switch n.kind {
	case mapping:
		for _, f := range n.fields {
			parts = append(parts, jsonText(f.name)+":"+f.json())
		}
		return "{" + strings.Join(parts, ",") + "}"
	case list:
		for _, item := range n.items {
			parts = append(parts, item.json())
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return jsonText(n.value)
}

// jsonText writes a scalar; < and > stand as they are.
func jsonText(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("a scalar of a schema that JSON can't hold: %v", err)) // NaN in our own file
	}
	return strings.TrimSpace(out.String())
}

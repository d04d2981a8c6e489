package why

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/diag"
)

// declared are the scalars of a YAML file that was read into a struct, and the struct with others in their places.
func declared[T any](kind, file string, text []byte, from *T, with func(*T) attempt) ([]value, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []value
	scalars(&doc, nil, func(path []string, n *yaml.Node) {
		at, ok := inside(reflect.ValueOf(from).Elem(), path)
		if !ok || skipped(path) {
			return
		}
		v := value{path: strings.Join(path, "."), Source: Source{Kind: kind, Pos: diag.Pos{File: file, Line: n.Line}}}
		v.Text = v.path + ": " + strings.TrimSpace(n.Value)
		like, unlike := others(at)
		v.like = len(like)
		for _, other := range append(like, unlike...) {
			v.try = append(v.try, func() attempt {
				changed := replaced(reflect.ValueOf(from).Elem(), path, other).Interface().(T)
				return with(&changed)
			})
		}
		all = append(all, v)
	})
	return all, nil
}

// skipped are values that no line hangs on by themselves: templates, which are followed line by line, and what
// service_config may hold, but for its defaults.
func skipped(path []string) bool {
	return path[0] == "argv" || path[0] == "files" || path[0] == "env" && len(path) == 1 || path[0] == "config" && path[len(path)-1] != "default"
}

// scalars calls do for each scalar below a node of YAML, with the keys and indices that lead to it.
func scalars(n *yaml.Node, path []string, do func([]string, *yaml.Node)) {
	switch n.Kind {
	case yaml.DocumentNode:
		scalars(n.Content[0], path, do)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			scalars(n.Content[i+1], append(slices.Clone(path), n.Content[i].Value), do)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			scalars(item, append(slices.Clone(path), strconv.Itoa(i)), do)
		}
	case yaml.ScalarNode:
		do(path, n)
	}
}

// inside is the value that a path leads to.
func inside(v reflect.Value, path []string) (reflect.Value, bool) {
	for _, name := range path {
		if v = child(v, name); !v.IsValid() {
			return v, false
		}
	}
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v, v.IsValid()
}

// child is the field, entry or item of a value with this name; the zero Value where there is none.
func child(v reflect.Value, name string) reflect.Value {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		if i := fieldOf(v.Type(), name); i >= 0 {
			return v.Field(i)
		}
	case reflect.Map:
		return v.MapIndex(reflect.ValueOf(name))
	case reflect.Slice:
		if i, err := strconv.Atoi(name); err == nil && i < v.Len() {
			return v.Index(i)
		}
	}
	return reflect.Value{}
}

// fieldOf is the index of the field that YAML calls name, -1 where there is none.
func fieldOf(t reflect.Type, name string) int {
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); tag == name {
			return i
		}
	}
	return -1
}

// replaced is a copy of v with another value at a path; what does not lie on the way is shared.
func replaced(v reflect.Value, path []string, other reflect.Value) reflect.Value {
	if len(path) == 0 {
		return other
	}
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	inner := replaced(child(v, path[0]), path[1:], other)
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	switch v.Kind() {
	case reflect.Struct:
		c.Field(fieldOf(v.Type(), path[0])).Set(inner)
	case reflect.Map:
		c.Set(reflect.MakeMap(v.Type()))
		for entries := v.MapRange(); entries.Next(); {
			c.SetMapIndex(entries.Key(), entries.Value())
		}
		c.SetMapIndex(reflect.ValueOf(path[0]), inner)
	case reflect.Slice:
		i, err := strconv.Atoi(path[0])
		if err != nil {
			panic("a path leads to item " + path[0]) // inside followed it before
		}
		c.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v))
		c.Index(i).Set(inner)
	}
	return c
}

// others are values of the same kind that v could have instead, and its zero.
func others(v reflect.Value) (like, unlike []reflect.Value) {
	of := func(x any) reflect.Value { return reflect.ValueOf(x).Convert(v.Type()) }
	switch v.Kind() {
	case reflect.String:
		return []reflect.Value{of(v.String() + "x"), of("x" + v.String())}, []reflect.Value{of("")}
	case reflect.Int, reflect.Int64:
		return []reflect.Value{of(v.Int() + 1), of(v.Int()*10 + 7)}, []reflect.Value{of(0)}
	case reflect.Float64:
		return []reflect.Value{of(v.Float() + 1), of(v.Float()*10 + 7)}, []reflect.Value{of(0.0)}
	case reflect.Bool:
		return []reflect.Value{of(!v.Bool())}, nil
	}
	return nil, nil
}

// blockStart is the line before the text of a key at the top of a YAML file that is a block (argv: |).
func blockStart(text []byte, key string) int {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 {
		return 0
	}
	top := doc.Content[0].Content
	for i := 0; i+1 < len(top); i += 2 {
		if top[i].Value == key {
			return top[i+1].Line
		}
	}
	return 0
}

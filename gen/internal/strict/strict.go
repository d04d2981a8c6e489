// Package strict decodes YAML into a struct and refuses every key that the struct does not have.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/diag"
)

// Decode reads src, the content of the file called name, into the struct that into points to. The error names file and
// line of everything that is wrong: unknown keys, wrong types, bad YAML.
func Decode(name string, src []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: the file is empty", name)
	}
	var mistakes *yaml.TypeError
	if errors.As(err, &mistakes) {
		return located(name, mistakes.Errors, keys(reflect.TypeOf(into), nil))
	}
	if err != nil {
		return located(name, []string{strings.TrimPrefix(err.Error(), "yaml: ")}, nil)
	}
	return nil
}

var (
	line    = regexp.MustCompile(`^line (\d+): (.*)$`)
	unknown = regexp.MustCompile(`^field (.*) not found in type (.*)$`)
)

// keys are those of a struct, by the name of its type as yaml.v3 tells it, and of all structs within.
func keys(t reflect.Type, all map[string][]string) map[string][]string {
	if all == nil {
		all = map[string][]string{}
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keys(t.Elem(), all)
	case reflect.Struct:
	default:
		return all
	}
	if _, done := all[t.String()]; done {
		return all
	}
	all[t.String()] = []string{}
	for field := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(field).Tag.Get("yaml"), ",")
		all[t.String()] = append(all[t.String()], key)
		keys(t.Field(field).Type, all)
	}
	return all
}

// located turns yaml.v3's "line 3: field x not found in type T" into "name:3: unknown key "x" (did you mean "y"?)".
func located(name string, mistakes []string, known map[string][]string) error {
	var all []error
	for _, text := range mistakes {
		at := name
		if m := line.FindStringSubmatch(text); m != nil {
			at, text = name+":"+m[1], m[2]
		}
		if m := unknown.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("unknown key %q", m[1])
			if cure := diag.DidYouMean(m[1], known[m[2]]); cure != "" {
				text += " (" + cure + ")"
			}
		}
		all = append(all, fmt.Errorf("%s: %s", at, text))
	}
	return errors.Join(all...)
}

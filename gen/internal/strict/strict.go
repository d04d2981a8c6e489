// Package strict decodes YAML into a struct and refuses every key that the struct does not have.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
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
		return located(name, mistakes.Errors)
	}
	if err != nil {
		return located(name, []string{strings.TrimPrefix(err.Error(), "yaml: ")})
	}
	return nil
}

var (
	line    = regexp.MustCompile(`^line (\d+): (.*)$`)
	unknown = regexp.MustCompile(`^field (.*) not found in type .*$`)
)

// located turns yaml.v3's "line 3: field x not found in type T" into "name:3: unknown key "x"".
func located(name string, mistakes []string) error {
	var all []error
	for _, text := range mistakes {
		at := name
		if m := line.FindStringSubmatch(text); m != nil {
			at, text = name+":"+m[1], m[2]
		}
		if m := unknown.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("unknown key %q", m[1])
		}
		all = append(all, fmt.Errorf("%s: %s", at, text))
	}
	return errors.Join(all...)
}

// Package schemas holds the JSON Schemas of the files that people and programs write and read.
package schemas

import _ "embed"

// Recipe is recipe-format.yaml, the JSON Schema of a recipe, kept as YAML. The keyword x-says holds the words of a
// message about a value that does not fit, x-sweep: false marks a value that can't be a list, and a default stands
// where the value is documented.
//
//go:embed recipe-format.yaml
var Recipe []byte

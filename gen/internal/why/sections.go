package why

import (
	"strings"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/diag"
)

// sections explains the lines of the resolved recipe that begin a section, by their numbers from 1: the recipe has it, or
// it is there for the defaults in it.
func (e *explainer) sections(lines []string) map[int]Source {
	all := map[int]Source{}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(strings.Join(lines, "\n")), &doc); err != nil || len(doc.Content) == 0 {
		return nil // gen wrote it: no line of it begins a section then
	}
	var walk func(path string, n *yaml.Node)
	walk = func(path string, n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, inner := n.Content[i], n.Content[i+1]
			at := strings.TrimPrefix(path+"."+key.Value, ".")
			if inner.Kind != yaml.ScalarNode && inner.Line > key.Line {
				all[key.Line] = e.section(at)
			}
			walk(at, inner)
		}
	}
	walk("", doc.Content[0])
	return all
}

func (e *explainer) section(path string) Source {
	pos, written := e.in.Recipe.WrittenAt(path)
	switch {
	case !written:
		return Source{Kind: "default", Text: path + ": for the defaults in it"}
	case pos.Line == 0:
		return Source{Kind: "set", Text: strings.TrimPrefix(pos.File, "--set ")}
	}
	return Source{Kind: "recipe", Pos: diag.Pos{File: pos.File, Line: pos.Line}, Text: path + ":"}
}

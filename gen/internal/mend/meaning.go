package mend

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// edit is a change of a document's meaning, by its nodes.
type edit struct {
	gone         *yaml.Node // a value that goes with its key
	renamed      *yaml.Node // a key, and its new name
	name         string
	replaced, by *yaml.Node
}

// means are the values of the text, each with its path, as they are after an edit.
func (t *text) means(e edit) []string { return flatten(t.root, "", e) }

// flatten lists the values below a node. Items of a list have one path, so that one more does not change the others'.
func flatten(n *yaml.Node, path string, e edit) []string {
	if n == e.replaced {
		n = e.by
	}
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		var all []string
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			name := key.Value
			if key == e.renamed {
				name = e.name
			}
			if value != e.gone {
				all = append(all, flatten(value, join(path, name), e)...)
			}
		}
		return all
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
		var all []string
		for _, item := range n.Content {
			if item != e.gone {
				all = append(all, flatten(item, path+"[]", e)...)
			}
		}
		return all
	}
	return []string{path + "\x00" + n.Anchor + "\x00" + n.ShortTag() + "\x00" + n.Value}
}

// roomFor is what the text means after an edit, but for the sections without a value that a path goes through: something
// is to be written into them.
func (t *text) roomFor(names []string, e edit) []string {
	return slices.DeleteFunc(t.means(e), func(line string) bool {
		path, rest, _ := strings.Cut(line, "\x00")
		nothing := strings.HasSuffix(rest, "!!null\x00") || strings.HasSuffix(rest, "!!map\x00")
		return nothing && within(names, strings.Split(path, "."))
	})
}

// same tells whether two lists of values are the same, in whatever order.
func same(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

package recipe

import (
	"fmt"
	"slices"
	"strings"
)

// Reference is docs/recipe.md: every key of a recipe, from the schema.
func Reference() []byte {
	var b strings.Builder
	b.WriteString(referenceHead)
	sections(&b, "", recipeSchema())
	b.WriteString(referenceTail)
	return []byte(b.String())
}

// neededWithSlurm are the keys that a job on a cluster can't do without, as the schema's own condition has them.
var neededWithSlurm = map[string]bool{
	"partition": true, "orchestration": true, "resources": true, "orchestration.total_nodes": true,
	"orchestration.node_allocation": true, "orchestration.node_allocation.servers": true,
	"orchestration.node_allocation.clients": true, "orchestration.node_allocation.servers.nodes": true, "resources.servers": true, "resources.clients": true,
	"workload.component": true, "workload.model": true,
}

// sections writes a table for a section and then those below it.
func sections(b *strings.Builder, path string, s *schema) {
	title := "Top level"
	if path != "" {
		title = "`" + path + "`"
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", title, s.doc)
	b.WriteString("| Key | Value | Default | Meaning |\n|---|---|---|---|\n")
	for _, f := range s.fields {
		if !f.old {
			row(b, join(path, f.name), f, s)
		}
	}
	for _, f := range s.fields {
		switch {
		case f.old:
		case len(f.fields) > 0:
			sections(b, join(path, f.name), f)
		case f.item != nil && len(f.item.fields) > 0:
			sections(b, join(path, f.name)+"[]", &schema{doc: "Each of `" + f.name + "`.", fields: f.item.fields, required: f.item.required})
		}
	}
}

func row(b *strings.Builder, path string, f, parent *schema) {
	var notes []string
	switch {
	case slices.Contains(parent.required, f.name):
		notes = append(notes, "**Needed.**")
	case neededWithSlurm[path]:
		notes = append(notes, "**Needed** with Slurm.")
	}
	notes = append(notes, f.doc)
	if f.fixed {
		notes = append(notes, "*One value.*")
	}
	def := ""
	if f.def != nil {
		def = "`" + yamlText(f.def) + "`"
	} else if text, ok := f.silent.str(); ok {
		def = text
	}
	fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.name, f.kindOfValue(), def, strings.Join(notes, " "))
}

// kindOfValue is what a key takes, for the table.
func (s *schema) kindOfValue() string {
	switch {
	case len(s.enum) > 0:
		return "`" + strings.Join(s.enum, "`, `") + "`"
	case s.format == "hpc-duration" && len(s.fields) > 0 && s.item == nil:
		return "duration or section"
	case s.format == "hpc-duration":
		return "duration"
	case s.format == "share":
		return "share: 0 to 1, or such as 5%"
	case s.format == "time-limit":
		return "HH:MM:SS, D-HH:MM:SS or duration"
	case s.format == "node-range":
		return "indices or host names"
	case s.format == "indices":
		return "an index, `0-3` or `[0, 2]`"
	case len(s.fields) > 0 && len(s.types) > 1:
		return s.want()
	case len(s.fields) > 0:
		return "section"
	case s.item != nil && len(s.item.enum) > 0:
		return "list of `" + strings.Join(s.item.enum, "`, `") + "`"
	case s.takes("object"):
		return "names and values"
	}
	return s.want()
}

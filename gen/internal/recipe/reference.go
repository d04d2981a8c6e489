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
	return []byte(b.String())
}

const referenceHead = `# The recipe

<!-- Made from schemas/recipe-format.yaml by go test ./gen/internal/cli -update. Edit that file. -->

A recipe is one YAML file: a service, where it runs, the load it gets. ` + "`gen check`" + ` tells of every mistake in it with its
place and what to write instead; ` + "`recipe.resolved.yaml`" + ` in the bundle has every default spelled out.

**Sweeps.** Any single value may be a list instead, and the recipe then has a point for every combination, the last list
changing fastest. A key marked *one value* can't be a list; modules and binds are lists by nature.

**Durations** are ` + "`90s`, `15m`, `2h`, `1h30m`, `500ms`" + ` or a number of seconds.

**Load.** concurrency counts requests in flight over all client nodes together. Without it there are clients_per_node on
each client node; with neither, one request. target_rps makes an open loop: requests fall due whether or not earlier ones
are done, and concurrency, if given, caps what is in flight.

**Needed** with Slurm means: not in ` + "`mode: local`" + `, which wants scenario, orchestration.mode and workload.service only.
`

// neededWithSlurm are the keys that a job on a cluster can't do without, as the schema's own condition has them.
var neededWithSlurm = map[string]bool{
	"partition": true, "orchestration": true, "resources": true, "orchestration.total_nodes": true,
	"orchestration.node_allocation": true, "orchestration.node_allocation.servers": true,
	"orchestration.node_allocation.clients": true, "orchestration.node_allocation.servers.nodes": true,
	"orchestration.node_allocation.clients.nodes": true, "resources.servers": true, "resources.clients": true,
	"workload.component": true, "workload.model": true,
}

// sections writes a table for a section and then those below it.
func sections(b *strings.Builder, path string, s *schema) {
	title := "Top level"
	if path != "" {
		title = "`" + path + "`"
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", title, s.doc)
	if len(s.fields) == 0 {
		return
	}
	b.WriteString("| Key | Value | Default | Meaning |\n|---|---|---|---|\n")
	for _, f := range s.fields {
		if !f.old {
			row(b, join(path, f.name), f, s)
		}
	}
	for _, f := range s.fields {
		if len(f.fields) > 0 && !f.old {
			sections(b, join(path, f.name), f)
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
	}
	fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.name, f.kindOfValue(), def, strings.Join(notes, " "))
}

// kindOfValue is what a key takes, for the table.
func (s *schema) kindOfValue() string {
	switch {
	case len(s.enum) > 0:
		return "`" + strings.Join(s.enum, "`, `") + "`"
	case s.format == "hpc-duration":
		return "duration"
	case s.format == "time-limit":
		return "HH:MM:SS, D-HH:MM:SS or duration"
	case len(s.fields) > 0:
		return "section"
	case s.takes("object"):
		return "names and values"
	}
	return s.want()
}

package service

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"hpcbench/agent/workload"
)

//go:embed reference.md
var referenceHead string

// sources are this package's own, whose comments are the words about each key.
//
//go:embed *.go
var sources embed.FS

// Reference is docs/services.md: every service of fsys with its settings.
func Reference(fsys fs.FS) ([]byte, error) {
	names, err := List(fsys)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	keys, err := documented("Service", "service.yaml")
	if err != nil {
		return nil, err
	}
	fields, err := documented("Start", "a template")
	if err != nil {
		return nil, err
	}
	b.WriteString(strings.NewReplacer("KEYS\n", keys, "FIELDS\n", fields, "NAMES", ourNames()).Replace(referenceHead))
	for _, name := range names {
		s, err := Load(fsys, name)
		if err != nil {
			return nil, err
		}
		s.reference(&b)
	}
	return []byte(b.String()), nil
}

func (s *Service) reference(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s: %s.\n\n", s.Name, s.Title, s.Description)
	fmt.Fprintf(b, "- dialects: %s\n- started as: %s\n", strings.Join(s.Dialects, ", "), strings.Join(s.Launchers, ", "))
	if s.Health.Path != "" {
		fmt.Fprintf(b, "- healthy when %s answers 200\n", s.Health.Path)
	}
	if s.Image != "" {
		fmt.Fprintf(b, "- image, where the recipe names none: %s\n", s.Image)
	}
	if s.Metrics.Path != "" {
		fmt.Fprintf(b, "- its own metrics: %s%s\n", s.Metrics.Path, above(s.Metrics.PortOffset))
	}
	if s.Reset.Path != "" {
		fmt.Fprintf(b, "- before each trial: %s %s\n", cmp.Or(s.Reset.Method, "POST"), s.Reset.Path)
	}
	for _, limit := range s.Limits {
		fmt.Fprintf(b, "- %s\n", limit)
	}
	b.WriteString("\n| setting | type | meaning |\n|---|---|---|\n")
	settings(b, "", s.Config)
	if s.Flags {
		b.WriteString("\nAny other setting is handed to the server as an option, with a warning.\n")
	}
}

// ourNames are the names of what servers tell, each with what it is.
func ourNames() string {
	var names []string
	for _, n := range workload.ServerNames {
		names = append(names, "`"+n.Name+"` ("+n.Help+")")
	}
	return strings.Join(names, ", ")
}

// above says where a port is from the endpoint's.
func above(offset int) string {
	if offset == 0 {
		return ""
	}
	return fmt.Sprintf(", at the endpoint's port + %d", offset)
}

// settings writes a row for each property of a schema, and for those below it. One that is false is the job's own.
func settings(b *strings.Builder, prefix string, schema map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p, ok := properties[name].(map[string]any)
		if !ok {
			continue
		}
		meaning := text(p["description"])
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", prefix+name, kind(p), meaning)
		settings(b, prefix+name+".", p)
	}
}

// kind is what a setting takes, in words.
func kind(p map[string]any) string {
	if ref := text(p["$ref"]); ref != "" {
		return ref[strings.LastIndex(ref, "/")+1:]
	}
	if words, ok := p["enum"].([]any); ok {
		return strings.Trim(fmt.Sprint(words), "[]")
	}
	if types, ok := p["type"].([]any); ok {
		return strings.Trim(fmt.Sprint(types), "[]")
	}
	return text(p["type"])
}

func text(v any) string {
	s, _ := v.(string)
	return strings.ReplaceAll(s, "|", `\|`)
}

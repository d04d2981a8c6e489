package service

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"hpcbench/agent/workload"
)

const referenceHead = `# Services

<!-- Made from templates/services/*/service.yaml by go test ./gen/internal/cli -update. Edit those files. -->

A service is a folder: ` + "`service.yaml`" + ` says what it is and what it can do, ` + "`argv.tmpl` and `env.tmpl`" + ` how one rank of it is started.
Its README.md has an example. ` + "`gen --services DIR`" + ` adds a folder of your own; an OpenAI-compatible server needs one file:

` + "```yaml" + `
name: mine                       # DIR/mine/service.yaml
dialects: [openai-chat]
health: {path: /health}
flags: true                      # settings that config does not name become --options of the server
argv: |
  my-server
  --model
  {{arg .Model}}
  --listen
  @IP@:@PORT@
  {{flags .Config}}
` + "```" + `

In argv a line is an argument. ` + "`{{arg V}}`" + ` is a value as one argument, whatever is in it; ` + "`{{flags .Config \"a\"}}`" + ` are the settings but
a, as options; ` + "`{{get .Config \"a.b\" ELSE}}`" + ` is one setting. Of a deployment the templates see .Model, .Config, .Environment,
.Launcher, .Nodes, .Rank, .GPUs, .CPUs, .MemGB, .Image, .Concurrency (the most requests in flight at one endpoint over the
trials) and .Context (tokens of prompt and answer that a request needs room for). The job puts in @IP@, @PORT@, @RANK@,
@HEAD_IP@, @NODES@, @AGENT@, @RUN@ (results/<jobid>), @TMP@ (a short directory on the node), @INTERFACE@ and @BLOCK+N@ (port N
of the job's block of a hundred).

Three keys say what is read of a server beside its answers. ` + "`metrics: {path: /metrics, port_offset: 2, map: {x_total: gen_tokens}}`" + ` is
its page in Prometheus's text format, on the endpoint's port plus ` + "`port_offset`" + `, and its names mapped to ours: %NAMES%. A name
may choose by labels, ` + "`x{label=\"v\"}`" + `, or be a sum, ` + "`x + y`" + `; it may stand for several of ours, with commas between;
of several that stand for one of ours the first on the page counts. ` + "`metrics.extra`" + ` adds metrics as ` + "`monitoring.metrics`" + ` of a
recipe does. ` + "`reset: {method: POST, path: /forget}`" + ` is asked of each endpoint before each trial, where the server has a way to forget
that is safe on a network that others share. ` + "`proof: [{name: kv_cache, pattern: \"KV cache size: [0-9,]+\"}]`" + ` are lines of its log that go
into job.json (POSIX extended regular expressions).

What ` + "`gen create`" + ` asks about a service, besides what it asks about each, stands under ` + "`ask`" + `: a path of the recipe, and templates of a
default and of a condition. They see .Nodes and .GPUs of the servers, .Model, .Account, .Slurm, .Container and .Config so far.
`

// Reference is docs/services.md: every service of fsys with its settings.
func Reference(fsys fs.FS) ([]byte, error) {
	names, err := List(fsys)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(strings.Replace(referenceHead, "%NAMES%", ourNames(), 1))
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
	fmt.Fprintf(b, "- dialects: %s\n- started as: %s\n- healthy when %s answers 200\n", strings.Join(s.Dialects, ", "), strings.Join(s.Launchers, ", "), s.Health.Path)
	if s.Image != "" {
		fmt.Fprintf(b, "- image, where the recipe names none: %s\n", s.Image)
	}
	if s.Metrics.Path != "" {
		fmt.Fprintf(b, "- its own metrics: %s%s\n", s.Metrics.Path, offset(s.Metrics.PortOffset))
	}
	if s.Reset.Path != "" {
		fmt.Fprintf(b, "- asked before each trial to forget the one before: %s %s\n", s.Reset.Method, s.Reset.Path)
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

// offset says on which port, where it is not the endpoint's.
func offset(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" on the endpoint's port %+d", n)
}

// ourNames are the names of what servers tell, each with what it is.
func ourNames() string {
	var names []string
	for _, n := range workload.ServerNames {
		names = append(names, "`"+n.Name+"` ("+n.Help+")")
	}
	return strings.Join(names, ", ")
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
		if meaning == "" && prefix == "" {
			meaning = "the server's own `--" + strings.ReplaceAll(name, "_", "-") + "`"
		}
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

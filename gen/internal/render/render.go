package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"text/template"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/plan"
	"hpcbench/gen/internal/service"
	"hpcbench/gen/internal/trace"
)

// Input is everything that a bundle is made from.
type Input struct {
	Version   string // of gen
	Plan      *plan.Plan
	Service   *service.Service
	Recipe    []byte        // as written
	Resolved  []byte        // with every default
	Extra     []bundle.File // bin/ and inputs/
	Templates fs.FS
	Only      func(path string) bool // trials that are wanted; nil: all. A sweep of thousands is most of the work
	Trace     bool                   // texts carry tags of package trace that say where in the templates they stand
}

// Render makes the files of a bundle. After a plan, an error is ours and not the user's.
func Render(in Input) (*bundle.Bundle, error) {
	b := &bundle.Bundle{Slug: in.Plan.Slug, Head: []string{"hpcbench " + in.Version, "plan " + in.Plan.ID}}
	templates, err := parse(in.Templates, in.Trace)
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	v := view(in)
	r := renderer{templates: templates, bundle: b}
	for i := range v.Jobs {
		r.script("job.sbatch.tmpl", v.Jobs[i].Script, &v.Jobs[i])
	}
	r.script("submit.sh.tmpl", "submit.sh", v)
	r.script("status.tmpl", "status", v)
	if len(v.Images)+len(v.Prefetch) > 0 {
		r.script("prefetch.sh.tmpl", "prefetch.sh", v)
	}
	for _, name := range nodeScripts(v) {
		r.script("node/"+name+".tmpl", "node/"+name, v)
	}
	for i := range v.Stores {
		r.script("node/"+v.Stores[i].Name+".sh.tmpl", "node/"+v.Stores[i].Name+".sh", &v.Stores[i])
	}
	r.execute("README.md.tmpl", "README.md", 0o644, v)
	if r.err != nil {
		return nil, r.err
	}
	if err := r.laptop(in, v); err != nil {
		return nil, err
	}
	b.Add("node/causes.tsv", 0o644, causes(in.Service))
	b.Add("node/proof.tsv", 0o644, proof(in.Service))
	if v.Watch {
		text, err := indented(in.Plan.Setting.Watch)
		if err != nil {
			return nil, fmt.Errorf("rendering what is watched: %w", err)
		}
		b.Add("node/watch.json", 0o644, text)
	}
	if l := in.Plan.Setting.Logs; l != nil && (l.JSONLines || l.Console) {
		text, err := indented(l)
		if err != nil {
			return nil, fmt.Errorf("rendering what becomes of the logs: %w", err)
		}
		b.Add("node/logs.json", 0o644, text)
	}
	if err := scripts(b, in.Service); err != nil {
		return nil, err
	}
	if err := servers(b, in.Plan); err != nil {
		return nil, err
	}
	if err := trials(b, "trials", in, in.Plan.Trials); err != nil {
		return nil, err
	}
	if err := trials(b, "smoke", in, in.Plan.SmokeTrials()); err != nil {
		return nil, err
	}
	b.Add("recipe.yaml", 0o644, in.Recipe)
	b.Add("recipe.resolved.yaml", 0o644, in.Resolved)
	b.Files = append(b.Files, in.Extra...)
	return b, nil
}

// Script makes one script of fsys that belongs to no bundle.
func Script(fsys fs.FS, name string, view any) ([]byte, error) {
	templates, err := parse(fsys, false)
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, view); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// nodeScripts are the scripts that the job's steps run.
func nodeScripts(v *Bundle) []string {
	names := []string{"client.sh", "preflight.sh"}
	ray := func(d Deployment) bool { return d.Launcher == "ray" }
	if slices.ContainsFunc(v.Deployments, ray) {
		names = append(names, "ray.sh")
	}
	if slices.ContainsFunc(v.Deployments, func(d Deployment) bool { return !ray(d) && len(d.External) == 0 }) {
		names = append(names, "server.sh")
	}
	if slices.ContainsFunc(v.Deployments, func(d Deployment) bool { return d.Prepare }) {
		names = append(names, "prepare.sh")
	}
	if len(v.Stores) > 0 || slices.ContainsFunc(v.Deployments, func(d Deployment) bool { return len(d.External) == 0 }) {
		names = append(names, "tidy.sh")
	}
	if v.MonitorInterval != "" {
		names = append(names, "monitor.sh")
	}
	return names
}

// renderer executes templates into a bundle until one fails.
type renderer struct {
	templates *template.Template
	bundle    *bundle.Bundle
	err       error
}

func (r *renderer) script(name, path string, view any) { r.execute(name, path, 0o755, view) }

func (r *renderer) execute(name, path string, mode fs.FileMode, view any) {
	if r.err != nil {
		return
	}
	var out bytes.Buffer
	if err := r.templates.ExecuteTemplate(&out, name, view); err != nil {
		r.err = fmt.Errorf("rendering %s: %w", path, err)
		return
	}
	r.bundle.Add(path, mode, out.Bytes())
}

// parse reads every template of fsys under its path.
func parse(fsys fs.FS, traced bool) (*template.Template, error) {
	all := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"quote": quote, "array": array, "words": words, "assign": assign, "directive": directive, "comment": comment,
		"lib": func(name string) (string, error) { return lib(fsys, name, traced) },
	})
	for _, pattern := range []string{"*.tmpl", "node/*.tmpl", "monitoring/*.tmpl", "monitoring/grafana/provisioning/*/*.tmpl"} {
		files, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := fs.ReadFile(fsys, file)
			if err != nil {
				return nil, err
			}
			t, err := all.New(file).Parse(string(text))
			if err != nil {
				return nil, err
			}
			if traced {
				trace.Mark(t, file, string(text))
			}
		}
	}
	return all, nil
}

// lib is the text of templates/lib/name as a script has it: without the lines that tell shellcheck of the file alone.
func lib(fsys fs.FS, name string, traced bool) (string, error) {
	text, err := fs.ReadFile(fsys, "lib/"+name)
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	first := 1
	for len(lines) > 0 && strings.HasPrefix(lines[0], "# shellcheck") {
		lines = lines[1:]
		first++
	}
	if traced {
		return trace.TagLines("lib/"+name, first, strings.Join(lines, "\n")), nil
	}
	return strings.Join(lines, "\n"), nil
}

// causes is node/causes.tsv: what is known of the service's failures by patterns of its log, and of those of what runs it.
// A row is 1 for a cause and 2 for what only follows from one, the pattern, the cause, its details and its cure; "-" for none.
func causes(s *service.Service) []byte {
	var out bytes.Buffer
	for _, c := range slices.Concat(s.Causes, service.Common) {
		order := 1
		if c.Follows {
			order = 2
		}
		fmt.Fprintf(&out, "%d\t%s\t%s\t%s\t%s\n", order, c.Pattern, c.Cause, cmp.Or(c.Detail, "-"), cmp.Or(c.Cure, "-"))
	}
	return out.Bytes()
}

// proof is node/proof.tsv: what of the servers' logs is worth keeping in job.json, by patterns.
func proof(s *service.Service) []byte {
	var out bytes.Buffer
	for _, p := range s.Proof {
		fmt.Fprintf(&out, "%s\t%s\n", p.Name, p.Pattern)
	}
	return out.Bytes()
}

// scripts adds service/: the scripts of the service's folder, as they are.
func scripts(b *bundle.Bundle, s *service.Service) error {
	names, err := s.Scripts()
	if err != nil {
		return fmt.Errorf("reading the service %s: %w", s.Name, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(s.Files, name)
		if err != nil {
			return fmt.Errorf("reading the service %s: %w", s.Name, err)
		}
		b.Add("service/"+name, 0o755, text)
	}
	return nil
}

// servers adds argv/, env/ and files/: one argument a line, one NAME='value' a line, one path a line; and pages/, where there are some
// to look at.
func servers(b *bundle.Bundle, p *plan.Plan) error {
	for _, d := range p.Deployments {
		var env bytes.Buffer
		for _, pair := range d.Env {
			line, err := assign(pair)
			if err != nil {
				return fmt.Errorf("rendering the environment of %s: %w", d.ID, err)
			}
			env.WriteString(line + "\n")
		}
		b.Add("env/"+d.ID+".env", 0o644, env.Bytes())
		if len(d.Files) > 0 {
			b.Add("files/"+d.ID, 0o644, []byte(strings.Join(d.Files, "\n")+"\n"))
		}
		for _, rank := range slices.Sorted(maps.Keys(d.Argv)) {
			b.Add("argv/"+d.ID+"."+rank, 0o644, []byte(strings.Join(d.Argv[rank], "\n")+"\n"))
		}
		if len(d.Prepare) > 0 {
			b.Add("argv/"+d.ID+".prepare", 0o644, []byte(strings.Join(d.Prepare, "\n")+"\n"))
		}
		if len(d.Pages) > 0 {
			text, err := indented(d.Pages)
			if err != nil {
				return fmt.Errorf("rendering the pages of %s: %w", d.ID, err)
			}
			b.Add("pages/"+d.ID+".json", 0o644, text)
		}
	}
	return nil
}

// trials adds a directory of trials: a file a trial, and the index that the job script and the ledger go by.
func trials(b *bundle.Bundle, dir string, in Input, all []*plan.Trial) error {
	var index bytes.Buffer
	fmt.Fprintf(&index, "# plan %s\n# trial\tdeployment\tseconds\tname\n", in.Plan.ID)
	for _, t := range all {
		fmt.Fprintf(&index, "%s\t%s\t%d\t%s\n", t.ID, t.Deployment, t.Seconds, t.Name)
		path := dir + "/" + t.ID + ".json"
		if in.Only != nil && !in.Only(path) {
			continue
		}
		text, err := indented(t.Trial)
		if err != nil {
			return fmt.Errorf("rendering trial %s: %w", t.ID, err)
		}
		b.Add(path, 0o644, text)
	}
	b.Add(dir+"/index.tsv", 0o644, index.Bytes())
	return nil
}

// indented is a value as JSON that a person can read.
func indented(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return out.Bytes(), err
}

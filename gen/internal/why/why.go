// Package why tells of each line of a bundle what put it there: the line of a template, and the values of the recipe, of
// the defaults, of the cluster profile and of the service that it hangs on.
//
// Templates are followed by tags (package trace). Values are found by trying: the bundle is compiled again in memory,
// each time with one value changed a little, and a line that then differs hangs on that value. So nothing in between has
// to keep book, and whatever a plan computes of several values is explained by all of them.
package why

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/diff"
	"hpcbench/gen/internal/plan"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/render"
	"hpcbench/gen/internal/service"
	"hpcbench/gen/internal/trace"
)

// Inputs is what a bundle is compiled from.
type Inputs struct {
	Version     string
	Recipe      *recipe.File
	Text        []byte // the recipe as written
	RecipeFile  string // its name in places
	Service     *service.Service
	ServiceDir  string // its folder's name in places
	Profile     *cluster.Profile
	ProfileText []byte
	ProfileFile string                             // its name in places
	ProfileOf   func(name string) *cluster.Profile // what another recipe would get, nil where that is not known; nil: the same
	Extra       []bundle.File
	Templates   fs.FS
}

// Source is one reason why a line is as it is.
type Source struct {
	Kind string   // template, recipe, set, default, profile, service, file, gen
	Pos  diag.Pos // none where there is no file to look into
	Text string   // the template's own line; path and value; words
	// Only says that the line does not show the value, and is there, or not another one, because of it.
	Only bool

	list string // path and values of the list that the value is one of
}

// Line is a line of a generated file.
type Line struct {
	Text    string
	Sources []Source
}

// Bundle compiles the inputs. The files are those of the bundle but for its MANIFEST.
func (in Inputs) Bundle() (*bundle.Bundle, error) {
	b, _, err := in.compile(attempt{in: in}, false, nil)
	return b, err
}

// attempt is the inputs with one of them changed, maybe.
type attempt struct {
	in   Inputs
	plan string // id of the plan; "": as it comes out
}

// compile makes a bundle of an attempt, of whose trials only those that are wanted need be there; nil: all.
func (in Inputs) compile(a attempt, traced bool, only func(path string) bool) (*bundle.Bundle, string, error) {
	svc := *a.in.Service
	svc.Trace = traced
	planned := plan.New
	if a.plan != "" {
		planned = plan.Unnamed
	}
	p, found := planned(a.in.Recipe.Points(), &svc, a.in.Profile, nil)
	if p == nil {
		return nil, "", fmt.Errorf("planning the recipe again: %s", found[0])
	}
	p.ID = cmp.Or(a.plan, p.ID)
	b, err := render.Render(render.Input{Version: a.in.Version, Plan: p, Service: &svc, Recipe: a.in.Text, Resolved: a.in.Recipe.Resolved(),
		Extra: a.in.Extra, Templates: a.in.Templates, Only: only, Trace: traced})
	return b, p.ID, err
}

// Explain tells of each line of the wanted files (all, when none is named) what put it there.
func (in Inputs) Explain(files ...string) (map[string][]Line, error) {
	b, id, err := in.compile(attempt{in: in}, false, nil)
	if err != nil {
		return nil, err
	}
	marked, _, err := in.compile(attempt{in, id}, true, nil)
	if err != nil {
		return nil, err
	}
	e := explainer{in: in, plan: id, lines: map[string][]Line{}, texts: map[string][]string{}}
	for i, f := range b.Files {
		if len(files) > 0 && !slices.Contains(files, f.Path) || strings.HasPrefix(f.Path, "bin/") {
			continue
		}
		if m := marked.Files[i]; m.Path != f.Path && !e.find(marked, f.Path, &m) || !bytes.Equal(trace.Strip(m.Data), f.Data) {
			return nil, fmt.Errorf("following the templates changed %s, which is a mistake of gen's", f.Path)
		} else if err := e.template(f, m.Data); err != nil {
			return nil, err
		}
	}
	if len(e.lines) > 0 {
		if err := e.values(); err != nil {
			return nil, err
		}
	}
	e.rest()
	return e.lines, nil
}

// explainer collects the sources of lines.
type explainer struct {
	in    Inputs
	plan  string
	lines map[string][]Line
	texts map[string][]string // of lines, by file
}

// wants tells whether a file's lines are asked for.
func (e *explainer) wants(path string) bool { return e.texts[path] != nil }

// find is the file of b with this path.
func (e *explainer) find(b *bundle.Bundle, path string, into *bundle.File) bool {
	i := slices.IndexFunc(b.Files, func(f bundle.File) bool { return f.Path == path })
	if i >= 0 {
		*into = b.Files[i]
	}
	return i >= 0
}

// template starts a file: its lines, each with its places in templates.
func (e *explainer) template(f bundle.File, marked []byte) error {
	e.texts[f.Path] = diff.Lines(string(f.Data))
	for i, line := range trace.Lines(strings.TrimSuffix(string(marked), "\n")) {
		if i >= len(e.texts[f.Path]) {
			break // an empty file
		}
		l := Line{Text: line.Text}
		for _, p := range line.Places {
			s, err := e.in.place(p)
			if err != nil {
				return err
			}
			l.Sources = append(l.Sources, s)
		}
		e.lines[f.Path] = append(e.lines[f.Path], l)
	}
	if e.lines[f.Path] == nil {
		e.lines[f.Path] = []Line{}
	}
	return nil
}

// place is a line of a template with its text: of a bundle's file, or of the service's.
func (in Inputs) place(p trace.Place) (Source, error) {
	text, err := fs.ReadFile(in.Templates, p.File)
	name := "templates/" + p.File
	if errors.Is(err, fs.ErrNotExist) {
		name = in.ServiceDir + "/" + p.File
		text, err = fs.ReadFile(in.Service.Files, p.File)
	}
	if key, ok := strings.CutSuffix(p.File, ".tmpl"); ok && errors.Is(err, fs.ErrNotExist) {
		name = in.ServiceDir + "/service.yaml" // which may have the text of argv.tmpl and env.tmpl under their names
		if text, err = fs.ReadFile(in.Service.Files, "service.yaml"); err == nil {
			p.Line += blockStart(text, key)
		}
	}
	if err != nil {
		return Source{}, fmt.Errorf("reading the template %s: %w", p.File, err)
	}
	lines := diff.Lines(string(text))
	if p.Line < 1 || p.Line > len(lines) {
		return Source{}, fmt.Errorf("%s has no line %d, which is a mistake of gen's", name, p.Line)
	}
	return Source{Kind: "template", Pos: diag.Pos{File: name, Line: p.Line}, Text: strings.TrimSpace(lines[p.Line-1])}, nil
}

// rest says something of the lines that neither a template nor a value explains.
func (e *explainer) rest() {
	for file, lines := range e.lines {
		var sections map[int]Source
		if file == "recipe.resolved.yaml" {
			sections = e.sections(e.texts[file])
		}
		for i := range lines {
			l := &lines[i]
			section, isSection := sections[i+1]
			switch {
			case asGiven(file):
				l.Sources = []Source{{Kind: "file", Pos: diag.Pos{File: e.given(file), Line: i + 1}, Text: "as it was given to gen"}}
			case isSection:
				l.Sources = []Source{section}
			case len(l.Sources) == 0:
				l.Sources = []Source{{Kind: "gen", Text: form(file)}}
			}
		}
	}
}

func asGiven(file string) bool {
	return file == "recipe.yaml" || strings.HasPrefix(file, "inputs/") || strings.HasPrefix(file, "data/")
}

func (e *explainer) given(file string) string {
	if file == "recipe.yaml" {
		return e.in.RecipeFile
	}
	return strings.TrimSuffix(e.in.RecipeFile, "recipe.yaml") + file
}

// form says what fixes the lines of a file that no template makes.
func form(file string) string {
	switch {
	case file == "trials/index.tsv":
		return "the form of the index: trial, deployment, seconds, name (gen/internal/render)"
	case strings.HasPrefix(file, "trials/"):
		return "the form of a trial (agent/workload)"
	}
	return "gen itself writes it"
}

package cli

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/plan"
	"hpcbench/gen/internal/render"
	"hpcbench/templates"
)

var compileCommand = command{"compile", "write job directories from recipes (the default)", `usage: gen [compile] RECIPE... [flags]

Writes a job directory, OUT/SLUG, for each recipe, SLUG being its scenario, and prints the plan: jobs, deployments, trials
and what they cost. Nothing is written when any recipe has an error. A directory that gen made before is written over,
but for results/ and the files that a person edited: those stay, and the new text stands beside them as FILE.new.
RECIPE is a file, or - for the standard input.
Exit status: 0 written, 1 a recipe has errors, 2 wrong usage or a file that can't be read or written.

flags:
  -o OUT                  parent of the job directories (default out)
  --cluster NAME|FILE     compile for this cluster profile instead of the recipe's
  --set PATH=VALUE        a value that wins over the recipe's; may be given several times
  --services DIR          services of your own; may be given several times
  --force                 write over edited files, too
  --json                  print diagnostics as JSON on standard output, and no plan

example:
  $ gen recipes/ollama.yaml --cluster meluxina --set workload.concurrency='[1, 8]'
  $ out/ollama/submit.sh
`, runCompile}

func runCompile(e env, args []string) error {
	f := newFlags("compile")
	out, force, asJSON := f.String("o", "out", ""), f.Bool("force", false, ""), f.Bool("json", false, "")
	var around surroundings
	around.flags(f)
	names, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return usagef("no recipe")
	}
	sources, all, err := e.readAll(names, around)
	if err != nil {
		return err
	}
	if *asJSON {
		err = diag.JSON(e.stdout, all)
	} else {
		err = e.tell(all, sources...)
	}
	if err != nil {
		return err
	}
	if all.Failed() {
		return errFailed
	}
	bundles, err := renderAll(sources, around)
	if err != nil {
		return err
	}
	for i, b := range bundles {
		if err := e.write(*out, b, sources[i], *force, *asJSON); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads every recipe before anything is written. Two that would have one directory are an error.
func (e env) readAll(names []string, around surroundings) ([]*source, diag.List, error) {
	var sources []*source
	var all diag.List
	slugs := map[string]string{}
	for _, name := range names {
		src, err := e.read(name, around)
		if err != nil {
			return nil, nil, err
		}
		if src.Plan != nil {
			if other, taken := slugs[src.Plan.Slug]; taken {
				src.Diags.Errorf(src.File.Pos("scenario"), "same-slug", "give one of them another scenario",
					"%s and this recipe would both be written to %s", other, src.Plan.Slug)
				src.Diags = src.Diags.Sorted()
			}
			slugs[src.Plan.Slug] = name
		}
		sources, all = append(sources, src), append(all, src.Diags...)
	}
	return sources, all, nil
}

// renderAll makes every bundle in memory.
func renderAll(sources []*source, around surroundings) ([]*bundle.Bundle, error) {
	var all []*bundle.Bundle
	for _, src := range sources {
		bin, err := binaries(src.Profile.Architecture)
		if err != nil {
			return nil, err
		}
		b, err := src.bundle(bin, around)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// bundle renders a source, with the files of bin/.
func (src *source) bundle(bin []bundle.File, around surroundings) (*bundle.Bundle, error) {
	inputs, err := src.inputs(around)
	if err != nil {
		return nil, err
	}
	return render.Render(render.Input{
		Version: Version, Plan: src.Plan, Service: src.Service, Recipe: src.Text, Resolved: src.File.Resolved(),
		Extra: append(inputs, bin...), Templates: templates.FS,
	})
}

// inputs are what the recipe and the command line brought besides it.
func (src *source) inputs(around surroundings) ([]bundle.File, error) {
	var all []bundle.File
	for _, in := range src.File.Inputs() {
		all = append(all, bundle.File{Path: in.Path, Mode: 0o644, Data: in.Data})
	}
	if src.ProfileText != nil {
		all = append(all, bundle.File{Path: "inputs/cluster.yaml", Mode: 0o644, Data: src.ProfileText})
	}
	if len(around.sets) > 0 {
		all = append(all, bundle.File{Path: "inputs/set", Mode: 0o644, Data: []byte(strings.Join(around.sets, "\n") + "\n")})
	}
	if len(around.services) == 0 {
		return all, nil
	}
	err := fs.WalkDir(src.Service.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(src.Service.Files, name)
		all = append(all, bundle.File{Path: path.Join("inputs/services", src.Service.Name, name), Mode: 0o644, Data: data})
		return err
	})
	return all, err
}

// write puts a bundle on disk and says what it is and what comes next.
func (e env) write(out string, b *bundle.Bundle, src *source, force, quiet bool) error {
	done, err := bundle.Write(out, b, force)
	if err != nil {
		return err
	}
	e.edited(done)
	if quiet {
		return nil
	}
	_, err = fmt.Fprintf(e.stdout, "%snext: %s\n", src.Plan.Text(), nextWords(done.Dir, b, src.Plan))
	return err
}

// edited warns of files that a person edited, and what became of them.
func (e env) edited(done bundle.Written) {
	for _, name := range done.Kept {
		file := filepath.Join(done.Dir, name)
		fmt.Fprintf(e.stderr, "gen: warning: %s was edited and is kept; the new text is in %s.new (--force takes it)\n", file, file)
	}
	for _, name := range done.Left {
		fmt.Fprintf(e.stderr, "gen: warning: %s was edited and is kept, though nothing needs it any more (--force removes it)\n", filepath.Join(done.Dir, name))
	}
	for _, name := range done.Lost {
		fmt.Fprintf(e.stderr, "gen: warning: %s was edited, and --force took the edit away\n", filepath.Join(done.Dir, name))
	}
}

// nextWords are what one types after a compile. What is paid for is tried first.
func nextWords(dir string, b *bundle.Bundle, p *plan.Plan) string {
	submit := filepath.Join(dir, "submit.sh")
	if p.Setting.Local {
		return submit
	}
	words := fmt.Sprintf("%s --smoke   (%s, %s at most), then %s", submit, plan.Span(p.SmokeS()), p.SmokeBill(), submit)
	if slices.ContainsFunc(b.Files, func(f bundle.File) bool { return f.Path == "prefetch.sh" }) {
		if p.Setting.Prefetch.OnCompute {
			return fmt.Sprintf("sbatch %s   (once), then %s", filepath.Join(dir, "prefetch.sh"), words)
		}
		return filepath.Join(dir, "prefetch.sh") + " && " + words
	}
	return words
}

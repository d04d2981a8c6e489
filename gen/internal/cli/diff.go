package cli

import (
	"io"
	"maps"
	"os"
	"strings"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/diff"
)

var diffCommand = command{"diff", "tell how two job directories, or a recipe and one, differ", `usage: gen diff A B [flags]

Prints what B has and A has not, and what changed: first in meaning (trials by name, the servers' arguments and variables,
#SBATCH directives), then the files in unified form, which patch reads. A and B are job directories or recipes; a recipe is
compiled in memory, and then bin/ is left out. MANIFEST, results/, *.new, slurm-*.out, and what monitoring/ keeps of
runs are never compared.
Exit status: 0 no difference, 1 a difference, or a recipe with errors, 2 wrong usage or a file that can't be read.

flags:
  --json                  print {trials,values,deployments,started,directives,files} instead
  --cluster NAME|FILE     compile recipes for this cluster profile instead of their own
  --set PATH=VALUE        a value that wins over the recipe's; may be given several times
  --services DIR          services of your own; may be given several times

example:
  $ gen diff out/ollama recipes/ollama.yaml
  trials
    added: c64
    workload.duration_s: 60 -> 120  (c1, c8, c32)
  directives
    job.sbatch: --time: 00:20:00 -> 00:30:00
  --- out/ollama/job.sbatch
  +++ recipes/ollama.yaml/job.sbatch
  …
`, runDiff}

func runDiff(e env, args []string) error {
	f := newFlags("diff")
	asJSON := f.Bool("json", false, "")
	var around surroundings
	around.flags(f)
	names, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(names) != 2 {
		return usagef("diff wants two job directories, or a recipe and one")
	}
	sides, err := e.sides(names, around)
	if err != nil {
		return err
	}
	report := diff.Bundles(sides[0], sides[1])
	if *asJSON {
		err = e.json(report)
	} else {
		_, err = io.WriteString(e.stdout, report.Text())
	}
	if err == nil && !report.Same() {
		err = errFailed
	}
	return err
}

// sides reads what is to be compared. Where one is a recipe, nobody knows its bin/.
func (e env) sides(names []string, around surroundings) ([2]diff.Side, error) {
	var sides [2]diff.Side
	recipes := 0
	for i, name := range names {
		sides[i].Name = strings.TrimRight(name, "/")
		info, err := os.Stat(name)
		if err == nil && info.IsDir() {
			sides[i].Files, err = bundleFiles(name)
		} else {
			recipes++
			sides[i].Files, err = e.compiledFiles(name, around)
		}
		if err != nil {
			return sides, err
		}
	}
	for _, side := range sides {
		maps.DeleteFunc(side.Files, func(name string, _ []byte) bool { return recipes > 0 && strings.HasPrefix(name, "bin/") })
	}
	return sides, nil
}

// bundleFiles are the files of a bundle on disk, edits included.
func bundleFiles(dir string) (map[string][]byte, error) {
	if err := bundle.Check(dir); err != nil {
		return nil, err
	}
	return bundle.Files(dir)
}

// compiledFiles are the files that a recipe compiles to. Its errors are printed.
func (e env) compiledFiles(name string, around surroundings) (map[string][]byte, error) {
	src, err := e.read(name, around)
	if err != nil {
		return nil, err
	}
	if src.Diags.Failed() {
		if err := e.tell(src.Diags, src); err != nil {
			return nil, err
		}
		return nil, errFailed
	}
	b, err := src.bundle(nil, around)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, f := range b.Files {
		files[f.Path] = append([]byte{}, f.Data...)
	}
	return files, nil
}

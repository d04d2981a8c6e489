package cli

import (
	"fmt"
	"strings"

	"hpcbench/gen/internal/diag"
)

var checkCommand = command{"check", "look for every mistake in recipes; write nothing", `usage: gen check RECIPE... [flags]

Reads recipes and prints everything that is wrong or doubtful about them, in the order of the file, one line each:

  FILE:LINE:COLUMN: error|warning|hint: what is wrong (what to write instead)

An error would stop the compile, a warning would not, a hint helps. RECIPE is a file, or - for the standard input.
Exit status: 0 no errors, 1 at least one, 2 wrong usage or a file that can't be read.

flags:
  --strict                warnings are errors
  --json                  print [{file,line,col,severity,code,message,hint}] on standard output
  --cluster NAME|FILE     hold them against this cluster profile instead of the recipe's
  --set PATH=VALUE        a value that wins over the recipe's; may be given several times
  --services DIR          services of your own; may be given several times

example:
  $ gen check recipes/ollama.yaml
  recipes/ollama.yaml: ok, 18 trials
`, runCheck}

func runCheck(e env, args []string) error {
	f := newFlags("check")
	strict, asJSON := f.Bool("strict", false, ""), f.Bool("json", false, "")
	var around surroundings
	around.flags(f)
	names, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return usagef("no recipe")
	}
	var sources []*source
	var all diag.List
	for _, name := range names {
		src, err := e.read(name, around)
		if err != nil {
			return err
		}
		if *strict {
			src.Diags = src.Diags.Strict()
		}
		sources, all = append(sources, src), append(all, src.Diags...)
	}
	if *asJSON {
		err = diag.JSON(e.stdout, all)
	} else {
		err = e.verdicts(all, sources)
	}
	if err == nil && all.Failed() {
		err = errFailed
	}
	return err
}

// verdicts prints the diagnostics, and for each recipe whether it compiles.
func (e env) verdicts(all diag.List, sources []*source) error {
	if err := e.tell(all, sources...); err != nil {
		return err
	}
	for _, src := range sources {
		if src.Diags.Failed() {
			fmt.Fprintf(e.stderr, "%s: %s\n", src.Name, counts(src.Diags))
			continue
		}
		words := []string{"ok", plural(len(src.Plan.Trials), "trial")}
		if src.Diags.Count(diag.Warning) > 0 {
			words = append(words, counts(src.Diags))
		}
		if _, err := fmt.Fprintf(e.stdout, "%s: %s\n", src.Name, strings.Join(words, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// counts is the number of errors and warnings in words, without those of which there are none.
func counts(l diag.List) string {
	var words []string
	for _, s := range []diag.Severity{diag.Error, diag.Warning} {
		if n := l.Count(s); n > 0 {
			words = append(words, plural(n, s.String()))
		}
	}
	return strings.Join(words, ", ")
}

// plural is a number with its word.
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

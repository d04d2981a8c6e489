package cli

import (
	"errors"
	"fmt"
	"strings"

	"hpcbench/gen/internal/diag"
)

var checkCommand = command{"check", "look for every mistake in recipes; mend them", `usage: gen check RECIPE... [flags]

Reads recipes and prints everything that is wrong or doubtful about them, in the order of the file, one line each:

  FILE:LINE:COLUMN: error|warning|hint: what is wrong (what to write instead)

and on a terminal the line itself with a mark at the column. An error would stop the compile, a warning would not, a hint
helps. RECIPE is a file, or - for the standard input. Without -i and --migrate nothing is written.
Exit status: 0 no errors, 1 at least one, 2 wrong usage or a file that can't be read.

-i goes through what has a cure, shows the change and asks: y does it, n leaves it, e asks for another value, q stops.
The answers come from a terminal, or, a line each, from a pipe; where they end, it stops. Each change is in the file as
soon as it is answered, and nothing else of the file changes: comments, order and layout stay.

--migrate rewrites keys of an older layout, such as job_config at the top level, and says what it did. It never changes
the plan, and a second time there is nothing to do.

flags:
  -i                      ask for each mistake that has a cure, and mend the file
  --migrate               rewrite an older layout in the file
  --strict                warnings are errors
  --json                  print [{file,line,col,severity,code,message,hint,fix}] on standard output
  --cluster NAME|FILE     hold them against this cluster profile instead of the recipe's
  --set PATH=VALUE        a value that wins over the recipe's; may be given several times
  --services DIR          services of your own; may be given several times

example:
  $ gen check recipes/ollama.yaml
  recipes/ollama.yaml: ok, 18 trials
  $ gen check -i mine.yaml
  mine.yaml:18:3: error: unknown field "workload.concurency" (did you mean "concurrency"?)
        concurency: 8
        ^
      18 -   concurency: 8
      18 +   concurrency: 8
    mend it? [Y/n/e/q/?]
`, runCheck}

func runCheck(e env, args []string) error {
	f := newFlags("check")
	strict, asJSON := f.Bool("strict", false, ""), f.Bool("json", false, "")
	interactive, migrate := f.Bool("i", false, ""), f.Bool("migrate", false, "")
	var around surroundings
	around.flags(f)
	names, err := parse(f, args)
	if err != nil {
		return err
	}
	switch {
	case len(names) == 0:
		return usagef("no recipe")
	case *interactive && *migrate, (*interactive || *migrate) && *asJSON:
		return usagef("-i, --migrate and --json don't go together")
	case *interactive:
		asker := e.asker()
		return each(names, func(name string) error { return e.interactive(name, asker, around, *strict) })
	case *migrate:
		return each(names, func(name string) error { return e.migrate(name, around) })
	}
	return e.check(names, around, *strict, *asJSON)
}

// each does one recipe after the other. A recipe that has errors does not keep the others from their turn.
func each(names []string, do func(string) error) error {
	failed := false
	for _, name := range names {
		if err := do(name); errors.Is(err, errFailed) {
			failed = true
		} else if err != nil {
			return err
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

// check tells what is wrong with recipes.
func (e env) check(names []string, around surroundings, strict, asJSON bool) error {
	var sources []*source
	var all diag.List
	for _, name := range names {
		src, err := e.read(name, around)
		if err != nil {
			return err
		}
		if strict {
			src.Diags = src.Diags.Strict()
		}
		sources, all = append(sources, src), append(all, src.Diags...)
	}
	var err error
	if asJSON {
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
		words := []string{"ok", diag.Several(len(src.Plan.Trials), "trial")}
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
			words = append(words, diag.Several(n, s.String()))
		}
	}
	return strings.Join(words, ", ")
}

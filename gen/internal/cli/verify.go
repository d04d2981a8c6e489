package cli

import (
	"encoding/json"
	"fmt"

	"hpcbench/gen/internal/bundle"
)

var verifyCommand = command{"verify", "tell which files of a job directory are not as compiled", `usage: gen verify BUNDLE [flags]

Holds the files of a job directory against its MANIFEST and prints a line for each that differs, sorted by file: edited,
missing, or foreign, which the MANIFEST does not know. What jobs leave (results/, slurm-*.out), what is kept to watch them
(monitoring/targets, monitoring/data) and the new texts beside edited files (*.new) are nobody's business here.
Exit status: 0 all is as compiled, 1 something differs or BUNDLE is no job directory, 2 wrong usage or a file that can't
be read.

flags:
  --json                  print [{file,state}] instead

example:
  $ gen verify out/ollama
  argv/d1.0: edited
  notes.txt: foreign
`, runVerify}

func runVerify(e env, args []string) error {
	f := newFlags("verify")
	asJSON := f.Bool("json", false, "")
	dirs, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(dirs) != 1 {
		return usagef("verify wants one job directory, such as out/demo")
	}
	found, n, err := bundle.Verify(dirs[0])
	if err != nil {
		return err
	}
	if *asJSON {
		if found == nil {
			found = []bundle.Finding{}
		}
		err = e.json(found)
	} else {
		err = e.findings(dirs[0], found, n)
	}
	if err == nil && len(found) > 0 {
		err = errFailed
	}
	return err
}

// findings prints a line for each finding, or that there is none.
func (e env) findings(dir string, found []bundle.Finding, n int) error {
	if len(found) == 0 {
		_, err := fmt.Fprintf(e.stdout, "%s: all %d files are as compiled\n", dir, n)
		return err
	}
	for _, finding := range found {
		if _, err := fmt.Fprintf(e.stdout, "%s: %s\n", shown(finding.File), finding.State); err != nil {
			return err
		}
	}
	return nil
}

// shown is a file's name on one line: one with odd characters in it is quoted.
func shown(name string) string {
	if quoted := fmt.Sprintf("%q", name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// json prints a value on standard output.
func (e env) json(v any) error {
	encoder := json.NewEncoder(e.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

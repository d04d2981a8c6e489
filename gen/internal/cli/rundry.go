package cli

import (
	"fmt"
	"path"
	"path/filepath"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/submit"
)

// pretend takes a bundle that is not written.
func (r *run) pretend(dir string, b *bundle.Bundle) (err error) {
	if r.dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	scripts := map[string][]byte{}
	for _, f := range b.Files {
		if yes, err := path.Match(jobScripts, f.Path); err == nil && yes {
			scripts[f.Path] = f.Data
		}
	}
	if r.facts, err = factsOf(scripts); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.stdout, "# write %s: %d files\n", r.shown(), len(b.Files)+1)
	return err
}

// rehearse prints what would be done, and does nothing.
func (r *run) rehearse() error {
	var rows []submit.Row
	if r.goesOn() {
		rows = submit.Last(r.rows)
	}
	if _, err := fmt.Fprintln(r.stdout, "# behind < stand scripts that gen holds: gen/internal/submit"); err != nil {
		return err
	}
	for _, step := range submit.Steps(r.place, r.dir, r.at, r.facts.local, rows, r.arguments()) {
		if _, err := fmt.Fprintln(r.stdout, step); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(r.stdout, "# print %s\n", filepath.Join(r.shown(), "results/report.txt"))
	return err
}

package cli

import (
	"bytes"
	"fmt"
	"strings"

	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/mend"
	"hpcbench/gen/internal/recipe"
)

// migrate rewrites a recipe of an older layout. It prints what it did, and changes nothing that the recipe means.
func (e env) migrate(name string, around surroundings) error {
	if name == "-" {
		return usagef("--migrate rewrites a file, and - is none")
	}
	text, err := e.text(name)
	if err != nil {
		return err
	}
	before, err := e.examine(name, text, around)
	if err != nil {
		return err
	}
	after, done, failed := before, diag.List{}, diag.List{}
	for {
		d, ok := nextOld(after, failed)
		if !ok {
			break
		}
		next, err := mend.Apply(after.Text, d.Fix)
		if err != nil {
			d.Severity, d.Cure = diag.Warning, fmt.Sprintf("mend it by hand, for: %v", err)
			failed = append(failed, d)
			continue
		}
		if after, err = e.examine(name, next, around); err != nil {
			return err
		}
		done = append(done, d)
	}
	if before.Plan != nil && (after.Plan == nil || after.Plan.ID != before.Plan.ID) {
		return fmt.Errorf("%s: the newer layout would be another plan, so it is left as it is: mend it by hand (gen check -i)", name)
	}
	return e.migrated(before, after, done, failed)
}

// oldLayout are the codes of diagnostics about keys of an older layout. Their messages begin with the key.
var oldLayout = map[string]bool{"old-place": true, "moved": true, "unneeded": true}

// nextOld is the first key of an older layout that has not failed to be rewritten.
func nextOld(src *source, failed diag.List) (diag.Diagnostic, bool) {
	tried := map[string]bool{}
	for _, d := range failed {
		tried[identity(d)] = true
	}
	for _, d := range append(recipe.Old(src.Name, src.Text), src.Diags...).Sorted() {
		if oldLayout[d.Code] && d.Fix.Do != "" && d.Fix.At.File == src.Name && !tried[identity(d)] {
			return d, true
		}
	}
	return diag.Diagnostic{}, false
}

// migrated writes the file, where it changed, and says what was done.
func (e env) migrated(before, after *source, done, failed diag.List) error {
	if !bytes.Equal(before.Text, after.Text) {
		if err := replaceFile(before.Name, before.Text, after.Text); err != nil {
			return err
		}
	}
	for _, d := range done {
		what := "deleted: " + d.Message
		if d.Fix.Do == diag.MoveEntry {
			what = fmt.Sprintf("%s moved to %s", strings.Fields(d.Message)[0], d.Fix.Path)
		}
		fmt.Fprintf(e.stdout, "%s: %s\n", before.Name, what)
	}
	if err := e.tell(failed, after); err != nil {
		return err
	}
	switch {
	case len(failed) > 0:
		return errFailed
	case len(done) == 0:
		fmt.Fprintf(e.stdout, "%s: nothing to migrate\n", before.Name)
	}
	return nil
}

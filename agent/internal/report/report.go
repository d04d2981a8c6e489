// Package report turns the results of one bundle into what people read: report.txt, summary.csv and report.html.
//
// Validity comes first, then the numbers, then what was found. Jobs of one bundle merge by the ledger: of every trial
// the latest result that was made under the key the newest job knows it by; results under another key are stale and
// left out with a line that says so.
package report

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"hpcbench/agent/internal/whole"
)

// Write reports on dirs, each a bundle's results/, a results/<jobid> or the --out of agent load: it writes summary.csv,
// report.html and report.txt into out (dirs[0] when empty), each in its place at once, and report.txt to w. One job's
// directory alone is reported as that job; everything else is merged. Results of which some can't be read are reported
// without them; a directory without any result is an error.
func Write(dirs []string, out string, w io.Writer) error {
	r, err := Load(dirs)
	if err != nil {
		return err
	}
	out = cmp.Or(out, dirs[0])
	page, err := r.HTML()
	if err != nil {
		return err
	}
	text := plain(r.Text())
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for name, content := range map[string]string{"report.txt": text, "summary.csv": plain(r.CSV()), "report.html": plain(page)} {
		if err := whole.Write(filepath.Join(out, name), []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	_, err = io.Copy(w, strings.NewReader(text))
	return err
}

// plain is a text without characters that command a terminal: words of a server or of somebody else's results are words.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, text)
}

// Report is what the results say.
type Report struct {
	jobs   []*run   // newest first
	index  string   // path of trials/index.tsv of the bundle; empty when jobs are reported alone
	trials []*Trial // every planned trial, in order
	stale  int      // results left out because something that made them has changed since
	notes  []string // what was left out, and why
	points []*point
	keys   []key // the swept values that differ between trials
}

// Class says what a trial is worth.
type Class string

// The classes. Valid, Marked and ClientBound trials are complete, and their numbers are in the report.
const (
	Valid       Class = "valid"
	Marked      Class = "marked"       // complete, with a reason to doubt it
	ClientBound Class = "client-bound" // complete, but the client was what was measured
	Failed      Class = "failed"
	Missing     Class = "missing"
	Earlier     Class = "earlier" // done by a job that is not part of this report
)

// classes are all classes in the order of every text.
var classes = []Class{Valid, Marked, ClientBound, Failed, Missing, Earlier}

// Complete says whether trials of the class have numbers in the report.
func (c Class) Complete() bool { return c == Valid || c == Marked || c == ClientBound }

// count is how many trials are of the class.
func (r *Report) count(c Class) int {
	n := 0
	for _, t := range r.trials {
		if t.Class == c {
			n++
		}
	}
	return n
}

// complete are the trials that have numbers.
func (r *Report) complete() []*Trial {
	var found []*Trial
	for _, t := range r.trials {
		if t.Class.Complete() {
			found = append(found, t)
		}
	}
	return found
}

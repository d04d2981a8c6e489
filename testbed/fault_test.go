//go:build e2e

package testbed

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A fault is a row of the table in docs/reliability.md: something goes wrong on purpose, and what the user then sees is
// held against what is wanted and written down.
type fault struct {
	name  string // as the table has it
	class string // of classes
	quick bool   // it runs in make e2e, too; the others in make e2e-full alone

	run func(t *testing.T) seen // brings it about and waits for the end

	exit   string        // that is wanted, as seen has it: a regular expression
	line   []string      // words that are wanted in what the user sees, separated by anything
	trials string        // their states that are wanted, in the plan's order, as a regular expression: "complete failed( missing)+"; empty: there was no job
	within time.Duration // from the fault to the line; 0: soon
	rest   bool          // the fault is over: submitting again must run exactly what is not complete, and end well
}

// The classes of faults, in the table's order: when, or to what, they happen.
const (
	before   = "Before a job"
	starting = "Before servers start"
	loading  = "While servers load"
	serving  = "Servers in a trial"
	clients  = "Clients, monitors and nodes"
	disks    = "Disks"
	endings  = "Ends that nobody waits for"
	bundles  = "Bundles"
	places   = "Surroundings"
)

var classes = []string{before, starting, loading, serving, clients, disks, endings, bundles, places}

// matrix is every fault. Who adds some makes a list of them and names it here.
func matrix() []fault {
	return slices.Concat(serverFaults, llamaFaults, vllmFaults, portFaults, clientFaults, diskFaults, endFaults, bundleFaults, placeFaults, preflightFaults)
}

// notPlain is what directories and shells would make something of.
var notPlain = regexp.MustCompile(`[^A-Za-z0-9]+`)

// soon is how long anything may go unnoticed that has no budget of its own (issue 6).
const soon = 10 * time.Second

// busy is what a machine that does other things may add to a time that is measured: the tests run three jobs at once on
// few cores.
const busy = 10 * time.Second

// full says whether all faults are to be run, not one of each class alone, and the document written.
var full = os.Getenv("FULL") == "1"

// Every fault ends in a line that names its cause, the right status, no lost trial, and nothing left on any node.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, f := range matrix() {
		if !slices.Contains(classes, f.class) {
			t.Fatalf("%s: there is no class %q", f.name, f.class)
		}
		if !f.quick && !full {
			continue
		}
		t.Run(strings.Trim(notPlain.ReplaceAllString(f.name, "-"), "-"), func(t *testing.T) {
			t.Parallel()
			var s seen
			t.Cleanup(func() {
				r := row{f, s, t.Failed(), t.Skipped()}
				t.Log(r.markdown())
				document.add(r)
			})
			s = f.run(t)
			f.check(t, s)
		})
	}
}

// inOrder tells whether a line has all of these words in it, one behind the other.
func inOrder(line string, words []string) bool {
	for _, w := range words {
		_, after, ok := strings.Cut(line, w)
		if !ok {
			return false
		}
		line = after
	}
	return true
}

// check holds what was seen against what is wanted.
func (f fault) check(t *testing.T, s seen) {
	t.Helper()
	if !regexp.MustCompile("^" + f.exit + "$").MatchString(s.exit) {
		t.Errorf("it ended as %q, want %q", s.exit, f.exit)
	}
	if !inOrder(s.line, f.line) {
		t.Errorf("the line is %q, want %q in it, in this order", s.line, f.line)
	}
	if got := strings.Join(s.trials, " "); !regexp.MustCompile("^(?:" + f.trials + ")$").MatchString(got) {
		t.Errorf("the trials are %q, want %q", got, f.trials)
	}
	if budget := max(f.within, soon); s.noticed > budget+busy || s.noticed < 0 {
		t.Errorf("it was noticed after %v, want within %v", s.noticed, budget)
	}
	if f.rest && !t.Failed() {
		s.job.wantRest(s.trials)
	}
}

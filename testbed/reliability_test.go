//go:build e2e

package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"
)

// document is docs/reliability.md in the making: what the tests saw.
var document = new(reliability)

type reliability struct {
	mu   sync.Mutex
	rows []row
	soak []soaked
	made string // when, of what and on what: a sentence
}

// A row is a fault and what became of it.
type row struct {
	fault           fault
	seen            seen
	failed, skipped bool
}

// soaked is what one part of the soak saw.
type soaked struct{ What, Jobs, Took, Left string }

func (d *reliability) add(r row) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rows = append(d.rows, r)
}

func (d *reliability) soaks(s soaked) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.soak = append(d.soak, s)
}

// write writes the document when every fault was run, in whatever way it went, and the soak.
func (d *reliability) write() error {
	if !full || len(d.rows) != len(matrix()) || len(d.soak) == 0 {
		return nil
	}
	d.made = fmt.Sprintf("%s, commit %s; Slurm and Apptainer on namespaces of one machine (testbed/) with %d cores, Linux %s",
		time.Now().UTC().Format("2 January 2006, 15:04 UTC"), output("git", "describe", "--always", "--dirty", "--abbrev=9"), runtime.NumCPU(), output("uname", "-r"))
	page, err := template.ParseFiles("reliability.tmpl")
	if err != nil {
		return err
	}
	f, err := os.Create("../docs/reliability.md")
	if err != nil {
		return err
	}
	defer f.Close()
	return page.Execute(f, d)
}

func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "not known"
	}
	return strings.TrimSpace(string(out))
}

// What the template asks for.

func (d *reliability) Made() string      { return d.made }
func (d *reliability) Soak() []soaked    { return d.soak }
func (d *reliability) Classes() []string { return classes }

// Faults are the lines of a class's table, in the matrix's order.
func (d *reliability) Faults(class string) []string {
	var lines []string
	for _, f := range matrix() {
		k := slices.IndexFunc(d.rows, func(r row) bool { return r.fault.name == f.name })
		if f.class == class && k >= 0 {
			lines = append(lines, d.rows[k].markdown())
		}
	}
	return lines
}

// markdown is the row as a line of a table.
func (r row) markdown() string {
	if r.skipped {
		return fmt.Sprintf("| %s | not run that time | | | | |", r.fault.name)
	}
	name := r.fault.name
	if r.failed {
		name += " (**not as it should be**)"
	}
	return fmt.Sprintf("| %s | `%s` | %s | %s | %s | %s |", name, short(r.seen.line, r.seen.job), r.seen.exit, r.kept(), seconds(r.seen.noticed), r.left())
}

// kept says how many trials were complete at the end, of how many.
func (r row) kept() string {
	if len(r.seen.trials) == 0 {
		return "–"
	}
	complete := 0
	for _, state := range r.seen.trials {
		if state == "complete" || state == "done" { // done: by the job that it was before it was requeued
			complete++
		}
	}
	return fmt.Sprintf("%d of %d", complete, len(r.seen.trials))
}

// left says what was left on the nodes: nothing, or the row would have failed.
func (r row) left() string {
	switch {
	case r.seen.job == nil:
		return "–"
	case r.failed:
		return "see the test's log"
	case r.seen.gone < time.Second:
		return "none"
	}
	return "none after " + seconds(r.seen.gone)
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

var workspaces = regexp.MustCompile(`/srv/jobs/[^/ ]+/[^/ ]+/`)

// short is a line as a table can hold it: without the test's own directory, and cut where nobody reads on.
func short(line string, j *job) string {
	const most = 240
	if j != nil {
		line = strings.ReplaceAll(line, j.dir+"/", "")
	}
	line = workspaces.ReplaceAllString(line, "")
	line = strings.NewReplacer("|", "¦", "`", "'").Replace(line)
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "…"
	}
	return line
}

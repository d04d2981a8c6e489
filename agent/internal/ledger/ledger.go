// Package ledger tells which trials of a bundle are done, and which are still to run.
//
// A trial is done when some job left a summary of it under the key of all that makes it today: the trial's file, the
// server's argv and env, and the image. A flag edited by hand is another key, so its results never mix with older ones.
package ledger

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hpcbench/agent/internal/whole"
)

// Row is one trial: a line of ledger.tsv.
type Row struct {
	Trial, Deployment string
	Seconds           string // what the trial is expected to take, as the plan wrote it
	State             string // missing, or done:<jobid>
	Key               string
	Name              string
}

// Done reports whether some job has completed the trial as it stands.
func (r Row) Done() bool { return strings.HasPrefix(r.State, "done:") }

// Ask is what a job wants to know.
type Ask struct {
	Bundle      string            // directory
	Plan        string            // plan id of the job script
	Deployments []string          // whose trials
	Images      map[string]string // path of a deployment's image; absent: it runs without one
	Skipped     func(error)       // is told of each directory of results/ that may not be read and counts for nothing; nil: nobody is
}

// Make looks every trial of the deployments up, in the order of trials/index.tsv: a line "# plan ID", then rows of
// trial, deployment, seconds and name. An index of another plan than the job script's is an error.
func Make(a Ask) ([]Row, error) {
	rows, err := index(filepath.Join(a.Bundle, "trials", "index.tsv"), a.Plan)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool { return !slices.Contains(a.Deployments, r.Deployment) })
	jobs, err := jobs(filepath.Join(a.Bundle, "results"), a.Skipped)
	if err != nil {
		return nil, err
	}
	keys := keyring{ask: a, servers: map[string]string{}}
	for k := range rows {
		if rows[k].Key, err = keys.of(rows[k]); err != nil {
			return nil, err
		}
		if rows[k].State, err = state(jobs, rows[k]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Planned are the trials of a trials/index.tsv of this plan, without state and key. An index of another plan is an error.
func Planned(path, plan string) ([]Row, error) { return index(path, plan) }

// Text is ledger.tsv: trial, deployment, seconds, state, key and name, no header.
func Text(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.Join([]string{r.Trial, r.Deployment, r.Seconds, r.State, r.Key, r.Name}, "\t") + "\n")
	}
	return b.String()
}

// Read reads a ledger.tsv.
func Read(path string) ([]Row, error) {
	var rows []Row
	err := table(path, func(line int, c []string) error {
		if len(c) != 6 {
			return fmt.Errorf("%s:%d: %d columns, want 6", path, line, len(c))
		}
		rows = append(rows, Row{c[0], c[1], c[2], c[3], c[4], c[5]})
		return nil
	})
	return rows, err
}

func index(path, plan string) ([]Row, error) {
	var rows []Row
	found := ""
	err := table(path, func(line int, c []string) error {
		if id, ok := strings.CutPrefix(c[0], "# plan "); ok && found == "" {
			found = id
			return nil
		}
		if strings.HasPrefix(c[0], "#") {
			return nil
		}
		if len(c) < 4 {
			return fmt.Errorf("%s:%d: %d columns, want trial, deployment, seconds and name", path, line, len(c))
		}
		rows = append(rows, Row{Trial: c[0], Deployment: c[1], Seconds: c[2], Name: c[3]})
		return nil
	})
	if err == nil && found != plan {
		err = fmt.Errorf("the job script and trials/index.tsv are of different plans: %s and %s; compile the recipe again", plan, cmp.Or(found, "none"))
	}
	return rows, err
}

// table gives each line's columns to row, with the line's number from 1.
func table(path string, row func(line int, columns []string) error) error {
	f, err := whole.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for line := 1; lines.Scan(); line++ {
		if err := row(line, strings.Split(lines.Text(), "\t")); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s can't be read to its end: %w", path, err)
	}
	return nil
}

// jobs are the directories of earlier jobs. One that may not be read, such as lost+found or that of somebody with a strict umask,
// is no reason to run nothing.
func jobs(results string, skipped func(error)) ([]string, error) {
	entries, err := os.ReadDir(results)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []string
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(results, e.Name())
		if _, err := os.Stat(dir + "/."); !errors.Is(err, fs.ErrPermission) {
			found = append(found, dir)
		} else if skipped != nil {
			skipped(err)
		}
	}
	return found, err
}

// state finds the newest result of the trial under its key of today.
func state(jobs []string, r Row) (string, error) {
	best, newest := "missing", time.Time{}
	for _, job := range jobs {
		at, err := result(filepath.Join(job, r.Trial), r.Key)
		if err != nil {
			return "", err
		}
		if at.After(newest) {
			best, newest = "done:"+filepath.Base(job), at
		}
	}
	return best, nil
}

// result is when a trial was completed under the key, zero when it was not. The key is written last, after the summary.
func result(dir, key string) (time.Time, error) {
	text, err := whole.Read(filepath.Join(dir, "key"))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil || strings.TrimSpace(string(text)) != key {
		return time.Time{}, err
	}
	info, err := os.Stat(filepath.Join(dir, "summary.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/ledger"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
)

// run is one job's directory: results/<jobid>.
type run struct {
	dir, id string
	job     *job.Job
	ledger  []ledger.Row
	start   float64 // seconds since 1970
	results map[string]*result
	told    *added // by commands on the nodes; nil until it is asked for
}

// result is what a job left of a trial.
type result struct {
	run     *run
	trial   string
	dir     string
	key     string // empty: the trial is not complete
	summary *summary.Summary
}

// openRun reads a job's directory; nil when it is none. What can't be read is named in notes.
func openRun(dir string) (*run, []string) {
	r := &run{dir: dir, id: base(dir), results: map[string]*result{}}
	var notes []string
	note := func(err error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !slices.Contains(notes, err.Error()) {
			notes = append(notes, err.Error())
		}
	}
	var err error
	r.ledger, err = ledger.Read(filepath.Join(dir, "ledger.tsv"))
	note(err)
	if r.job, err = job.Read(dir); err != nil {
		r.job = nil
		note(err)
	}
	entries, err := os.ReadDir(dir)
	note(err)
	for _, e := range entries {
		found, err := openResult(r, e.Name())
		note(err)
		if found != nil {
			r.results[e.Name()] = found
		}
	}
	r.start = r.began()
	if r.ledger == nil && r.job == nil && len(r.results) == 0 {
		return nil, notes
	}
	return r, notes
}

// began is when the job began, by its first phase, or by the file that it wrote early where it noted none.
func (r *run) began() float64 {
	if r.job != nil && len(r.job.Phases) > 0 && r.job.Phases[0].Start > 0 {
		return r.job.Phases[0].Start
	}
	for _, name := range []string{"ledger.tsv", "summary.json", "."} {
		if info, err := os.Stat(filepath.Join(r.dir, name)); err == nil {
			return float64(info.ModTime().UnixNano()) / 1e9
		}
	}
	return 0
}

// openResult reads the trial in the job's directory of this name; nil when there is no summary in it.
func openResult(r *run, name string) (*result, error) {
	found := &result{run: r, trial: name, dir: filepath.Join(r.dir, name)}
	text, err := whole.Read(filepath.Join(found.dir, "summary.json"))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || !isDir(found.dir) {
			return nil, nil
		}
		return nil, err
	}
	if err := json.Unmarshal(text, &found.summary); err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(found.dir, "summary.json"), err)
	}
	if found.summary == nil || found.summary.Client.Verdict == "" {
		return nil, fmt.Errorf("%s is not a trial's summary", filepath.Join(found.dir, "summary.json"))
	}
	if found.summary.Schema != summary.Schema {
		return nil, fmt.Errorf("%s/summary.json has schema %d; this agent reads %d", found.dir, found.summary.Schema, summary.Schema)
	}
	key, err := whole.Read(filepath.Join(found.dir, "key"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	found.key = strings.TrimSpace(string(key))
	return found, nil
}

// base is the last element of the path, the real name of ".".
func base(dir string) string {
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	return filepath.Base(dir)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// histogram merges what all client nodes counted of a metric; nil when that is not there any more.
func (r *result) histogram(m summary.Metric) *hist.H {
	names, err := fs.Glob(os.DirFS(r.dir), "*/part.json")
	if err != nil || len(names) == 0 {
		names = []string{"part.json"}
	}
	for i := range names {
		names[i] = filepath.Join(r.dir, names[i])
	}
	parts, err := summary.ReadParts(names)
	if err != nil {
		return nil
	}
	return summary.Histogram(parts, m)
}

// Load reads the results in dirs.
func Load(dirs []string) (*Report, error) {
	r := &Report{}
	for _, dir := range dirs {
		if _, err := os.ReadDir(dir); err != nil {
			return nil, err
		}
		r.open(dir)
	}
	if len(r.jobs) == 0 {
		return nil, errors.New(strings.Join(append([]string{"no results in " + strings.Join(dirs, ", ")}, r.notes...), "\n"))
	}
	slices.SortStableFunc(r.jobs, newest)
	r.choose()
	r.sweep()
	return r, nil
}

// open adds the job that dir is, or the jobs that are in it.
func (r *Report) open(dir string) {
	switch lone, err := openResult(&run{dir: dir, id: base(dir)}, "."); {
	case err != nil:
		r.notes = append(r.notes, err.Error())
		return
	case lone != nil:
		r.jobs = append(r.jobs, lone.asRun())
		return
	}
	if job, notes := openRun(dir); job != nil {
		r.jobs, r.notes = append(r.jobs, job), append(r.notes, notes...)
		return
	}
	r.index = filepath.Join(dir, "..", "trials", "index.tsv")
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.notes = append(r.notes, err.Error())
	}
	for _, e := range entries {
		if !isDir(filepath.Join(dir, e.Name())) || e.Name() == "claims" {
			continue
		}
		job, notes := openRun(filepath.Join(dir, e.Name()))
		r.notes = append(r.notes, notes...)
		if job != nil {
			r.jobs = append(r.jobs, job)
		}
	}
}

// asRun makes the --out of agent load a job of one trial, whose point is the load it was told on the command line.
func (r *result) asRun() *run {
	r.trial, r.key, r.summary.Name = r.run.id, "agent load", ""
	s := r.summary
	s.Point = map[string]any{"dialect": s.Dialect, "model": s.Model}
	if s.Load.Concurrency > 0 {
		s.Point["concurrency"] = float64(s.Load.Concurrency)
	}
	if s.Load.Rate > 0 {
		s.Point["rate"] = s.Load.Rate
	}
	r.run.results = map[string]*result{r.trial: r}
	r.run.start = r.run.began()
	return r.run
}

// newest orders jobs from the latest to the first.
func newest(a, b *run) int {
	switch {
	case a.start > b.start:
		return -1
	case a.start < b.start:
		return 1
	}
	return strings.Compare(b.id, a.id)
}

package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/ledger"
	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/whole"
)

// Run is a run of a job, results/<jobid>, as far as its logs need it to be understood.
type Run struct {
	Dir   string
	Here  string // the node of who reads, where that is the job's first; "": it is not, or not known
	Job   Job
	table nodes.Table
	notes *job.Job // nil: there is no events.tsv
}

// Find is the directory of the run that a person means: a run's own, or the newest run of a bundle or of its results.
func Find(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is no directory: want results/<jobid>, results or a bundle", path)
	}
	var newest string
	var last time.Time
	for _, pattern := range []string{"logs", "*/logs", "results/*/logs"} {
		for _, logs := range whole.Glob(path, pattern) {
			if info, err := os.Stat(logs); err == nil && info.IsDir() && (newest == "" || info.ModTime().After(last)) {
				newest, last = filepath.Dir(logs), info.ModTime()
			}
		}
		if newest != "" {
			return filepath.Abs(newest)
		}
	}
	return "", fmt.Errorf("%s has no logs: want results/<jobid>, results or a bundle that has run", path)
}

// Open reads what a run wrote down of itself. What is not there yet, or is not whole, is not known.
func Open(dir string) *Run {
	r := &Run{Dir: dir}
	r.Refresh()
	return r
}

// Refresh reads it anew, for a run that goes on.
func (r *Run) Refresh() {
	if table, err := nodes.Read(filepath.Join(r.Dir, "nodes.tsv")); err == nil {
		r.table = table
	}
	notes, err := job.Read(r.Dir)
	if err != nil {
		if r.notes == nil {
			r.Job.Zone = time.Local
		}
		return // it is being written: the next look sees it whole
	}
	r.notes = notes
	r.Job = Job{Zone: time.Local, Ahead: r.ahead(), Trials: r.spans(), Nodes: r.clients()}
	if zone, ok := notes.Facts["zone"]; ok {
		r.Job.Zone = ParseZone(zone)
	}
	if len(notes.Phases) > 0 {
		r.Job.Begin = unix(notes.Phases[0].Start)
		if last := notes.Phases[len(notes.Phases)-1]; notes.State != job.Running {
			r.Job.End = unix(max(last.Start, last.End))
		}
	}
}

// clients are the nodes that requests have in their ids.
func (r *Run) clients() (names []string) {
	for _, n := range r.table {
		if n.Role == "client" && !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	return names
}

// spans are when trials were measured.
func (r *Run) spans() (all []Span) {
	rows, err := ledger.Read(filepath.Join(r.Dir, "ledger.tsv"))
	if err != nil {
		rows = nil // then all lines of a time are of its trial
	}
	for _, t := range r.notes.Trials {
		if t.Start == 0 {
			continue
		}
		s := Span{Trial: t.ID, Begin: unix(t.Start)}
		if t.End != 0 {
			s.End = unix(t.End)
		}
		if k := slices.IndexFunc(rows, func(row ledger.Row) bool { return row.Trial == t.ID }); k >= 0 {
			s.Deployment = rows[k].Deployment
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Span) int { return a.Begin.Compare(b.Begin) })
	return all
}

// ahead is by how much each node's clock is ahead of the first one's, as far as that is more than a comparison errs by.
func (r *Run) ahead() map[string]time.Duration {
	all := map[string]time.Duration{}
	for node, seconds := range r.notes.Offsets(r.Dir) {
		if d := duration(seconds); d.Abs() >= time.Millisecond && node != r.first() {
			all[node] = d
		}
	}
	return all
}

// Sources are the logs that there are, each with when its program was started.
func (r *Run) Sources() []Source {
	var all []Source
	for _, path := range whole.Glob(r.Dir, "logs/*.log") {
		s := SourceOf("logs/"+filepath.Base(path), r.table)
		s.Path = path
		all = append(all, s)
	}
	if out := r.output(); out != "" {
		name, err := filepath.Rel(r.Dir, out)
		if err != nil {
			name = filepath.Base(out)
		}
		s := SourceOf(name, r.table)
		s.Path = out
		all = append(all, s)
	}
	for k := range all {
		if all[k].Node == "" {
			all[k].Node = r.first()
		}
	}
	return all
}

// output is the job's own output, which Slurm writes beside results/; "" where there is none.
func (r *Run) output() string {
	id, _, _ := strings.Cut(filepath.Base(r.Dir), ".") // of a job that was requeued: 4711.2
	for _, up := range []string{"../..", "../../.."} { // results/<jobid>, results/smoke/<jobid>
		path := filepath.Join(r.Dir, up, "slurm-"+id+".out")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// first is the job's first node, whose clock is the job's: the job script runs there.
func (r *Run) first() string {
	if r.notes != nil {
		for _, c := range r.notes.Preflight {
			if c.Check == "clock" && strings.HasPrefix(c.Words, "the other nodes") {
				return c.Node
			}
		}
	}
	if len(r.table) == 0 {
		return r.Here
	}
	return r.table[0].Name
}

// begun is when a source's program was started, as far as the job wrote it down.
func (r *Run) begun(s Source) time.Time {
	if r.notes == nil {
		return time.Time{}
	}
	phase := map[string]string{"client": "launch clients", "monitor": "monitor", "report": "report", "cleaning": "tear down"}[s.Component]
	switch {
	case s.Trial != "":
		for _, t := range r.notes.Trials {
			if t.ID == s.Trial {
				return unix(t.Start)
			}
		}
	case s.Deployment != "":
		return r.launchedAt(s)
	case phase != "":
		for _, p := range r.notes.Phases {
			if p.Name == phase {
				return unix(p.Start)
			}
		}
	}
	return r.Job.Begin
}

// launchedAt is when a server was started: when its node script said that it was placed, or when the job asked for it.
func (r *Run) launchedAt(s Source) (at time.Time) {
	k := 0
	for _, d := range r.notes.Deployments {
		if d.ID != s.Deployment {
			continue
		}
		if k++; k <= max(1, s.Launch) {
			at = unix(d.Start)
		}
	}
	if s.Rank < 0 || at.IsZero() {
		return at
	}
	placed, err := os.Stat(filepath.Join(r.Dir, "placed", "server."+s.Name, strconv.Itoa(s.Rank)))
	if err == nil && placed.ModTime().After(at) && placed.ModTime().Before(at.Add(10*time.Minute)) { // not that of a copy
		return placed.ModTime()
	}
	return at
}

// Over tells whether the run has come to its end, by its own account.
func (r *Run) Over() bool { return r.notes != nil && r.notes.State != job.Running }

// writtenLast is when a source was written last, in a run that is over; zero where that can't be, as of a copy.
func (r *Run) writtenLast(s Source) time.Time {
	info, err := os.Stat(s.Path)
	if err != nil || r.Job.End.IsZero() || info.ModTime().Before(r.Job.Begin) || info.ModTime().After(r.Job.End.Add(slack)) {
		return time.Time{}
	}
	return info.ModTime().UTC()
}

// Problem tells what keeps a run's logs from being understood in full; nil where nothing does.
func (r *Run) Problem() error {
	_, err := job.Read(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no events.tsv: which trial a line is of is not known", r.Dir)
	}
	return err
}

func unix(seconds float64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(seconds * 1e6)).UTC()
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

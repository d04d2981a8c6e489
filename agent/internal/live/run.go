package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/ledger"
	"hpcbench/agent/internal/whole"
)

// run is a job's directory as it was seen so far.
type run struct {
	results string // what is watched: a job's directory, or those of all
	dir     string // the job's; "": there is none yet
	jobs    int    // how many directories were watched so far
	count   uint64 // of the looks
	chosen  time.Time
	now     time.Time

	job     *job.Job
	plan    map[string]ledger.Row // by trial
	stamps  map[string]stamp      // of the files that the job's account is made from
	account uint64                // the count at which it changed last
	trouble map[string]string     // what can't be read, by what it is

	trials    map[string]*trial
	nodes     map[string]*node
	servers   map[string]*curve
	tables    map[string]*table // server.csv files
	executors map[string]*executorSeen
	flying    map[string]map[int64]int64 // requests in flight as they were seen, by curve and second
	lines     *tails
}

// mark is how far a viewer has seen: which job, and up to which look.
type mark struct {
	jobs  int
	count uint64
}

// stamp tells whether a file changed.
type stamp struct {
	size int64
	time time.Time
}

func newRun(results string) *run {
	r := &run{results: results}
	r.begin("")
	return r
}

// begin forgets all and watches the job in dir.
func (r *run) begin(dir string) {
	if r.lines != nil {
		r.lines.close()
	}
	*r = run{results: r.results, dir: dir, jobs: r.jobs + 1, count: r.count, chosen: r.chosen, now: r.now,
		stamps: map[string]stamp{}, trouble: map[string]string{}, trials: map[string]*trial{}, nodes: map[string]*node{},
		servers: map[string]*curve{}, tables: map[string]*table{}, executors: map[string]*executorSeen{}, flying: map[string]map[int64]int64{},
		lines: newTails(dir)}
}

// look reads what is new, and asks the executors.
func (r *run) look(ctx context.Context, now time.Time) {
	r.count++
	r.now = now
	r.choose()
	if r.dir == "" {
		return
	}
	r.readJob()
	r.readTrials()
	r.readNodes()
	r.readServers()
	r.ask(ctx)
	if r.count%logsEvery == 1 || !r.lines.looked {
		r.note("logs", r.lines.look(r.count))
	}
}

// note keeps what is in the way of reading something, until it is not.
func (r *run) note(what string, err error) {
	words := ""
	if err != nil {
		words = err.Error()
	}
	if r.trouble[what] != words {
		r.trouble[what], r.account = words, r.count
	}
}

// logsEvery is how many looks there are to one at the logs, which are many files.
const logsEvery = 2

// chooseEvery is the time between two looks for a newer job.
const chooseEvery = 5 * time.Second

// choose finds the directory of the job: the results themselves, or the newest among them.
func (r *run) choose() {
	if r.dir != "" && r.now.Sub(r.chosen) < chooseEvery {
		return
	}
	r.chosen = r.now
	newest, err := Newest(r.results)
	if err == nil && newest != "" && newest != r.dir {
		r.begin(newest)
	}
	r.note("results", err)
}

// Newest is the directory of the job that began last: results itself where it is one's, else the newest in it; "" while there
// is none, nor the directory, which the first job makes.
func Newest(results string) (string, error) {
	if began(results) > 0 {
		return results, nil
	}
	dirs := whole.Glob(results, "*/events.tsv")
	if len(dirs) == 0 {
		_, err := os.Stat(filepath.Dir(filepath.Clean(results)))
		return "", err
	}
	newest, last := "", math.Inf(-1)
	for _, events := range dirs {
		if at := began(filepath.Dir(events)); at > last || at == last && events > newest {
			newest, last = events, at
		}
	}
	return filepath.Dir(newest), nil
}

// began is when the job of a directory noted something first, in seconds since 1970; 0 where it is none's.
func began(dir string) float64 {
	f, err := whole.Open(filepath.Join(dir, "events.tsv"))
	if err != nil {
		return 0
	}
	defer f.Close()
	var first [64]byte
	n, _ := f.Read(first[:]) // what can't be read is no number
	word, _, _ := strings.Cut(string(first[:n]), "\t")
	at, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return 0
	}
	return at
}

// readJob reads the account of the job anew when one of its files changed.
func (r *run) readJob() {
	if !r.changed("events.tsv", "ledger.tsv", "nodes.tsv", "report.html") {
		return
	}
	j, err := job.Read(r.dir)
	r.note("job", err)
	if err != nil {
		return
	}
	rows, err := ledger.Read(filepath.Join(r.dir, "ledger.tsv"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.note("job", err)
		return
	}
	r.job, r.plan, r.account = j, map[string]ledger.Row{}, r.count
	for _, row := range rows {
		r.plan[row.Trial] = row
	}
}

// changed tells whether one of the job's files did, since this was asked last.
func (r *run) changed(names ...string) (news bool) {
	for _, name := range names {
		s := stamp{size: -1}
		if info, err := os.Stat(filepath.Join(r.dir, name)); err == nil {
			s = stamp{info.Size(), info.ModTime()}
		}
		if r.stamps[name] != s {
			r.stamps[name], news = s, true
		}
	}
	return news
}

// start is when the job began, in seconds since 1970.
func (r *run) start() float64 {
	if r.job != nil && len(r.job.Phases) > 0 && r.job.Phases[0].Start > 0 {
		return r.job.Phases[0].Start
	}
	return began(r.dir)
}

// over tells whether the job has ended.
func (r *run) over() bool { return r.job != nil && r.job.State != job.Running }

// report reads the job's report.html.
func (p *Page) report() ([]byte, error) {
	p.looking.Lock()
	p.run.now = time.Now()
	p.run.choose() // nobody may have looked yet
	dir := p.run.dir
	p.looking.Unlock()
	if dir == "" {
		return nil, fs.ErrNotExist
	}
	text, err := whole.Read(filepath.Join(dir, "report.html"))
	if err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	return text, nil
}

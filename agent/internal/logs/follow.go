package logs

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The bounds of how much is read of logs that grow quickly: who looks on is not to become the load.
const (
	perRound  = 4 << 20  // bytes of one log in one round, where no rate is set
	tooFar    = 16 << 20 // bytes behind, from which on a log is passed over, where one is
	keptOfFar = 1 << 20  // but for its end
)

// Follower reads all logs of a run as they grow, and those that come.
type Follower struct {
	run     *Run
	now     func() time.Time
	logs    map[string]*followed // by path
	known   map[string]Mark      // of an earlier follower, by Source.File
	seen    string               // what the run's own notes looked like when they were read
	started bool                 // a round is over: what comes now is new
	rate    int64                // bytes of one log that are read in a second; 0: all that come
	tailed  map[file]bool        // those that were read as the tail of a bounded log
	moved   map[string]Mark      // those of them that are its past now, by Source.File: they are not news
}

// file is a file whatever its name.
type file struct{ device, inode uint64 }

type followed struct {
	source Source
	tail   Tail
	parser *Parser
	reader reader
	looked time.Time // when it was read last
	budget int64     // bytes that may be read
}

// Mark is how far a log was read and understood, for a follower that goes on with it.
type Mark struct {
	Place
	Last  time.Time `json:"last,omitzero"`
	Level Level     `json:"level,omitempty"`
}

// Follow follows the logs of a run, from where the marks say; now is the time (nil: time.Now), and rate how many bytes of one log are
// read in a second (0: all that come): more is passed over, and said so.
func Follow(r *Run, marks map[string]Mark, now func() time.Time, rate int64) *Follower {
	if now == nil {
		now = time.Now
	}
	f := &Follower{run: r, now: now, logs: map[string]*followed{}, known: marks, seen: r.notesLook(), rate: rate, tailed: map[file]bool{}, moved: map[string]Mark{}}
	for name, m := range marks {
		f.note(name, m.Place)
	}
	return f
}

// note remembers a file that is read as the tail of a bounded log.
func (f *Follower) note(name string, p Place) {
	if strings.HasSuffix(name, Tailed+".log") && p.Inode != 0 {
		f.tailed[file{p.Device, p.Inode}] = true
	}
}

// isMoved tells whether a log is what was read as the tail of one before it took the place of its past; its last lines are read
// there.
func (f *Follower) isMoved(s Source) bool {
	delete(f.moved, s.File)
	if !strings.HasSuffix(s.File, Past+".log") {
		return false
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return false // reading it tells
	}
	device, inode := identity(info)
	if !f.tailed[file{device, inode}] {
		return false
	}
	f.moved[s.File] = Mark{Place: Place{Offset: info.Size(), Device: device, Inode: inode}}
	return true
}

// Round gives the entries that came since the last one, file by file, and tells whether there is more to read at once: all of it,
// whatever the rate. What can't be read is told and does not keep the others from being read.
func (f *Follower) Round(all bool, give func(Entry)) (more bool, err error) {
	if look := f.run.notesLook(); look != f.seen {
		f.seen = look
		f.run.Refresh()
	}
	var problems []error
	for _, s := range f.run.Sources() {
		if f.isMoved(s) {
			continue
		}
		one := f.logs[s.Path]
		if one == nil {
			one = f.begin(s)
		}
		limit := one.allowed(f.rate, all, f.now())
		if limit == 0 {
			continue
		}
		if f.rate > 0 {
			one.catchUp(give)
		}
		n, err := one.tail.Poll(limit, func(text []byte, cut string) {
			if e := one.reader.Entry(text, cut); e.Message != "" {
				give(e)
			}
		})
		one.parser.live, one.parser.now = true, f.now
		one.budget -= n
		f.note(s.File, one.tail.Place)
		more = more || n >= limit && (all || f.rate == 0)
		problems = append(problems, err)
	}
	f.started = true
	return more, errors.Join(problems...)
}

// begin follows a further log. What it has when the following begins is not new, and when it was read says nothing.
func (f *Follower) begin(s Source) *followed {
	one := &followed{source: s, tail: Tail{Path: s.Path}}
	one.parser = NewParser(s, &f.run.Job, f.run.begun(s), nil)
	if f.started {
		one.parser.live, one.parser.now = true, f.now
	}
	if m, ok := f.known[s.File]; ok {
		one.tail.Place, one.parser.number, one.parser.last = m.Place, m.Line, m.Last
		if m.Level != "" {
			one.parser.level = m.Level
		}
	}
	one.reader = one.parser
	if s.Component == "job" {
		one.reader = jobOutput{one.parser}
	}
	f.logs[s.Path] = one
	return one
}

// allowed is how many bytes may be read now: as many as came together since the last look, of two seconds at the most.
func (o *followed) allowed(rate int64, all bool, now time.Time) int64 {
	if rate == 0 || all {
		return perRound
	}
	if o.looked.IsZero() {
		o.looked = now.Add(-time.Second)
	}
	o.budget = min(2*rate, o.budget+int64(float64(rate)*now.Sub(o.looked).Seconds()))
	o.looked = now
	return max(0, o.budget)
}

// catchUp passes over most of what a log has grown by where it grows faster than it can be read, and says so.
func (o *followed) catchUp(give func(Entry)) {
	if o.tail.Behind() < tooFar {
		return
	}
	if n := o.tail.Skip(keptOfFar); n > 0 {
		e := o.parser.note(fmt.Sprintf("%d MB of this log are passed over here: it grows faster than it is read (its file has them)", n>>20))
		give(e)
	}
}

// note is an entry of our own among those of a log.
func (p *Parser) note(text string) Entry {
	e := Entry{Level: Warn, Category: Infrastructure, Node: p.source.Node, Component: "collector", Message: text, File: p.source.File, Line: p.number}
	p.date(&e, stamp{})
	return e
}

// Marks are how far each log was read.
func (f *Follower) Marks() map[string]Mark {
	all := map[string]Mark{}
	for _, one := range f.logs {
		all[one.source.File] = Mark{Place: one.tail.Place, Last: one.parser.last, Level: one.parser.level}
	}
	maps.Copy(all, f.moved)
	return all
}

// Close lets go of all files.
func (f *Follower) Close() {
	for _, one := range f.logs {
		_ = one.tail.Close() // it was read only
	}
}

// notesLook is by what a change of the run's own notes is known.
func (r *Run) notesLook() (look string) {
	for _, name := range []string{"events.tsv", "nodes.tsv", "ledger.tsv"} {
		if info, err := os.Stat(filepath.Join(r.Dir, name)); err == nil {
			look += fmt.Sprint(name, info.Size(), info.ModTime().UnixNano(), " ")
		}
	}
	return look
}

package logs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hpcbench/agent/internal/whole"
	"hpcbench/agent/workload"
)

// Collector tells entries as they come (spec §9.2, BaseLogCollector): a Follower, for files.
type Collector interface {
	Round(all bool, give func(Entry)) (more bool, err error)
	Marks() map[string]Mark
	Close()
}

// Config says what is collected of a run and what becomes of it. workload.Logs has the recipe's part.
type Config struct {
	workload.Logs
	Run     *Run
	Console io.Writer // the job's own output; nil: nothing goes there
	Words   func()    // writes down what else is to be told at the begin and at the end, such as Slurm's words; nil: nothing
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// held is how long an entry is kept back for others that are older and come later, as from a file server.
const held = 3 * time.Second

// mostRead is how many bytes of one log are read in a second: what reads along is not to become the load, and a thousand lines cost
// some ten milliseconds of a core.
const mostRead = 1 << 20

// consoleMost is how many lines go to the console in a second: it is for people.
const consoleMost = 200

// collection is a collector at work.
type collection struct {
	Config
	from    Collector
	pending entries // not written yet, in no order
	rings   map[string]*ring
	newest  map[string]time.Time // of what was written into each file
	late    map[string]int       // entries that are older than what stands before them
	lost    int                  // entries that could not be written
	quiet   bool                 // a problem was told and lasts
	said    int                  // lines on the console in this second
	second  int64
	untold  int
}

// Collect reads the logs of a run until ctx ends, and then once more to their end; it writes JSON lines beside them and lines to
// the console. That something can't be written costs a line of its own log and what was to be written, and is no error.
func Collect(ctx context.Context, cfg Config) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &collection{Config: cfg, rings: map[string]*ring{}, newest: map[string]time.Time{}, late: map[string]int{}}
	c.from = Follow(cfg.Run, c.marks(), cfg.Now, mostRead)
	defer c.from.Close()
	tick := time.NewTicker(max(50*time.Millisecond, duration(c.FlushS)))
	defer tick.Stop()
	c.words()
	for {
		more := c.round(false)
		if !more {
			select {
			case <-ctx.Done():
				c.finish()
				return
			case <-tick.C:
			}
		} else if ctx.Err() != nil {
			c.finish()
			return
		}
	}
}

// finish reads what is left, writes it, and puts files in order that are not.
func (c *collection) finish() {
	c.words()
	for range 64 { // logs that still grow are not followed for ever
		if !c.round(true) {
			break
		}
	}
	for name, r := range c.rings {
		r.close()
		if c.late[name] > 0 {
			c.tell(sortFile(r), "entries are not in the order of time", "file", r.path, "late", c.late[name])
		}
	}
	if c.lost > 0 {
		c.Log.Warn("entries were not written", "entries", c.lost)
	}
}

func (c *collection) words() {
	if c.Words == nil {
		return
	}
	c.Words()
}

// round reads what came and writes what is old enough, or all.
func (c *collection) round(all bool) (more bool) {
	more, err := c.from.Round(all, c.take)
	c.tell(err, "a log can't be read")
	ready := c.pending
	if !all {
		now := c.Now()
		ready = nil
		c.pending = slices.DeleteFunc(c.pending, func(e Entry) bool {
			if e.Time.After(now.Add(-held)) && e.Time.Before(now.Add(held)) { // one from the future would be kept until then
				return false
			}
			ready = append(ready, e)
			return true
		})
	} else {
		c.pending = nil
	}
	slices.SortFunc(ready, order)
	for _, e := range ready {
		c.console(e)
	}
	if c.JSONLines && c.write(ready) {
		err := whole.WriteJSON(c.state(), c.from.Marks())
		c.tell(err, "how far the logs were read is not written down")
	}
	c.keepYoung()
	return more
}

// take keeps an entry that is wanted.
func (c *collection) take(e Entry) {
	if len(c.Categories) == 0 || slices.Contains(c.Categories, string(e.Category)) {
		c.pending = append(c.pending, e)
	}
}

// write puts entries into their files, those of one file at once.
func (c *collection) write(ready []Entry) bool {
	texts := map[string][]byte{}
	counts := map[string]int{}
	for _, e := range ready {
		name := c.file(e)
		if e.Time.Before(c.newest[name]) {
			c.late[name]++
		} else {
			c.newest[name] = e.Time
		}
		texts[name] = append(texts[name], e.JSON()...)
		counts[name]++
		if c.rings[name] == nil {
			c.rings[name] = newRing(filepath.Join(c.Run.Dir, "logs", name))
		}
	}
	good := true
	for name, text := range texts {
		if err := c.put(c.rings[name], text); err != nil {
			c.lost += counts[name]
			good = false
			c.tell(err, "entries are not written: they are lost until there is room again", "file", c.rings[name].path)
			continue
		}
		c.quiet = false
	}
	return good
}

// newRing is one of JSON lines: NAME.jsonl, and NAME.past.jsonl.
func newRing(path string) *ring {
	return &ring{path: path, past: strings.TrimSuffix(path, ".jsonl") + Past + ".jsonl"}
}

// put writes whole lines in pieces that are small beside a part.
func (c *collection) put(r *ring, text []byte) error {
	part := c.part()
	for len(text) > 0 {
		n := len(text)
		if limit := int(min(part/4+1, 4<<20)); n > limit {
			n = cmp.Or(bytes.LastIndexByte(text[:limit], '\n')+1, bytes.IndexByte(text, '\n')+1)
		}
		if err := r.write(text[:n], part, c.Now()); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// part is the most that one part of a file may have: all files have two of them, and share what is allowed.
func (c *collection) part() int64 {
	return max(64<<10, int64(c.SizeMB)<<20/2/int64(max(1, len(c.rings))))
}

// keepYoung lets go of what is too old.
func (c *collection) keepYoung() {
	for _, r := range c.rings {
		c.tell(r.age(duration(c.AgeS), c.Now()), "what is too old does not go", "file", r.path)
	}
}

// file is the name of the file that an entry belongs to.
func (c *collection) file(e Entry) string {
	switch c.Aggregation {
	case "per-node":
		return "node." + cmp.Or(e.Node, "unknown") + ".jsonl"
	case "none":
		name := filepath.Base(e.File)
		name = strings.TrimSuffix(strings.TrimSuffix(name, filepath.Ext(name)), Past)
		return strings.TrimSuffix(name, Tailed) + ".jsonl"
	}
	return "aggregated.jsonl"
}

// console writes an entry to the job's output.
func (c *collection) console(e Entry) {
	if c.Console == nil || e.Component == "job" || e.Component == "report" { // what is there already
		return
	}
	if now := c.Now().Unix(); now != c.second {
		if c.untold > 0 {
			c.show(Entry{Time: c.Now(), Level: Warn, Component: "collector", Category: Infrastructure, Message: fmt.Sprintf("%d lines are left out here", c.untold)})
		}
		c.second, c.said, c.untold = now, 0, 0
	}
	if c.said++; c.said > consoleMost {
		c.untold++
		return
	}
	c.show(e)
}

func (c *collection) show(e Entry) {
	text := []byte(e.Console(c.Run.Job.Zone) + "\n")
	if c.Format == "json" {
		text = e.JSON()
	}
	_, err := c.Console.Write(text)
	c.tell(err, "the console can't be written to")
}

// tell writes a problem down, once for as long as it lasts.
func (c *collection) tell(err error, what string, about ...any) {
	if err == nil || c.quiet {
		return
	}
	c.quiet = true
	c.Log.Warn(what, append(about, "error", err.Error())...)
}

func (c *collection) state() string { return filepath.Join(c.Run.Dir, "logs", ".collected.json") }

// marks are those of a collector before this one, which died.
func (c *collection) marks() map[string]Mark {
	text, err := os.ReadFile(c.state())
	if err != nil {
		return nil
	}
	var all map[string]Mark
	if err := json.Unmarshal(text, &all); err != nil {
		c.tell(err, "the logs are read from their begin")
	}
	return all
}

package logs

import (
	"container/heap"
	"encoding/json"
	"errors"
	"iter"
	"regexp"
	"slices"
	"time"

	"hpcbench/agent/internal/whole"
)

// lookahead is how many lines of a file are put in order before the first of them is given: those of one program are out of order
// by a few seconds at the most, where several processes share its output.
const lookahead = 2000

// Entries are all entries that are there, in the order of time, and at the end what could not be read. Empty lines are left out.
func (r *Run) Entries() (iter.Seq[Entry], func() error) {
	var problems []error
	return func(yield func(Entry) bool) {
		all := r.streams()
		defer func() {
			for _, s := range all {
				s.close()
				problems = append(problems, s.err)
			}
		}()
		merge(slices.Clone(all), yield)
	}, func() error { return errors.Join(problems...) }
}

// streams are a stream for each log; where none is there any more, for each file of JSON lines that was made of them.
func (r *Run) streams() (all []*stream) {
	for _, s := range r.Sources() {
		all = append(all, newStream(s.Path, r.parser(s, nil)))
	}
	if len(all) > 0 {
		return all
	}
	for _, path := range whole.Glob(r.Dir, "logs/*.jsonl") {
		all = append(all, newStream(path, made{}))
	}
	return all
}

// parser reads the lines of a source of this run; now as NewParser has it.
func (r *Run) parser(s Source, now func() time.Time) reader {
	p := NewParser(s, &r.Job, r.begun(s), now)
	p.ended = r.writtenLast(s)
	if s.Component == "job" {
		return jobOutput{p}
	}
	return p
}

// reader makes an entry of a file's next line.
type reader interface {
	Entry(text []byte, more string) Entry
}

// jobOutput reads the job's own output. What the job script or the collector put there from other logs is not read twice.
type jobOutput struct{ *Parser }

// quoted is a line that the job script shows of another log: "  server.d1.1.cn05.log: …".
var quoted = regexp.MustCompile(`^  [\w.-]+\.log: `)

func (o jobOutput) Entry(text []byte, more string) Entry {
	e := o.Parser.Entry(text, more)
	if isConsole(text) || quoted.Match(text) {
		e.Message = ""
	}
	return e
}

// made reads JSON lines of ours.
type made struct{}

func (made) Entry(text []byte, _ string) (e Entry) {
	if json.Unmarshal(text, &e) != nil {
		return Entry{} // the last line of a collector that was killed
	}
	if !slices.Contains(Levels, e.Level) {
		e.Level = Info
	}
	e.disarm() // who gave the file away may have written it
	return e
}

// stream is a file's entries, nearly in the order of time.
type stream struct {
	tail   *Tail
	reader reader
	queue  entries
	over   bool
	err    error
}

func newStream(path string, p reader) *stream {
	s := &stream{tail: &Tail{Path: path}, reader: p}
	s.tail.Whole()
	return s
}

// fill reads on until so many lines are known that the first of them is the first in time.
func (s *stream) fill() {
	for !s.over && len(s.queue) < lookahead {
		n, err := s.tail.Poll(chunk, func(text []byte, more string) {
			if e := s.reader.Entry(text, more); e.Message != "" {
				heap.Push(&s.queue, e)
			}
		})
		s.over, s.err = n == 0 || err != nil, err
	}
}

func (s *stream) close() { _ = s.tail.Close() } // it was read only

// entries is a heap of them by time.
type entries []Entry

func (h entries) Len() int           { return len(h) }
func (h entries) Less(a, b int) bool { return order(h[a], h[b]) < 0 }
func (h entries) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *entries) Push(e any)        { *h = append(*h, e.(Entry)) }
func (h *entries) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

// streams is a heap of those that have entries, by their first.
type streams []*stream

func (h streams) Len() int           { return len(h) }
func (h streams) Less(a, b int) bool { return order(h[a].queue[0], h[b].queue[0]) < 0 }
func (h streams) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *streams) Push(s any)        { *h = append(*h, s.(*stream)) }
func (h *streams) Pop() any {
	old := *h
	s := old[len(old)-1]
	*h = old[:len(old)-1]
	return s
}

// merge gives the entries of all streams in the order of time.
func merge(all []*stream, yield func(Entry) bool) {
	var h streams
	for _, s := range all {
		if s.fill(); len(s.queue) > 0 {
			heap.Push(&h, s)
		}
	}
	for len(h) > 0 {
		s := h[0]
		if !yield(heap.Pop(&s.queue).(Entry)) {
			return
		}
		if s.fill(); len(s.queue) > 0 {
			heap.Fix(&h, 0)
		} else {
			heap.Pop(&h)
		}
	}
}

// Package logs reads what the programs of a job wrote: the lines of results/<jobid>/logs and of the job's own output, each
// with its time, level, category, node and trial, whatever format its program writes them in (spec §9).
//
// A Source is a file and whose it is, which its name tells. A Tail gives a file's lines as they come, a Parser makes an Entry
// of each, and a Run merges those of all sources in the order of time, corrected by each node's clock. The files are read and
// never written.
package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Entry is a line of a log, and as JSON a line of logs/*.jsonl (DESIGN §10). What is not known is absent.
type Entry struct {
	Time      time.Time `json:"time"`           // by the clock of the job's first node
	Clock     Clock     `json:"clock,omitzero"` // where the time is from, unless the line has it itself
	Level     Level     `json:"level"`
	Category  Category  `json:"category"`
	Node      string    `json:"node,omitempty"`
	Component string    `json:"component"`      // server, client, monitor, job, trial, ready, …; slurm, kernel, container
	Name      string    `json:"name,omitempty"` // of several of a kind, such as d1.1: a deployment and its launch
	Rank      *int      `json:"rank,omitempty"` // of a server, from 0
	Trial     string    `json:"trial,omitempty"`
	Request   string    `json:"request_id,omitempty"` // as its X-Request-Id has it: trial-node-index
	Message   string    `json:"message"`
	File      string    `json:"file"` // from the job's directory
	Line      int       `json:"line"` // from 1
}

// JSON is the entry as a line of JSON, with its newline.
func (e Entry) JSON() []byte {
	var b bytes.Buffer
	line := json.NewEncoder(&b)
	line.SetEscapeHTML(false)
	_ = line.Encode(e) // it has strings and numbers alone, and a year of four digits (calendar)
	return b.Bytes()
}

// Clock says where a time is from that the line itself does not have.
type Clock string

// The sources of a time, the best first.
const (
	Own     Clock = ""        // the line has it
	Before  Clock = "before"  // of the last line of the file that has one
	Arrived Clock = "arrived" // when the line was read
	Ended   Clock = "ended"   // when its file was written last: of Slurm's words about a program's end
	Began   Clock = "began"   // when its program was started
)

// Level is how much a line matters, from DEBUG to FATAL.
type Level string

// The levels, the least first. Other words of other programs are mapped to them.
const (
	Debug Level = "DEBUG"
	Info  Level = "INFO"
	Warn  Level = "WARN"
	Error Level = "ERROR"
	Fatal Level = "FATAL"
)

// Levels are all of them, the least first.
var Levels = []Level{Debug, Info, Warn, Error, Fatal}

// AtLeast tells whether a line of this level matters as much as one of least. One of no known level matters like INFO.
func (l Level) AtLeast(least Level) bool { return l.rank() >= least.rank() }

func (l Level) rank() int {
	if k := slices.Index(Levels, l); k >= 0 {
		return k
	}
	return slices.Index(Levels, Info)
}

// words are the levels by the words and letters of the programs that are known here.
var words = map[string]Level{
	"trace": Debug, "debug": Debug, "verb": Debug, "verbose": Debug, "d": Debug, "v": Debug,
	"info": Info, "i": Info, "notice": Info, "log": Info, "succ": Info, "success": Info, "n": Info,
	"warn": Warn, "warning": Warn, "w": Warn,
	"error": Error, "err": Error, "e": Error, "fail": Error, "failed": Error,
	"fatal": Fatal, "critical": Fatal, "crit": Fatal, "panic": Fatal, "f": Fatal, "c": Fatal, "alert": Fatal, "emerg": Fatal,
	"internal_error": Fatal, "internal error": Fatal,
}

// level is what a word or letter stands for; "" where it stands for none.
func level(word string) Level { return words[strings.ToLower(word)] }

// ParseLevel reads a level as a person writes it.
func ParseLevel(text string) (Level, error) {
	if l := level(text); l != "" {
		return l, nil
	}
	return "", fmt.Errorf("%q is no level: want debug, info, warn, error or fatal", text)
}

// Category is what kind of program a line is of (spec §9.4).
type Category string

// The four categories.
const (
	Application    Category = "application"    // servers and clients
	System         Category = "system"         // Slurm's words and the kernel's
	Benchmark      Category = "benchmark"      // the job script and what it asks the agent for
	Infrastructure Category = "infrastructure" // containers, monitors, Pushgateway, Prometheus
)

// Categories are all four.
var Categories = []Category{Application, System, Benchmark, Infrastructure}

// ParseCategory reads a category.
func ParseCategory(text string) (Category, error) {
	if c := Category(strings.ToLower(text)); slices.Contains(Categories, c) {
		return c, nil
	}
	return "", fmt.Errorf("%q is no category: want application, system, benchmark or infrastructure", text)
}

// order is by time; lines of one time stay together by their file, in the order in which they stand there.
func order(a, b Entry) int {
	if c := a.Time.Compare(b.Time); c != 0 {
		return c
	}
	if c := strings.Compare(a.File, b.File); c != 0 {
		return c
	}
	return a.Line - b.Line
}

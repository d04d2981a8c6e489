// Package trace reads recorded traffic: when each request came, and how long its prompt and its answer were.
//
// Three layouts are told apart by what stands in the file:
//
//	{"timestamp": 27, "input_length": 6758, "output_length": 500}       Mooncake: JSON lines, milliseconds
//	Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type  BurstGPT: CSV, seconds
//	{"timestamp": 0.027, "input_tokens": 6758, "output_tokens": 500}    JSON lines, seconds
//
// Other fields and columns are left alone. The requests stand in the order of their times.
package trace

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
	"weak"
)

// Trace is recorded traffic; it does not change once it is read.
type Trace struct {
	times   []float64 // seconds from the first request on
	in, out []int32   // tokens
}

// Len is how many requests there are: at least 1.
func (t *Trace) Len() int { return len(t.times) }

// At is when request i came, in seconds from the first one.
func (t *Trace) At(i int64) float64 { return t.times[i] }

// Lengths are the tokens of the prompt and of the answer of request i; both are at least 1. A trace that is too short
// begins anew.
func (t *Trace) Lengths(i int64) (in, out int) {
	i %= int64(len(t.in))
	return int(t.in[i]), int(t.out[i])
}

// MeanGap is the mean time between two requests in seconds; 0 where all came at once.
func (t *Trace) MeanGap() float64 {
	return t.times[len(t.times)-1] / float64(max(1, len(t.times)-1))
}

// MeanLengths are the means of what Lengths tells.
func (t *Trace) MeanLengths() (in, out float64) {
	for i := range t.in {
		in += float64(t.in[i])
		out += float64(t.out[i])
	}
	return in / float64(t.Len()), out / float64(t.Len())
}

// opened are the traces that somebody still uses, so that the threads of a load, and who makes its prompts, read a file
// once and share it.
var opened = struct {
	sync.Mutex
	by map[state]weak.Pointer[Trace]
}{by: map[state]weak.Pointer[Trace]{}}

// state is a file as it stood when it was read.
type state struct {
	path    string
	size    int64
	changed time.Time
}

// Open reads the trace in a file. Errors name the file and, where there is one, the line: "path:17: what is wrong".
func Open(path string) (*Trace, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	now := state{path, info.Size(), info.ModTime()}
	opened.Lock()
	defer opened.Unlock()
	if t := opened.by[now].Value(); t != nil {
		return t, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	opened.by[now] = weak.Make(t)
	return t, nil
}

// fault is what is wrong in a line.
type fault struct {
	line int
	why  string
}

func (f fault) Error() string { return fmt.Sprintf("%d: %s", f.line, f.why) }

func faulty(line int, format string, args ...any) error {
	return fault{line, fmt.Sprintf(format, args...)}
}

// Read reads a trace. An error begins with the number of its line and a colon.
func Read(r io.Reader) (*Trace, error) {
	b := &builder{}
	if err := b.read(r); err != nil {
		return nil, err
	}
	if b.Len() == 0 {
		return nil, faulty(1, "no request in it (a trace is JSON lines or a CSV; see agent load -h)")
	}
	return &b.Trace, nil
}

// builder is a trace in the making.
type builder struct {
	Trace
	first float64
}

// add appends a request; its time is in seconds. An answer of no token, as BurstGPT has of requests that failed, is
// asked for with one: the prompt was sent all the same, and asking for 0 means no limit to a server.
func (b *builder) add(line int, at, in, out float64) error {
	switch {
	case !(at >= 0 && at < 1e12):
		return faulty(line, "time %v s: want 0 or more", at)
	case !(in >= 1 && in <= longest) || in != float64(int(in)):
		return faulty(line, "%v input tokens: want a whole number from 1 to %d", in, int(longest))
	case !(out >= 0 && out <= longest) || out != float64(int(out)):
		return faulty(line, "%v output tokens: want a whole number from 0 to %d", out, int(longest))
	case b.Len() == 0:
		b.first = at
	case at-b.first < b.times[b.Len()-1]:
		return faulty(line, "the request comes %.9g s before the one above it: sort the file by time", b.times[b.Len()-1]-(at-b.first))
	}
	b.times = append(b.times, at-b.first)
	b.in, b.out = append(b.in, int32(in)), append(b.out, int32(max(1, out)))
	return nil
}

// longest is the most tokens of a prompt or an answer: past it a number is no length.
const longest = 1e8

// Package truth reads what a server wrote down of the requests it answered, and holds a client's measurements against it.
package truth

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Line is what a server did with one request, as `agent dummy --truth` writes it. Instants are nanoseconds of
// CLOCK_MONOTONIC, taken just before the write to the socket and just after the read.
type Line struct {
	ID        string  `json:"id"`                 // the request's X-Request-Id
	Number    int64   `json:"number"`             // in order of arrival, from 1: the answer's id ends in it
	FirstByte int64   `json:"first_byte_mono_ns"` // of the request was read; 0: the server does not tell
	Arrived   int64   `json:"arrived_mono_ns"`    // the request was read to its end
	Unix      int64   `json:"arrived_unix_ns"`    // the same by the wall clock
	Tokens    []int64 `json:"tokens"`
	Done      bool    `json:"done"`
	Status    int     `json:"status"`
	Probe     bool    `json:"probe"`
}

// TTFT is from the request's arrival to the first token, in seconds.
func (l Line) TTFT() float64 { return float64(l.Tokens[0]-l.Arrived) / 1e9 }

// E2EL is from the request's arrival to the last token, in seconds.
func (l Line) E2EL() float64 { return float64(l.last()-l.Arrived) / 1e9 }

// Gaps are the seconds between its tokens.
func (l Line) Gaps() []float64 {
	var gaps []float64
	for k := 1; k < len(l.Tokens); k++ {
		gaps = append(gaps, float64(l.Tokens[k]-l.Tokens[k-1])/1e9)
	}
	return gaps
}

func (l Line) last() int64 { return l.Tokens[len(l.Tokens)-1] }

// Read reads the lines of requests that were answered to their end, in order of arrival. Probes are left out.
func Read(r io.Reader) ([]Line, error) {
	var lines []Line
	d := json.NewDecoder(bufio.NewReaderSize(r, 1<<20))
	for {
		var l Line
		switch err := d.Decode(&l); {
		case err == io.EOF:
			slices.SortStableFunc(lines, func(a, b Line) int { return int(a.Arrived - b.Arrived) })
			return lines, nil
		case err != nil:
			return nil, fmt.Errorf("reading line %d of the truth: %w", len(lines)+1, err)
		}
		if l.Done && l.Status == 200 && !l.Probe && len(l.Tokens) > 0 {
			lines = append(lines, l)
		}
	}
}

// Arrivals are the instants at which the first bytes of the requests came, in seconds and in order.
func Arrivals(lines []Line) []float64 {
	at := make([]float64, len(lines))
	for i, l := range lines {
		ns := l.Arrived
		if l.FirstByte > 0 {
			ns = l.FirstByte
		}
		at[i] = float64(ns) / 1e9
	}
	slices.Sort(at)
	return at
}

// Span is from the first arrival to the last token of all, in ns of CLOCK_MONOTONIC.
func Span(lines []Line) (from, to int64) {
	for i, l := range lines {
		if i == 0 || l.Arrived < from {
			from = l.Arrived
		}
		to = max(to, l.last())
	}
	return from, to
}

// Rate is the requests a second that the server ended between two instants of the wall clock, in ns: at or after from,
// before to.
func Rate(lines []Line, from, to int64) float64 {
	n := 0
	for _, l := range lines {
		if ended := l.Unix + l.last() - l.Arrived; from <= ended && ended < to {
			n++
		}
	}
	return float64(n) / (float64(to-from) / 1e9)
}

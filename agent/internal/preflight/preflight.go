// Package preflight looks at one node in the seconds before a model is loaded there: what would cost the job minutes, or
// its numbers their worth, is found while nothing has started yet.
//
// Two programs look: one on the node (Node) and one in the server's container (Inside), for what only the container can
// tell. Both answer in rows of a check, a state and words, of which the job script makes failures and warnings. No check
// waits longer than its patience: one that gets no answer says so.
package preflight

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// State is what a check came to.
type State string

// The states. A job with a Fail ends before a server starts; a Warn is noted.
const (
	OK   State = "ok"
	Warn State = "warn"
	Fail State = "fail"
)

// Row is one thing that was looked at.
type Row struct {
	Check string // one word: shm, clock, …
	State State
	Words string // what was found, and the cure in brackets
}

// String is the row as the job script reads it: three columns with tabs between them.
func (r Row) String() string {
	return r.Check + "\t" + string(r.State) + "\t" + strings.Join(strings.Fields(r.Words), " ")
}

func row(check string, state State, format string, args ...any) Row {
	return Row{check, state, fmt.Sprintf(format, args...)}
}

// patience is how long one check may take: a file system or a driver that hangs must not take the job with it.
const patience = 5 * time.Second

// check is a check by its name.
type check struct {
	name string
	look func(ctx context.Context) []Row
	most time.Duration // how long it may take; 0: patience
}

// all runs the checks side by side, and gives their rows in the checks' order. One that outlasts its patience is a warning,
// and is left behind: a process that waits for a dead file system can't be woken.
func all(ctx context.Context, checks []check) []Row {
	found := make([][]Row, len(checks))
	var wg sync.WaitGroup
	for k, c := range checks {
		wg.Go(func() { found[k] = c.within(ctx, cmp.Or(c.most, patience)) })
	}
	wg.Wait()
	var rows []Row
	for _, some := range found {
		rows = append(rows, some...)
	}
	return rows
}

// within is what the check finds in time.
func (c check) within(ctx context.Context, d time.Duration) []Row {
	inner, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	found := make(chan []Row, 1)
	go func() { found <- c.look(inner) }()
	select {
	case rows := <-found:
		return rows
	case <-time.After(d + d/5): // a check that hears its context says more than this can
		return []Row{row(c.name, Warn, "no answer within %v: not looked at", d)}
	}
}

// bytes is a size for people, in binary units.
func bytes(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	v, k := float64(n), 0
	for v >= 1024 && k < len(units)-1 {
		v, k = v/1024, k+1
	}
	if v >= 10 || k == 0 {
		return fmt.Sprintf("%.0f %s", v, units[k])
	}
	return fmt.Sprintf("%.1f %s", v, units[k])
}

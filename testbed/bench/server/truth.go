package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"hpcbench/testbed/bench/truth"
)

// writer writes lines of truth on a goroutine of its own, so that no token waits for them. Its queue has no bound: a full
// one would make the server wait.
type writer struct {
	to    io.Writer // nil: nothing is kept
	wall  int64
	mu    sync.Mutex
	some  sync.Cond
	queue []truth.Line
	ended bool
	err   error
	wg    sync.WaitGroup
}

func newWriter(to io.Writer) *writer {
	w := &writer{to: to, wall: newClock().wall}
	w.some.L = &w.mu
	if to != nil {
		w.wg.Go(w.run)
	}
	return w
}

// add keeps the answer of c, which is used again.
func (w *writer) add(c *conn, done bool) {
	if w.to == nil {
		return
	}
	line := truth.Line{
		ID: string(c.r.id), Number: c.number, FirstByte: c.first, Arrived: c.arrived, Unix: c.arrived + w.wall,
		Tokens: append([]int64(nil), c.stamps...), Done: done, Status: 200,
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, line)
	w.some.Signal()
}

func (w *writer) run() {
	b := bufio.NewWriterSize(w.to, 1<<20)
	e := json.NewEncoder(b)
	for lines := w.next(); lines != nil; lines = w.next() {
		for _, l := range lines {
			if err := e.Encode(l); err != nil && w.err == nil {
				w.err = err
			}
		}
		if err := b.Flush(); err != nil && w.err == nil {
			w.err = err
		}
	}
}

// next takes what there is; nil: no more will come.
func (w *writer) next() []truth.Line {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.ended {
		w.some.Wait()
	}
	lines := w.queue
	w.queue = nil
	return lines
}

// close waits until all is written.
func (w *writer) close() error {
	w.mu.Lock()
	w.ended = true
	w.some.Signal()
	w.mu.Unlock()
	w.wg.Wait()
	if w.err != nil {
		return fmt.Errorf("writing the truth: %w", w.err)
	}
	return nil
}

package trial

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"hpcbench/agent/internal/executor"
	"hpcbench/agent/internal/share"
)

// An executor is on a node of this job and answers in milliseconds; a node that is cut off says nothing at all, and Slurm
// believes in it for minutes (SlurmdTimeout, 300 s). What is dead has to be noticed within 10 s (DESIGN §5), and a busy node is
// not dead: two looks have to go unanswered.
const (
	answerIn = 3 * time.Second // for an executor to say how far it is
	deafness = 7 * time.Second // without an answer
)

// lostNode is the error of a client node that answers no more.
type lostNode struct {
	node   string
	silent time.Duration
	err    error // of the last question
}

func (l *lostNode) Error() string {
	return fmt.Sprintf("client node %s has not been heard for %.0f s: %v", l.node, l.silent.Seconds(), l.err)
}

func (l *lostNode) Unwrap() error { return l.err }

// lostNodes are the nodes that an error says are lost.
func lostNodes(err error) map[string]bool {
	lost := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if l, ok := err.(*lostNode); ok {
			lost[l.node] = true
		}
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				walk(one)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	walk(err)
	return lost
}

// ClientLost says whether an error of Run is that a client node answers no more, which no server's end explains.
func ClientLost(err error) bool { return len(lostNodes(err)) > 0 }

// ears know when each executor was last heard, by its place.
type ears []time.Time

func newEars(n int, now time.Time) ears {
	e := make(ears, n)
	for k := range e {
		e[k] = now
	}
	return e
}

// hear takes note of what a look at all executors brought, an error or nil of each, and gives those that are lost by now.
func (h ears) hear(executors []executor.Client, errs []error, now time.Time) error {
	var lost []error
	for k, err := range errs {
		if err == nil {
			h[k] = now
		} else if silent := now.Sub(h[k]); silent > deafness {
			lost = append(lost, &lostNode{executors[k].Node, silent, err})
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return oneLine{errors.Join(lost...)}
}

// status asks an executor how far it is, and waits no longer than a node that is there takes.
func (c Config) status(ctx context.Context, e executor.Client) (share.Progress, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerIn, fmt.Errorf("no answer within %v", answerIn))
	defer cancel()
	return e.Status(ctx)
}

// reach is status of an executor that nobody has heard yet. A node where nothing listens says so at once.
func (c Config) reach(ctx context.Context, e executor.Client) (share.Progress, error) {
	for began := time.Now(); ; {
		p, err := c.status(ctx, e)
		if err == nil || ctx.Err() != nil || errors.Is(err, syscall.ECONNREFUSED) {
			return p, err
		}
		if silent := time.Since(began); silent > deafness {
			return p, &lostNode{e.Node, silent, err}
		}
		time.Sleep(c.Poll / 10)
	}
}

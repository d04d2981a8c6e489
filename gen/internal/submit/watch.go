package submit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Watch follows jobs to their end, one after the other.
type Watch struct {
	Look  func(ctx context.Context, words []string) (string, error) // look.sh with these words
	Pause func(f *Follower) time.Duration                           // between two looks
	Say   func(text string)                                         // what is new
	Show  func(text string)                                         // how it stands, instead of what was shown before

	// Interrupted is a wish to go. Asked is then called with the job that is watched and those behind it; true: leave them.
	Interrupted <-chan struct{}
	Asked       func(running *Follower, waiting []*Follower) bool
}

// ErrLeft ends a watch whose jobs were left to themselves.
var ErrLeft = errors.New("left")

// Run returns when all jobs are over, with ErrLeft, or with the error of a machine that can't be asked at all. A connection
// that is lost is tried again, as long as it takes: the jobs do not need it.
func (w Watch) Run(ctx context.Context, jobs []*Follower) error {
	for k, f := range jobs {
		for !f.Over() {
			if err := w.look(ctx, f, jobs[k+1:]); err != nil {
				return err
			}
			if f.Over() {
				break
			}
			w.Show(f.Status())
			if err := w.wait(w.Pause(f), f, jobs[k+1:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// patience is how long one look may take.
const patience = time.Minute

// look looks once, however often the connection has to be tried.
func (w Watch) look(ctx context.Context, f *Follower, waiting []*Follower) error {
	var text string
	err := Retry(func() (err error) {
		text, err = w.heard(ctx, f, waiting)
		return err
	}, w.Say, func(d time.Duration) error { return w.wait(d, f, waiting) })
	if err == nil {
		first := f.now == 0
		w.say(f, f.See(text), first)
	}
	return err
}

// history is how many lines are said of what happened before the first look.
const history = 20

// say tells what is new of a job.
func (w Watch) say(f *Follower, news []string, first bool) {
	if n := len(news) - history; first && n > 0 {
		news = append([]string{fmt.Sprintf("… %d lines before", n)}, news[n:]...)
	}
	for _, line := range news {
		w.Say("job " + f.Row.ID + ": " + line)
	}
}

// heard is what one look brings. Somebody who wants to go meanwhile is heard: a look over a dead connection takes long.
func (w Watch) heard(ctx context.Context, f *Follower, waiting []*Follower) (text string, err error) {
	once, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		text, err = w.Look(once, f.ask())
	}()
	for {
		select {
		case <-done:
			return text, err
		case <-w.Interrupted:
			if w.Asked(f, waiting) {
				cancel()
				<-done
				return "", ErrLeft
			}
		}
	}
}

// wait sleeps, unless somebody wants to go.
func (w Watch) wait(d time.Duration, f *Follower, waiting []*Follower) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case <-w.Interrupted:
			if w.Asked(f, waiting) {
				return ErrLeft
			}
		}
	}
}

// The pauses between two tries of a lost connection: each is twice the one before.
const (
	firstPause = 5 * time.Second
	lastPause  = time.Minute
)

// Retry does something until it is not a lost connection that keeps it from being done; between two tries it waits, longer
// each time, and it says when a connection is lost and when it is back.
func Retry(do func() error, say func(string), wait func(time.Duration) error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := do()
		if !errors.Is(err, ErrLost) {
			if pause > firstPause {
				say("connected again")
			}
			return err
		}
		say(fmt.Sprintf("%v; trying again in %v: jobs go on without it", err, pause))
		if err := wait(pause); err != nil {
			return err
		}
	}
}

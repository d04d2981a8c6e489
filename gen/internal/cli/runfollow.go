package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"hpcbench/gen/internal/shell"
	"hpcbench/gen/internal/submit"
)

// follow watches jobs to their end. Those that were done with before are looked at once more, on this machine.
func (r *run) follow(jobs []*submit.Follower) error {
	w := submit.Watch{
		Look: func(ctx context.Context, words []string) (string, error) {
			return submit.Look(ctx, r.place, r.at, words)
		},
		Pause: r.pause, Say: r.screen.say, Show: r.screen.show, Interrupted: r.wish.wished, Asked: r.asked,
	}
	if !jobs[0].Row.Open() {
		w.Say = func(string) {}
		w.Look = func(ctx context.Context, words []string) (string, error) {
			return submit.Look(ctx, submit.Here{}, r.dir, words)
		}
	}
	err := w.Run(context.Background(), jobs)
	if errors.Is(err, submit.ErrLeft) {
		r.screen.say("left running; " + r.pickup() + " goes on with it")
		return left
	}
	return err
}

// pause is the time between two looks at a job. A queue moves slowly, and its site's people dislike being asked often.
func (r *run) pause(f *submit.Follower) time.Duration {
	switch {
	case r.every > 0:
		return r.every
	case r.facts.local && r.ssh == nil:
		return time.Second
	case !f.Running():
		return 10 * time.Second
	case r.ssh != nil:
		return 5 * time.Second
	}
	return 3 * time.Second
}

// asked is what a wish to go means: without a terminal, or when the terminal itself is gone, the jobs are left.
func (r *run) asked(running *submit.Follower, waiting []*submit.Follower) bool {
	in, ok := r.stdin.(*os.File)
	if !ok || !terminal(in) || !terminal(r.stderr) || r.wish.gone.Load() {
		return true
	}
	for {
		r.screen.ask("[l]eave it running, [s]top well (the running trial ends first), [c]ancel, or [g]o on? ")
		answer, ok := r.answer(in)
		if !ok {
			return true
		}
		done, leave, err := r.obey(answer, running, waiting)
		if err != nil {
			r.screen.say(err.Error())
		} else if done {
			return leave
		}
	}
}

// answer reads a line from the terminal. A second ctrl-C, or its end, is none.
func (r *run) answer(in *os.File) (string, bool) {
	line := make(chan string, 1)
	go func() {
		text, err := bufio.NewReader(in).ReadString('\n')
		if err != nil {
			text = ""
		}
		line <- text
	}()
	select {
	case text := <-line:
		return strings.ToLower(strings.TrimSpace(text)), text != ""
	case <-r.wish.wished:
		return "", false
	}
}

// obey does what was answered; done is false when it was not understood.
func (r *run) obey(answer string, running *submit.Follower, waiting []*submit.Follower) (done, leave bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var behind []submit.Row
	for _, f := range waiting {
		behind = append(behind, f.Row)
	}
	switch {
	case answer == "":
		return false, false, nil
	case strings.HasPrefix("leave", answer):
		return true, true, nil
	case strings.HasPrefix("go on", answer):
		return true, false, nil
	case strings.HasPrefix("stop", answer) && running.Running():
		return true, false, submit.StopWell(ctx, r.place, r.at, running.Row, behind)
	case strings.HasPrefix("cancel", answer) || strings.HasPrefix("stop", answer): // what waits has nothing to end well
		return true, false, submit.Cancel(ctx, r.place, r.at, append(behind, running.Row))
	}
	return false, false, nil
}

// interruptible does something that a wish to go ends.
func (r *run) interruptible(do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	select {
	case err := <-done:
		return err
	case <-r.wish.wished:
		cancel()
		<-done
		r.screen.say("interrupted")
		return left
	}
}

// explain says which machine was not reached, and by what to find out why.
func (r *run) explain(err error) error {
	if !errors.Is(err, submit.ErrLost) || r.ssh == nil {
		return err
	}
	words := []string{"ssh"}
	if r.ssh.Port != 0 {
		words = append(words, "-p", strconv.Itoa(r.ssh.Port))
	}
	if r.ssh.User != "" {
		words = append(words, "-l", r.ssh.User)
	}
	return fmt.Errorf("%s: %w (does %s work, without a password?)", r.ssh.Host, err, shell.Shown(append(words, r.ssh.Host)))
}

// pauseIn waits, unless ctx ends.
func pauseIn(ctx context.Context) func(time.Duration) error {
	return func(d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// interrupts are the signals by which gen is asked to go.
type interrupts struct {
	wished  chan struct{}
	gone    atomic.Bool // it was not ctrl-C: nobody is there to be asked
	signals chan os.Signal
	ended   chan struct{}
}

// listen begins to hear them; close ends it.
func listen() *interrupts {
	w := &interrupts{wished: make(chan struct{}, 1), signals: make(chan os.Signal, 1), ended: make(chan struct{})}
	signal.Notify(w.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer close(w.ended)
		for s := range w.signals {
			if s != os.Interrupt {
				w.gone.Store(true)
			}
			select {
			case w.wished <- struct{}{}:
			default:
			}
		}
	}()
	return w
}

func (w *interrupts) close() {
	signal.Stop(w.signals)
	close(w.signals)
	<-w.ended
}

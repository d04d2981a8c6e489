package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/workload"
)

// lookEvery is how often the progress on a terminal is written anew, and recently the time that its rate is of, in looks.
const (
	lookEvery = 500 * time.Millisecond
	recently  = 10
)

// follower runs a share and tells how it goes on: in a line on stderr where that is a terminal, and by a word on an interrupt.
type follower struct {
	*call
	share *share.Share
	load  workload.Workload
	title string           // in front of the line; "": none
	past  []share.Progress // the last few looks
}

// run runs the share to the end of its drain, or that of hard.
func (w *follower) run(ctx, hard context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	over := make(chan struct{})
	defer close(over)
	wg.Go(func() { w.follow(ctx, over) })
	return w.share.Run(hard)
}

// follow tells how the share goes on until over is closed.
func (w *follower) follow(ctx context.Context, over chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	ended, shown := ctx.Done(), terminal(w.stderr)
	line := func(text string) {
		if shown {
			fmt.Fprint(w.stderr, "\r"+text+"\033[K") // over what stands there: to clear it before would flicker
		}
	}
	defer line("")
	for {
		select {
		case <-over:
			return
		case <-ended:
			ended = nil
			if p := w.share.Progress(); interrupted(ctx) && p.InFlight > 0 {
				line("")
				fmt.Fprintf(w.stderr, "%s: no more is sent; what is in flight (%d) has up to %v to end (ctrl-C again leaves at once)\n",
					w.prefix, p.InFlight, time.Duration(w.load.DrainS*float64(time.Second)))
			}
		case <-tick.C:
			line(fit(w.look(w.share.Progress()), width(w.stderr)))
		}
	}
}

// look is the line of progress: what, how fast, how slow, how well, how long still.
func (w *follower) look(p share.Progress) string {
	w.past = append(w.past[max(0, len(w.past)-recently):], p)
	words := []string{strings.TrimSpace(fmt.Sprintf("%s %s %.0f s", w.title, p.Phase, max(0, p.ElapsedS)))}
	if left := left(w.load, p).Round(time.Second); left > 0 {
		words[0] += ", " + left.String() + " left"
	}
	if first := w.past[0]; p.ElapsedS > first.ElapsedS && p.OK > 0 {
		words = append(words, digits(float64(p.OK-first.OK)/(p.ElapsedS-first.ElapsedS))+"/s")
	}
	words = append(words, fmt.Sprintf("%d in flight", p.InFlight), fmt.Sprintf("%d failed", p.Failed))
	switch {
	case p.TTFTP50S > 0:
		words = append(words, fmt.Sprintf("TTFT p50 %s, p99 %s ms", digits(1e3*p.TTFTP50S), digits(1e3*p.TTFTP99S)))
	case p.E2ELP50S > 0:
		words = append(words, fmt.Sprintf("E2EL p50 %s, p99 %s ms", digits(1e3*p.E2ELP50S), digits(1e3*p.E2ELP99S)))
	}
	return strings.Join(words, " · ")
}

// left is how long the load goes on until its drain, as far as one can say: by the clock or, where requests end it sooner,
// by how fast they ended so far; 0 where nothing is known.
func left(w workload.Workload, p share.Progress) time.Duration {
	if p.Phase == record.Drain.String() || p.ElapsedS < 0 {
		return 0
	}
	s := 0.0
	if w.DurationS > 0 {
		s = w.WarmupS + w.DurationS + w.CooldownS - p.ElapsedS
	}
	if behind := p.ElapsedS - w.WarmupS; w.Requests > 0 && w.WarmupRequests == 0 && behind > 0 && p.Done > 0 {
		share := float64(p.Done) * behind / p.ElapsedS / float64(w.Requests) // of those that are measured
		if by := behind * (1 - share) / share; s == 0 || by < s {
			s = max(0, by)
		}
	}
	return time.Duration(s * float64(time.Second))
}

// terminal reports whether w is a terminal on which progress is wanted.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// width is how many columns a terminal has; 80 where it does not say.
func width(w io.Writer) int {
	var size struct{ rows, columns, x, y uint16 }
	if f, ok := w.(*os.File); ok {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
		if errno == 0 && size.columns > 0 {
			return int(size.columns)
		}
	}
	return 80
}

// fit cuts a line to so many columns but one, in which the cursor stands: a line that is too long would scroll.
func fit(line string, columns int) string {
	letters := []rune(line)
	if len(letters) < columns {
		return line
	}
	return string(letters[:max(0, columns-2)]) + "…"
}

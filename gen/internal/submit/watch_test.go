package submit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a Watch over looks that a test writes; said is what it said, with the seconds since it began.
func watched(look func(ctx context.Context, n int) (string, error)) (w *Watch, said *[]string) {
	start, n := time.Now(), 0
	said = new([]string)
	return &Watch{
		Look:  func(ctx context.Context, _ []string) (string, error) { n++; return look(ctx, n) },
		Pause: func(*Follower) time.Duration { return 3 * time.Second },
		Say:   func(text string) { *said = append(*said, fmt.Sprintf("%.0f %s", time.Since(start).Seconds(), text)) },
		Show:  func(string) {},
	}, said
}

const running, completed = "now 100 | queue RUNNING|None|", "now 200 | queue COMPLETED|None| | event 199 exit 0 | ended COMPLETED|0:0"

func text(look string) string { return rows(strings.Split(look, " | ")...) }

func TestWatchTriesALostConnectionAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, said := watched(func(_ context.Context, n int) (string, error) {
			switch {
			case n == 1:
				return text(running), nil
			case n < 5:
				return "", fmt.Errorf("%w: Connection refused", ErrLost)
			}
			return text(completed), nil
		})
		if err := w.Run(t.Context(), []*Follower{{Row: Row{ID: "12"}}}); err != nil {
			t.Fatal(err)
		}
		want := []string{"0 job 12: RUNNING",
			"3 no connection: Connection refused; trying again in 5s: jobs go on without it",
			"8 no connection: Connection refused; trying again in 10s: jobs go on without it",
			"18 no connection: Connection refused; trying again in 20s: jobs go on without it",
			"38 connected again", "38 job 12: COMPLETED, exit status 0"}
		if strings.Join(*said, "\n") != strings.Join(want, "\n") {
			t.Errorf("said\n%s", strings.Join(*said, "\n"))
		}
	})
}

func TestWatchLeavesAJobFromALookThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := watched(func(ctx context.Context, n int) (string, error) {
			if n == 1 {
				return text(running), nil
			}
			<-ctx.Done()
			return "", ctx.Err()
		})
		wish := make(chan struct{}, 1)
		w.Interrupted = wish
		w.Asked = func(f *Follower, waiting []*Follower) bool { return f.Row.ID == "12" && waiting[0].Row.ID == "13" }
		time.AfterFunc(10*time.Second, func() { wish <- struct{}{} })
		start := time.Now()
		err := w.Run(t.Context(), []*Follower{{Row: Row{ID: "12"}}, {Row: Row{ID: "13"}}})
		if !errors.Is(err, ErrLeft) || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestWatchGoesOnWhenAskedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, said := watched(func(_ context.Context, n int) (string, error) {
			if n < 4 {
				return text(running), nil
			}
			return text(completed), nil
		})
		wish := make(chan struct{}, 1)
		wish <- struct{}{}
		asked := 0
		w.Interrupted, w.Asked = wish, func(*Follower, []*Follower) bool { asked++; return false }
		if err := w.Run(t.Context(), []*Follower{{Row: Row{ID: "12"}}}); err != nil || asked != 1 {
			t.Errorf("%v, asked %d times", err, asked)
		}
		if last := (*said)[len(*said)-1]; last != "9 job 12: COMPLETED, exit status 0" {
			t.Errorf("said last: %s", last)
		}
	})
}

func TestALongHistoryIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, said := watched(func(context.Context, int) (string, error) {
			all := text(completed)
			for k := range 100 {
				all = rows(fmt.Sprintf("event %d failure x 1 y", k)) + all
			}
			return all, nil
		})
		if err := w.Run(t.Context(), []*Follower{{Row: Row{ID: "12"}}}); err != nil {
			t.Fatal(err)
		}
		if len(*said) != history+1 || (*said)[0] != "0 job 12: … 81 lines before" {
			t.Errorf("%d lines, the first: %s", len(*said), (*said)[0])
		}
	})
}

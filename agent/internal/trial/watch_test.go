package trial

import (
	"testing"
	"time"

	"hpcbench/agent/internal/share"
	"hpcbench/agent/workload"
)

func TestSilenceCountsOnlyWhileSomethingIsInFlight(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, c := range []struct {
		what string
		seen []share.Progress // a second apart
		want time.Duration
	}{
		{"nothing moves", []share.Progress{{InFlight: 1, LastByteS: 1}, {InFlight: 1, LastByteS: 1}, {InFlight: 1, LastByteS: 1}}, 2 * time.Second},
		{"a byte came", []share.Progress{{InFlight: 1, LastByteS: 1}, {InFlight: 1, LastByteS: 1}, {InFlight: 1, LastByteS: 2}}, 0},
		{"requests run out of time", []share.Progress{{InFlight: 1}, {InFlight: 1}, {InFlight: 1, Done: 1}, {InFlight: 1, Done: 2}}, 3 * time.Second},
		{"nothing was in flight, then a request was sent", []share.Progress{{LastByteS: 1}, {LastByteS: 1}, {LastByteS: 1}, {InFlight: 1, LastByteS: 1}}, time.Second},
	} {
		var w watcher
		at := start
		for k, p := range c.seen {
			at = start.Add(time.Duration(k) * time.Second)
			w.see([]share.Progress{p}, at)
		}
		if got := w.silence(at); got != c.want {
			t.Errorf("%s: silent for %v, want %v", c.what, got, c.want)
		}
	}
}

func TestPatienceFollowsTheSlowestNode(t *testing.T) {
	var w watcher
	w.see([]share.Progress{{E2ELP99S: 10}, {E2ELP99S: 40}}, time.Unix(1000, 0))
	if got := w.patience(time.Minute); got != 2*time.Minute {
		t.Errorf("patience %v, want three times 40 s", got)
	}
	if got := w.patience(time.Hour); got != time.Hour {
		t.Errorf("patience %v, want the stall itself", got)
	}
}

func TestEndOfATrialIsNotSleptThrough(t *testing.T) {
	c := Config{Poll: time.Second, Trial: workload.Trial{Workload: workload.Workload{WarmupS: 1, DurationS: 4}}}
	for _, row := range []struct {
		p    share.Progress
		want time.Duration
	}{
		{share.Progress{}, time.Second},
		{share.Progress{Phase: "warmup", ElapsedS: -0.5}, time.Second},
		{share.Progress{Phase: "measure", ElapsedS: 4.5}, 500 * time.Millisecond},
		{share.Progress{Phase: "measure", ElapsedS: 5.5}, 100 * time.Millisecond},
		{share.Progress{Phase: "drain", ElapsedS: 5.1}, 100 * time.Millisecond},
	} {
		if got := c.pause(row.p); got != row.want {
			t.Errorf("%+v: %v, want %v", row.p, got, row.want)
		}
	}
}

package load

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

// The counter and the records tell the same, whatever crosses the window's borders and wherever it is agreed that they lie.
func TestWhatWasInFlightIsWhatTheRecordsSay(t *testing.T) {
	closed := workload.Workload{Dialect: "openai-chat", Model: "tiny", Stream: true, Concurrency: 5, WarmupS: 2, DurationS: 10, DrainS: 3, TimeoutS: 4, MaxTokens: 3}
	open := closed
	open.Concurrency, open.Rate, open.Arrival = 0, 20, "poisson"
	capped := open
	capped.Concurrency = 3
	early := closed
	early.WarmupS, early.WarmupRequests, early.Requests, early.CooldownS = 60, 7, 40, 2
	for name, w := range map[string]workload.Workload{"closed": closed, "open": open, "capped": capped, "agreed": early} {
		draw := rand.New(rand.NewPCG(1, 2))
		live := new(Live)
		m, err := New(workload.Assignment{Trial: workload.Trial{ID: "1", Workload: w}, Parts: 1, Endpoints: []string{"http://a"}}, 0, 1, live)
		if err != nil {
			t.Fatal(err)
		}
		sim := &simulation{t: t, m: m}
		for !sim.step(func(r *Request) answer { return takes(time.Duration(draw.Int64N(int64(5 * time.Second))))(r) }) {
		}
		sim.harvest()
		start, end := live.Window.Start().Seconds(), live.Window.End().Seconds()
		sum := 0.0
		for _, r := range sim.records {
			if !math.IsNaN(r.Sent) {
				sum += max(0, min(r.Done, end)-max(r.Sent, start))
			}
		}
		if got := float64(m.Held()) / 1e9; math.Abs(got-sum) > 1e-6 || got < 1 {
			t.Errorf("%s: %v request-seconds held, the records of [%v, %v) make %v", name, got, start, end, sum)
		}
	}
}

// Where the kernel's stamps are taken, an answer may have come before what was told last.
func TestInstantsInThePastArePutRight(t *testing.T) {
	m, err := New(workload.Assignment{Trial: workload.Trial{ID: "1", Workload: workload.Workload{
		Dialect: "openai-chat", Concurrency: 2, DurationS: 10, TimeoutS: 60, MaxTokens: 1, WarmupS: 1,
	}}, Parts: 1, Endpoints: []string{"http://a"}}, 0, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var o outstanding
	for _, e := range []struct {
		at float64
		by int64
	}{{0.5, 1}, {3, 1}, {2, -1}, {6, -1}, {5.5, 1}, {20, -1}} { // [0.5, 2), [3, 6), [5.5, 20) within [1, 11)
		o.change(m, time.Duration(e.at*1e9), e.by)
	}
	if got, want := float64(o.held)/1e9, 1+3+5.5; math.Abs(got-want) > 1e-9 || o.sent != 0 {
		t.Errorf("%v request-seconds, want %v; %d are still out", got, want, o.sent)
	}
}

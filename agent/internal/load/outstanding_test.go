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

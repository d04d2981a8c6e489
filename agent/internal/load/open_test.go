package load

import (
	"math"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/arrival"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

func TestOpenLoopFollowsItsScheduleOverAnyParts(t *testing.T) {
	w := workload.Workload{Rate: 50, Arrival: "poisson", Seed: 3, WarmupS: 2, DurationS: 10, DrainS: 100}
	schedule, err := arrival.New(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ parts, threads int }{{1, 1}, {3, 1}, {3, 4}, {64, 1}} {
		got := simulate(t, assign(w, c.parts), c.threads, takes(3*time.Second))
		for i, r := range got {
			due := schedule.Due(int64(i))
			if r.ID != int64(i) || r.Scheduled != due.Seconds() || r.Sent != r.Scheduled || r.Outcome != record.OK {
				t.Fatalf("%+v: request %d is %+v, want it due and sent at %v", c, i, r, due)
			}
			if _, endpoint := workload.Owner(i, c.parts, 2); r.Endpoint != endpoint || (r.Phase == record.Warmup) != (r.Scheduled < 2) {
				t.Errorf("%+v: request %d at %v goes to endpoint %d in phase %v", c, i, r.Scheduled, r.Endpoint, r.Phase)
			}
		}
		if next := schedule.Due(int64(len(got))); next < 12*time.Second {
			t.Errorf("%+v: %d requests, the next is due at %v", c, len(got), next)
		}
	}
}

func TestCapOnAnOpenLoopShowsAsLateness(t *testing.T) {
	a := assign(workload.Workload{Rate: 10, Concurrency: 2, DurationS: 1, DrainS: 100}, 1)
	sim := share(t, a, 0, 1, takes(time.Second))
	if sim.most != 2 || len(sim.records) != 10 {
		t.Errorf("%d at once, %d records; want 2 and 10", sim.most, len(sim.records))
	}
	for i, r := range sim.records {
		due, sent := float64(i)*0.1, float64(i/2)+0.1*float64(i%2)
		if !near(r.Scheduled, due) || !near(r.Sent, sent) || r.Phase != record.Measure {
			t.Errorf("request %d due %v, sent %v; want %v and %v", i, r.Scheduled, r.Sent, due, sent)
		}
	}
}

func TestWhatWasDueAndNeverSentIsARecord(t *testing.T) {
	a := assign(workload.Workload{Rate: 10, Concurrency: 1, DurationS: 1, DrainS: 2}, 1)
	got := share(t, a, 0, 1, takes(10*time.Second)).records
	if len(got) != 10 || got[0].Outcome != record.Cancelled {
		t.Fatalf("%d records, the first %v; want 10, the first cut off by the end of the drain", len(got), got[0].Outcome)
	}
	for i, r := range got[1:] {
		if r.Outcome != record.NotSent || !math.IsNaN(r.Sent) || !math.IsNaN(r.Done) || !near(r.Scheduled, 0.1*float64(i+1)) {
			t.Errorf("record %+v: want not_sent, scheduled at %v", r, 0.1*float64(i+1))
		}
	}
}

func TestTheFirstArrivalsHaveConnectionsInAdvance(t *testing.T) {
	for name, c := range map[string]struct {
		w    workload.Workload
		want int
	}{
		"one at a time":     {workload.Workload{Rate: 10_000, DurationS: 1}, 1},
		"eight at once":     {workload.Workload{Rate: 10, Arrival: "burst", Burst: &workload.Burst{Size: 8}, DurationS: 9}, 8},
		"three may fly":     {workload.Workload{Rate: 10, Arrival: "burst", Burst: &workload.Burst{Size: 8}, DurationS: 9, Concurrency: 3}, 3},
		"the first is late": {workload.Workload{Rate: 0.001, Arrival: "poisson", Seed: 1, DurationS: 9}, 0},
		"two are asked for": {workload.Workload{Rate: 10, Arrival: "burst", Burst: &workload.Burst{Size: 8}, Requests: 2}, 2},
	} {
		m, err := New(assign(c.w, 1), 0, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if places := m.Places(2); places[0]+places[1] != c.want {
			t.Errorf("%s: %v connections, want %d", name, places, c.want)
		}
	}
}

// A rate that no machine can reckon through is refused and not reckoned through.
func TestScheduleWithoutAnEndIsRefused(t *testing.T) {
	a := workload.Assignment{Schema: workload.Schema, Parts: 1, Endpoints: []string{"http://127.0.0.1:1"}, Trial: workload.Trial{Workload: workload.Workload{
		Dialect: "openai-chat", Rate: 1e308, Arrival: "constant", WarmupS: 1, DurationS: 60, Requests: 20, InputTokens: 8, MaxTokens: 4,
	}}}
	if _, err := New(a, 0, 1, nil); err == nil || !strings.Contains(err.Error(), "want a lower rate") {
		t.Errorf("error %v", err)
	}
}

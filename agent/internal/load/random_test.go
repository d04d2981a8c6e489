package load

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// anyWorkload draws a workload that New accepts, with every kind of end, phase and law, some with conversations and some with
// groups that are one request.
func anyWorkload(r *rand.Rand) workload.Workload {
	w := anyLoad(r)
	switch {
	case w.Batch > 1 && r.IntN(2) == 0:
		w.Dialect, w.CancelShare = "openai-completions", 0
	case w.Batch <= 1 && r.IntN(3) == 0:
		w.Turns = 2 + r.IntN(3)
	}
	return w
}

// anyLoad draws when requests are due.
func anyLoad(r *rand.Rand) workload.Workload {
	w := workload.Workload{
		Stream: true, Concurrency: 1 + r.IntN(9), WarmupS: float64(r.IntN(4)), DurationS: float64(r.IntN(8)), Requests: r.IntN(60), CooldownS: float64(r.IntN(3)),
		MinDurationS: float64(r.IntN(3)), DrainS: 1 + 4*r.Float64(), TimeoutS: 1 + 9*r.Float64(), CancelShare: max(0, r.Float64()-0.5), Seed: r.Int64N(99),
		Routing: []string{"", "round-robin", "random", "all-to-all"}[r.IntN(4)],
	}
	if w.DurationS == 0 {
		w.Requests = max(1, w.Requests)
	} else {
		w.MinDurationS = min(w.MinDurationS, w.DurationS)
	}
	if r.IntN(2) == 0 {
		w.ThinkTimeS, w.RampUpS, w.Batch = 2*max(0, r.Float64()-0.5), float64(r.IntN(3)), r.IntN(4)
		if w.ThinkTimeS > 0 {
			w.ThinkLaw = []string{"", "fixed", "exponential"}[r.IntN(3)]
		}
		if w.WarmupS > 0 {
			w.WarmupRequests = r.IntN(20)
		}
		return w
	}
	w.Rate, w.Concurrency = 1+20*r.Float64(), w.Concurrency*r.IntN(2)
	switch w.Arrival = []string{"constant", "poisson", "gamma", "burst", "ramp", "step", "sine"}[r.IntN(7)]; w.Arrival {
	case "gamma":
		w.Burstiness = 0.2 + 3*r.Float64()
	case "burst":
		w.Burst = &workload.Burst{OnS: 1 + r.Float64(), OffS: float64(r.IntN(3)), Size: r.IntN(9)}
	case "ramp":
		w.Ramp, w.DurationS = &workload.Ramp{From: float64(r.IntN(9)), To: 1 + float64(r.IntN(20))}, max(2, w.DurationS)
	case "sine":
		w.Sine = &workload.Sine{PeriodS: 0.5 + 5*r.Float64(), Swing: r.Float64()}
	case "step":
		w.Steps = []workload.Step{{Rate: float64(r.IntN(9)), DurationS: 1}, {Rate: 1 + float64(r.IntN(9)), DurationS: 2}}
	}
	return w
}

// Whatever the workload: the load ends, nothing is sent twice or after its end, and each request is of the phase in which
// it was due.
func TestAnyWorkloadKeepsItsPhases(t *testing.T) {
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		w, parts, threads := anyWorkload(r), 1+r.IntN(3), 1+r.IntN(3)
		text, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		some := func(q *Request) answer {
			took := time.Duration((1 + q.ID*7919%1000) * int64(time.Millisecond))
			a := answer{tokens: []time.Duration{took / 2, took}, done: took, outcome: record.Outcome(q.ID % 11 / 10 * int64(record.HTTPStatus))}
			if q.ID%97 == 96 {
				a.done = Never
			}
			return a
		}
		measured, seen := 0, map[int64]bool{}
		reached := w.Requests > 0
		for part := range parts {
			a := assign(w, parts)
			a.Part = part
			records, live := together(t, a, threads, some)
			start, end := live.Window.Start(), live.Window.End()
			for _, rec := range records {
				due := time.Duration(math.Round(rec.Scheduled * 1e9))
				if rec.Phase == record.Measure {
					measured++
				}
				switch {
				case seen[rec.ID]:
					t.Errorf("seed %d, %s: id %d twice", seed, text, rec.ID)
				case (rec.Phase == record.Warmup) != (due < start), rec.Phase == record.Measure && due >= end, rec.Phase == record.Drain,
					rec.Phase == record.Cooldown && w.CooldownS == 0:
					t.Errorf("seed %d, %s: record %+v in the window [%v, %v)", seed, text, rec, start, end)
				}
				if rec.Phase == record.Measure && w.Requests > 0 && w.CooldownS > 0 && rec.Done >= end.Seconds() && end != later(start, seconds(w.DurationS)) {
					t.Errorf("seed %d, %s: record %+v was done after the window [%v, %v), which it should have ended", seed, text, rec, start, end)
				}
				seen[rec.ID] = true
			}
			if w.DurationS > 0 && end > start+seconds(w.DurationS) {
				t.Errorf("seed %d, %s: the window is [%v, %v)", seed, text, start, end)
			}
			reached = reached && end == Never
		}
		if w.Turns > 1 && w.Open() {
			continue // the window has whole conversations, and those that fail are short
		}
		if reached && measured < w.Requests || w.Requests > 0 && w.MinDurationS == 0 && measured > w.Requests {
			t.Errorf("seed %d, %s: %d measured", seed, text, measured)
		}
	}
}

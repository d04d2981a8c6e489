package load

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

// pauses are the times that each slot of a closed loop thinks, in order, as its answers of a second leave them.
func pauses(t *testing.T, w workload.Workload, parts, threads int) map[int][]time.Duration {
	t.Helper()
	all, done := map[int][]time.Duration{}, map[int]time.Duration{}
	simulate(t, assign(w, parts), threads, func(r *Request) answer {
		due := seconds(r.Record.Scheduled)
		if last, ok := done[r.slot.index]; ok {
			all[r.slot.index] = append(all[r.slot.index], due-last)
		}
		done[r.slot.index] = due + time.Second
		return answer{done: time.Second}
	})
	return all
}

func TestThinkTimesBelongToTheSlot(t *testing.T) {
	for name, w := range map[string]workload.Workload{
		"fixed":       {Concurrency: 70, ThinkTimeS: 3, DurationS: 100, DrainS: 9},
		"exponential": {Concurrency: 70, ThinkTimeS: 3, ThinkLaw: "exponential", Seed: 5, DurationS: 100, DrainS: 9},
		"turns":       {Concurrency: 70, ThinkTimeS: 3, ThinkLaw: "exponential", Seed: 5, Turns: 3, DurationS: 100, DrainS: 9},
	} {
		want := pauses(t, w, 1, 1)
		for _, split := range [][2]int{{1, 4}, {3, 1}, {3, 5}, {64, 1}} {
			if got := pauses(t, w, split[0], split[1]); !maps.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s: over %d nodes of %d threads the slots think otherwise", name, split[0], split[1])
			}
		}
		w.Seed++
		if other := pauses(t, w, 1, 1); (name == "fixed") != maps.EqualFunc(other, want, slices.Equal) {
			t.Errorf("%s: another seed makes the same pauses, or another time where none is drawn", name)
		}
	}
}

// The pauses are exponential with the mean that was asked for: Kolmogorov and Smirnov's distance is below what one sample in a
// hundred exceeds, and neither the pauses of one slot nor those of neighbours go together.
func TestThinkTimesAreExponential(t *testing.T) {
	const mean, slots, each = 2.5, 100, 200
	for seed := range int64(3) {
		law := newThink(workload.Workload{ThinkTimeS: mean, ThinkLaw: "exponential", Seed: seed})
		x := make([]float64, 0, slots*each)
		for slot := range int64(slots) {
			for n := range int64(each) {
				x = append(x, law.after(slot, n+1).Seconds())
			}
		}
		n := float64(len(x))
		var sum, along, across float64
		for i, v := range x {
			sum += v
			along += (v - mean) * (x[(i+1)%len(x)] - mean)
			across += (v - mean) * (x[(i+each)%len(x)] - mean)
		}
		if math.Abs(sum/n-mean) > 4*mean/math.Sqrt(n) {
			t.Errorf("seed %d: a mean of %v s, want %v", seed, sum/n, mean)
		}
		for _, r := range []float64{along, across} {
			if r /= n * mean * mean; math.Abs(r) > 4/math.Sqrt(n) {
				t.Errorf("seed %d: pauses correlate by %v", seed, r)
			}
		}
		d := 0.0
		for i, v := range slices.Sorted(slices.Values(x)) {
			f := 1 - math.Exp(-v/mean)
			d = max(d, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
		}
		if limit := 1.63 / math.Sqrt(n); d > limit {
			t.Errorf("seed %d: Kolmogorov-Smirnov distance %v, limit %v", seed, d, limit)
		}
	}
}

// The longest mean that is allowed leaves every instant one that a clock can have.
func TestThinkTimesAreBounded(t *testing.T) {
	law := newThink(workload.Workload{ThinkTimeS: longest, ThinkLaw: "exponential"})
	for n := range int64(1000) {
		if d := law.after(0, n); d < 0 || d > seconds(longest) {
			t.Fatalf("pause %d is %v", n, d)
		}
	}
}

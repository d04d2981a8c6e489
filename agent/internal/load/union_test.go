package load

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/arrival"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// instant is a request as its union has it.
type instant struct {
	id    int64 // of an open loop; of a closed one each share counts its own
	due   float64
	phase record.Phase
}

// instants of a load over so many client nodes and threads, in order.
func instants(t *testing.T, w workload.Workload, parts, threads int) []instant {
	t.Helper()
	var all []instant
	for _, r := range simulate(t, assign(w, parts), threads, takes(700*time.Millisecond)) {
		i := instant{r.ID, r.Scheduled, r.Phase}
		if !w.Open() {
			i.id = 0
		}
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b instant) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id), cmp.Compare(a.phase, b.phase))
	})
	return all
}

// lawful are loads of all laws, and of what else decides when requests are due.
func lawful(t *testing.T) map[string]workload.Workload {
	t.Helper()
	open := workload.Workload{Rate: 61, Seed: 11, WarmupS: 2, DurationS: 9, CooldownS: 1, DrainS: 50}
	all := map[string]workload.Workload{}
	for _, law := range arrival.Laws() {
		w := open
		switch w.Arrival = law; law {
		case "gamma":
			w.Burstiness = 0.3
		case "burst":
			w.Burst = &workload.Burst{OnS: 1.5, OffS: 0.7, Size: 5}
		case "ramp":
			w.Ramp = &workload.Ramp{From: 3, To: 119}
		case "step":
			w.Steps = []workload.Step{{Rate: 20, DurationS: 4}, {DurationS: 1}, {Rate: 110, DurationS: 4}}
		case "sine":
			w.Sine = &workload.Sine{PeriodS: 4, Swing: 1}
		case "replay":
			w.Trace = uneven(t, 700)
		}
		all[law] = w
	}
	turns := all["poisson"]
	turns.Turns, turns.ThinkTimeS, turns.ThinkLaw = 3, 0.5, "exponential"
	all["conversations of an open loop"] = turns
	ended := all["gamma"]
	ended.Requests = 333
	all["so many requests"] = ended
	closed := workload.Workload{Concurrency: 131, WarmupS: 2, DurationS: 9, CooldownS: 1, DrainS: 50}
	all["closed loop"] = closed
	thinking := closed
	thinking.ThinkTimeS, thinking.ThinkLaw, thinking.RampUpS = 1, "exponential", 2
	all["thinking"] = thinking
	thinking.Turns = 4
	all["conversations"] = thinking
	batch := closed
	batch.Batch, batch.ThinkTimeS = 2, 0.3
	all["groups"] = batch
	batch.Dialect = "openai-completions"
	all["groups of one request"] = batch
	return all
}

// uneven is a trace of so many requests at uneven times, some at one instant.
func uneven(t *testing.T, n int) string {
	t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "{\"timestamp\": %d, \"input_length\": 7, \"output_length\": 3}\n", 9+i/2*29+i%2*(i%4/2*11))
	}
	path := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// One client node or 64, one thread each or several: the union of what they send is due at the very same instants, and of
// the same phases.
func TestAnySplitSendsTheSameUnion(t *testing.T) {
	for name, w := range lawful(t) {
		want := instants(t, w, 1, 1)
		if len(want) < 300 {
			t.Errorf("%s: %d requests show little", name, len(want))
		}
		for _, split := range [][2]int{{1, 2}, {1, 7}, {3, 1}, {3, 4}, {64, 1}, {64, 2}} {
			got := instants(t, w, split[0], split[1])
			if !slices.Equal(got, want) {
				t.Errorf("%s: over %d nodes of %d threads %d requests are due otherwise than the %d of one thread", name, split[0], split[1], len(got), len(want))
			}
		}
	}
}

// A cap on requests in flight is one over all nodes and threads. What waits for it is a record all the same: none is lost, and
// what could not be sent by the end says so.
func TestACapIsOneOverAnySplit(t *testing.T) {
	w := workload.Workload{Rate: 50, Concurrency: 5, DurationS: 2, DrainS: 1}
	for _, split := range [][2]int{{1, 1}, {1, 4}, {3, 1}, {3, 2}, {5, 3}, {64, 2}} {
		sent, waiting := 0, 0
		for _, r := range simulate(t, assign(w, split[0]), split[1], takes(10*time.Second)) {
			if r.Outcome == record.NotSent {
				waiting++
			} else {
				sent++
			}
		}
		if sent != 5 || sent+waiting != 100 {
			t.Errorf("%d nodes of %d threads have %d in flight, and %d wait; want 5 and 95", split[0], split[1], sent, waiting)
		}
	}
}

package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// searching makes the trial of a bed the search for a rate up to 80/s, in windows of 400 ms.
func (b *bed) searching() {
	w := &b.Trial.Workload
	w.Concurrency, w.Requests, w.DurationS, w.Arrival, w.SLO = 0, 0, 0.4, "constant", map[string]float64{"e2el": 10}
	w.Search = &workload.Search{Low: 40, High: 80, Precision: 0.05, Attain: 0.5, Confidence: 0.8, Probes: 6}
}

// onSay does something when a line of progress begins like this, once.
func (b *bed) onSay(begin string, do func()) {
	done := false
	b.Say = func(format string, args ...any) {
		b.said.say(format, args...)
		if !done && strings.HasPrefix(fmt.Sprintf(format, args...), begin) {
			done = true
			do()
		}
	}
}

// The client of a busy machine may be late, which ends the search: what is there then has to be whole all the same.
func TestASearchOverTwoClients(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0, 0)
	b.searching()
	if err := os.MkdirAll(filepath.Join(b.Out, "probes", "77", "c1"), 0o755); err != nil { // of an earlier run
		t.Fatal(err)
	}
	s, err := Run(t.Context(), b.Config)
	if err != nil || !b.complete() || s.Search == nil {
		t.Fatalf("%v, key there: %v: %+v", err, b.complete(), s)
	}
	r := s.Search
	bound := func(p summary.Probe) bool { return strings.HasPrefix(p.Why, summary.ClientBound) }
	best := r.Probes[len(r.Probes)-1]
	if r.Holds != nil {
		best = r.Probes[lastAt(r, *r.Holds)]
	}
	if s.Load.Rate != best.Rate || s.Requests.Scheduled != best.N || best.N != int64(best.Rate*0.4) {
		t.Errorf("the numbers are those at %v requests/s with %d due, want %+v", s.Load.Rate, s.Requests.Scheduled, best)
	}
	if r.Found == nil != slices.ContainsFunc(s.Marks, func(mark string) bool { return strings.Contains(mark, r.WhyEnded) }) {
		t.Errorf("found %v, marks %q", r.Found, s.Marks)
	}
	if !slices.ContainsFunc(r.Probes, bound) && (r.Found == nil || *r.Found != 80 || len(r.Probes) != 3) {
		t.Errorf("found %+v", r)
	}
	for _, node := range []string{"c1", "c2"} {
		if h := b.header(t, node); h.Trial != "0001" || h.Node != node {
			t.Errorf("records of %s: %+v", node, h)
		}
		left, _ := filepath.Glob(filepath.Join(b.Out, "probes", "*", node, "records.jsonl"))
		if len(left) != len(r.Probes)-1 {
			t.Errorf("%q of %d probes", left, len(r.Probes))
		}
	}
	if _, err := os.Stat(filepath.Join(b.Out, "probes", "77")); err == nil {
		t.Error("probes of an earlier run are still there")
	}
	if !b.said.has("probe 1: 40 requests/s: ") {
		t.Errorf("said %q", b.said.lines)
	}
}

// lastAt is the last probe at a rate.
func lastAt(r *summary.Search, rate float64) int {
	for k := len(r.Probes) - 1; ; k-- {
		if r.Probes[k].Rate == rate {
			return k
		}
	}
}

func TestASearchWithoutARateThatHoldsIsAResult(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{TTFT: 5 * time.Millisecond})}, 0)
	b.searching()
	b.Trial.Workload.SLO = map[string]float64{"e2el": 0.001}
	b.Trial.Workload.Search.Probes = 2
	s, err := Run(t.Context(), b.Config)
	if err != nil || !b.complete() || s.Search.Holds != nil || !strings.HasPrefix(s.Marks[0], "no rate was shown to hold the SLO: ") {
		t.Errorf("%v, key there: %v: %+v", err, b.complete(), s)
	}
}

func TestAnExecutorThatDiesInASearchLeavesTheProbesBefore(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0, 0)
	b.searching()
	b.onSay("probe 1: ", b.ends[1])
	s, err := Run(t.Context(), b.Config)
	if err == nil || !strings.Contains(err.Error(), "executor of c2 (") || b.complete() {
		t.Fatalf("error %v, key there: %v", err, b.complete())
	}
	if s.Marks[0] != err.Error() || len(s.Search.Probes) != 1 || s.Search.WhyEnded != "it was stopped" || s.Load.Rate != 40 || s.Requests.Scheduled != 16 {
		t.Errorf("%+v, marks %q", s, s.Marks)
	}
}

func TestASearchThatHangs(t *testing.T) {
	b := newBed(t, []string{mute(t)}, 0)
	b.searching()
	b.Trial.Workload.DurationS = 3600
	b.Stall, b.ProbeTimeout = 100*time.Millisecond, 50*time.Millisecond
	s, err := Run(t.Context(), b.Config)
	if err == nil || !strings.HasPrefix(err.Error(), "hang: no byte for ") || s == nil || s.Search == nil || b.complete() {
		t.Errorf("%v, key there: %v: %+v", err, b.complete(), s)
	}
}

func TestASearchThatIsStopped(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0)
	b.searching()
	ctx, cancel := context.WithCancel(t.Context())
	b.onSay("probe 1: ", cancel)
	s, err := Run(ctx, b.Config)
	if err == nil || err.Error() != "stopped" || s == nil || s.Marks[0] != "stopped" || b.complete() {
		t.Errorf("%v, key there: %v: %+v", err, b.complete(), s)
	}
}

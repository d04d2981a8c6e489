package load

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// together runs the threads of one client node in one simulated time, so that they agree on a window.
func together(t *testing.T, a workload.Assignment, threads int, s server) ([]record.Record, *Live) {
	t.Helper()
	live := new(Live)
	sims := make([]*simulation, threads)
	for thread := range sims {
		m, err := New(a, thread, threads, live)
		if err != nil {
			t.Fatal(err)
		}
		sims[thread] = &simulation{t: t, m: m}
	}
	running := slices.DeleteFunc(slices.Clone(sims), func(sim *simulation) bool { return sim.act(s) })
	for len(running) > 0 {
		sim := slices.MinFunc(running, func(x, y *simulation) int { return cmp.Compare(x.next(), y.next()) })
		sim.advance(sim.next())
		if sim.act(s) {
			running = slices.DeleteFunc(running, func(s *simulation) bool { return s == sim })
		}
	}
	var records []record.Record
	for _, sim := range sims {
		sim.harvest()
		records = append(records, sim.records...)
	}
	slices.SortFunc(records, func(x, y record.Record) int { return cmp.Compare(x.ID, y.ID) })
	return records, live
}

func TestTheLoadGoesOnInTheCooldown(t *testing.T) {
	for name, w := range map[string]workload.Workload{
		"closed": {Concurrency: 2, WarmupS: 2, DurationS: 5, CooldownS: 3, DrainS: 4},
		"open":   {Rate: 2, WarmupS: 2, DurationS: 5, CooldownS: 3, DrainS: 4},
		"replay": {Arrival: "replay", Trace: everyHalf(t, 100), WarmupS: 2, DurationS: 5, CooldownS: 3, DrainS: 4},
	} {
		sim := share(t, assign(w, 1), 0, 1, takes(time.Second))
		if got, want := byPhase(sim.records), [4]int{4, 10, 6, 0}; got != want {
			t.Errorf("%s: records by phase %v, want %v", name, got, want)
		}
		for _, r := range sim.records {
			want := record.Warmup
			if r.Scheduled >= 2 {
				want = record.Measure
			}
			if r.Scheduled >= 7 {
				want = record.Cooldown
			}
			if r.Phase != want || r.Outcome != record.OK {
				t.Errorf("%s: due at %v it is %v, %v", name, r.Scheduled, r.Phase, r.Outcome)
			}
		}
	}
	hangs := func(*Request) answer { return answer{done: Never} }
	if sim := share(t, assign(workload.Workload{Concurrency: 1, DurationS: 5, CooldownS: 3, DrainS: 4}, 1), 0, 1, hangs); sim.now != 12*time.Second {
		t.Errorf("the drain ended at %v, want 12s", sim.now)
	}
}

// everyHalf is a trace of so many requests, one each half second.
func everyHalf(t *testing.T, n int) string {
	t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "{\"timestamp\": %d, \"input_length\": 7, \"output_length\": 3}\n", 5000+500*i)
	}
	path := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestATraceEndsALoadThatHasNoOtherEnd(t *testing.T) {
	for _, c := range []struct {
		w             workload.Workload
		warm, measure int
		over          time.Duration
	}{
		{workload.Workload{}, 0, 21, 11 * time.Second},
		{workload.Workload{WarmupS: 4}, 8, 13, 11 * time.Second},
		{workload.Workload{Requests: 5}, 0, 5, 3 * time.Second},
		{workload.Workload{Requests: 50}, 0, 21, 11 * time.Second},
		{workload.Workload{Requests: 50, DurationS: 40}, 0, 21, 40 * time.Second}, // nothing came any more, and that is measured
		{workload.Workload{DurationS: 40}, 0, 21, 40 * time.Second},
		{workload.Workload{Rate: 20}, 0, 21, 2 * time.Second},
	} {
		c.w.Arrival, c.w.Trace = "replay", everyHalf(t, 21)
		sim := share(t, assign(c.w, 1), 0, 1, takes(time.Second))
		if n := byPhase(sim.records); n[record.Warmup] != c.warm || n[record.Measure] != c.measure || sim.now != c.over {
			t.Errorf("%+v: %v by phase, over at %v; want %d, %d and %v", c.w, n, sim.now, c.warm, c.measure, c.over)
		}
		last := slices.MaxFunc(sim.records, func(a, b record.Record) int { return cmp.Compare(a.Sent, b.Sent) }).Sent
		if at := sim.m.Closed(sim.now); at < seconds(last) || at > sim.now || c.w.DurationS == 0 && at > seconds(last)+time.Second/2 {
			t.Errorf("%+v: closed at %v; the last is sent at %v s", c.w, at, last)
		}
	}
}

func TestSlotsBeginSpreadOverTheRampUp(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 8, RampUpS: 4, DurationS: 6, DrainS: 9}, 2)
	first := map[float64]bool{}
	for part := range 2 {
		a.Part = part
		for _, r := range share(t, a, 0, 1, takes(100*time.Second)).records {
			first[r.Scheduled] = true
		}
	}
	for i := range 8 {
		if at := float64(i) / 2; !first[at] || len(first) != 8 {
			t.Errorf("slots begin at %v, want one at %v", first, at)
		}
	}
	m, err := New(a, 0, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if places := m.Places(2); places[0]+places[1] != 1 { // part 1 has slots at 0.5, 1.5, …
		t.Errorf("%v connections are opened in advance, want one for the slot that begins within a second", places)
	}
}

func TestAWarmupEndsWithItsRequests(t *testing.T) {
	uneven := func(r *Request) answer {
		return answer{done: time.Second + time.Duration(r.ID*137%97)*time.Millisecond}
	}
	for _, c := range []struct {
		name        string
		w           workload.Workload
		threads     int
		least, most float64 // of the start
		warm        int     // requests that are done by then
	}{
		{"one thread", workload.Workload{Concurrency: 4, WarmupRequests: 8, WarmupS: 100, DurationS: 10, DrainS: 5}, 1, 2, 2.2, 8},
		{"threads agree", workload.Workload{Concurrency: 12, WarmupRequests: 30, WarmupS: 100, DurationS: 10, DrainS: 5}, 3, 3, 3.3, 30},
		{"time first", workload.Workload{Concurrency: 2, WarmupRequests: 100, WarmupS: 4.5, DurationS: 10, DrainS: 5}, 2, 4.5, 4.5, -1},
		{"thinking", workload.Workload{Concurrency: 4, WarmupRequests: 8, WarmupS: 100, DurationS: 10, DrainS: 5, ThinkTimeS: 2}, 2, 4, 4.2, 8},
	} {
		got, live := together(t, assign(c.w, 1), c.threads, uneven)
		start, end := live.Window.Start().Seconds(), live.Window.End().Seconds()
		if start < c.least || start > c.most || !near(end, start+10) {
			t.Errorf("%s: the window is [%v, %v), want its start from %v to %v, and 10 s", c.name, start, end, c.least, c.most)
		}
		done := 0
		for _, r := range got {
			if r.Done < start {
				done++
			}
			if (r.Phase == record.Warmup) != (r.Scheduled < start) || (r.Phase == record.Measure) != (r.Scheduled >= start && r.Scheduled < end) {
				t.Errorf("%s: due at %.9f it is %v, and the window begins at %.9f", c.name, r.Scheduled, r.Phase, start)
			}
		}
		if c.warm >= 0 && done != c.warm {
			t.Errorf("%s: %d requests were done before the window, want %d", c.name, done, c.warm)
		}
		if unsent := byPhase(got)[record.Warmup] - done; unsent > c.w.Concurrency {
			t.Errorf("%s: %d requests of the warm-up were in flight when the window began", c.name, unsent)
		}
	}
}

func TestAWarmupIsDealtToThePartsAndFailuresEndIt(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 6, WarmupRequests: 7, WarmupS: 100, DurationS: 4, DrainS: 5}, 3)
	fails := func(*Request) answer { return answer{done: time.Second, outcome: record.HTTPStatus} }
	for part, want := range []float64{2, 1, 1} { // 3, 2 and 2 requests, two at a time
		a.Part = part
		_, live := together(t, a, 1, fails)
		if got := live.Window.Start().Seconds(); math.Abs(got-want) > 1e-8 {
			t.Errorf("part %d: the warm-up ends at %v, want %v", part, got, want)
		}
	}
}

func TestTheWindowIsNeverShorterThanItsLeast(t *testing.T) {
	for _, c := range []struct {
		w       workload.Workload
		measure int
		over    float64
	}{
		{workload.Workload{Concurrency: 2, WarmupS: 1, Requests: 4, MinDurationS: 5}, 10, 6},                             // 4 take 2 s
		{workload.Workload{Concurrency: 2, WarmupS: 1, Requests: 40, MinDurationS: 5}, 40, 21},                           // 5 s pass on the way
		{workload.Workload{Concurrency: 2, Requests: 40, MinDurationS: 5, DurationS: 10, DrainS: 3}, 20, 10},             // the clock is first
		{workload.Workload{Rate: 4, WarmupS: 1, Requests: 4, MinDurationS: 5}, 20, 6.75},                                 // the last is due at 5.75
		{workload.Workload{Rate: 4, WarmupS: 1, Requests: 40, MinDurationS: 5}, 40, 11.75},                               // at 10.75
		{workload.Workload{Concurrency: 2, WarmupS: 1, Requests: 4, MinDurationS: 5, WarmupRequests: 9}, 10, 6},          // too slow to end the warm-up
		{workload.Workload{Concurrency: 2, WarmupS: 9, Requests: 4, MinDurationS: 5, WarmupRequests: 3}, 10, 7},          // ends it after 2 s
		{workload.Workload{Concurrency: 2, WarmupS: 1, Requests: 4, MinDurationS: 5, CooldownS: 2}, 10, 8},               // 2 s more
		{workload.Workload{Rate: 4, WarmupS: 1, Requests: 4, CooldownS: 2}, 4, 4.75},                                     // due to 2, then to 4
		{workload.Workload{Rate: 4, Requests: 4, Arrival: "burst", Burst: &workload.Burst{Size: 4}, CooldownS: 1}, 4, 2}, // at 0, and at 1 in the cool-down
	} {
		sim := share(t, assign(c.w, 1), 0, 1, takes(time.Second))
		n := byPhase(sim.records)
		if n[record.Measure] != c.measure || math.Abs(sim.now.Seconds()-c.over) > 1e-6 {
			t.Errorf("%+v: %v by phase, over at %v; want %d measured and %v s", c.w, n, sim.now, c.measure, c.over)
		}
		if cools := n[record.Cooldown] > 0; cools != (c.w.CooldownS > 0) {
			t.Errorf("%+v: %d requests in the cool-down", c.w, n[record.Cooldown])
		}
	}
}

func TestACooldownBehindRequestsKeepsTheWindowsEnd(t *testing.T) {
	slowest := func(r *Request) answer {
		if r.ID == 15 { // one of the last that are measured
			return answer{done: 2500 * time.Millisecond}
		}
		return answer{done: time.Second}
	}
	for _, threads := range []int{1, 2} {
		a := assign(workload.Workload{Concurrency: 4, WarmupS: 1, Requests: 12, CooldownS: 3}, 1)
		got, live := together(t, a, threads, slowest)
		last := 0.0
		for _, r := range got {
			if r.Phase == record.Measure {
				last = max(last, r.Done)
			}
		}
		n := byPhase(got)
		if n[record.Measure] != 12 || n[record.Cooldown] != 7 || math.Abs(live.Window.End().Seconds()-last) > 1e-6 || last != 5.5 {
			t.Errorf("%d threads: %v by phase, the window ends at %v, its last request at %v", threads, n, live.Window.End(), last)
		}
	}
}

func TestRoutingChoosesTheEndpoint(t *testing.T) {
	w := workload.Workload{Concurrency: 12, DurationS: 8, DrainS: 5}
	count := func(w workload.Workload, parts, part int) (n [3]int, bySlot map[float64]bool) {
		t.Helper()
		a := assign(w, parts)
		a.Endpoints, a.Part = []string{"a", "b", "c"}, part
		bySlot = map[float64]bool{}
		for _, r := range share(t, a, 0, 1, takes(time.Second)).records {
			n[r.Endpoint]++
			bySlot[r.Scheduled*10+float64(r.Endpoint)] = true
		}
		return n, bySlot
	}
	w.Routing = "all-to-all"
	w.Concurrency = 1
	if n, turns := count(w, 1, 0); n != [3]int{3, 3, 2} || !turns[0] || !turns[11] || !turns[22] || !turns[30] {
		t.Errorf("all-to-all: one slot sent %v by endpoint, %v", n, turns)
	}
	w.Concurrency = 12
	if n, _ := count(w, 2, 1); n != [3]int{16, 16, 16} {
		t.Errorf("all-to-all: %v by endpoint", n)
	}
	w.Routing, w.Routes = "static", [][]int{{2, 0}, {1}}
	if n, _ := count(w, 2, 0); n != [3]int{24, 0, 24} {
		t.Errorf("static: node 0 sent %v by endpoint", n)
	}
	if n, _ := count(w, 2, 1); n != [3]int{0, 48, 0} {
		t.Errorf("static: node 1 sent %v by endpoint", n)
	}
	w = workload.Workload{Rate: 100, DurationS: 30, DrainS: 5, Routing: "random"}
	n, _ := count(w, 1, 0)
	first, _ := count(w, 2, 0)
	second, _ := count(w, 2, 1)
	for k := range n {
		if n[k] < 880 || n[k] > 1120 || first[k]+second[k] != n[k] { // four standard deviations of 1000
			t.Errorf("random: %v by endpoint, by one of two nodes %v and %v", n, first, second)
		}
	}
}

func TestAShareIsGivenUpAtItsFirstToken(t *testing.T) {
	w := workload.Workload{Rate: 100, DurationS: 30, DrainS: 5, CancelShare: 0.2, Stream: true, Seed: 4}
	const ms = time.Millisecond
	driver := func(r *Request) answer { return answer{tokens: []time.Duration{30 * ms, 60 * ms}, done: 90 * ms} }
	var chosen [2][]int64
	for k, parts := range []int{1, 3} {
		for _, r := range simulate(t, assign(w, parts), 1, driver) {
			if r.GivenUp {
				chosen[k] = append(chosen[k], r.ID)
			}
			if r.GivenUp != (r.Outcome == record.Cancelled) || r.GivenUp && (!near(r.Done, r.FirstToken) || len(r.Gaps) > 0) || !r.GivenUp && len(r.Gaps) != 1 {
				t.Fatalf("record %+v", r)
			}
		}
	}
	if n := len(chosen[0]); n < 512 || n > 688 || !slices.Equal(chosen[0], chosen[1]) { // four standard deviations of 600
		t.Errorf("%d of 3000 were given up by one node, %d by three", n, len(chosen[1]))
	}
	var live Live
	m, err := New(assign(workload.Workload{Concurrency: 1, Requests: 2, CancelShare: 1, Stream: true}, 1), 0, 1, &live)
	if err != nil {
		t.Fatal(err)
	}
	r := m.Next(0)
	rec := r.Record
	m.Sent(r, 0)
	if !m.Received(r, ms, 3) || m.Received(r, 2*ms, 1) {
		t.Error("want it given up at its first token, whatever came with it, and told once")
	}
	rec.Outcome = record.Cancelled
	m.Finish(r, 2*ms)
	if !rec.GivenUp || live.GivenUp.Load() != 1 || live.Failed.Load() != 0 {
		t.Errorf("record %+v, %d given up, %d failed", rec, live.GivenUp.Load(), live.Failed.Load())
	}
	if r = m.Next(2 * ms); r == nil {
		t.Fatal("its slot is not free")
	}
	rec = r.Record
	rec.Outcome = record.Cancelled // at the end of the drain, without a token
	m.Finish(r, 3*ms)
	if rec.GivenUp || live.Failed.Load() != 1 {
		t.Errorf("record %+v: what never had a token was not given up at it", rec)
	}
}

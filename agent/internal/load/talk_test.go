package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// talker answers each turn after a second, and keeps what was said like a driver: the indices of the turns.
func talker(t *testing.T, turns int, fails map[int64]bool) server {
	return func(r *Request) answer {
		if r.Talk == nil {
			t.Fatalf("request %d is no turn", r.ID)
		}
		if want := int(r.ID) % turns; strings.Count(string(r.Talk.Past), ",") != want || r.First() != (want == 0) || r.Last(turns) != (want == turns-1) {
			t.Errorf("request %d comes after %q", r.ID, r.Talk.Past)
		}
		for turn := range r.ID % int64(turns) {
			if said := fmt.Sprintf("%d,", r.ID-r.ID%int64(turns)+turn); !strings.Contains(string(r.Talk.Past), said) {
				t.Errorf("request %d comes after %q, without %s", r.ID, r.Talk.Past, said)
			}
		}
		if fails[r.ID] {
			return answer{done: time.Second, outcome: record.HTTPStatus}
		}
		r.Talk.Past = fmt.Appendf(r.Talk.Past, "%d,", r.ID)
		return answer{tokens: []time.Duration{time.Second}, done: time.Second}
	}
}

func TestASlotHoldsOneConversationAtATime(t *testing.T) {
	const turns = 3
	a := assign(workload.Workload{Concurrency: 4, Turns: turns, DurationS: 24, DrainS: 5, ThinkTimeS: 1}, 2)
	records := simulate(t, a, 2, talker(t, turns, nil))
	for i, r := range records {
		if r.ID != int64(i) { // all conversations are whole: 12 turns a slot
			t.Fatalf("record %d has id %d", i, r.ID)
		}
		if want := float64(2 * (i/4/turns*turns + i%turns)); i < 4*turns && !near(r.Scheduled, want) {
			t.Errorf("request %d is due at %v, want %v", i, r.Scheduled, want)
		}
		if r.Endpoint != records[i-i%turns].Endpoint {
			t.Errorf("request %d went to endpoint %d, its conversation began at %d", i, r.Endpoint, records[i-i%turns].Endpoint)
		}
	}
	if len(records) != 48 {
		t.Errorf("%d requests, want 48", len(records))
	}
}

func TestAConversationEndsWithARequestThatFails(t *testing.T) {
	a := assign(workload.Workload{Concurrency: 1, Turns: 3, DurationS: 6, DrainS: 5}, 1)
	var ids []int64
	for _, r := range simulate(t, a, 1, talker(t, 3, map[int64]bool{1: true})) {
		ids = append(ids, r.ID)
	}
	if want := []int64{0, 1, 3, 4, 5, 6}; !slices.Equal(ids, want) {
		t.Errorf("requests %v, want %v", ids, want)
	}
}

func TestAnArrivalBeginsAConversation(t *testing.T) {
	const turns = 3
	a := assign(workload.Workload{Rate: 1, Turns: turns, DurationS: 10, DrainS: 5, ThinkTimeS: 0.25}, 2)
	var records []record.Record
	for _, r := range simulate(t, a, 1, talker(t, turns, map[int64]bool{4: true})) {
		if r.ID == 5 {
			t.Error("a conversation went on after a request that failed")
		}
		if want := float64(r.ID/turns) + 1.25*float64(r.ID%turns); !near(r.Scheduled, want) {
			t.Errorf("request %d is due at %v, want %v", r.ID, r.Scheduled, want)
		}
		records = append(records, r)
	}
	// 10 conversations begin in the window; three turns of the last two would be due after it, and 5 after a failure.
	if len(records) != 26 {
		t.Errorf("%d requests, want 26", len(records))
	}
}

func TestTurnsThatFindNoRoomAreRecorded(t *testing.T) {
	a := assign(workload.Workload{Rate: 1, Concurrency: 1, Turns: 2, DurationS: 10, DrainS: 1}, 1)
	n := map[record.Outcome]int{}
	slow := func(r *Request) answer {
		return answer{tokens: []time.Duration{4 * time.Second}, done: 4 * time.Second}
	}
	ids := map[int64]bool{}
	for _, r := range simulate(t, a, 1, slow) {
		n[r.Outcome]++
		if ids[r.ID] {
			t.Errorf("two records of request %d", r.ID)
		}
		ids[r.ID] = true
	}
	// Sent at 0, 4 and 8: an arrival, its second turn, which is due before the arrivals that wait, and the next arrival.
	if n[record.OK] != 2 || n[record.Cancelled] != 1 || n[record.NotSent] != 8 {
		t.Errorf("outcomes %v, want 2 ok, 1 cancelled, 8 not sent", n)
	}
}

func TestRequestsEndConversations(t *testing.T) {
	for _, w := range []workload.Workload{{Concurrency: 2, Turns: 3, Requests: 12}, {Rate: 5, Turns: 3, Requests: 12, DurationS: 60, DrainS: 60}} {
		if n := len(simulate(t, assign(w, 1), 1, talker(t, 3, nil))); n != 12 {
			t.Errorf("%+v: %d requests, want 12", w, n)
		}
	}
}

// The window of so many requests is that of whole conversations, and waits for their last turn; what begins after it is
// not measured.
func TestTheWindowHasWholeConversations(t *testing.T) {
	a := assign(workload.Workload{Rate: 5, Turns: 3, Requests: 12, WarmupS: 1, DurationS: 60, CooldownS: 2, DrainS: 60}, 1)
	var live Live
	m, err := New(a, 0, 1, &live)
	if err != nil {
		t.Fatal(err)
	}
	s := &simulation{t: t, m: m}
	for !s.step(talker(t, 3, nil)) {
	}
	s.harvest()
	measured, last := 0, 0.0
	for _, r := range s.records {
		if whole := r.ID/3 >= 5 && r.ID/3 < 9; whole != (r.Phase == record.Measure) && r.Scheduled >= 1 && r.ID/3 >= 5 {
			t.Errorf("request %d, due at %v, is of phase %v", r.ID, r.Scheduled, r.Phase)
		}
		if r.Phase == record.Measure && r.ID/3 >= 5 {
			measured++
			last = max(last, r.Done)
		}
	}
	if end := live.Window.End().Seconds(); measured != 12 || !(end > last && end < last+1e-6) {
		t.Errorf("%d requests are measured, the last done at %v, the window ends at %v", measured, last, end)
	}
}

func TestAGroupIsOneRequestWhereTheDialectHasIt(t *testing.T) {
	w := workload.Workload{Dialect: "openai-completions", Concurrency: 8, Batch: 4, Requests: 30, DurationS: 100, DrainS: 5}
	sent := 0
	records := simulate(t, assign(w, 2), 1, func(r *Request) answer {
		sent++
		for _, mate := range r.Mates {
			if mate.Record.Batch != r.Record.Batch || mate.Endpoint != r.Endpoint || len(mate.Mates) != 0 {
				t.Errorf("request %d of group %d goes with %d of group %d", mate.ID, mate.Record.Batch, r.ID, r.Record.Batch)
			}
		}
		return answer{tokens: []time.Duration{time.Second}, done: time.Second}
	})
	if len(records) != 30 || sent != 8 { // 15 a part: three whole groups and one of three
		t.Fatalf("%d records of %d requests, want 30 of 8", len(records), sent)
	}
	for _, r := range records {
		if r.Outcome != record.OK || r.Sent != r.Scheduled || !near(r.FirstToken, r.Sent+1) || r.Done != r.FirstToken {
			t.Errorf("record %+v", r)
		}
	}
}

func TestAGroupRunsOutOfTimeTogether(t *testing.T) {
	w := workload.Workload{Dialect: "openai-completions", Concurrency: 4, Batch: 4, DurationS: 3, DrainS: 50, TimeoutS: 2}
	records := simulate(t, assign(w, 1), 1, func(*Request) answer { return answer{done: Never} })
	if len(records) != 8 {
		t.Errorf("%d records, want 8", len(records))
	}
	for _, r := range records {
		if r.Outcome != record.Timeout || !near(r.Done, r.Sent+2) {
			t.Errorf("record %+v", r)
		}
	}
}

func TestTurnsAndGroupsExcludeEachOther(t *testing.T) {
	if _, err := New(assign(workload.Workload{Concurrency: 4, Turns: 2, Batch: 2, DurationS: 1}, 1), 0, 1, nil); err == nil {
		t.Error("accepted")
	}
}

func TestConversationsAllocateNothing(t *testing.T) {
	for _, w := range []workload.Workload{
		{Concurrency: 8, Turns: 2, DurationS: 1e6, MaxTokens: 16}, {Dialect: "openai-completions", Concurrency: 8, Batch: 8, DurationS: 1e6, MaxTokens: 16},
	} {
		m, err := New(assign(w, 1), 0, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		var records []*record.Record
		var flying [8]*Request
		now := time.Duration(0)
		round := func() {
			all := flying[:0]
			for r := m.Next(now); r != nil; r = m.Next(now) {
				m.Sent(r, now)
				all = append(all, r)
			}
			now += time.Millisecond
			for _, r := range all {
				for _, mate := range r.Mates {
					m.Finish(mate, now)
				}
				m.Finish(r, now)
			}
			records = m.Harvest(records[:0])
			m.Recycle(records)
		}
		for range 4 {
			round()
		}
		if allocs := testing.AllocsPerRun(100, round); allocs != 0 {
			t.Errorf("%+v: %v allocations for 8 requests", w, allocs)
		}
	}
}

package summary

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// agreed is the part of a node whose threads agreed on the window [start, end) before any of the records came.
func agreed(t workload.Trial, part, parts int, start, end float64, records ...*record.Record) *Part {
	c := New(workload.Assignment{Trial: t, Node: "n" + string(rune('1'+part)), Part: part, Parts: parts})
	c.Agree(start, end)
	for _, r := range records {
		c.Add(r)
	}
	p := c.Part()
	p.State = Complete
	return p
}

// doneAt are answers that are done at these times.
func doneAt(times ...float64) (all []*record.Record) {
	for _, at := range times {
		all = append(all, answer(at-0.35, at-0.35, 0.1))
	}
	return all
}

func TestNodesHaveWindowsOfTheirOwn(t *testing.T) {
	tr := trial()
	tr.Workload.WarmupRequests, tr.Workload.WarmupS = 4, 60
	s := Merge(tr, []*Part{
		throughJSON(t, agreed(tr, 0, 2, 3, 13, doneAt(2.9, 3.1, 4, 5, 12.9, 13.1)...)), // four of six
		throughJSON(t, agreed(tr, 1, 2, 8, 18, doneAt(7, 8.5, 17.9, 18.5)...)),         // two of four
	})
	near(t, "duration", s.DurationS, 10)
	near(t, "requests/s", *s.Throughput.RequestsPerS, 0.6)
	near(t, "tokens/s", *s.Throughput.OutputTokensPerS, 1.8)
	if len(s.Marks) != 1 || !strings.Contains(s.Marks[0], "windows begin up to 5.0 s apart") {
		t.Errorf("marks %q: the second node measured the last 5 s without the first one's load", s.Marks)
	}

	tr.Workload.Requests, tr.Workload.CooldownS = 8, 5 // then each node's window ends with its own requests
	s = Merge(tr, []*Part{
		throughJSON(t, agreed(tr, 0, 2, 3, 7, doneAt(4, 5, 6, 6.9, 7.5)...)), // 4 in 4 s; the last is of the cool-down
		throughJSON(t, agreed(tr, 1, 2, 8, 10, doneAt(8.5, 9, 9.5, 9.9)...)), // 4 in 2 s
	})
	near(t, "requests/s of windows of two lengths", *s.Throughput.RequestsPerS, 3)
	near(t, "their mean", s.DurationS, 3)
	if len(s.Marks) > 0 {
		t.Errorf("marks %q: the cool-down is as long", s.Marks)
	}

	tr.Workload.CooldownS = 0 // then the first waits for the second
	s = Merge(tr, []*Part{
		throughJSON(t, agreed(tr, 0, 2, 3, math.Inf(1), doneAt(4, 5, 6, 7)...)),
		throughJSON(t, agreed(tr, 1, 2, 5, math.Inf(1), doneAt(8.5, 9, 9.5, 13)...)),
		throughJSON(t, agreed(tr, 2, 3, 60, math.Inf(1))), // had nothing to send: its window means nothing
	})
	near(t, "requests/s to the last request of all", *s.Throughput.RequestsPerS, 4.0/10+4.0/8)
	near(t, "the mean length", s.DurationS, 9)
}

func TestAWindowIsNotShorterThanItsLeast(t *testing.T) {
	tr := trial()
	tr.Workload.DurationS, tr.Workload.Requests, tr.Workload.MinDurationS = 0, 3, 8
	for _, c := range []struct{ last, want float64 }{{5, 8}, {14, 12}} {
		s := Merge(tr, []*Part{collect(tr, 0, 1, doneAt(4, 4.5, c.last)...)})
		near(t, "duration", s.DurationS, c.want)
		near(t, "requests/s", *s.Throughput.RequestsPerS, 3/c.want)
	}
}

func TestWhatIsGivenUpOnPurposeIsNoFailure(t *testing.T) {
	tr := trial()
	tr.Workload.CancelShare, tr.Workload.SLO = 0.5, map[string]float64{"ttft": 1}
	up := failed(4, record.Cancelled)
	up.GivenUp, up.FirstToken = true, 4.1
	cut := failed(11, record.Cancelled) // at the end of the drain
	p := throughJSON(t, collect(tr, 0, 1, answer(3, 3, 0.1), up, up, up))
	s := Merge(tr, []*Part{p})
	if r := s.Requests; r.Scheduled != 4 || r.OK != 1 || r.Failed != 0 || r.GivenUp != 3 || r.ByOutcome["cancelled"] != 3 || len(s.Marks) > 0 {
		t.Errorf("requests %+v, marks %q", r, s.Marks)
	}
	near(t, "failures/s", *s.Throughput.FailuresPerS, 0)
	near(t, "goodput ratio", *s.Goodput.Ratio, 1)
	if all := s.LatencyAll["ttft_s"]; all.N != 1 || math.IsInf(float64(all.Max), 1) {
		t.Errorf("latency_all %+v: what was given up is in it", all)
	}
	s = Merge(tr, []*Part{throughJSON(t, collect(tr, 0, 1, answer(3, 3, 0.1), up, up, cut))})
	want := []string{"1 of 4 requests failed (cancelled 1)", "partial drain: 1 requests were still running at its end"}
	if s.Requests.Failed != 1 || !slices.Equal(s.Marks, want) {
		t.Errorf("requests %+v, marks %q", s.Requests, s.Marks)
	}
}

// Of two conversations of three turns one ends with a failure, and its last turn never comes: the load is over all the same.
func TestAWindowEndsWithConversationsThatFail(t *testing.T) {
	tr := trial()
	tr.Workload.Turns, tr.Workload.Requests, tr.Workload.DurationS = 3, 6, 10
	for _, c := range []struct{ wall, want float64 }{{7.5, 4}, {20, 10}} {
		p := agreed(tr, 0, 1, 3, 13, append(doneAt(4, 5, 6, 7), failed(5, record.HTTPStatus))...)
		p.Client = &Client{WallS: c.wall, Threads: 1}
		s := Merge(tr, []*Part{throughJSON(t, p)})
		near(t, "duration", s.DurationS, c.want)
		near(t, "requests/s", *s.Throughput.RequestsPerS, 4/c.want)
	}
}

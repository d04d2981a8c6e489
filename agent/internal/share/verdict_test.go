package share

import (
	"math"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/summary"
)

// A client that begins a second late sends late what was due by then, and the trial says so.
func TestALateClientIsTheBound(t *testing.T) {
	a := assignment(t, dummy.Config{})
	w := &a.Trial.Workload
	w.Concurrency, w.Rate, w.Arrival, w.Requests = 0, 50, "constant", 50
	s := New(a, Options{Zero: time.Now().Add(-time.Second)})
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := summary.Merge(a.Trial, []*summary.Part{s.Part()})
	if got.Client.Verdict != summary.ClientBound || !strings.HasPrefix(got.Client.Why, "p99 of lateness ") || len(got.Marks) == 0 || got.Marks[0] != "client-bound: "+got.Client.Why {
		t.Errorf("verdict %+v, marks %q", got.Client, got.Marks)
	}
	due, sent := got.Latency["e2el_scheduled_s"], got.Latency["e2el_s"]
	if due.N != 50 || due.Max < 1 {
		t.Errorf("from due %+v, from sent %+v: the wait is in the first", due, sent)
	}
}

// The counter of the load threads and the records of what they sent agree, of one thread and of two.
func TestTheBooksAreKept(t *testing.T) {
	for _, concurrency := range []int{3, 600} { // more than 512 take a second thread, where there is a core for it
		a := assignment(t, dummy.Config{TTFT: time.Millisecond})
		a.Trial.Workload.Concurrency, a.Trial.Workload.Requests, a.Trial.Workload.WarmupRequests, a.Trial.Workload.WarmupS = concurrency, 5*concurrency, concurrency, 30
		s := New(a, Options{})
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		l := summary.Merge(a.Trial, []*summary.Part{s.Part()}).Little
		if l == nil || l.Bookkeeping == nil || math.Abs(*l.Bookkeeping) > 0.01 || l.ByRecords <= 0 || l.ByRecords > float64(concurrency)*1.001 || l.Offered != concurrency {
			t.Errorf("%d in flight: %+v", concurrency, l)
		}
	}
}

package summary

import (
	"math"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
)

// loop is what a slot of a closed loop sends from begin to end whose requests take so long at a time.
func loop(begin, end float64, takes func(at float64) float64) (all []*record.Record) {
	for at := begin; at < end; {
		d := takes(at)
		r := answer(at, at, d/2)
		r.LastToken, r.Done = at+d, at+d
		all = append(all, r)
		at = r.Done
	}
	return all
}

func always(d float64) func(float64) float64 { return func(float64) float64 { return d } }

func TestLittlesLaw(t *testing.T) {
	tr := trial()
	held := int64(20e9)
	for name, c := range map[string]struct {
		records           []*record.Record
		held              *int64
		flight, deviation float64
		offered           int
		marked            string
	}{
		"steady": {records: append(loop(0, 13, always(0.25)), loop(0.1, 13, always(0.4))...), held: &held, flight: 2, deviation: 0},
		"lost records": {records: loop(0, 13, always(0.25)), held: &held, flight: 1, deviation: 0,
			marked: "the load threads counted 2 requests in flight, the records make 1: some are missing or wrong"},
		"not counted": {records: loop(0, 13, always(0.25)), flight: 1, deviation: 0},
		// 20 a second come and 10 a second are served: what waits grows.
		"overload": {records: overload(20, 10), flight: 71, deviation: -0.504, marked: "Little's law is off by -50 %: 71 requests were in flight"},
	} {
		p := collect(tr, 0, 1, c.records...)
		p.Client = &Client{HeldNS: c.held}
		s := Merge(tr, []*Part{throughJSON(t, p)})
		l := s.Little
		if math.Abs(l.ByRecords-c.flight) > 0.01*c.flight || math.Abs(*l.Deviation-c.deviation) > 0.01 || l.Offered != 2 {
			t.Errorf("%s: %+v, deviation %v", name, l, *l.Deviation)
		}
		if (c.held == nil) != (l.InFlight == nil) || c.held != nil && *l.InFlight != 2 {
			t.Errorf("%s: in flight %v by the counter", name, l.InFlight)
		}
		marks := strings.Join(s.Marks, "; ")
		if c.marked == "" && strings.Contains(marks, "flight") || !strings.Contains(marks, c.marked) {
			t.Errorf("%s: marks %q, want %q", name, marks, c.marked)
		}
	}
}

// overload is an open loop from 0 s of so many requests a second on a server that does one after the other, fewer a second.
func overload(due, served float64) (all []*record.Record) {
	for i := range int(14 * due) {
		at, done := float64(i)/due, float64(i+1)/served
		r := answer(at, at, (done-at)/2)
		r.LastToken, r.Done = done, done
		all = append(all, r)
	}
	return all
}

// An open loop that brings more than the server ends says so.
func TestOverloadSaysWhatCameAndWhatEnded(t *testing.T) {
	tr := trial()
	tr.Workload.Concurrency, tr.Workload.Rate = 0, 20
	marks := Merge(tr, []*Part{collect(tr, 0, 1, overload(20, 10)...)}).Marks
	if all := strings.Join(marks, ";"); !strings.Contains(all, "; 20.0 requests/s were sent and 10.0 ended") {
		t.Errorf("marks %q", marks)
	}
}

// What crosses the borders of a short window is no fault of the load's.
func TestBordersAreAllowedFor(t *testing.T) {
	tr := trial()
	p := collect(tr, 0, 1, loop(1.5, 13, always(4))...) // ends at 5.5 and 9.5: two of 4 s in a window of 10 s
	s := Merge(tr, []*Part{p})
	near(t, "in flight", s.Little.ByRecords, 1)
	near(t, "rate × latency", s.Little.RateLatency, 0.8)
	near(t, "deviation", *s.Little.Deviation, -0.2)
	near(t, "border share", *s.Little.BorderShare, 0.4)
	if s.Little.unsteady() != "" {
		t.Errorf("marks %q", s.Marks)
	}
	if got := s.Little.String(); got != "1 of 2 in the mean; rate × latency is 0.8 (-20.0 %)" {
		t.Errorf("said %q", got)
	}
}

func TestNothingInFlightIsNoDeviation(t *testing.T) {
	tr := trial()
	s := Merge(tr, []*Part{collect(tr, 0, 1)})
	if l := s.Little; l.Deviation != nil || l.LatencyS != nil || l.Bookkeeping != nil || l.ByRecords != 0 {
		t.Errorf("%+v", l)
	}
	if Merge(tr, nil).Little != nil {
		t.Error("a law without a client")
	}
}

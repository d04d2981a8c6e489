package summary

import (
	"encoding/csv"
	"math"
	"reflect"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

func TestEachThingStandsInItsSecond(t *testing.T) {
	tr := trial()
	up := failed(4, record.Cancelled)
	up.GivenUp = true
	parts := []*Part{
		throughJSON(t, collect(tr, 0, 2, answer(3, 3.25, 1))), // first token 4.25, last 4.45, done 4.5
		throughJSON(t, collect(tr, 1, 2, failed(3, record.Timeout), failed(4, record.NotSent), up)),
	}
	rows, err := csv.NewReader(strings.NewReader(SeriesCSV(tr, parts))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 { // the head and 0 to 4
		t.Fatalf("rows %q", rows)
	}
	cell := func(second int, name string) string {
		for i, head := range rows[0] {
			if head == name {
				return rows[second+1][i]
			}
		}
		t.Fatalf("no column %s", name)
		return ""
	}
	for _, c := range []struct {
		second int
		name   string
		want   string
	}{
		{0, "measured", "0"}, {2, "measured", "1"}, {1, "due", "0"}, {1, "ttft_s_mean", ""},
		{3, "due", "2"}, {3, "sent", "2"}, {3, "ok", "0"}, {3, "failed", "1"}, {3, "in_flight", "1.1"}, // 0.75 s of one, 0.35 s of the other
		{4, "due", "2"}, {4, "sent", "1"}, {4, "ok", "1"}, {4, "failed", "1"}, {4, "given_up", "1"}, {4, "in_flight", "0.85"},
		{4, "output_tokens", "3"}, {4, "prompt_tokens", "5"}, {4, "ttft_s_mean", "1"}, {4, "e2el_s_mean", "1.2"}, {3, "e2el_s_p99", ""},
	} {
		if got := cell(c.second, c.name); got != c.want {
			t.Errorf("%s of second %d: got %q, want %q", c.name, c.second, got, c.want)
		}
	}
}

// A long trial has rows of several seconds, and they say what the seconds would have.
func TestLongSeriesJoinTheirSeconds(t *testing.T) {
	long, short := new(Series), new(Series)
	for i := range 3 * seriesMost {
		r := answer(float64(i), float64(i)+0.5, 0.75)
		at := measure(r, true)
		long.count(r, &at, true)
		if i < seriesMost/2 {
			short.count(r, &at, false)
		}
	}
	if long.StepS != 4 || len(long.Rows) > seriesMost || short.StepS != 1 {
		t.Fatalf("%d rows of %d s, and of %d s", len(long.Rows), long.StepS, short.StepS)
	}
	for i, mean := range long.inFlight()[1 : len(long.Rows)-1] {
		if math.Abs(mean-1) > 1e-9 { // each is a second in flight
			t.Fatalf("row %d: %v in flight", i+1, mean)
		}
	}
	both, other := long.clone(), short.clone()
	both.add(short)
	other.add(long)
	if !reflect.DeepEqual(both, other) {
		t.Error("two series add up to something else in the other order")
	}
	if n := both.Rows[0].Good; n != long.Rows[0].OK || n != 3 {
		t.Errorf("%d were good in the first four seconds", n)
	}
	if n := both.Rows[0].OK; n != 2*long.Rows[0].OK || n != 6 {
		t.Errorf("%d ended in the first four seconds", n)
	}
	var sum int64
	for _, r := range both.Rows {
		sum += r.TTFT.N()
	}
	if sum != 3*seriesMost+seriesMost/2 {
		t.Errorf("%d latencies", sum)
	}
}

func TestCountingASeriesAllocatesLittle(t *testing.T) {
	c := New(workload.Assignment{Trial: trial(), Parts: 1})
	second, r := 0.0, answer(0, 0, 0.1)
	if n := testing.AllocsPerRun(400, func() {
		second++
		r.Scheduled, r.Sent, r.FirstToken, r.LastToken, r.Done = second, second, second+0.1, second+0.3, second+0.4
		c.Add(r)
	}); n > 0.1 { // it grows by doubling
		t.Errorf("%v allocations a second", n)
	}
}

package summary

import (
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// What is told while a trial runs is what series.csv says of the same rows.
func TestAStretchHasTheRowsThatWereAskedFor(t *testing.T) {
	c := New(workload.Assignment{Trial: trial(), Parts: 1})
	for i := range 10 {
		c.Add(answer(float64(i), float64(i), 0.25)) // first token +0.25, last +0.45, done +0.5
	}
	c.Add(failed(3, record.Timeout))
	whole := c.Stretch(-1, 100)
	if rows := whole.Rows; len(rows) != 10 || rows[0].At != 0 || whole.More || whole.StepS != 1 {
		t.Fatalf("rows %+v", rows)
	}
	if whole.ByOutcome["ok"] != 10 || whole.ByOutcome["timeout"] != 1 || len(whole.ByOutcome) != 2 {
		t.Errorf("outcomes %v", whole.ByOutcome)
	}
	some := c.Stretch(2, 3)
	rows := some.Rows
	if len(rows) != 3 || rows[0].At != 3 || rows[2].At != 5 || !some.More {
		t.Fatalf("rows %+v, more %v", rows, some.More)
	}
	row := rows[1]
	if row.OK != 1 || row.Tokens != 3 || row.InFlight < 0.49 || row.InFlight > 1 || row.TTFT == nil || row.TPOT == nil || row.E2EL == nil {
		t.Errorf("row %+v", row)
	}
	if near := row.TTFT.P95 / 0.25; near < 0.93 || near > 1.07 {
		t.Errorf("TTFT %+v", *row.TTFT)
	}
	if none := c.Stretch(99, 100); len(none.Rows) != 0 || none.More {
		t.Errorf("behind the last row there is %+v", none.Rows)
	}
	if empty := New(workload.Assignment{Trial: trial(), Parts: 1}).Stretch(-1, 9); len(empty.Rows) != 0 || empty.StepS != 1 {
		t.Errorf("before the first request: %+v", empty)
	}
}

// BenchmarkStretch is for how long who looks on holds up the counting of records, for two minutes' rows.
func BenchmarkStretch(b *testing.B) {
	c := New(workload.Assignment{Trial: trial(), Parts: 1})
	for i := range 4 * 120 {
		c.Add(answer(float64(i)/4, float64(i)/4, 0.001*float64(1+i%997)))
	}
	for b.Loop() {
		c.Stretch(-1, 120)
	}
}

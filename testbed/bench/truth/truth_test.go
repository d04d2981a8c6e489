package truth

import (
	"math"
	"strings"
	"testing"
)

const written = `{"id":"b","number":2,"arrived_mono_ns":2000000000,"arrived_unix_ns":102000000000,"tokens":[2050000000,2060000000,2075000000],"done":true,"status":200}
{"id":"a","number":1,"first_byte_mono_ns":900000000,"arrived_mono_ns":1000000000,"arrived_unix_ns":101000000000,"tokens":[1020000000],"done":true,"status":200}
{"id":"cut","arrived_mono_ns":1,"tokens":[2],"done":false,"status":200}
{"id":"bad","arrived_mono_ns":1,"tokens":[],"done":true,"status":500}
{"id":"probe-x","arrived_mono_ns":1,"tokens":[2],"done":true,"status":200,"probe":true}
`

func lines(t *testing.T) []Line {
	t.Helper()
	all, err := Read(strings.NewReader(written))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestReadKeepsWhatWasAnsweredInOrderOfArrival(t *testing.T) {
	all := lines(t)
	if len(all) != 2 || all[0].ID != "a" || all[1].ID != "b" {
		t.Fatalf("read %v", all)
	}
	near(t, "TTFT", all[1].TTFT(), 0.05)
	near(t, "E2EL", all[1].E2EL(), 0.075)
	near(t, "the second gap", all[1].Gaps()[1], 0.015)
	at := Arrivals(all)
	near(t, "the first arrival, of a first byte", at[0], 0.9)
	near(t, "the second arrival", at[1], 2)
	if from, to := Span(all); from != 1000000000 || to != 2075000000 {
		t.Errorf("span %d to %d", from, to)
	}
}

func TestReadNamesTheBrokenLine(t *testing.T) {
	_, err := Read(strings.NewReader(strings.SplitAfter(written, "\n")[0] + `{"id":`))
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v", err)
	}
}

func TestRateCountsWhatEndedInTheWindow(t *testing.T) {
	all := lines(t)
	near(t, "the rate of both", Rate(all, 101e9, 103e9), 1)
	near(t, "the rate of the first second", Rate(all, 101e9, 102e9), 1)
	near(t, "a window's end that is the end of a request", Rate(all, 102e9, 102075000000), 0)
}

func of(v float64) *float64 { return &v }

func TestHold(t *testing.T) {
	e := Hold([]Measured{
		{ID: "b", TTFT: of(0.051), E2EL: of(0.077), Gaps: []float64{0.011, 0.014, 0.001}},
		{ID: "b", Gaps: []float64{0.011}},
		{Number: 2, TPOT: of(0.0135)},
		{ID: "a", TTFT: of(0.02), TPOT: of(1)},
		{ID: "unknown"},
	}, lines(t))
	if e.Joined != 4 || e.Lost != 1 || !e.Means || len(e.TTFT) != 2 || len(e.E2EL) != 1 || len(e.Gap) != 3 {
		t.Fatalf("errors %+v", e)
	}
	near(t, "error of TTFT", e.TTFT[0], 0.001)
	near(t, "error of E2EL", e.E2EL[0], 0.002)
	near(t, "error of the first gap", e.Gap[0], 0.001)
	near(t, "error of the second gap", e.Gap[1], -0.001)
	near(t, "error of a mean gap", e.Gap[2], 0.001)
}

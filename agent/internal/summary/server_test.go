package summary

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
)

func TestTheServersOwnTimings(t *testing.T) {
	tr := trial()
	said := answer(3, 3, 0.1) // done 0.35 s after it was sent
	said.ServerLoad, said.ServerPrompt, said.ServerDecode = 0.01, 0.05, 0.2
	brief := answer(4, 4, 0.1) // llama.cpp loads nothing
	brief.ServerPrompt, brief.ServerDecode = 0.07, 0.2
	s := Merge(tr, []*Part{throughJSON(t, collect(tr, 0, 1, said, brief, answer(5, 5, 0.1)))})
	for name, want := range map[string]struct {
		n    int64
		mean float64
	}{"load_s": {1, 0.01}, "prompt_s": {2, 0.06}, "decode_s": {2, 0.2}, "outside_s": {2, 0.085}} {
		d := s.ServerTimings[name]
		near(t, name, float64(d.Mean), want.mean)
		if d.N != want.n {
			t.Errorf("%s: n %d, want %d", name, d.N, want.n)
		}
	}
	if s := Merge(tr, []*Part{collect(tr, 0, 1, answer(5, 5, 0.1))}); s.ServerTimings != nil {
		t.Errorf("a server that says nothing: %+v", s.ServerTimings)
	}
}

func TestColdStartsStandByThemselves(t *testing.T) {
	tr := trial()
	cold := answer(3, 3, 4)
	cold.Cold, cold.ServerLoad = true, 3.5
	s := Merge(tr, []*Part{throughJSON(t, collect(tr, 0, 1, cold, answer(8, 8, 0.1), answer(9, 9, 0.1)))})
	if s.Cold.N != 1 || s.Requests.OK != 3 || s.Latency["ttft_s"].N != 2 || s.Latency["itl_s"].N != 4 || s.LatencyAll["ttft_s"].N != 3 {
		t.Errorf("cold %+v, ttft %+v, all %+v", s.Cold, s.Latency["ttft_s"], s.LatencyAll["ttft_s"])
	}
	near(t, "cold TTFT", float64(s.Cold.TTFT.Max), 4)
	near(t, "the others'", float64(s.Latency["ttft_s"].Max), 0.1)
	near(t, "all", float64(s.LatencyAll["ttft_s"].Max), 4)
	near(t, "requests/s", *s.Throughput.RequestsPerS, 0.3)
	want := "cold starts: 1 requests waited for the model to be loaded (E2EL 4.2 s in the mean); their latency is in none of the others"
	if !slices.Contains(s.Marks, want) {
		t.Errorf("marks %q", s.Marks)
	}
}

func TestAccuracyHasItsInterval(t *testing.T) {
	tr := trial()
	var records []*record.Record
	for i := range 20 {
		r := answer(3, 3, 0.1)
		r.Graded, r.Right = i < 10, i < 8
		records = append(records, r)
	}
	a := Merge(tr, []*Part{throughJSON(t, collect(tr, 0, 1, append(records, failed(4, record.Empty))...))}).Accuracy
	if a.N != 10 || a.Right != 8 || a.Share != 0.8 || a.CI95[0] < 0.49 || a.CI95[0] > 0.4902 || a.CI95[1] < 0.943 || a.CI95[1] > 0.944 {
		t.Errorf("%+v", a)
	}
	if got := a.String(); got != "80.0 % of 10 answers are right (95 % interval 49.0 to 94.3 %)" {
		t.Errorf("said %q", got)
	}
	if Merge(tr, []*Part{collect(tr, 0, 1, answer(3, 3, 0.1))}).Accuracy != nil {
		t.Error("accuracy of what was not graded")
	}
}

func TestQuantilesHaveTheirIntervals(t *testing.T) {
	tr := trial()
	var records []*record.Record
	for i := range 100 {
		records = append(records, answer(3, 3, 0.01*float64(i+1)))
	}
	s := Merge(tr, []*Part{collect(tr, 0, 1, records...)})
	ttft := s.Latency["ttft_s"]
	near(t, "low end of p50", float64(*ttft.CI95["p50"].Low), 0.40) // ranks 40 and 61 of 100
	near(t, "high end of p50", float64(*ttft.CI95["p50"].High), 0.61)
	if i := ttft.CI95["p99"]; i.Low == nil || i.High != nil {
		t.Errorf("100 values bound their p99 above: %+v", i)
	}
	if s.Latency["itl_s"].CI95 != nil || s.Latency["tpot_s"].CI95 == nil {
		t.Error("an interval of pooled gaps, or none of TPOT")
	}
	text, err := json.Marshal(ttft.CI95["p99"])
	if err != nil || strings.Contains(string(text), "high") {
		t.Errorf("%s, %v", text, err)
	}
}

// measuredAt is an answer to a request of the window, wherever that lies.
func measuredAt(at, ttft float64) *record.Record {
	r := answer(at, at, ttft)
	r.Phase = record.Measure
	return r
}

// Twenty requests that a stall hits at once are as good as one: p99 then has no upper end, and a low one among the others.
func TestAStallWidensTheIntervals(t *testing.T) {
	tr := trial()
	tr.Workload.DurationS = 20
	var alike, stalled []*record.Record
	for i := range 2000 {
		at := 2 + float64(i)/100
		ttft := 0.05 * (1 + 0.5*float64(i*7%100)/100)
		if i%100 == 99 {
			ttft = 0.2
		}
		alike = append(alike, measuredAt(at, ttft))
		if i/20 == 52 { // the twenty of a fifth of a second, instead of one in a hundred
			ttft = 0.2
		} else if i%100 == 99 {
			ttft = 0.05
		}
		stalled = append(stalled, measuredAt(at, ttft))
	}
	even := Merge(tr, []*Part{collect(tr, 0, 1, alike...)}).Latency["ttft_s"].CI95["p99"]
	if *even.Deff > 1.01 || even.High == nil || even.Low == nil || *even.Low < 0.07 {
		t.Errorf("one slow one a second: %s, deff %v", even.Words(1e3), *even.Deff)
	}
	hit := Merge(tr, []*Part{collect(tr, 0, 1, stalled...)}).Latency["ttft_s"].CI95["p99"]
	if *hit.Deff < 15 || hit.High != nil || *hit.Low > 0.08 {
		t.Errorf("twenty slow ones at once: %s, deff %v", hit.Words(1e3), *hit.Deff)
	}
}

func TestGoodputHasItsInterval(t *testing.T) {
	tr := trial()
	tr.Workload.DurationS, tr.Workload.SLO = 20, map[string]float64{"ttft": 0.1}
	run := func(slow func(i int) bool) *Goodput {
		var records []*record.Record
		for i := range 2000 {
			at, ttft := 2+float64(i)/100, 0.05
			if slow(i) {
				ttft = 0.15
			}
			records = append(records, measuredAt(at, ttft))
		}
		return Merge(tr, []*Part{throughJSON(t, collect(tr, 0, 1, records...))}).Goodput
	}
	even := run(func(i int) bool { return i%20 == 0 })
	if *even.Ratio != 0.95 || *even.Deff > 1.01 || math.Abs(even.RatioCI95[0]-0.9396) > 1e-3 || math.Abs(even.RatioCI95[1]-0.9587) > 1e-3 {
		t.Errorf("one in twenty is slow: %v, %v, deff %v", *even.Ratio, even.RatioCI95, *even.Deff)
	}
	stall := run(func(i int) bool { return i/100 == 10 })
	if *stall.Ratio != 0.95 || *stall.Deff < 50 || stall.RatioCI95[0] > 0.85 {
		t.Errorf("a second of twenty is slow: %v, %v, deff %v", *stall.Ratio, stall.RatioCI95, *stall.Deff)
	}
	if all := run(func(int) bool { return false }); *all.Ratio != 1 || all.Deff != nil || all.RatioCI95[1] != 1 {
		t.Errorf("none is slow: %v, %v", *all.Ratio, all.RatioCI95)
	}
}

package summary

import (
	"fmt"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
)

func TestFactsAreSaidInWords(t *testing.T) {
	tr := trial()
	tr.Workload.DurationS = 60
	records := settling(15, 6)
	for i, r := range records {
		r.Endpoint, r.Graded, r.Right = i%2, true, i%4 > 0
		r.ServerPrompt, r.ServerDecode = 0.0123, 0.15
	}
	s := Merge(tr, []*Part{over(tr, 2, records)})
	s.Search = &Search{Holds: new(12.5), Fails: new(14.0), Attain: 0.99, Confidence: 0.95, WhyEnded: "8 probes were made", Probes: make([]Probe, 8)}
	var text strings.Builder
	for _, f := range s.Facts() {
		fmt.Fprintf(&text, "%s: %s\n", f[0], f[1])
	}
	for _, want := range []string{
		"search: at least 12.5 requests/s hold, 14.0 fail (8 probes; 99 % of the requests within the SLO, with 95 % confidence): 8 probes were made\n",
		"accuracy: 75.", "in flight: 4 of 2 in the mean; rate × latency is ", "steady state: from ", "the mean E2EL -", "(MSER-5 over 60 batches of 1 s, rate and mean E2EL)\n",
		"server says: p50 of prompt 12.3 ms, decode 150 ms, outside ", "endpoints: http://e1: ", " requests/s, 0 failed, TTFT p50 ", "; http://e2: ",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the facts lack %q:\n%s", want, text.String())
		}
	}
	if got := s.Spans(); !strings.HasPrefix(got, "95 % intervals within this run, in ms: TTFT p50 ") || !strings.Contains(got, " · E2EL p50 ") {
		t.Errorf("intervals: %q", got)
	}
}

func TestNothingToSayHasNoRow(t *testing.T) {
	if s := Merge(trial(), nil); len(s.Facts()) > 0 || s.Spans() != "" {
		t.Errorf("%q, %q", s.Facts(), s.Spans())
	}
	s := Merge(trial(), []*Part{collect(trial(), 0, 1, failed(4, record.Refused))})
	if got := s.Facts(); len(got) != 2 || !strings.HasPrefix(got[1][1], "not known: the window is too short") {
		t.Errorf("%q", got)
	}
}

func TestAnIntervalsMissingEndIsAQuestion(t *testing.T) {
	for want, i := range map[string]Interval{"1.00–2.00": {Low: new(Value(0.001)), High: new(Value(0.002))}, "1.00–?": {Low: new(Value(0.001))},
		"?–2.00": {High: new(Value(0.002))}, "?–?": {}} {
		if got := i.Words(1e3); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

package report

import (
	"encoding/csv"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
)

func TestALoneTrialHasItsIntervalsWithinTheRun(t *testing.T) {
	f := newTree(t)
	f.trial("41", "k", trialOf("0001", 8, "openai-chat", 1), nil)
	f.trial("41", "k", trialOf("0002", 32, "openai-chat", 1), late)
	text := report(t, "", f.dir)
	for _, part := range []string{"Numbers, with their 95 % intervals within the run", "36.8 (36.8–36.9)", "† of a client-bound trial"} {
		if !strings.Contains(text, part) {
			t.Errorf("report.txt lacks %q:\n%s", part, text)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, f.dir, "summary.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string]string{}
	for i, head := range rows[0] {
		cells[head] = rows[1][i]
	}
	for head, want := range map[string]string{"steady": "yes", "accuracy": "", "cold_starts": "", "server_load_s_p50": "", "in_flight": "8", "client": "ok",
		"ttft_s_p50_ci95_low": cells["ttft_s_p50"], "search_found": "", "kernel_lag_s_p99": ""} {
		if got := cells[head]; got != want && !strings.HasPrefix(got, "7.9") {
			t.Errorf("%s is %q, want %q", head, got, want)
		}
	}
	if got := rows[2][slices.Index(rows[0], "client")]; got != "client-bound" {
		t.Errorf("client is %q", got)
	}
}

// A client-bound trial is told in every output.
func TestAClientBoundTrialIsMarkedEverywhere(t *testing.T) {
	f := newTree(t)
	f.trial("41", "k", trialOf("0001", 8, "openai-chat", 1), late)
	text := report(t, "", f.dir)
	if n := strings.Count(text, "p99 of lateness 50.1 ms is over 10 ms"); n != 1 || !strings.Contains(text, "0 valid, 0 marked, 1 client-bound") {
		t.Errorf("said %d times:\n%s", n, text)
	}
	for name, part := range map[string]string{"report.html": `<span class="tag client-bound">client-bound</span>`, "summary.csv": ",client-bound,client-bound: p99 of lateness"} {
		if !strings.Contains(read(t, f.dir, name), part) {
			t.Errorf("%s lacks %q", name, part)
		}
	}
}

func TestEndpointsAndNodesHaveTables(t *testing.T) {
	f := newTree(t)
	tr := trialOf("0001", 8, "openai-chat", 1)
	f.trial("41", "k", tr, nil)
	p := measured(tr, nil)
	other := measured(tr, func(r *record.Record, _ int) { r.FirstToken += 0.001 })
	other.Node, other.Part = "host-9", 1
	for _, of := range []*summary.Part{p, other} {
		of.Parts = 2
		of.Endpoints = []summary.Endpoint{{URL: "http://e1", Due: of.Phases["measure"], Latency: of.Latency}, {URL: "http://e2"}}
	}
	merged := summary.Merge(tr, []*summary.Part{p, other})
	merged.Search = &summary.Search{Found: new(20.0), Holds: new(20.0), Fails: new(21.0), Attain: 0.99, Confidence: 0.95, WhyEnded: "precise enough",
		Probes: []summary.Probe{{Rate: 20, N: 300, Good: 299, ShareGood: new(299.0 / 300), Verdict: summary.ProbeHolds}, {Rate: 21, N: 300, Good: 90, Verdict: summary.ProbeFails, Why: "client-bound"}}}
	f.writeJSON(merged, "41", "0001", "summary.json")
	if text := report(t, "", f.dir); !strings.Contains(text, "highest requests/s") {
		t.Errorf("report.txt lacks what the search found:\n%s", text)
	}
	page := read(t, f.dir, "report.html")
	for _, part := range []string{"<td>host-9</td>", "<th>client node</th>", "<th>endpoint</th>", "<th scope=\"row\">client nodes</th>",
		"<th scope=\"row\">search</th>", "<th>probe</th>", `<td class="right">99.7</td>`, "20.0 requests/s hold, 21.0 fail (2 probes"} {
		if !strings.Contains(page, part) {
			t.Errorf("report.html lacks %q", part)
		}
	}
}

func TestManyTrialsAreDrawnInPart(t *testing.T) {
	r := load(t, func(f tree) {
		for i := range maxTrials + 2 {
			f.trial("41", "k", trialOf(fmt.Sprintf("%04d", i+1), 1, "openai-chat", i+1), nil)
		}
		f.write("no header\n", "41", "0001", summary.SeriesFile)
	})
	views, note, notes := r.oneByOne()
	if len(views) != maxTrials || !strings.Contains(note, "The first 40 of 42 trials") || len(notes) != 1 || !strings.Contains(notes[0], filepath.Join("0001", "series.csv")) {
		t.Errorf("%d views, %q, %q", len(views), note, notes)
	}
	if len(views[0].Charts) != 0 || len(views[1].Charts) != 4 || len(views[1].Charts[0].Bands) != 1 {
		t.Errorf("%d and %d charts", len(views[0].Charts), len(views[1].Charts))
	}
}

func TestLongTrialsAreThinned(t *testing.T) {
	s := seconds{columns: map[string][]float64{}}
	for i := range 1000 {
		s.at, s.measured = append(s.at, float64(2*i)), append(s.measured, 1)
		s.columns["ok"] = append(s.columns["ok"], 6)
	}
	c := s.chart("x", rate, []curveOf{{"ok", "ended ok", "solid", true}})
	if n := strings.Count(c.Lines[0].Path, "L") + 1; n > maxSeconds || n < maxSeconds/2 {
		t.Errorf("%d places", n)
	}
	if c.YTicks[len(c.YTicks)-1].Label != "3" { // 6 in two seconds
		t.Errorf("ticks %+v", c.YTicks)
	}
}

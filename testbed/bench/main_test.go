package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/workload"
	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/sheet"
	"hpcbench/testbed/bench/truth"
)

// The documents have a place for the tables, and each part of a table has a name that -only can choose.
func TestDocumentsHaveAPlaceForTheTables(t *testing.T) {
	b := &bench{}
	for _, name := range []string{"speed", "watching", "accuracy"} {
		d := b.document(name)
		text, err := os.ReadFile(filepath.Join("../..", d.file))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sheet.Place(string(text), name, "table"); err != nil {
			t.Errorf("%s: %v", d.file, err)
		}
		for _, p := range d.parts {
			if !strings.Contains(string(text), "`"+p.name+"`") {
				t.Errorf("%s does not name the part `%s`", d.file, p.name)
			}
		}
	}
}

func TestHolds(t *testing.T) {
	for _, c := range []struct {
		value, goal float64
		want        string
	}{{5, 0, ""}, {5, 5, "yes"}, {4.9, 5, "**no**"}} {
		if got := holds(c.value, c.goal); got != c.want {
			t.Errorf("%v of %v: %q", c.value, c.goal, got)
		}
	}
}

// The core was half as fast in the second round for both: the ratio does not see it.
func TestARaceComparesRoundByRound(t *testing.T) {
	r := newRace()
	for _, v := range []struct{ ours, theirs, ourCore, theirCore float64 }{{300, 100, 2, 2}, {150, 50, 1, 1}, {150, 100, 1, 2}} {
		r.add("agent load", v.ours, v.ourCore)
		r.add("wrk", v.theirs, v.theirCore)
	}
	r.add("slow", 10, 1)
	r.bad["gone"] = os.ErrNotExist
	for theirs, want := range map[string]string{
		"wrk":  "w | wrk | 150 | 100 | 3.00 (3.00–3.00) | ≥ 5 | **no**",
		"slow": "w | slow | 150 | 10.0 | 15.0 | ≥ 5 | yes",
		"gone": "w | gone |  |  |  |  | skipped: file does not exist",
	} {
		if got := strings.Join(r.row("w", "agent load", theirs, 5), " | "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	if got := span(2, []float64{3, 1, 2}); got != "2.00 (1.00–3.00)" {
		t.Errorf("got %s", got)
	}
	if got := span(2, []float64{2}); got != "2.00" {
		t.Errorf("got %s", got)
	}
}

func TestReadsWhatProgramsPrint(t *testing.T) {
	if got := metric("# TYPE dummy_requests_total counter\ndummy_requests_total 42\n", "dummy_requests_total"); got != 42 {
		t.Errorf("metric %d", got)
	}
	if got, err := benchmark("goos: linux\nBenchmarkMerge64-2   \t 3\t  7301345 ns/op\nPASS\n", "BenchmarkMerge64"); err != nil || got != 0.007301345 {
		t.Errorf("benchmark %v, error %v", got, err)
	}
	if _, err := benchmark("PASS\n", "BenchmarkMerge64"); err == nil {
		t.Error("no benchmark, and no error")
	}
}

const records = `{"schema":1,"trial":"load","node":"n","start_unix_ns":1000000000}
{"id":3,"scheduled":0.4,"sent":0.5,"first_token":0.6,"last_token":0.8,"done":0.9,"outcome":"ok","gaps":[0.1,0.1]}
{"id":4,"sent":0.5,"done":0.7,"outcome":"ok"}
`

func TestReadsTheAgentsRecords(t *testing.T) {
	for _, c := range []struct {
		failed string
		stream bool
		e2el   float64
	}{{"0", true, 0.3}, {"0", false, 0.4}, {"2", true, 0}} {
		dir := t.TempDir()
		write(t, dir, "out/summary.json", `{"duration_s":2,"requests":{"failed":`+c.failed+`},"throughput":{"requests_per_s":7}}`)
		write(t, dir, "out/records.jsonl", records)
		r, err := agentResult(peer.Load{Dir: dir, Stream: c.stream})
		if c.failed != "0" {
			if err == nil || !strings.Contains(err.Error(), "2 requests failed") {
				t.Errorf("error %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Lateness) != 1 || near(r.Lateness[0], 0.1) {
			t.Errorf("lateness %v", r.Lateness)
		}
		if r.Rate != 7 || r.From != 1e9 || r.To != 3e9 || len(r.Requests) != 2 {
			t.Errorf("result %+v", r)
		}
		m := r.Requests[0]
		if m.ID != "load-n-3" || len(m.Gaps) != 2 || near(*m.TTFT, 0.1) || near(*m.E2EL, c.e2el) {
			t.Errorf("streamed %v: %+v, TTFT %v, E2EL %v", c.stream, m, *m.TTFT, *m.E2EL)
		}
		if r.Requests[1].TTFT != nil {
			t.Error("a request without a first token has a TTFT")
		}
	}
}

// near tells whether two numbers are apart.
func near(a, b float64) bool { return a-b > 1e-9 || b-a > 1e-9 }

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRowsOfErrors(t *testing.T) {
	e := truth.Errors{Joined: 2, TTFT: []float64{-0.001, 0.0005}, Gap: []float64{0.002}, E2EL: []float64{0.001, 0.001}, Means: true}
	for goal, want := range map[time.Duration]string{
		0:                    "c | dummy | w | 2 | 0.500 / 1.00 / 1.00 | 2.00 / 2.00 / 2.00 (means) | 1.00 / 1.00 / 1.00 | – |  | ",
		time.Millisecond:     "c | dummy | w | 2 | 0.500 / 1.00 / 1.00 | 2.00 / 2.00 / 2.00 (means) | 1.00 / 1.00 / 1.00 | – | p99 of both ≤ 1ms | **no**",
		2 * time.Millisecond: "c | dummy | w | 2 | 0.500 / 1.00 / 1.00 | 2.00 / 2.00 / 2.00 (means) | 1.00 / 1.00 / 1.00 | – | p99 of both ≤ 2ms | yes",
	} {
		if got := strings.Join(errorRow("c", dummy, "w", e, "–", goal), " | "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestRateError(t *testing.T) {
	o := &outcome{lines: []truth.Line{
		{Arrived: 0, Unix: 100e9, Tokens: []int64{1e9}}, {Arrived: 1e9, Unix: 101e9, Tokens: []int64{2e9}},
	}}
	if got := rateError(o); got != "–" {
		t.Errorf("without a rate: %s", got)
	}
	o.result.Rate = 1.01
	if got := rateError(o); got != "+1.00 %" { // 2 requests in 2 s
		t.Errorf("from the first arrival to the last token: %s", got)
	}
	o.result.Rate, o.result.From, o.result.To = 0.25, 100e9, 102e9 // of which one ended
	if got := rateError(o); got != "-50.00 %" {
		t.Errorf("in a window: %s", got)
	}
}

func TestQuotesAllWords(t *testing.T) {
	if got := quoted([]string{"a", "b c"}); got != "'a' 'b c'" {
		t.Errorf("got %s", got)
	}
}

func TestPinned(t *testing.T) {
	b := &bench{agent: "agent"}
	c, err := pinned(b.agentLoad("--x").command, "1")(peer.Load{URL: "http://a", Tokens: 2, Concurrency: 3, Requests: 4, Dir: "/d"})
	if err != nil {
		t.Fatal(err)
	}
	want := "taskset -c 1 agent load --url http://a --model m --input-tokens 42 --max-tokens 2 --seed 1 --json --out /d/out --x --no-stream --concurrency 3 --requests 4"
	if got := strings.Join(c.Args, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Each way of watching has a name of its own, the first is none, and what executor and monitors are told is what they take.
func TestWaysOfWatching(t *testing.T) {
	names := map[string]bool{}
	for i, w := range watchings() {
		if names[w.name] || w.what == "" || (i == 0) != (w.monitor == 0 && w.watch.Schema == 0 && !w.scraped && !w.viewer && !w.logs) {
			t.Errorf("%d: %+v", i, w)
		}
		names[w.name] = true
		if w.watch.Server != nil {
			if _, err := workload.Sources(w.watch.Server.Map); err != nil {
				t.Errorf("%s: %v", w.name, err)
			}
		}
	}
	if rate, err := rateOf([]byte(`{"throughput":{"requests_per_s":12.5}}`)); err != nil || rate != 12.5 {
		t.Errorf("%v, %v", rate, err)
	}
	if _, err := rateOf([]byte(`{"throughput":{}}`)); err == nil {
		t.Error("no rate, and no error")
	}
}

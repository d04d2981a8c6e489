package logs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// begin is when the run of these tests began.
var begin = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

// testRun is a run of two nodes: cn1, the job's first, and cn2, whose clock is two seconds ahead.
func testRun(t *testing.T, more map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle", "results", "4711")
	files := map[string]string{
		"../../slurm-4711.out": "10:00:01 ── deploy\n10:00:20 FAILED: d1: gone\n  server.d1.1.cn2.log: quoted from there\n~10:00:02.000 INFO  cn2 server.d1.1 │ of the collector\n",
		"events.tsv": lines(
			"1795687200.0 phase initialise start", "1795687200.0 fact zone +0000",
			"1795687200.5 preflight cn1 clock ok the_other_nodes_compared_theirs_with_this_one",
			"1795687200.5 preflight cn2 clock warn this_node's_clock_is_2.000_s_ahead_of_the_first_node's,_give_or_take_0.1_ms",
			"1795687201.0 phase deploy start", "1795687201.0 deployment d1 start", "1795687204.0 deployment d1 ready",
			"1795687205.0 trial 0001 start c1", "1795687209.0 trial 0001 complete", "1795687210.0 trial 0002 start c2", "1795687219.0 trial 0002 failed gone",
			"1795687221.0 phase deploy end", "1795687222.0 exit 1"),
		"nodes.tsv":                "client\tcn1\t10.0.0.1\t20106\nserver\tcn2\t10.0.0.2\t20100\n",
		"ledger.tsv":               "0001\td1\t4\tmissing\tk\tc1\n0002\td1\t9\tmissing\tk\tc2\n",
		"logs/server.d1.1.cn2.log": "rank 0 of 1 on cn2 (10.0.0.2:20100): serve\n(A pid=1) INFO 11-26 10:00:09 [x.py:1] Received request chatcmpl-0001-cn1-17-ab: params\n(A pid=1) ERROR 11-26 10:00:13 [x.py:2] Traceback (most recent call last):\n  File x\nRuntimeError: gone\n",
		"logs/client.cn1.log":      `{"time":"2026-11-26T10:00:08Z","level":"WARN","message":"late","node":"cn1","component":"executor","category":"trial","trial":"0001"}` + "\nsrun: error: cn1: task 0: Exited with exit code 1\n",
		"logs/monitors.cn2.log":    `{"time":"2026-11-26T10:00:13.5Z","level":"ERROR","message":"NVRM: Xid 79","node":"cn2","component":"kernel","category":"system"}` + "\n",
		"0001/cn1/records.jsonl":   `{"schema":1,"trial":"0001","node":"cn1","dialect":"openai-chat","seed":1,"start_unix_ns":1795687206000000000,"clock_offset_s":0,"gaps_every":1,"gaps_whole":0}` + "\n" + `{"id":17,"phase":"measure","endpoint":0,"scheduled":0.5,"sent":0.6,"first_token":0.7,"last_token":0.9,"done":0.9,"outcome":"ok","status":200,"output_tokens":3,"bytes":1}` + "\n",
	}
	for name, text := range more {
		files[name] = text
	}
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, begin, begin.Add(21*time.Second)); err != nil {
		t.Fatal(err)
	}
}

// lines makes rows of words, "_" standing for a blank in a word.
func lines(rows ...string) string {
	return strings.NewReplacer(" ", "\t", "_", " ").Replace(strings.Join(rows, "\n")) + "\n"
}

// told are the entries of a run that pass, in short.
func told(t *testing.T, r *Run, f Filter) (all []string) {
	t.Helper()
	entries, problem := r.Entries()
	for e := range entries {
		if f.Wants(e) {
			all = append(all, e.Text(time.UTC))
		}
	}
	if err := problem(); err != nil {
		t.Error(err)
	}
	return all
}

func TestARunIsMergedByTheClockOfItsFirstNode(t *testing.T) {
	got := told(t, Open(testRun(t, nil)), Filter{})
	want := []string{
		" 10:00:01.000 INFO  cn1 job: ── deploy (../../slurm-4711.out:1)",
		"~10:00:01.000 INFO  cn2 server.d1.1: rank 0 of 1 on cn2 (10.0.0.2:20100): serve (logs/server.d1.1.cn2.log:1)",
		" 10:00:07.000 INFO  cn2 server.d1.1 0001-cn1-17: (A pid=1) [x.py:1] Received request chatcmpl-0001-cn1-17-ab: params (logs/server.d1.1.cn2.log:2)",
		" 10:00:08.000 WARN  cn1 client 0001: late category=trial (logs/client.cn1.log:1)",
		" 10:00:11.000 ERROR cn2 server.d1.1 0002: (A pid=1) [x.py:2] Traceback (most recent call last): (logs/server.d1.1.cn2.log:3)",
		"~10:00:11.000 ERROR cn2 server.d1.1 0002:   File x (logs/server.d1.1.cn2.log:4)",
		"~10:00:11.000 ERROR cn2 server.d1.1 0002: RuntimeError: gone (logs/server.d1.1.cn2.log:5)",
		" 10:00:11.500 ERROR cn2 kernel 0002: NVRM: Xid 79 (logs/monitors.cn2.log:1)",
		" 10:00:20.000 ERROR cn1 job: FAILED: d1: gone (../../slurm-4711.out:2)",
		"~10:00:21.000 ERROR cn1 slurm: srun: error: cn1: task 0: Exited with exit code 1 (logs/client.cn1.log:2)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFilters(t *testing.T) {
	r := Open(testRun(t, nil))
	around := func(text string, within time.Duration) Filter {
		at, err := r.Job.Around(text)
		if err != nil {
			t.Fatal(err)
		}
		return Filter{From: at.Add(-within), To: at.Add(within)}
	}
	request, err := ParseRequest("1-17")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		f     Filter
		lines int
		has   string
	}{
		{"trial", Filter{Trial: "2"}, 4, "Xid 79"},
		{"node", Filter{Node: "cn2"}, 6, "rank 0 of 1"},
		{"level", Filter{Level: Warn}, 7, "late"},
		{"category", Filter{Category: System}, 2, "Exited"},
		{"component", Filter{Component: "server.d1"}, 5, "File x"},
		{"another start", Filter{Component: "server.d1.2"}, 0, ""},
		{"around", around("10:00:08", time.Second), 2, "late"},
		{"around a date", around("2026-11-26 10:00:20", time.Second), 2, "FAILED"},
		{"request", Filter{Request: request}, 1, "chatcmpl"},
		{"two of them", Filter{Trial: "0002", Level: Error, Component: "kernel"}, 1, "Xid"},
	} {
		got := told(t, r, c.f)
		if len(got) != c.lines || !strings.Contains(strings.Join(got, "\n"), c.has) {
			t.Errorf("%s: %d lines, want %d with %q:\n%s", c.name, len(got), c.lines, c.has, strings.Join(got, "\n"))
		}
	}
	for _, wrong := range []string{"", "17", "a-b", "1-x", "1-cn1-", "1.x-3"} {
		if _, err := ParseRequest(wrong); err == nil {
			t.Errorf("%q is a request", wrong)
		}
	}
	if _, err := r.Job.Around("noon"); err == nil {
		t.Error("noon is a time")
	}
}

func TestTheRecordOfARequest(t *testing.T) {
	r := Open(testRun(t, nil))
	all, err := r.Records(&Request{Trial: "1", Index: "17"})
	want := " 10:00:06.600 INFO  cn1 client 0001-cn1-17: record: ok · measure · lateness 100.0 ms · TTFT 100.0 ms · E2EL 300.0 ms · done after 300.0 ms · HTTP 200 · 3 tokens (0001/cn1/records.jsonl:2)"
	if err != nil || len(all) != 1 || all[0].Text(time.UTC) != want {
		t.Errorf("%v, %v, want %s", all, err, want)
	}
}

func TestTheNewestRunOfABundle(t *testing.T) {
	dir := testRun(t, nil)
	for _, path := range []string{dir, filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if got, err := Find(path); err != nil || got != dir {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
	if _, err := Find(t.TempDir()); err == nil {
		t.Error("an empty directory has a run")
	}
}

// A container may have a zone of its own: what would be before the job began is UTC.
func TestTimesOfAContainerWithoutAZone(t *testing.T) {
	j := testJob()
	j.Begin, j.End = begin, begin.Add(time.Hour)
	for text, want := range map[string]time.Time{
		"2026-11-26 11:05:00,5 INFO x":          begin.Add(5*time.Minute + 500*time.Millisecond), // the nodes' zone, an hour ahead
		"2026-11-26 10:05:00,5 INFO x":          begin.Add(5*time.Minute + 500*time.Millisecond), // UTC
		"(E pid=1) INFO 11-26 10:05:00 [x:1] x": begin.Add(5 * time.Minute),
	} {
		p := NewParser(Source{File: "x", Rank: -1}, j, j.Begin, nil)
		if e := p.Entry([]byte(text), ""); !e.Time.Equal(want) {
			t.Errorf("%s: %v, want %v", text, e.Time, want)
		}
	}
}

// A container may have UTC where its node is behind it: in a run that goes on, what would be in the future is UTC.
func TestTimesFromTheFuture(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	j := &Job{Zone: time.FixedZone("-0500", -5*3600), Begin: now.Add(-time.Minute)}
	for _, zone := range []*time.Location{time.UTC, j.Zone} {
		p := NewParser(Source{File: "x", Rank: -1}, j, j.Begin, nil)
		if e := p.Entry([]byte(now.In(zone).Format("2006-01-02 15:04:05")+" INFO x"), ""); !e.Time.Equal(now) {
			t.Errorf("%v: %v, want %v", zone, e.Time, now)
		}
	}
}

// A time since the program's start is by the first node's clock, as the start is, and is not corrected by its node's.
func TestTimesSinceTheStart(t *testing.T) {
	p := NewParser(Source{File: "x", Node: "cn08", Rank: -1}, testJob(), begin, nil)
	for _, text := range []string{"0.03.000.000 I srv x", "  of the same"} {
		if e := p.Entry([]byte(text), ""); !e.Time.Equal(begin.Add(3 * time.Second)) {
			t.Errorf("%q: %v", text, e.Time)
		}
	}
}

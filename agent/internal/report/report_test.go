package report

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with testdata/name, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", name, got)
	}
}

// report writes the report of dirs and gives its text.
func report(t *testing.T, out string, dirs ...string) string {
	t.Helper()
	var text bytes.Buffer
	if err := Write(dirs, out, &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestJobsMergeByTheLedger(t *testing.T) {
	f := twoJobs(t)
	text := report(t, "", f.dir)
	golden(t, "merged.txt", text)
	golden(t, "merged.csv", read(t, f.dir, "summary.csv"))
	if text != read(t, f.dir, "report.txt") {
		t.Error("report.txt is not what was printed")
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(line) - 1; n > columnsWide {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestOneJobIsReportedAlone(t *testing.T) {
	f := twoJobs(t)
	out := t.TempDir()
	golden(t, "alone.txt", report(t, out, filepath.Join(f.dir, "42")))
	rows, err := csv.NewReader(strings.NewReader(read(t, out, "summary.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 { // a head and 0002 0007 0008 0009 0010
		t.Errorf("summary.csv has %d lines", len(rows))
	}
	if slices.Index(rows[0], "concurrency") != len(identity) {
		t.Errorf("heads %q", rows[0])
	}
}

func TestThePageIsOneFileThatLoadsNothing(t *testing.T) {
	f := twoJobs(t)
	report(t, "", f.dir)
	page := read(t, f.dir, "report.html")
	for _, foreign := range []string{"http:", "https:", "<script", "@import", "url(", "src=", "<link", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(page, foreign) {
			t.Errorf("report.html contains %q", foreign)
		}
	}
	for _, part := range []string{"Requests per second", "Time to first token", "End-to-end latency", "Distribution of time to first token", ">openai-chat<",
		"CPU of the nodes", "job 42", "Trials, one by one", "Requests in flight", "seconds since the trial&#39;s start", ">measured<", "MSER-5 over 30 batches", "prefers-color-scheme: dark", "the server ended unasked", "host-3 (server)"} {
		if !strings.Contains(page, part) {
			t.Errorf("report.html lacks %q", part)
		}
	}
}

func TestHostileNamesAreText(t *testing.T) {
	f := newTree(t)
	tr := trialOf("0001", 1, "<script>alert(1)</script>", 1)
	tr.Name = `"><img src=x onerror=alert(1)>`
	f.trial("41", "k1", tr, nil)
	tr = trialOf("0002", 1, `=cmd,"x"`+"\n", 1)
	f.trial("41", "k1", tr, nil)
	report(t, "", f.dir)
	if page := read(t, f.dir, "report.html"); strings.Contains(page, "<script") || strings.Contains(page, "<img") {
		t.Error("a name became markup")
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, f.dir, "summary.csv"))).ReadAll()
	if err != nil || len(rows) != 3 || rows[2][6] != `=cmd,"x"`+"\n" {
		t.Errorf("rows %q, %v", rows, err)
	}
}

func TestTheTimeToTheAnswerHasColumnsWhereSomeReasoned(t *testing.T) {
	f := newTree(t)
	f.trial("41", "k1", trialOf("0001", 1, "openai-chat", 1), nil)
	f.trial("41", "k2", trialOf("0002", 1, "openai-chat", 2), thinks)
	report(t, "", f.dir)
	rows, err := csv.NewReader(strings.NewReader(read(t, f.dir, "summary.csv"))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("rows %q, %v", rows, err)
	}
	ttft, answer := slices.Index(rows[0], "ttft_s_min"), slices.Index(rows[0], "ttft_answer_s_min")
	if ttft < 0 || answer < 0 {
		t.Fatalf("heads %q", rows[0])
	}
	first, err := strconv.ParseFloat(rows[2][ttft], 64)
	own, err2 := strconv.ParseFloat(rows[2][answer], 64)
	if err != nil || err2 != nil || math.Abs(own-first-0.1) > 1e-6 || rows[1][answer] != "" {
		t.Errorf("without reasoning %q, with it %q after a TTFT of %q", rows[1][answer], rows[2][answer], rows[2][ttft])
	}
}

func TestWhatCannotBeReadIsLeftOutAndNamed(t *testing.T) {
	f := newTree(t)
	f.trial("41", "k1", trialOf("0001", 1, "openai-chat", 1), nil)
	f.write("{torn", "41", "0002", "summary.json")
	f.write("a\tb\n", "41", "nodes.tsv")
	f.write("no csv header\n", "41", "monitor-x.csv")
	f.write("1000\tphase\tinitialise\tstart\n", "41", "events.tsv")
	text := report(t, "", f.dir)
	for _, part := range []string{"1 trial planned: 1 valid", "0002/summary.json", "nodes.tsv:1"} {
		if !strings.Contains(strings.ReplaceAll(text, "\n  ", " "), part) {
			t.Errorf("the report lacks %q:\n%s", part, text)
		}
	}
	if !strings.Contains(read(t, f.dir, "report.html"), "no column time_s") {
		t.Error("report.html does not name the csv")
	}
}

func TestAJobThatFailedAtOnceHasAReport(t *testing.T) {
	f := newTree(t)
	f.events("41", "1000\tfact\tscenario\tdemo", "1000\tphase\tinitialise\tstart", "1003\tfailure\timage\t1\tno such image: /x.sif", "1003\texit\t1")
	f.ledger("41", "0001 d1 60 missing k1 c1-r1")
	golden(t, "failed.txt", report(t, "", filepath.Join(f.dir, "41")))
}

func TestNothingThereIsAnError(t *testing.T) {
	empty := t.TempDir()
	for _, dir := range []string{empty, filepath.Join(empty, "none")} {
		if err := Write([]string{dir}, "", new(bytes.Buffer)); err == nil {
			t.Errorf("%s: no error", dir)
		}
	}
}

func TestABrokenSummaryIsNamed(t *testing.T) {
	for _, text := range []string{"", "null", "{", `{"schema":1}`, "[]", `"text"`} {
		f := newTree(t)
		f.write(text, "summary.json")
		err := Write([]string{f.dir}, "", new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), "no results") || !strings.Contains(err.Error(), "summary.json") {
			t.Errorf("%q: %v, want no results, and the file", text, err)
		}
		f.trial("41", "k1", trialOf("0001", 1, "openai-chat", 1), nil)
		f.write(text, "41", "0002", "summary.json")
		if got := report(t, "", filepath.Join(f.dir, "41")); !strings.Contains(got, "1 trial planned: 1 valid") || strings.Count(got, "0002/summary.json") != 1 {
			t.Errorf("%q:\n%s", text, got)
		}
	}
}

func TestAgentLoadHasAReport(t *testing.T) {
	f := newTree(t)
	var dirs []string
	for name, concurrency := range map[string]int{"few": 2, "many": 32} {
		tr := trialOf("load", concurrency, "openai-chat", 1)
		tr.Point = nil
		f.trial(name, "", tr, nil)
		dirs = append(dirs, filepath.Join(f.dir, name, "load"))
	}
	for _, dir := range dirs { // as agent load leaves them: part.json beside summary.json
		f.write(read(t, dir, "host-2", "part.json"), filepath.Base(filepath.Dir(dir)), "load", "part.json")
		if err := os.RemoveAll(filepath.Join(dir, "host-2")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(dir, filepath.Dir(dir)+"-load"); err != nil {
			t.Fatal(err)
		}
	}
	text := report(t, "", filepath.Join(f.dir, "few-load"), filepath.Join(f.dir, "many-load"))
	if !strings.Contains(text, "2 trials planned: 2 valid") || !strings.Contains(text, "highest at concurrency 32") || strings.Contains(text, "Jobs") {
		t.Errorf("report:\n%s", text)
	}
	if !strings.Contains(read(t, f.dir, "few-load", "report.html"), "Distribution of time to first token") {
		t.Error("the page has no distribution")
	}
}

func TestAResultDeletedIsMissing(t *testing.T) {
	f := twoJobs(t)
	if err := os.RemoveAll(filepath.Join(f.dir, "41", "0003")); err != nil {
		t.Fatal(err)
	}
	r, err := Load([]string{f.dir})
	if err != nil {
		t.Fatal(err)
	}
	if r.trials[2].ID != "0003" || r.trials[2].Class != Missing {
		t.Errorf("trial %+v", r.trials[2])
	}
	if err := os.RemoveAll(filepath.Join(f.dir, "41")); err != nil {
		t.Fatal(err)
	}
	if r, err = Load([]string{f.dir}); err != nil {
		t.Fatal(err)
	}
	if r.trials[3].Class != Earlier {
		t.Errorf("of a job that is gone: %+v", r.trials[3])
	}
}

func TestAnotherPlansResultsAreStale(t *testing.T) {
	f := newTree(t)
	f.events("41", "1000\tfact\tplan\told", "1000\tphase\tinitialise\tstart", "1001\texit\t0")
	f.events("42", "2000\tfact\tplan\tnew", "2000\tphase\tinitialise\tstart", "2001\texit\t0")
	f.ledger("41", "0001 d1 60 missing k1 a", "0002 d1 60 missing k2 b")
	f.ledger("42", "0001 d1 60 missing n1 a")
	f.trial("41", "k1", trialOf("0001", 1, "openai-chat", 1), nil)
	f.trial("41", "k2", trialOf("0002", 1, "openai-chat", 1), nil)
	f.trial("42", "n1", trialOf("0001", 1, "openai-chat", 1), nil)
	text := report(t, "", f.dir)
	if !strings.Contains(text, "1 trial planned: 1 valid") || !strings.Contains(text, "job 41: 2 stale results left out") {
		t.Errorf("report:\n%s", text)
	}
}

// restarts is a sweep of these loads in two repetitions on each of three starts of the server, but for the last trial.
func restarts(t *testing.T, loads ...int) tree {
	f, id := newTree(t), 0
	for restart := 1; restart <= 3; restart++ {
		for _, concurrency := range loads {
			for repetition := 1; repetition <= 2; repetition++ {
				if id++; id == 6*len(loads) {
					break
				}
				tr := trialOf(fmt.Sprintf("%04d", id), concurrency, "openai-chat", repetition)
				tr.Restart = restart
				f.trial("41", "k", tr, nil)
			}
		}
	}
	return f
}

func TestRestartsAreNoRepetitions(t *testing.T) {
	f := restarts(t, 1, 8)
	golden(t, "restarts.txt", report(t, "", f.dir))
	r, err := Load([]string{f.dir})
	if err != nil {
		t.Fatal(err)
	}
	s := r.points[0].of(ttft50)
	var means []float64
	for start := range 3 {
		a, _ := ttft50.of(r.points[0].trials[2*start].Summary)
		b, _ := ttft50.of(r.points[0].trials[2*start+1].Summary)
		means = append(means, (a+b)/2)
	}
	within := 0.02 * 0.022 * 1.2 / math.Sqrt2 // two repetitions that are 2 % apart, by the mean start
	if s.n != 6 || math.Abs(s.sd/within-1) > 0.05 || math.Abs(s.starts-math.Sqrt(deviations(means)/2)) > 1e-12 || s.starts < 3*s.sd {
		t.Errorf("%+v, want %v within a start, and means %v", s, within, means)
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, f.dir, "summary.csv"))).ReadAll()
	if err != nil || rows[0][5] != "restart" || rows[11][5] != "3" || rows[11][4] != "1" {
		t.Errorf("rows %q, %v", rows, err)
	}
	page := read(t, f.dir, "report.html")
	for _, part := range []string{"between repetitions on one server start / between server starts (of their means)", "bars ± standard deviation of the means of the server starts"} {
		if !strings.Contains(page, part) {
			t.Errorf("report.html lacks %q", part)
		}
	}
	f = restarts(t, 4)
	report(t, "", f.dir)
	if page := read(t, f.dir, "report.html"); !strings.Contains(page, "Distribution of time to first token, by server start") || !strings.Contains(page, ">start 3<") {
		t.Error("report.html has no distribution of each start")
	}
}

func TestTrialsThatNoJobCameToAreMissing(t *testing.T) {
	f := newTree(t)
	f.dir = filepath.Join(f.dir, "results")
	f.events("41", "1000\tfact\tplan\tp1", "1000\tphase\tinitialise\tstart", "1001\texit\t0")
	f.ledger("41", "0001 d1 60 missing k1 a")
	f.trial("41", "k1", trialOf("0001", 1, "openai-chat", 1), nil)
	f.write("# plan p1\n0001\td1\t60\ta\n0002\td2\t60\tb\n", "..", "trials", "index.tsv")
	if text := report(t, "", f.dir); !strings.Contains(text, "2 trials planned: 1 valid") || !strings.Contains(text, "missing: 0002") {
		t.Errorf("report:\n%s", text)
	}
	f.write("# plan p2\n0001\td1\t60\ta\n0002\td2\t60\tb\n", "..", "trials", "index.tsv")
	if text := report(t, "", f.dir); !strings.Contains(text, "1 trial planned: 1 valid") {
		t.Errorf("the index is of a plan that nobody ran:\n%s", text)
	}
}

package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hpcbench/agent/workload"
)

// collected runs a collector to its end over what is there and gives its console and its own log.
func collected(t *testing.T, dir string, l workload.Logs) (console, own string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return collectedFor(ctx, dir, l)
}

func collectedFor(ctx context.Context, dir string, l workload.Logs) (string, string) {
	var console, own bytes.Buffer
	cfg := Config{Logs: l, Run: Open(dir), Log: slog.New(slog.NewJSONHandler(&own, nil))}
	if l.Console {
		cfg.Console = &console
	}
	cfg.FlushS, cfg.SizeMB = 0.5, max(1, l.SizeMB)
	Collect(ctx, cfg)
	return console.String(), own.String()
}

// entriesOf are the entries of a file of JSON lines.
func entriesOf(t *testing.T, path string) (all []Entry) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %q: %v", path, line, err)
		}
		all = append(all, e)
	}
	return all
}

func jsonFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "logs", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		names = append(names, filepath.Base(path))
	}
	return names
}

func TestCollectedFiles(t *testing.T) {
	for _, c := range []struct {
		name  string
		logs  workload.Logs
		files string
	}{
		{"merged", workload.Logs{JSONLines: true, Aggregation: "merged"}, "aggregated.jsonl"},
		{"per node", workload.Logs{JSONLines: true, Aggregation: "per-node"}, "node.cn1.jsonl node.cn2.jsonl"},
		{"each", workload.Logs{JSONLines: true, Aggregation: "none"}, "client.cn1.jsonl monitors.cn2.jsonl server.d1.1.cn2.jsonl slurm-4711.jsonl"},
		{"system alone", workload.Logs{JSONLines: true, Aggregation: "none", Categories: []string{"system"}}, "client.cn1.jsonl monitors.cn2.jsonl"},
		{"none", workload.Logs{Console: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := testRun(t, nil)
			before := rawFiles(t, dir)
			collected(t, dir, c.logs)
			if got := strings.Join(jsonFiles(t, dir), " "); got != c.files {
				t.Errorf("%q, want %q", got, c.files)
			}
			for _, name := range jsonFiles(t, dir) {
				all := entriesOf(t, filepath.Join(dir, "logs", name))
				if !slices.IsSortedFunc(all, func(a, b Entry) int { return a.Time.Compare(b.Time) }) {
					t.Errorf("%s is not in the order of time", name)
				}
			}
			if after := rawFiles(t, dir); !slices.Equal(before, after) {
				t.Errorf("the raw files changed: %q, were %q", after, before)
			}
		})
	}
}

// rawFiles are the logs with their content.
func rawFiles(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, s := range Open(dir).Sources() {
		text, err := os.ReadFile(s.Path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s.File+string(text))
	}
	return all
}

func TestTheConsoleOfACollector(t *testing.T) {
	dir := testRun(t, nil)
	text, _ := collected(t, dir, workload.Logs{Console: true, Format: "text", Categories: []string{"system"}})
	if want := " 10:00:11.500 ERROR cn2 kernel 0002 │ NVRM: Xid 79\n"; !strings.Contains(text, want) {
		t.Errorf("%q, want %q", text, want)
	}
	asJSON, _ := collected(t, testRun(t, nil), workload.Logs{Console: true, Format: "json"})
	for line := range strings.Lines(text + asJSON) {
		if !isConsole([]byte(strings.TrimSuffix(line, "\n"))) {
			t.Errorf("%q is taken for a line of the job script", line)
		}
	}
	if strings.Contains(asJSON, "── deploy") {
		t.Error("the job's own output is written into it once more")
	}
}

// What one collector has read the next one does not read again; it knows the time that a file told last.
func TestACollectorGoesOnWhereAnotherDied(t *testing.T) {
	dir := testRun(t, nil)
	l := workload.Logs{JSONLines: true, Aggregation: "none"}
	collected(t, dir, l)
	first := entriesOf(t, filepath.Join(dir, "logs", "server.d1.1.cn2.jsonl"))
	f, err := os.OpenFile(filepath.Join(dir, "logs", "server.d1.1.cn2.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, "without a time")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	collected(t, dir, l)
	all := entriesOf(t, filepath.Join(dir, "logs", "server.d1.1.cn2.jsonl"))
	last := all[len(all)-1]
	if len(all) != len(first)+1 || last.Message != "without a time" || last.Line != 6 || last.Level != Error || !last.Time.Equal(first[len(first)-1].Time) {
		t.Errorf("%d entries, then %d; the last is %+v", len(first), len(all), last)
	}
}

// Lines that come while the job runs, of files that come, in the order of time though one log is read later than another.
func TestACollectorFollows(t *testing.T) {
	dir := testRun(t, nil)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for k := range 50 {
				time.Sleep(100 * time.Millisecond)
				for _, node := range []string{"cn1", "cn2"} {
					at := begin.Add(time.Duration(k) * 100 * time.Millisecond).Format(time.RFC3339Nano)
					appendTo(t, filepath.Join(dir, "logs", "server.d2.1."+node+".log"), fmt.Sprintf(`{"time":%q,"level":"INFO","message":"%d"}`+"\n", at, k))
				}
			}
			cancel()
		}()
		_, own := collectedFor(ctx, dir, workload.Logs{JSONLines: true, Aggregation: "merged"})
		if own != "" {
			t.Errorf("it says: %s", own)
		}
	})
	all := entriesOf(t, filepath.Join(dir, "logs", "aggregated.jsonl"))
	count := 0
	for _, e := range all {
		if e.Name == "d2.1" {
			count++
		}
	}
	if count != 100 || !slices.IsSortedFunc(all, func(a, b Entry) int { return a.Time.Compare(b.Time) }) {
		t.Errorf("%d of 100 entries, in the order of time: %v", count, slices.IsSortedFunc(all, func(a, b Entry) int { return a.Time.Compare(b.Time) }))
	}
}

func appendTo(t *testing.T, path, text string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

func TestACollectorThatCantWriteSaysItOnce(t *testing.T) {
	dir := testRun(t, nil)
	if err := os.MkdirAll(filepath.Join(dir, "logs", "aggregated.jsonl"), 0o755); err != nil { // a full disk is as little to be written to
		t.Fatal(err)
	}
	_, own := collected(t, dir, workload.Logs{JSONLines: true, Aggregation: "merged"})
	if strings.Count(own, "they are lost until there is room again") != 1 || !strings.Contains(own, `"entries were not written","entries":10`) {
		t.Error(own)
	}
}

func TestJSONLinesStayBelowASizeAndAnAge(t *testing.T) {
	var text strings.Builder
	for k := range 20_000 {
		fmt.Fprintf(&text, `{"time":%q,"level":"INFO","message":"line %d %s"}`+"\n", begin.Add(time.Duration(k)*time.Millisecond).Format(time.RFC3339Nano), k, strings.Repeat("x", 60))
	}
	dir := testRun(t, map[string]string{"logs/server.d1.1.cn2.log": text.String()})
	collected(t, dir, workload.Logs{JSONLines: true, Aggregation: "merged", SizeMB: 1})
	var size int64
	for _, name := range jsonFiles(t, dir) {
		info, err := os.Stat(filepath.Join(dir, "logs", name))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 1<<20 || size < 1<<19 {
		t.Errorf("%d bytes in %q", size, jsonFiles(t, dir))
	}
	all := entriesOf(t, filepath.Join(dir, "logs", "aggregated.jsonl"))
	if !slices.ContainsFunc(all, func(e Entry) bool { return strings.HasPrefix(e.Message, "line 19999") }) {
		t.Errorf("the newest are gone: the last is %+v", all[len(all)-1])
	}
}

func TestARingLetsGoOfWhatIsTooOld(t *testing.T) {
	r := newRing(filepath.Join(t.TempDir(), "aggregated.jsonl"))
	now := begin
	step := func(text string, wait time.Duration) {
		t.Helper()
		if err := r.write([]byte(text), 1<<20, now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(wait)
		if err := r.age(time.Hour, now); err != nil {
			t.Fatal(err)
		}
	}
	step("one\n", 31*time.Minute)
	step("two\n", time.Minute)
	if _, err := os.Stat(r.past); err != nil {
		t.Error("what is half an hour old is gone already")
	}
	step("three\n", 31*time.Minute)
	if text, err := os.ReadFile(r.past); err != nil || string(text) != "two\nthree\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// given is a collector that has these entries, once.
type given []Entry

func (g *given) Round(_ bool, give func(Entry)) (bool, error) {
	for _, e := range *g {
		give(e)
	}
	*g = nil
	return false, nil
}

func (g *given) Marks() map[string]Mark { return nil }
func (g *given) Close()                 {}

// Young entries are kept back for older ones that come later; those that say they are from the future are not, or they would fill
// the memory until then.
func TestWhatIsKeptBack(t *testing.T) {
	now := begin.Add(time.Minute)
	from := given{{Time: now.Add(-time.Minute)}, {Time: now.Add(-time.Second)}, {Time: now.Add(time.Hour)}}
	c := &collection{Config: Config{Run: Open(testRun(t, nil)), Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}, from: &from}
	if c.round(false); len(c.pending) != 1 || !c.pending[0].Time.Equal(now.Add(-time.Second)) {
		t.Errorf("%v are kept back", c.pending)
	}
	if c.round(true); len(c.pending) != 0 {
		t.Errorf("%v are kept at the end", c.pending)
	}
}

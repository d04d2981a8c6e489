package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hpcbench/agent/internal/summary"
)

// fill writes a job with two good trials.
func (f tree) fill() {
	f.ledger("42", "0001 d1 40 missing k1 c1-chat-r1", "0002 d1 40 missing k2 c8-chat-r1")
	f.events("42", "2000\tfact\tscenario\tdemo", "2000\tphase\tinitialise\tstart", "2100\ttrial\t0001\tstart\tc1", "2130\ttrial\t0001\tcomplete", "2161\texit\t0")
	f.trial("42", "k1", trialOf("0001", 1, "openai-chat", 1), nil)
	f.trial("42", "k2", trialOf("0002", 8, "openai-chat", 1), nil)
}

// Results that somebody else wrote, or that something broke: each file of them can be anything. The report is of what is left, says
// what it left out and why, or is refused with a reason; it never waits, never grows without end, and never breaks off.
func TestResultsThatMeanNoGood(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string // in the text or the error; empty: nothing has to be said
	}{
		"a summary that has no end":        {replace("42/0002/summary.json", func(p string) error { return os.Symlink("/dev/zero", p) }), "0002/summary.json: it is no regular file"},
		"a summary that never begins":      {replace("42/0002/summary.json", func(p string) error { return syscall.Mkfifo(p, 0o600) }), "0002/summary.json: it is no regular file"},
		"a summary that leads to itself":   {replace("42/0002/summary.json", func(p string) error { return os.Symlink(p, p) }), "too many levels"},
		"a summary that is a directory":    {replace("42/0002/summary.json", func(p string) error { return os.Mkdir(p, 0o700) }), "it is a directory"},
		"a summary of many gigabytes":      {replace("42/0002/summary.json", func(p string) error { return sparse(p, 1<<40) }), "0002/summary.json: 1099511627776 bytes"},
		"a summary that is cut off":        {put("42/0002/summary.json", `{"schema":1,"trial":"0002",`), "0002/summary.json"},
		"a summary with a list":            {put("42/0002/summary.json", `[]`), "0002/summary.json"},
		"a summary with nothing":           {put("42/0002/summary.json", `null`), "not a trial's summary"},
		"a summary deep as the sea":        {put("42/0002/summary.json", strings.Repeat("[", 1<<20)), "0002/summary.json"},
		"a ledger that never begins":       {replace("42/ledger.tsv", func(p string) error { return syscall.Mkfifo(p, 0o600) }), "ledger.tsv: it is no regular file"},
		"a ledger of one line":             {put("42/ledger.tsv", long), "ledger.tsv"},
		"a ledger with a way out":          {put("42/ledger.tsv", "../../../etc\td1\t40\tmissing\tk1\tc1\n"), ""},
		"events that have no end":          {replace("42/events.tsv", func(p string) error { return os.Symlink("/dev/zero", p) }), "events.tsv: it is no regular file"},
		"events of one line":               {put("42/events.tsv", long), "events.tsv"},
		"events that are none":             {put("42/events.tsv", "\x00\x01\xff\xfe\n"), "events.tsv"},
		"nodes that are none":              {put("42/nodes.tsv", "client\n"), "nodes.tsv:1"},
		"a monitor that has no end":        {replace("42/monitor-host-2.csv", func(p string) error { return os.Symlink("/dev/zero", p) }), "monitor-host-2.csv: it is no regular file"},
		"a monitor of one line":            {put("42/monitor-host-2.csv", long), "monitor-host-2.csv"},
		"a series that never begins":       {replace("42/0002/series.csv", func(p string) error { return syscall.Mkfifo(p, 0o600) }), "series.csv: it is no regular file"},
		"a series of nonsense":             {put("42/0002/series.csv", "second,ok\nNaN,-1\n1e308,1e308\n\"\n"), ""},
		"a job that is a link to its like": {replace("43", func(p string) error { return os.Symlink(filepath.Dir(p), p) }), ""},
		"a key that has no end":            {replace("42/0002/key", func(p string) error { return os.Symlink("/dev/zero", p) }), "0002/key: it is no regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTree(t)
			f.fill()
			c.spoil(t, f.dir)
			var text bytes.Buffer
			said := ""
			if err := Write([]string{f.dir}, "", &text); err != nil {
				said = err.Error()
			}
			page, _ := os.ReadFile(filepath.Join(f.dir, "report.html")) // there is none where the results were refused
			said += text.String() + string(page)
			if !strings.Contains(squeeze(said), squeeze(c.want)) || strings.Contains(said, long) {
				t.Errorf("it says %.2000s\nwant %q", said, c.want)
			}
		})
	}
}

// squeeze takes out blanks, for text is broken into lines.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func put(path, text string) func(*testing.T, string) {
	return replace(path, func(p string) error { return os.WriteFile(p, []byte(text), 0o600) })
}

func replace(path string, with func(path string) error) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, path)
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if err := with(path); err != nil {
			t.Fatal(err)
		}
	}
}

// sparse is a file of so many bytes that takes no room.
func sparse(path string, bytes int64) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, bytes)
}

// The report's files take the place of links by their names, and never go where these lead.
func TestReportIsWrittenThroughNoLink(t *testing.T) {
	f := newTree(t)
	f.fill()
	victim := filepath.Join(t.TempDir(), "thesis.tex")
	if err := os.WriteFile(victim, []byte("chapter 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"report.txt", "report.html", "summary.csv"} {
		if err := os.Symlink(victim, filepath.Join(f.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	report(t, "", f.dir)
	if text := read(t, victim); text != "chapter 1" {
		t.Errorf("the report went through a link: %.100s", text)
	}
}

// Words of a job that are a terminal's commands, or a page's, are words.
func TestWordsOfAJobAreNotCommands(t *testing.T) {
	f := newTree(t)
	f.fill()
	const words = "<script>alert(1)</script>\x1b]0;PWNED\x07\x1b[2J"
	f.events("42", "2000\tfact\tscenario\t"+words, "2100\ttrial\t0002\tstart\tc8", "2130\ttrial\t0002\tfailed\t"+words, "2130\tfailure\tserver.x\t1\t"+words, "2161\texit\t1")
	text := report(t, "", f.dir)
	page := read(t, f.dir, "report.html")
	if strings.Contains(page, "<script>alert") {
		t.Error("the page has the script")
	}
	for name, s := range map[string]string{"text": text, "page": page, "csv": read(t, f.dir, "summary.csv")} {
		if strings.ContainsAny(s, "\x1b\x07") {
			t.Errorf("the %s has a terminal's commands", name)
		}
	}
}

// FuzzSummary: whatever a summary says, there is a report or a reason.
func FuzzSummary(f *testing.F) {
	p := measured(trialOf("0001", 1, "openai-chat", 1), nil)
	good, err := json.Marshal(summary.Merge(trialOf("0001", 1, "openai-chat", 1), []*summary.Part{p}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema":1,"client":{"verdict":"ok"},"duration_s":-1e308,"latency":{"ttft":{"n":-1,"p50":"inf"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		tr := tree{t, t.TempDir()}
		tr.ledger("42", "0001 d1 40 missing k1 c1-chat-r1")
		tr.write(string(text), "42", "0001", "summary.json")
		tr.write("k1\n", "42", "0001", "key")
		var out bytes.Buffer
		_ = Write([]string{tr.dir}, "", &out) // a reason is as good as a report
	})
}

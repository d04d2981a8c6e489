package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// tree is a results/ directory in the making.
type tree struct {
	t   *testing.T
	dir string
}

func newTree(t *testing.T) tree { return tree{t, t.TempDir()} }

// write puts text into a file below results/.
func (f tree) write(text string, path ...string) {
	f.t.Helper()
	name := filepath.Join(append([]string{f.dir}, path...)...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f tree) writeJSON(v any, path ...string) {
	f.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		f.t.Fatal(err)
	}
	f.write(string(text), path...)
}

// trialOf is a trial of 30 s at this concurrency and dialect.
func trialOf(id string, concurrency int, dialect string, repetition int) workload.Trial {
	return workload.Trial{
		ID: id, Name: fmt.Sprintf("c%d-%s-r%d", concurrency, strings.TrimPrefix(dialect, "openai-"), repetition), Scenario: "demo", Repetition: repetition, Service: "dummy",
		Point: map[string]any{"workload.concurrency": float64(concurrency), "workload.dialect": dialect},
		Workload: workload.Workload{Dialect: dialect, Model: "tiny", Stream: true, Concurrency: concurrency, DurationS: 30,
			TimeoutS: 60, MaxTokens: 16, IgnoreEOS: true},
	}
}

// spoil changes what a client node is about to send.
type spoil func(r *record.Record, i int)

// measured is what a client node counts of the trial against a server whose TTFT grows with concurrency: 20 ms and 2 ms
// for each request in flight, with a tail, a little more in later repetitions, and more after each restart.
func measured(t workload.Trial, change spoil) *summary.Part {
	c := summary.New(workload.Assignment{Trial: t, Node: "host-2", Parts: 1})
	slots := t.Workload.Concurrency
	for slot := range slots {
		for at, i := 0.0, 0; at < 30; i++ {
			ttft := (0.020 + 0.002*float64(slots)) * (1 + 0.02*float64(t.Repetition)) * (1 + 0.1*float64(t.Restart)) * (1 + 0.3*math.Pow(float64((i*7+slot)%20)/20, 6))
			r := &record.Record{Phase: record.Measure, Scheduled: at, Sent: at + 0.0001, FirstToken: at + 0.0001 + ttft, FirstAnswer: at + 0.0001 + ttft, Outcome: record.OK, Status: 200,
				PromptTokens: 32, OutputTokens: 16, TokenSource: record.Usage, Batch: -1, ServerLoad: record.Unknown, ServerPrompt: record.Unknown, ServerDecode: record.Unknown}
			for range 15 {
				r.Gaps = append(r.Gaps, 0.01)
			}
			r.LastToken = r.FirstToken + 0.15
			r.Done = r.LastToken + 0.001
			if change != nil {
				change(r, i)
			}
			at = r.Done
			c.Add(r)
		}
	}
	p := c.Part()
	p.State, p.Client = summary.Complete, &summary.Client{CPUS: 3, WallS: 30, Threads: 1}
	return p
}

// trial writes a trial's directory; no key: it is not complete.
func (f tree) trial(job, key string, t workload.Trial, change spoil) {
	f.t.Helper()
	p := measured(t, change)
	f.writeJSON(p, job, t.ID, "host-2", "part.json")
	f.writeJSON(summary.Merge(t, []*summary.Part{p}), job, t.ID, "summary.json")
	f.write(summary.SeriesCSV(t, []*summary.Part{p}), job, t.ID, summary.SeriesFile)
	if key != "" {
		f.write(key+"\n", job, t.ID, "key")
	}
}

func (f tree) ledger(job string, rows ...string) {
	f.write(strings.ReplaceAll(strings.Join(rows, "\n")+"\n", " ", "\t"), job, "ledger.tsv")
}

func (f tree) events(job string, rows ...string) {
	f.write(strings.Join(rows, "\n")+"\n", job, "events.tsv")
}

func fails(r *record.Record, i int) {
	if i%4 == 0 {
		r.Outcome, r.FirstToken, r.LastToken, r.Gaps, r.OutputTokens = record.Timeout, record.Unknown, record.Unknown, nil, -1
	}
}

func thinks(r *record.Record, _ int) { r.FirstAnswer = r.FirstToken + 0.1 }

func late(r *record.Record, _ int) { r.Scheduled -= 0.05 }

// twoJobs is a sweep of three loads over two dialects in two repetitions, 12 trials. The first job made six of them, one
// by a server whose flags were edited since, and died in the seventh; the second did what was left but one.
func twoJobs(t *testing.T) tree {
	f := newTree(t)
	f.events("41", "1000\tfact\tplan\tp1", "1000\tfact\tscenario\tdemo", "1000\tphase\tinitialise\tstart", "1002\tphase\tdeploy\tstart",
		"1005\ttrial\t0007\tstart\tc1-chat-r2", "1040\ttrial\t0007\tfailed\tthe server ended unasked", "1040\tfailure\tserver.host-3\t1\tthe server ended unasked", "1041\tphase\tdeploy\tend", "1041\texit\t1")
	f.events("42", "2000\tfact\tplan\tp1", "2000\tfact\tscenario\tdemo", "2000\tfact\tagent\thpcbench 1", "2000\tphase\tinitialise\tstart", "2001\tphase\tinitialise\tend",
		"2001\tphase\texecute\tstart", "2100\ttrial\t0009\tstart\tc8-chat-r2", "2130\ttrial\t0009\tcomplete", "2131\ttrial\t0012\tstart\tc32-completions-r2", "2160\ttrial\t0012\tfailed\tno request was ok",
		"2160\tphase\texecute\tend", "2161\texit\t1")
	f.write("client\thost-2\t10.0.0.2\t20100\nserver\thost-3\t10.0.0.3\t20101\n", "42", "nodes.tsv")
	var first, second []string
	id := 0
	for repetition := 1; repetition <= 2; repetition++ {
		for _, concurrency := range []int{1, 8, 32} {
			for _, dialect := range []string{"openai-chat", "openai-completions"} {
				id++
				tr := trialOf(fmt.Sprintf("%04d", id), concurrency, dialect, repetition)
				state := "missing"
				switch {
				case id == 2:
					f.trial("41", "edited", tr, nil)
					f.trial("42", "k2", tr, nil)
				case id < 7:
					f.trial("41", "k"+fmt.Sprint(id), tr, nil)
					state = "done:41"
				case id == 7:
					f.trial("41", "", tr, nil)
					f.trial("42", "k7", tr, nil)
				case id == 9:
					f.trial("42", "k9", tr, fails)
				case id == 10:
					f.trial("42", "k10", tr, late)
				case id == 11:
				case id == 12:
					f.trial("42", "", tr, nil)
				default:
					f.trial("42", "k"+fmt.Sprint(id), tr, nil)
				}
				row := fmt.Sprintf("%s d1 60 %%s %%s%d %s", tr.ID, id, tr.Name)
				first = append(first, fmt.Sprintf(row, "missing", "k"))
				second = append(second, fmt.Sprintf(row, state, "k"))
			}
		}
	}
	f.ledger("41", first...)
	f.ledger("42", second...)
	for i, node := range []string{"host-2", "host-3"} {
		var rows strings.Builder
		rows.WriteString("time_s,mem_used_bytes,cpu_busy_ratio\n")
		for s := range 160 {
			busy := 0.1 + 0.3*float64(i)
			if s > 100 && s < 130 {
				busy += 0.4 + 0.05*math.Sin(float64(s))
			}
			if i == 1 && s == 50 {
				fmt.Fprintf(&rows, "%d.25,1000,\n", 2000+s)
				continue
			}
			fmt.Fprintf(&rows, "%d.25,1000,%.3f\n", 2000+s, busy)
		}
		f.write(rows.String()+"2160.25,10", "42", "monitor-"+node+".csv")
	}
	return f
}

package trial

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// left reads what a node left of the trial.
func (b *bed) left(t *testing.T, node string) (p summary.Part, all []record.Record) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.Out, node, "part.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(b.Out, node, "records.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, lines, err := record.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range lines {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *r)
	}
	return p, all
}

func TestNodesHaveTheirOwnWindowAndRoutes(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{}), mock(t, dummy.Config{TTFT: 3 * time.Millisecond})}, 0, 0)
	w := &b.Trial.Workload
	w.Requests, w.WarmupS, w.WarmupRequests, w.DurationS, w.CooldownS = 0, 3600, 20, 0.3, 0.1
	w.Routing, w.Routes = "static", [][]int{{0}, {1}}
	s, err := Run(t.Context(), b.Config)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for k, node := range []string{"c1", "c2"} {
		p, records := b.left(t, node)
		start, end := p.Window.StartS, p.Window.EndS
		if start <= 0 || start > 600 || !near(end-start, 0.3) {
			t.Errorf("%s: the window is [%v, %v)", node, start, end)
		}
		before, within := 0, int64(0)
		for _, r := range records {
			if r.Done < start {
				before++
			}
			if r.Done >= start && r.Done < end {
				within++
			}
			if r.Endpoint != k || (r.Phase == record.Measure) != (r.Scheduled >= start && r.Scheduled < end) {
				t.Errorf("%s: record %+v in the window [%v, %v)", node, r, start, end)
			}
		}
		if before != 10 || within != p.Window.OK || p.Phases["cooldown"].OK == 0 {
			t.Errorf("%s: %d were done before the window, %d in it; the part counts %+v", node, before, within, p.Window)
		}
		total += float64(within) / 0.3
	}
	if !near(s.DurationS, 0.3) || !near(*s.Throughput.RequestsPerS/total, 1) {
		t.Errorf("%v requests/s over %v s, want %v over 0.3", *s.Throughput.RequestsPerS, s.DurationS, total)
	}
}

func near(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }

func TestATraceIsSharedOutAndAMissingOneIsNamed(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0, 0)
	w := &b.Trial.Workload
	*w = workload.Workload{Dialect: w.Dialect, Model: w.Model, Stream: true, InputTokens: 8, MaxTokens: 4, DrainS: 5, TimeoutS: 60,
		Arrival: "replay", Trace: filepath.Join(b.run, "trace")}
	if _, err := Run(t.Context(), b.Config); err == nil {
		t.Error("a trace that is not there was replayed")
	}
	text := "{\"timestamp\":0,\"input_tokens\":5,\"output_tokens\":2}\n{\"timestamp\":0.01,\"input_tokens\":5,\"output_tokens\":2}\n{\"timestamp\":0.01,\"input_tokens\":5,\"output_tokens\":2}\n"
	if err := os.WriteFile(w.Trace, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Run(t.Context(), b.Config)
	if err != nil || s.Requests.OK != 3 {
		t.Fatalf("%+v, %v; want the trace's three requests", s, err)
	}
	_, first := b.left(t, "c1")
	_, second := b.left(t, "c2")
	slices.SortFunc(first, func(a, b record.Record) int { return int(a.ID - b.ID) })
	if len(first) != 2 || len(second) != 1 || first[1].Scheduled != 0.01 || second[0].Scheduled != 0.01 {
		t.Errorf("the first node sent %+v, the second %+v", first, second)
	}
}

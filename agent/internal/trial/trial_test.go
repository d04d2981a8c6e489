package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/executor"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

func TestAMissingKeyEndsATrialBeforeItBegins(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0)
	b.Trial.Workload.APIKeyFile = "/no/such/key"
	if s, err := Run(t.Context(), b.Config); s != nil || err == nil || !strings.Contains(err.Error(), "API key: open /no/such/key") {
		t.Errorf("%v, %v", s, err)
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != executor.Idle {
		t.Errorf("the executor is %s, %v", p.State, err)
	}
}

func TestTwoClientsMakeOneSummary(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{}), mock(t, dummy.Config{})}, 0, time.Hour)
	s, err := Run(t.Context(), b.Config)
	if err != nil {
		t.Fatal(err)
	}
	if marks := strings.Join(s.Marks, "; "); s.Requests.OK != 40 || strings.Contains(marks, "missing") || strings.Contains(marks, "stopped before") {
		t.Errorf("%d ok, marks %q; want 40, and nothing missing", s.Requests.OK, s.Marks)
	}
	if kept := b.summary(t); kept == nil || kept.Requests.OK != 40 || !b.complete() {
		t.Errorf("summary.json %+v, key there: %v", kept, b.complete())
	}
	if l := s.Little; l == nil || l.Bookkeeping == nil || *l.Bookkeeping > 0.01 || *l.Bookkeeping < -0.01 || len(s.ByEndpoint) != 2 || len(s.ByNode) != 2 {
		t.Errorf("little %+v, by endpoint %+v, by node %+v", s.Little, s.ByEndpoint, s.ByNode)
	}
	series, err := os.ReadFile(filepath.Join(b.Out, summary.SeriesFile))
	if rows := strings.Split(strings.TrimSpace(string(series)), "\n"); err != nil || len(rows) < 2 || !strings.HasPrefix(rows[0], "time_s,step_s,measured,due,") {
		t.Errorf("%s: %q, %v", summary.SeriesFile, series, err)
	}
	first, second := b.header(t, "c1"), b.header(t, "c2")
	if second.ClockOffsetS < 3590 || second.ClockOffsetS > 3610 || first.ClockOffsetS > 10 || first.ClockOffsetS < -10 {
		t.Errorf("clock offsets %g and %g, want 0 and an hour", first.ClockOffsetS, second.ClockOffsetS)
	}
	zero := func(h record.Header) float64 { return float64(h.StartUnixNS)/1e9 - h.ClockOffsetS }
	if apart := zero(first) - zero(second); apart > 5 || apart < -5 {
		t.Errorf("time zeros are %g s apart when the offsets are taken off", apart)
	}
}

func TestStoppedFromOutside(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{ITL: time.Millisecond})}, 0)
	b.endless()
	ctx, cancel := context.WithCancel(t.Context())
	b.Every = 0
	b.Say = func(format string, args ...any) {
		if line := fmt.Sprintf(format, args...); strings.Contains(line, " ok,") && !strings.Contains(line, " 0 ok,") {
			cancel()
		}
	}
	_, err := Run(ctx, b.Config)
	if err == nil || err.Error() != "stopped" {
		t.Errorf("error %v, want stopped", err)
	}
	s := b.summary(t)
	if s == nil || s.Marks[0] != "stopped" || b.complete() {
		t.Errorf("summary %+v, key there: %v; want one that is marked, and no key", s, b.complete())
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != summary.Stopped {
		t.Errorf("executor: %+v, %v; want it stopped", p, err)
	}
}

func TestAKeyOfAnEarlierRunDoesNotStay(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{ErrorRate: 1})}, 0)
	if err := os.MkdirAll(b.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Out, "key"), []byte(b.Key+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), b.Config); err == nil || b.complete() {
		t.Errorf("error %v, complete: %t; want a failed trial without a key", err, b.complete())
	}
}

func TestNothingOkIsNoCompleteTrial(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{ErrorRate: 1})}, 0)
	_, err := Run(t.Context(), b.Config)
	if err == nil || !strings.HasPrefix(err.Error(), "no request was ok: 40 http_status (") {
		t.Errorf("error %v", err)
	}
	if s := b.summary(t); s == nil || s.Requests.Failed != 40 || b.complete() {
		t.Errorf("summary %+v, key there: %v", s, b.complete())
	}
}

func TestExecutorThatIsNotThere(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0, 0)
	b.ends[1]()
	_, err := Run(t.Context(), b.Config)
	if err == nil || !strings.Contains(err.Error(), "executor of c2 (") || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line about c2", err)
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != executor.Idle {
		t.Errorf("c1: %+v, %v; want it idle", p, err)
	}
	if b.summary(t) != nil || b.complete() {
		t.Error("there is a result of a trial that never began")
	}
}

func TestWrongTokenStartsNothing(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0)
	b.Executors[0].Token = "sesame"
	_, err := Run(t.Context(), b.Config)
	if err == nil || !strings.Contains(err.Error(), "does not know this job's token") {
		t.Errorf("error %v", err)
	}
	if p, err := b.Executors[0].Status(t.Context()); err != nil || p.State != executor.Idle {
		t.Errorf("executor: %+v, %v; want it idle", p, err)
	}
}

func TestTrialOfADeadDriverIsStopped(t *testing.T) {
	endpoint := mock(t, dummy.Config{ITL: time.Millisecond})
	b := newBed(t, []string{endpoint}, 0)
	left := b.Trial
	left.ID, left.Workload.Requests, left.Workload.DurationS = "0009", 0, 3600
	if err := b.Executors[0].Start(t.Context(), workload.Assignment{
		Schema: workload.Schema, Trial: left, Node: "c1", Parts: 1, Endpoints: []string{endpoint},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), b.Config); err != nil || !b.said.has("c1 still runs trial 0009") {
		t.Errorf("error %v, said %q", err, b.said.lines)
	}
}

package share

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// assignment is thirty requests to a dummy server.
func assignment(t *testing.T, cfg dummy.Config) workload.Assignment {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = dummy.Serve(ctx, ln, cfg) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return workload.Assignment{
		Schema: workload.Schema, Node: "c1", Parts: 1, Endpoints: []string{"http://" + ln.Addr().String()}, ClockOffsetS: 0.25,
		Trial: workload.Trial{Schema: workload.Schema, ID: "0001", Workload: workload.Workload{
			Dialect: "ollama-chat", Model: "tiny", Stream: true, Concurrency: 3, Requests: 30, DurationS: 60, DrainS: 5, TimeoutS: 5, InputTokens: 8, MaxTokens: 4,
		}},
	}
}

// kept reads the records of a directory.
func kept(t *testing.T, dir string) (record.Header, []record.Record) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "records.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	header, lines, err := record.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []record.Record
	for r, err := range lines {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *r)
	}
	return header, all
}

func TestRecordsPartAndProgressAgree(t *testing.T) {
	dir, seen := filepath.Join(t.TempDir(), "0001", "c1"), 0
	zero := time.Now()
	s := New(assignment(t, dummy.Config{}), Options{Dir: dir, Zero: zero, Clock: time.Hour, Observe: func(*record.Record) { seen++ }})
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	header, records := kept(t, dir)
	part, progress := s.Part(), s.Progress()
	if len(records) != 30 || seen != 30 || part.Phases["measure"].OK != 30 || progress.OK != 30 || progress.InFlight != 0 {
		t.Errorf("%d records, %d seen, part %+v, progress %+v; want 30 everywhere", len(records), seen, part.Phases, progress)
	}
	if part.State != summary.Complete || progress.State != summary.Complete || progress.E2ELP50S <= 0 || progress.LastByteS <= 0 {
		t.Errorf("part is %s, progress %+v", part.State, progress)
	}
	if header.ClockOffsetS != 0.25 || header.StartUnixNS != zero.Add(time.Hour).UnixNano() {
		t.Errorf("header %+v, want the offset and this node's own clock", header)
	}
}

// What the requests say was not read before, as an embedder of the package may leave it.
func TestAnswersThatNoServerCountsAreCountedHere(t *testing.T) {
	dir := t.TempDir()
	a := assignment(t, dummy.Config{})
	a.Trial.Workload.Dialect, a.Trial.Workload.Tokenizer = "triton-generate", "../token/testdata/bytes.json"
	if err := New(a, Options{Dir: dir}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, records := kept(t, dir)
	for _, r := range records {
		if r.Outcome != record.OK || r.TokenSource != record.Tokenizer || r.OutputTokens < 4 {
			t.Fatalf("record %+v, want its four words and more counted by the tokenizer", r)
		}
	}
	if len(records) != 30 {
		t.Errorf("%d records", len(records))
	}
}

func TestNoRecordsNoPart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "0001")
	if err := os.WriteFile(file, nil, 0o644); err != nil { // where the directory should be
		t.Fatal(err)
	}
	err := New(assignment(t, dummy.Config{}), Options{Dir: filepath.Join(file, "c1")}).Run(t.Context())
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want the one of the records alone", err)
	}
}

func TestStopIsToldByItsCause(t *testing.T) {
	a := assignment(t, dummy.Config{ITL: time.Millisecond})
	a.Trial.Workload.Requests, a.Trial.Workload.DurationS = 0, 3600
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the operator said so")
	n := 0
	s := New(a, Options{Dir: t.TempDir(), Observe: func(*record.Record) {
		if n++; n == 5 {
			cancel(why)
		}
	}})
	if err := s.Run(ctx); !errors.Is(err, why) {
		t.Errorf("error %v, want %v", err, why)
	}
	if p := s.Progress(); p.State != summary.Stopped || p.Error != why.Error() || s.Part().State != summary.Stopped {
		t.Errorf("progress %+v", p)
	}
}

func TestAnEndOfTheSendingLetsWhatIsInFlightEnd(t *testing.T) {
	a := assignment(t, dummy.Config{ITL: time.Millisecond})
	a.Trial.Workload.Requests, a.Trial.Workload.DurationS = 0, 3600
	sending, cease := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	n := 0
	s := New(a, Options{Dir: t.TempDir(), Sending: sending, Observe: func(*record.Record) {
		if n++; n == 20 {
			cease(why)
		}
	}})
	if err := s.Run(t.Context()); !errors.Is(err, why) {
		t.Errorf("error %v, want %v", err, why)
	}
	p := s.Part()
	m := summary.Merge(a.Trial, []*summary.Part{p})
	if p.State != summary.Stopped || m.Requests.Scheduled != m.Requests.OK || m.Requests.OK < 20 || m.Throughput.RequestsPerS == nil {
		t.Errorf("part is %s, %+v", p.State, m)
	}
	if end := p.Window.EndS; end <= 0 || end > p.Client.WallS || m.DurationS != end {
		t.Errorf("the window ends at %v s of %v, its length is %v", end, p.Client.WallS, m.DurationS)
	}
}

func TestAnEndOfTheSendingAfterAllWasSentIsNone(t *testing.T) {
	a := assignment(t, dummy.Config{ITL: time.Millisecond})
	sending, cease := context.WithCancel(t.Context())
	n := 0
	s := New(a, Options{Sending: sending, Observe: func(*record.Record) {
		if n++; n == 30 {
			cease()
		}
	}})
	if err := s.Run(t.Context()); err != nil || s.Part().State != summary.Complete {
		t.Errorf("%v, part is %s", err, s.Part().State)
	}
}

func TestFirstErrorOfEachOutcomeIsRemembered(t *testing.T) {
	s := New(assignment(t, dummy.Config{ErrorRate: 1}), Options{})
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := s.Progress()
	if !strings.Contains(p.Errors["http_status"], "500") {
		t.Errorf("errors %q", p.Errors)
	}
	got := Reasons(map[string]int64{"timeout": 3, "http_status": 30, "ok": 99}, Progress{}, p)
	if want := ": 30 http_status (" + p.Errors["http_status"] + "), 3 timeout"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Reasons(nil); got != ": none was due" {
		t.Errorf("got %q", got)
	}
}

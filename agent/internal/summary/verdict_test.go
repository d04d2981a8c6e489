package summary

import (
	"slices"
	"testing"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// pauses are so many of d seconds each.
func pauses(n int, d float64) *hist.H {
	h := new(hist.H)
	for range n {
		h.Record(int64(d * 1e9))
	}
	return h
}

func TestTheVerdictOnTheClient(t *testing.T) {
	for name, c := range map[string]struct {
		client *Client
		late   float64
		change func(*workload.Workload)
		why    string
	}{
		"idle": {client: &Client{CPUS: 3, WallS: 15, Threads: 2, CPUs: 2, RunDelayS: new(0.3), GCPauses: pauses(9, 1e-4),
			ReadLag: lag(0.001), KernelLag: lag(0.001), Ports: 28000, Connections: 30}},
		"unknown":                            {},
		"busy":                               {client: &Client{CPUS: 29, WallS: 15, Threads: 2}, why: "load threads used 97 % of their CPUs"},
		"busy on one core":                   {client: &Client{CPUS: 14.5, WallS: 15, Threads: 2, CPUs: 1}, why: "load threads used 97 % of their CPUs"},
		"half of one core":                   {client: &Client{CPUS: 7.5, WallS: 15, Threads: 2, CPUs: 1}},
		"read lag":                           {client: &Client{ReadLag: lag(0.0125)}, why: "p99 of read lag 12.5 ms is over 5 ms"},
		"the exact lag stands for its bound": {client: &Client{ReadLag: lag(0.0125), KernelLag: lag(0.006)}},
		"kernel lag":                         {client: &Client{KernelLag: lag(0.0125)}, why: "p99 of the lag from the kernel's stamp to the read 12.5 ms is over 10 ms"},
		"no core":                            {client: &Client{WallS: 15, Threads: 2, RunDelayS: new(7.5)}, why: "load threads waited for a core 25 % of the time"},
		"garbage":                            {client: &Client{WallS: 15, Threads: 2, GCPauses: pauses(100, 3e-3)}, why: "Go's garbage collector held up the load threads for 2.0 % of the time"},
		"files":                              {client: &Client{ConnErrors: 4}, why: "4 connections could not be opened for want of ports, files or memory"},
		"ports": {client: &Client{WallS: 120, Threads: 1, Ports: 28000, Connections: 50000},
			why: "89 % of the local ports were in use or at rest (let connections carry more requests, or spread them over more addresses)"},
		"ports of a short trial": {client: &Client{WallS: 30, Threads: 1, Ports: 28000, Connections: 20000}},
		"late":                   {late: 0.02, why: "p99 of lateness 20.0 ms is over 10 ms"},
		"capped":                 {late: 0.02, change: func(w *workload.Workload) { w.Rate = 5 }},
		"no cap":                 {late: 0.02, change: func(w *workload.Workload) { w.Rate, w.Concurrency = 5, 0 }, why: "p99 of lateness 20.0 ms is over 10 ms"},
	} {
		tr := trial()
		if c.change != nil {
			c.change(&tr.Workload)
		}
		idle := collect(tr, 0, 2)
		p := collect(tr, 1, 2, answer(5, 5+c.late, 0.1))
		p.Client = c.client
		s := Merge(tr, []*Part{throughJSON(t, p), idle})
		v, want := s.Client, ClientOK
		if c.why != "" {
			want = ClientBound
		}
		if v.Verdict != want || v.Why != c.why {
			t.Errorf("%s: %s because %q, want %s because %q", name, v.Verdict, v.Why, want, c.why)
		}
		if marked := slices.Contains(s.Marks, "client-bound: "+c.why); marked != (want == ClientBound) {
			t.Errorf("%s: marks %q", name, s.Marks)
		}
		if of := s.ByNode[1].Client; of.Verdict != want || s.ByNode[0].Client.Verdict != ClientOK {
			t.Errorf("%s: the nodes' own verdicts: %+v", name, s.ByNode)
		}
	}
}

// Ports that connections are kept on do no harm, however many they are.
func TestKeptConnectionsUseUpNoPorts(t *testing.T) {
	tr := trial()
	var records []*record.Record
	for range 10 {
		records = append(records, answer(5, 5, 0.1))
	}
	p := collect(tr, 0, 1, records...)
	p.Client = &Client{WallS: 60, Threads: 1, Ports: 4, Connections: 4}
	if v := Merge(tr, []*Part{p}).Client; v.Ports != nil || v.Verdict != ClientOK {
		t.Errorf("%+v", v)
	}
	p.Client.Connections = 10
	if v := Merge(tr, []*Part{p}).Client; v.Ports == nil || *v.Ports != 2.5 {
		t.Errorf("a connection each: %+v", v)
	}
}

func TestRequestsSentTwiceAreMarked(t *testing.T) {
	tr := trial()
	p := collect(tr, 0, 1, answer(5, 5, 0.1))
	p.Client = &Client{Connections: 2, Resent: 1}
	want := "1 requests were sent again, on a new connection: the server had closed the one that was kept"
	if got := Merge(tr, []*Part{p}).Marks; !slices.Equal(got, []string{want}) {
		t.Errorf("marks %q", got)
	}
}

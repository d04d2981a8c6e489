package summary

import (
	"fmt"
	"strings"

	"hpcbench/agent/workload"
)

// Bounds past which a trial says more of the client than of the server.
const (
	latenessBound = 10e-3 // p99 of lateness, in seconds: the load was not the one asked for
	readLagBound  = 5e-3  // p99 of read lag, in seconds: tokens waited here before they were stamped
	cpuBound      = 0.9   // share of their time that the load threads of a node were on a CPU
)

// The verdicts on a client.
const (
	ClientOK    = "ok"
	ClientBound = "client-bound"
)

// Verdict says whether the client kept up, and the worst of its nodes in numbers.
type Verdict struct {
	Verdict      string   `json:"verdict"`
	Why          string   `json:"why,omitempty"`            // absent when ok
	CPU          *float64 `json:"cpu,omitempty"`            // share of their time that load threads were on a CPU
	LatenessP99S *float64 `json:"lateness_p99_s,omitempty"` // over all requests that were sent
	ReadLagP99S  *float64 `json:"read_lag_p99_s,omitempty"`
	ConnErrors   *int64   `json:"conn_errors,omitempty"`
	Threads      *int     `json:"threads,omitempty"` // over all nodes
}

// verdict judges the client of a trial. Lateness is no fault of the client's where requests wait on purpose: in an open
// loop with a cap on requests in flight, or with groups that are sent one after the other.
func verdict(w workload.Workload, parts []*Part, t total) Verdict {
	v := Verdict{Verdict: ClientOK}
	var why []string
	blame := func(bad bool, format string, args ...any) {
		if bad {
			why = append(why, fmt.Sprintf(format, args...))
		}
	}
	waitsOnPurpose := w.Open() && (w.Concurrency > 0 || w.Batch > 1)
	if t.lateness.N() > 0 {
		v.LatenessP99S = new(seconds(t.lateness.Quantile(0.99)))
		blame(*v.LatenessP99S > latenessBound && !waitsOnPurpose,
			"p99 of lateness %.1f ms is over %.0f ms", *v.LatenessP99S*1e3, latenessBound*1e3)
	}
	for _, p := range parts {
		if p.Client != nil {
			v.take(*p.Client)
		}
	}
	blame(v.ReadLagP99S != nil && *v.ReadLagP99S > readLagBound,
		"p99 of read lag %.1f ms is over %.0f ms", 1e3*at(v.ReadLagP99S), readLagBound*1e3)
	blame(at(v.CPU) > cpuBound, "load threads used %.0f %% of their CPUs", 100*at(v.CPU))
	blame(at(v.ConnErrors) > 0, "%d connections could not be opened for want of ports, files or memory", at(v.ConnErrors))
	if len(why) > 0 {
		v.Verdict, v.Why = ClientBound, strings.Join(why, "; ")
	}
	return v
}

// take keeps the worst of v and a node's client: one slow node spoils the trial.
func (v *Verdict) take(c Client) {
	if c.WallS > 0 && c.Threads > 0 {
		v.CPU = new(max(at(v.CPU), c.CPUS/(c.WallS*float64(c.Threads))))
	}
	if c.ReadLag != nil && c.ReadLag.N() > 0 {
		v.ReadLagP99S = new(max(at(v.ReadLagP99S), seconds(c.ReadLag.Quantile(0.99))))
	}
	v.ConnErrors = new(at(v.ConnErrors) + c.ConnErrors)
	v.Threads = new(at(v.Threads) + c.Threads)
}

// at is what p points to, 0 for what is not known.
func at[T int | int64 | float64](p *T) T {
	if p == nil {
		return 0
	}
	return *p
}

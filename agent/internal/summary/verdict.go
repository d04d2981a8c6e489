package summary

import (
	"fmt"
	"strings"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/workload"
)

// Bounds past which a trial says more of the client than of the server, and why they lie there.
const (
	// p99 of lateness, in seconds: the load was not the one asked for. The times that services are judged by are tens of
	// milliseconds and more; a request in a hundred may be a fraction of that late.
	latenessBound = 10e-3
	// p99 of read lag, in seconds: tokens waited here before they were stamped. Gaps between tokens are 5 ms and more on
	// what is fast today, and a stamp must not be off by one.
	readLagBound = 5e-3
	// Share of their time that the load threads of a node were on a CPU, of the cores that they may use: from 0.9 on, what
	// comes in a bunch queues (of a queue with one server, M/M/1, ten times its work).
	cpuBound = 0.9
	// Share of their time that the load threads could have run and had no core: what they stamped came later than it seems by
	// a wait that no lag of ours shows.
	runDelayBound = 0.2
	// Share of the time that Go's collector stopped the threads: p99 is the finest percentile that a trial is mostly judged
	// by, and a hundredth of the time reaches it.
	gcBound = 0.01
	// Seconds that a trial has to last for its shares of run delay and of the collector's pauses to be judged: of less, one
	// pause is a large share.
	shareLeast = 1
	// Share of the local ports that are in use or rest in TIME_WAIT, where connections are made anew all the time: above it
	// the kernel's search for a free one takes long, and at 1 there is none.
	portsBound = 0.8
	// How long Linux keeps the port of a connection that this side closed (TCP_TIMEWAIT_LEN), in seconds.
	portRests = 60
)

// The verdicts on a client.
const (
	ClientOK    = "ok"
	ClientBound = "client-bound"
)

// Verdict says whether the client kept up, and the worst of its nodes in numbers.
type Verdict struct {
	Verdict       string   `json:"verdict"`
	Why           string   `json:"why,omitempty"`            // absent when ok
	CPU           *float64 `json:"cpu,omitempty"`            // share of their time that load threads were on a CPU, of the cores they may use
	RunDelay      *float64 `json:"run_delay,omitempty"`      // share of their time that they waited for a core
	GC            *float64 `json:"gc,omitempty"`             // share of the time that Go's collector stopped them
	LatenessP99S  *float64 `json:"lateness_p99_s,omitempty"` // over all requests that were sent
	ReadLagP99S   *float64 `json:"read_lag_p99_s,omitempty"` // an upper bound
	KernelLagP99S *float64 `json:"kernel_lag_p99_s,omitempty"`
	Ports         *float64 `json:"ports,omitempty"` // share of the local ports in use or at rest
	Connections   *int64   `json:"connections,omitempty"`
	Broken        *int64   `json:"broken,omitempty"` // connections that ended under a request
	Resent        *int64   `json:"resent,omitempty"` // requests sent again because a kept connection had been closed meanwhile
	ConnErrors    *int64   `json:"conn_errors,omitempty"`
	Threads       *int     `json:"threads,omitempty"` // over all nodes
}

// verdict judges the client of a trial. Lateness is no fault of the client's where requests wait on purpose: in an open
// loop with a cap on requests in flight, or with groups that are sent one after the other. Where tokens have the kernel's
// time, the lag of our reads is in none of them: what it does is to send later what waits for an answer, as lateness does.
func verdict(w workload.Workload, parts []*Part, lateness *hist.H) Verdict {
	v := Verdict{Verdict: ClientOK}
	waitsOnPurpose := w.Open() && (w.Concurrency > 0 || w.Batch > 1)
	if lateness.N() > 0 {
		v.LatenessP99S = new(seconds(lateness.Quantile(0.99)))
	}
	for _, p := range parts {
		if p.Client != nil {
			v.take(p)
		}
	}
	var why []string
	blame := func(bad bool, format string, args ...any) {
		if bad {
			why = append(why, fmt.Sprintf(format, args...))
		}
	}
	late := func(p *float64, bound float64, name string) {
		blame(at(p) > bound, "p99 of %s %.1f ms is over %.0f ms", name, 1e3*at(p), 1e3*bound)
	}
	if !waitsOnPurpose {
		late(v.LatenessP99S, latenessBound, "lateness")
	}
	if v.KernelLagP99S == nil {
		late(v.ReadLagP99S, readLagBound, "read lag")
	}
	late(v.KernelLagP99S, latenessBound, "the lag from the kernel's stamp to the read")
	blame(at(v.CPU) > cpuBound, "load threads used %.0f %% of their CPUs", 100*at(v.CPU))
	blame(at(v.RunDelay) > runDelayBound, "load threads waited for a core %.0f %% of the time", 100*at(v.RunDelay))
	blame(at(v.GC) > gcBound, "Go's garbage collector held up the load threads for %.1f %% of the time", 100*at(v.GC))
	blame(at(v.ConnErrors) > 0, "%d connections could not be opened for want of ports, files or memory", at(v.ConnErrors))
	blame(at(v.Ports) > portsBound, "%.0f %% of the local ports were in use or at rest (let connections carry more requests, or spread them over more addresses)", 100*at(v.Ports))
	if len(why) > 0 {
		v.Verdict, v.Why = ClientBound, strings.Join(why, "; ")
	}
	return v
}

// take keeps the worst of v and a node's client: one slow node spoils the trial.
func (v *Verdict) take(p *Part) {
	c := p.Client
	if time := c.WallS * float64(c.Threads); time > 0 {
		cores := float64(c.Threads)
		if c.CPUs > 0 {
			cores = min(cores, c.CPUs)
		}
		worst(&v.CPU, c.CPUS/(c.WallS*cores))
		if c.RunDelayS != nil && c.WallS >= shareLeast {
			worst(&v.RunDelay, *c.RunDelayS/time)
		}
	}
	if c.GCPauses != nil && c.WallS >= shareLeast {
		stopped := 0.0
		if n := c.GCPauses.N(); n > 0 {
			stopped = c.GCPauses.Mean() * float64(n) / 1e9
		}
		worst(&v.GC, stopped/c.WallS)
	}
	if c.ReadLag != nil && c.ReadLag.N() > 0 {
		worst(&v.ReadLagP99S, seconds(c.ReadLag.Quantile(0.99)))
	}
	if c.KernelLag != nil && c.KernelLag.N() > 0 {
		worst(&v.KernelLagP99S, seconds(c.KernelLag.Quantile(0.99)))
	}
	if used, known := portsUsed(p); known {
		worst(&v.Ports, used)
	}
	if c.Connections > 0 { // they were counted
		v.Connections, v.Broken = new(at(v.Connections)+c.Connections), new(at(v.Broken)+c.Broken)
		v.Resent = new(at(v.Resent) + c.Resent)
	}
	v.ConnErrors = new(at(v.ConnErrors) + c.ConnErrors)
	v.Threads = new(at(v.Threads) + c.Threads)
}

// worst keeps the greater of what into points to and x.
func worst(into **float64, x float64) {
	if *into == nil || x > **into {
		*into = &x
	}
}

// portsUsed is the share of a node's local ports, to each address, that are in use or rest from a connection that was
// closed, at the rate at which connections were made; not known where they are kept, for then they do no harm.
func portsUsed(p *Part) (share float64, known bool) {
	c, sent := p.Client, int64(0)
	for _, n := range p.Phases {
		sent += n.Sent
	}
	if c.Ports == 0 || c.WallS <= 0 || 2*c.Connections < sent {
		return 0, false
	}
	atOnce := float64(c.Connections) * min(1, portRests/c.WallS)
	return atOnce / float64(c.Ports*max(1, len(p.Endpoints))), true
}

// at is what p points to, 0 for what is not known.
func at[T int | int64 | float64](p *T) T {
	if p == nil {
		return 0
	}
	return *p
}

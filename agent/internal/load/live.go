package load

import (
	"sync/atomic"
	"time"

	"hpcbench/agent/internal/record"
)

// Live is what may be read of a running trial at any time, from any goroutine. The counters are over all phases.
type Live struct {
	Phase     atomic.Int32 // a record.Phase
	Scheduled atomic.Int64 // requests that were due
	Sent      atomic.Int64
	Done      atomic.Int64 // ended, well or not
	OK        atomic.Int64
	Failed    atomic.Int64
	GivenUp   atomic.Int64 // cancelled because the workload's cancel_share asked for it
	InFlight  atomic.Int64 // taken up and not ended, those that wait for a connection included
	LastByte  atomic.Int64 // when a byte last came on any connection, in ns since time zero; 0: never
	StartWall atomic.Int64 // wall clock of time zero, in ns since 1970; 0: not set yet
	Window    Window       // what is measured, as the threads agree on it
}

// taken notes a request that is taken up.
func (l *Live) taken(p record.Phase) {
	l.Scheduled.Add(1)
	l.InFlight.Add(1)
	l.Window.taken(p)
}

// ended notes the end of a request that was taken up.
func (l *Live) ended(r *record.Record, now time.Duration) {
	l.InFlight.Add(-1)
	l.Done.Add(1)
	l.count(r)
	l.Window.ended(r.Phase, now)
}

func (l *Live) count(r *record.Record) {
	switch {
	case r.Outcome == record.OK:
		l.OK.Add(1)
	case r.GivenUp:
		l.GivenUp.Add(1)
	default:
		l.Failed.Add(1)
	}
}

func (l *Live) enter(p record.Phase) {
	if p > record.Phase(l.Phase.Load()) {
		l.Phase.Store(int32(p))
	}
}

// read notes that bytes came.
func (l *Live) read(now time.Duration) { l.LastByte.Store(int64(now)) }

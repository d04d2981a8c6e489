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
	InFlight  atomic.Int64 // taken up and not ended, those that wait for a connection included
	LastByte  atomic.Int64 // when a byte last came on any connection, in ns since time zero; 0: never
	StartWall atomic.Int64 // wall clock of time zero, in ns since 1970; 0: not set yet
}

// taken notes a request that is taken up.
func (l *Live) taken() {
	l.Scheduled.Add(1)
	l.InFlight.Add(1)
}

// ended notes the end of a request that was taken up.
func (l *Live) ended(o record.Outcome) {
	l.InFlight.Add(-1)
	l.Done.Add(1)
	l.count(o)
}

func (l *Live) count(o record.Outcome) {
	if o == record.OK {
		l.OK.Add(1)
	} else {
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

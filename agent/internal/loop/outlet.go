package loop

import (
	"time"

	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/record"
)

// outlet carries finished records from the load threads to the sink, in batches, and brings them back for use again. A
// thread never waits for it: what does not go through now goes with the next batch.
type outlet struct {
	full  chan batch
	empty []chan []*record.Record // by thread
}

type batch struct {
	thread  int
	records []*record.Record
}

// A batch goes when it is this long or this old.
const (
	batchLen = 1024
	batchAge = 50 * time.Millisecond
)

func newOutlet(threads int) *outlet {
	o := &outlet{full: make(chan batch, 64)}
	for range threads {
		o.empty = append(o.empty, make(chan []*record.Record, 64))
	}
	return o
}

// drain gives every record to sink until the outlet is closed.
func (o *outlet) drain(sink func(*record.Record)) {
	for b := range o.full {
		for _, r := range b.records {
			sink(r)
		}
		select {
		case o.empty[b.thread] <- b.records:
		default: // the thread is full of them; let these go
		}
	}
}

// offer hands a batch over if there is room.
func (o *outlet) offer(thread int, records []*record.Record) bool {
	select {
	case o.full <- batch{thread, records}:
		return true
	default:
		return false
	}
}

// finish hands over a thread's last batch and waits for room.
func (o *outlet) finish(thread int, records []*record.Record) {
	if len(records) > 0 {
		o.full <- batch{thread, records}
	}
}

// used returns records that the sink is done with, nil when there are none yet.
func (o *outlet) used(thread int) []*record.Record {
	select {
	case records := <-o.empty[thread]:
		return records
	default:
		return nil
	}
}

func (o *outlet) close() { close(o.full) }

// handover is one thread's end of the outlet: what its machine has finished and the outlet does not have yet.
type handover struct {
	machine *load.Machine
	out     *outlet
	index   int // of the thread
	done    []*record.Record
	flushed time.Duration
}

// flush hands finished records over when there are many or they are old, and keeps them where there is no room.
func (h *handover) flush(now time.Duration) {
	h.done = h.machine.Harvest(h.done)
	if len(h.done) < batchLen && now-h.flushed < batchAge || len(h.done) == 0 {
		return
	}
	h.flushed = now
	if h.out.offer(h.index, h.done) {
		h.done = h.out.used(h.index)
		h.machine.Recycle(h.done)
		h.done = h.done[:0]
	}
}

// last hands over what is left and waits for room.
func (h *handover) last() {
	h.done = h.machine.Harvest(h.done)
	h.out.finish(h.index, h.done)
}

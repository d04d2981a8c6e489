package loop

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"hpcbench/agent/internal/load"
)

// check says what of the assignment this driver or this process can't do, before the first request.
func (e *engine) check() error {
	w := e.assignment.Trial.Workload
	switch {
	case w.ConnRequests < 0:
		return fmt.Errorf("conn_requests %d: want 0 (no end) or more", w.ConnRequests)
	case w.KernelStamps && e.secure():
		return errors.New("kernel_stamps with an https endpoint: a packet's stamp says nothing of the text that is in it under TLS; leave them out, or measure http")
	}
	need := load.Most(e.assignment)
	if need == 0 {
		return nil // an open loop without a cap: what finds no file is counted as a connection error
	}
	return enoughFiles(need + openFiles() + spareFiles)
}

// spareFiles are the files that a run opens beside its connections: records, epoll sets, timers, and a few more.
const spareFiles = 64

// openFiles is how many files the process has open.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// enoughFiles raises the limit on open files as far as it may, and says where that is not far enough.
func enoughFiles(need int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit on open files: %w", err)
	}
	if limit.Cur < limit.Max {
		raised := syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil { // otherwise the soft limit holds
			limit = raised
		}
	}
	if uint64(need) <= limit.Cur {
		return nil
	}
	return fmt.Errorf("%w: %d are needed for so many requests in flight, and this process may have %d: "+
		"begin it after \"ulimit -n %d\" (the administrator sets the highest, \"ulimit -Hn\"), lower the concurrency, or send from more client nodes",
		syscall.EMFILE, need, limit.Cur, need)
}

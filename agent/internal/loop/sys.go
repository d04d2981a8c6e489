package loop

import (
	"syscall"
	"time"
	"unsafe"
)

// The system calls of the loop. They go past the Go scheduler (RawSyscall): none of them waits but the wait for events, and
// that for a moment. Arguments that are pointers stay alive over the call, as package unsafe's rule 4
// wants.

const (
	epollET    = 1 << 31 // syscall.EPOLLET is negative
	edges      = syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | epollET
	gone       = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
	nonBlock   = syscall.O_NONBLOCK | syscall.O_CLOEXEC
	monotonic  = 1 // CLOCK_MONOTONIC
	rusageThis = 1 // RUSAGE_THREAD
)

func read(fd int, b []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return result(n, e)
}

// write is sendto without SIGPIPE. b is not empty.
func write(fd int, b []byte) (int, error) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		syscall.MSG_NOSIGNAL, 0, 0)
	return result(n, e)
}

func result(n uintptr, e syscall.Errno) (int, error) {
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// poll takes the events that are there, without waiting.
func poll(epfd int, events []syscall.EpollEvent) int {
	n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), 0, 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// wait waits for an event, or for a moment: a signal or that time ends it without one. The Go scheduler is not told that
// the thread is away. If it were, its monitor would look every 20 µs whether the thread is back, and take its place in the
// meantime (runtime.retake): up to a sixth of the CPU time of a load of streams. So the thread keeps its place and answers
// for itself: when the runtime wants to stop it, it sends a signal (and again, should it be early), which ends the wait.
func wait(epfd int, events []syscall.EpollEvent) (int, error) {
	const moment = 10 // ms
	n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), moment, 0, 0)
	if e == syscall.EINTR {
		return 0, nil
	}
	return result(n, e)
}

func watch(epfd, fd int, events uint32, index, generation int32) error {
	ev := syscall.EpollEvent{Events: events, Fd: index, Pad: generation}
	return syscall.EpollCtl(epfd, syscall.EPOLL_CTL_ADD, fd, &ev)
}

func newTimer() (int, error) {
	fd, _, e := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, monotonic, nonBlock, 0)
	return result(fd, e)
}

// setTimer lets the timer fire once after d; 0 or less: at once.
func setTimer(fd int, d time.Duration) error {
	spec := [2]syscall.Timespec{{}, syscall.NsecToTimespec(int64(max(1, d)))}
	_, _, e := syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, uintptr(fd), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// newBell returns an eventfd, by which other goroutines wake the thread.
func newBell() (int, error) {
	fd, _, e := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, nonBlock, 0)
	return result(fd, e)
}

func ring(fd int) {
	one := uint64(1)
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), 8) // full: rung already
}

// cpuTime is the processor time that the calling thread has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(rusageThis, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package proc

import (
	"runtime"
	"syscall"
	"time"
)

// Spin is how fast a core is now: rounds of a fixed work per second of this thread's CPU time. A machine that is shared
// changes its speed within seconds; what is measured next to a spin can be divided by it.
func Spin() float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const rounds = 60
	began, sum := threadCPU(), uint64(0)
	for range rounds {
		sum += work()
	}
	runtime.KeepAlive(sum)
	return rounds / (threadCPU() - began).Seconds()
}

// work walks over memory and multiplies: half a ms or so.
func work() uint64 {
	var table [1 << 12]uint64
	x := uint64(88172645463325252)
	for range 200_000 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		table[x%uint64(len(table))] += x
	}
	return table[x%uint64(len(table))]
}

// threadCPU is the CPU time of the calling thread.
func threadCPU() time.Duration {
	var u syscall.Rusage
	const thread = 1 // RUSAGE_THREAD
	if err := syscall.Getrusage(thread, &u); err != nil {
		panic(err) // Linux has had it since 2.6.26
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

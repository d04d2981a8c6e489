package loop

import (
	"errors"
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"hpcbench/agent/internal/hist"
)

// stamper reads sockets together with the kernel's time of their packets (Documentation/networking/timestamping.rst), taken
// when a packet comes up from the device or, on loopback, from its sender. Of a read that takes several packets at once the
// kernel gives the time of the last, so that a token in one of the earlier ones has a stamp that is late, as it has
// without; none is early. A unix socket has no packets and no stamps.
type stamper struct {
	control [128]byte
	vector  syscall.Iovec
	header  syscall.Msghdr
	lag     hist.H // from a packet's stamp to its read, in ns
	first   int    // a socket that carries nothing: the kernel begins to stamp some ms after the first one asks it to
}

func newStamper() (*stamper, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a socket: %w", err)
	}
	if err := stamped(fd); err != nil {
		return nil, errors.Join(fmt.Errorf("kernel_stamps: this kernel has none: %w", err), syscall.Close(fd))
	}
	return &stamper{first: fd}, nil
}

const (
	timestamping      = 37     // SO_TIMESTAMPING, and SCM_TIMESTAMPING
	softwareReceive   = 1 << 3 // SOF_TIMESTAMPING_RX_SOFTWARE: make stamps
	softwareReporting = 1 << 4 // SOF_TIMESTAMPING_SOFTWARE: tell them
)

// stepped is how far a packet's stamp may lie before the last time that the thread asked for events, when it had not come.
// The kernel stamps a packet some microseconds before it tells of it; what lies further back was stamped before the wall
// clock was put forward.
const stepped = time.Millisecond

// stamped asks for stamps on a socket.
func stamped(fd int) error {
	return syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, timestamping, softwareReceive|softwareReporting)
}

// read is read that also returns the kernel's time of the last packet, in ns of the wall clock; 0: it has none.
func (s *stamper) read(fd int, b []byte) (n int, wall int64, err error) {
	s.vector.Base = &b[0]
	s.vector.SetLen(len(b))
	s.header = syscall.Msghdr{Iov: &s.vector, Iovlen: 1, Control: &s.control[0]}
	s.header.SetControllen(len(s.control))
	r, _, e := syscall.RawSyscall(syscall.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&s.header)), 0)
	if n, err = result(r, e); err != nil {
		return 0, 0, err
	}
	return n, softwareStamp(s.control[:s.header.Controllen]), nil
}

// softwareStamp finds the software stamp, the first of three, among control messages (cmsg(3)); 0: there is none.
func softwareStamp(b []byte) int64 {
	const head = syscall.SizeofCmsghdr
	for len(b) >= head {
		h := (*syscall.Cmsghdr)(unsafe.Pointer(&b[0]))
		if h.Len < head || h.Len > uint64(len(b)) {
			return 0
		}
		if h.Level == syscall.SOL_SOCKET && h.Type == timestamping && h.Len >= head+uint64(unsafe.Sizeof(syscall.Timespec{})) {
			return (*syscall.Timespec)(unsafe.Pointer(&b[head])).Nano()
		}
		b = b[min(len(b), (int(h.Len)+7)&^7):]
	}
	return 0
}

// came is when a packet came that was read at now, by its stamp. Stamps are of the wall clock, which may be put forward or
// back and runs at another rate than ours: so only the time between stamp and read is taken from it, by reading both clocks
// at one instant. asked is when it had not come yet. Where there is no stamp, or none that can be true, it is the read.
func (s *stamper) came(wall int64, now time.Time, at, asked time.Duration) time.Duration {
	if wall == 0 {
		return at
	}
	lag := time.Duration(now.UnixNano() - wall)
	if lag < 0 || lag > at-asked+stepped {
		return at
	}
	s.lag.Record(int64(lag))
	return at - lag
}

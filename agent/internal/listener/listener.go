// Package listener tells whose the program is that listens on a port of this node. The kernel says it to everybody.
package listener

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"

	"github.com/prometheus/procfs"
)

const listening = 0x0a // the state of a socket in /proc/net/tcp (TCP_LISTEN of include/net/tcp_states.h)

// Owner is the user's number of who listens at the address, or at all addresses on its port; ok is false where nobody does.
func Owner(at netip.AddrPort) (uid int, ok bool, err error) {
	proc, err := procfs.NewFS("/proc/self")
	if err != nil {
		return 0, false, err
	}
	for _, read := range []func() (procfs.NetTCP, error){proc.NetTCP, proc.NetTCP6} {
		sockets, err := read()
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a node may have no IPv6
			return 0, false, err
		}
		for _, s := range sockets {
			if s.St == listening && s.LocalPort == uint64(at.Port()) && covers(s.LocalAddr, at.Addr()) {
				return int(s.UID), true, nil
			}
		}
	}
	return 0, false, nil
}

// covers tells whether a socket that is bound to one address hears what is sent to the other.
func covers(bound net.IP, to netip.Addr) bool { return bound.IsUnspecified() || bound.Equal(to.AsSlice()) }

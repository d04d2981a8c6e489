// Package listener tells whose the program is that listens on a port of this node. The kernel says it to everybody.
package listener

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Files of sockets: proc_net_tcp.txt of the kernel's documentation.
var tables = []string{"/proc/net/tcp", "/proc/net/tcp6"}

const listening = "0A" // the state TCP_LISTEN of include/net/tcp_states.h

// Owner is the user's number of who listens at the address, or at all addresses on its port; ok is false where nobody does.
func Owner(at netip.AddrPort) (uid int, ok bool, err error) {
	for _, table := range tables {
		text, err := os.ReadFile(table)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a node may have no IPv6
			return 0, false, err
		}
		for line := range bytes.Lines(text) {
			f := strings.Fields(string(line))
			if len(f) < 8 || f[3] != listening {
				continue
			}
			bound, err := address(f[1])
			if err != nil {
				return 0, false, fmt.Errorf("%s: %w", table, err)
			}
			if bound.Port() == at.Port() && (bound.Addr().IsUnspecified() || bound.Addr() == at.Addr().Unmap()) {
				uid, err := strconv.Atoi(f[7])
				return uid, err == nil, err
			}
		}
	}
	return 0, false, nil
}

// address reads 0100007F:1F90, whose address is words of 32 bits as this machine, of little end, has them in memory.
func address(text string) (netip.AddrPort, error) {
	addr, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(addr)
	number, e := strconv.ParseUint(port, 16, 16)
	if err = errors.Join(err, e); err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("%q is no address of a socket", text)
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	a, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(number)), nil
}

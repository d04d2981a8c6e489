package listener

import (
	"net"
	"net/netip"
	"os"
	"testing"
)

// A listener is found by its address, by that of all, and of both families; another port, and one that is let go, are nobody's.
func TestOwner(t *testing.T) {
	for bind, ask := range map[string]string{"127.0.0.1:0": "127.0.0.1", "0.0.0.0:0": "127.0.0.1", "[::]:0": "127.0.0.1"} {
		ln, err := net.Listen("tcp", bind)
		if err != nil {
			t.Skipf("%s can't be bound here: %v", bind, err)
		}
		at := netip.AddrPortFrom(netip.MustParseAddr(ask), ln.Addr().(*net.TCPAddr).AddrPort().Port())
		if uid, ok, err := Owner(at); !ok || err != nil || uid != os.Getuid() {
			t.Errorf("%s: user %d, there: %v (%v); want %d", bind, uid, ok, err, os.Getuid())
		}
		if bind == "127.0.0.1:0" {
			if _, ok, err := Owner(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), at.Port())); ok || err != nil {
				t.Errorf("somebody has the port at another address (%v)", err)
			}
		}
		_ = ln.Close()
		if _, ok, err := Owner(at); ok || err != nil {
			t.Errorf("%s: somebody listens where nobody does (%v)", bind, err)
		}
	}
}

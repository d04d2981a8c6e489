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

func TestAddressesAsTheKernelWritesThem(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000:0016":                         "0.0.0.0:22",
		"0E00570A:5078":                         "10.87.0.14:20600",
		"00000000000000000000000000000000:0016": "[::]:22",
		"0000000000000000FFFF00000100007F:0050": "127.0.0.1:80",
		"B80D01200000000067452301EFCDAB89:0001": "[2001:db8::123:4567:89ab:cdef]:1",
	} {
		if got, err := address(text); err != nil || got.String() != want {
			t.Errorf("%s is %s, want %s (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"", "7F:1", "0100007F", "0100007F:1FFFF", "x100007F:1"} {
		if got, err := address(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

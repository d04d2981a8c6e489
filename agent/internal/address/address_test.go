package address

import (
	"context"
	"net/netip"
	"strings"
	"testing"
)

// node is a host with a management network, a fabric and a VLAN on the fabric.
func node(names map[string]string) Host {
	return Host{
		Name: "mel2001",
		Interfaces: []Interface{
			{"lo", ips("127.0.0.1")},
			{"eth0", ips("169.254.3.4", "192.168.1.7")},
			{"hsn0.561", ips("141.1.1.1")},
			{"hsn0", ips("10.1.0.7")},
		},
		Lookup: func(_ context.Context, name string) []netip.Addr {
			if names[name] == "" {
				return nil
			}
			return ips(strings.Fields(names[name])...)
		},
	}
}

func ips(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		what, pattern string
		names         map[string]string
		want, note    string
	}{
		{"whole names only: the VLAN is not taken", "hsn[0-9]+", nil, "10.1.0.7", ""},
		{"alternatives are anchored as one", "ib0|hsn0", nil, "10.1.0.7", ""},
		{"link-local is passed over", "eth0", nil, "192.168.1.7", ""},
		{"local mode", "lo", nil, "127.0.0.1", ""},
		{"no match: the node's name", "ib0", map[string]string{"mel2001": "192.168.1.7"}, "192.168.1.7", `no interface of mel2001 (lo 127.0.0.1, eth0 169.254.3.4, eth0 192.168.1.7, hsn0.561 141.1.1.1, hsn0 10.1.0.7) matches "ib0"; taking the address of the name mel2001`},
		{"no pattern: the node's name, without a word", "", map[string]string{"mel2001": "192.168.1.7"}, "192.168.1.7", ""},
		{"a name of many nodes: the address that is here", "", map[string]string{"mel2001": "10.1.0.8 10.1.0.7"}, "10.1.0.7", ""},
		{"a name that leads to loopback: the fabric's name", "", map[string]string{"mel2001": "127.0.0.1", "mel2001i": "10.1.0.7"}, "10.1.0.7", ""},
		{"the fabric's other name", "", map[string]string{"mel2001-hsn0": "10.1.0.7"}, "10.1.0.7", ""},
	} {
		got, note, err := Find(t.Context(), node(c.names), c.pattern)
		if err != nil || got.String() != c.want || note != c.note {
			t.Errorf("%s: got %v, note %q, %v; want %s, note %q", c.what, got, note, err, c.want, c.note)
		}
	}
}

func TestFindRefusesToGuess(t *testing.T) {
	_, _, err := Find(t.Context(), node(map[string]string{"mel2001": "127.0.1.1"}), "ib[0-9]+")
	if err == nil || !strings.Contains(err.Error(), `matches "ib[0-9]+"`) || !strings.Contains(err.Error(), "hsn0 10.1.0.7") {
		t.Errorf("error %v, want one with the pattern and the addresses there are", err)
	}
}

func TestFindTakesTheOnlyAddress(t *testing.T) {
	h := node(nil)
	h.Interfaces = h.Interfaces[:2]
	got, _, err := Find(t.Context(), h, "")
	if err != nil || got.String() != "192.168.1.7" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestThisHasLoopback(t *testing.T) {
	h, err := This()
	if err != nil || h.Name == "" || len(h.Interfaces) == 0 {
		t.Errorf("got %+v, %v", h, err)
	}
}

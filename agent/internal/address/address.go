// Package address finds the IPv4 address by which the other nodes of a job reach this one.
//
// The first word of `hostname -I` is often the management network, and a prefix of an interface's name takes in VLANs
// that lead elsewhere (slurm.md §2.4). So: the interface whose whole name matches the cluster's pattern; else the node's
// own name, else that name with "i" or "-hsn0" behind it, as two sites call their fabric; else the only address there is.
// An address that is not on this node, a loopback or a link-local one is never the answer.
package address

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Interface is one network interface that is up, with its IPv4 addresses.
type Interface struct {
	Name      string
	Addresses []netip.Addr
}

// Host is what a node knows of itself.
type Host struct {
	Name       string // short: without a domain
	Interfaces []Interface
	Lookup     func(ctx context.Context, name string) []netip.Addr // nil when the name is not known
}

// This is the host it runs on.
func This() (Host, error) {
	name, err := os.Hostname()
	if err != nil {
		return Host{}, err
	}
	name, _, _ = strings.Cut(name, ".")
	interfaces, err := up()
	return Host{Name: name, Interfaces: interfaces, Lookup: lookup}, err
}

// Find returns the host's address. Pattern is a regular expression on the whole name of an interface, "" for none;
// exactly "lo" means this machine alone, 127.0.0.1. The note, if any, tells why the pattern did not decide.
func Find(ctx context.Context, h Host, pattern string) (found netip.Addr, note string, err error) {
	if pattern == "lo" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), "", nil
	}
	if pattern != "" {
		whole, err := regexp.Compile("^(?:" + pattern + ")$")
		if err != nil {
			return found, "", fmt.Errorf("interfaces: %w", err)
		}
		if found, ok := h.matching(whole); ok {
			return found, "", nil
		}
		note = fmt.Sprintf("no interface of %s (%s) matches %q; ", h.Name, h.list(), pattern)
	}
	for _, name := range []string{h.Name, h.Name + "i", h.Name + "-hsn0"} {
		if found, ok := h.named(ctx, name); ok {
			return found, prefixed(note, "taking the address of the name "+name), nil
		}
	}
	if all := h.usable(); len(all) == 1 {
		return all[0], prefixed(note, "taking the only address there is"), nil
	}
	return found, "", fmt.Errorf("no address for the other nodes: %sthe name %s leads to none of this node's addresses (%s)", note, h.Name, h.list())
}

// prefixed is the whole note, or none where no pattern was given.
func prefixed(note, rest string) string {
	if note == "" {
		return ""
	}
	return note + rest
}

func (h Host) matching(whole *regexp.Regexp) (netip.Addr, bool) {
	for _, i := range h.Interfaces {
		if k := slices.IndexFunc(i.Addresses, usable); k >= 0 && whole.MatchString(i.Name) {
			return i.Addresses[k], true
		}
	}
	return netip.Addr{}, false
}

// named is the first address of the name that is this node's: a name may have several, some of them not here.
func (h Host) named(ctx context.Context, name string) (netip.Addr, bool) {
	own := h.usable()
	for _, a := range h.Lookup(ctx, name) {
		if a = a.Unmap(); slices.Contains(own, a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

func (h Host) usable() []netip.Addr {
	var all []netip.Addr
	for _, i := range h.Interfaces {
		for _, a := range i.Addresses {
			if usable(a) {
				all = append(all, a)
			}
		}
	}
	return all
}

func (h Host) list() string {
	var words []string
	for _, i := range h.Interfaces {
		for _, a := range i.Addresses {
			words = append(words, i.Name+" "+a.String())
		}
	}
	return strings.Join(words, ", ")
}

func usable(a netip.Addr) bool {
	return a.Is4() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !a.IsUnspecified()
}

func lookup(ctx context.Context, name string) []netip.Addr {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
	if err != nil {
		return nil // the next name may be known
	}
	return found
}

func up() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []Interface
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("addresses of %s: %w", i.Name, err)
		}
		if i.Flags&net.FlagUp != 0 {
			found = append(found, Interface{i.Name, ipv4(addresses)})
		}
	}
	return found, nil
}

func ipv4(addresses []net.Addr) []netip.Addr {
	var found []netip.Addr
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() {
			found = append(found, prefix.Addr())
		}
	}
	return found
}

package preflight

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"hpcbench/agent/internal/address"
)

// Config is what a node is to be looked at for.
type Config struct {
	Results    string // the job's results, on the file system that all nodes share
	Shared     string // a file that the job's first node wrote there
	Word       string // and its content
	Address    string // the node's, by which the others reach it
	Interfaces string // the cluster's regular expression on interface names
	GPUs       int    // that the job's step has here; 0: none
	Images     []Image
	Clock      Clock
}

// Node looks at the node that it runs on.
func Node(ctx context.Context, c Config) []Row {
	return all(ctx, []check{
		{name: "shared", look: c.shared},
		{name: "interface", look: c.network},
		{name: "clock", look: c.Clock.look, most: clockPatience},
		{name: "shm", look: func(context.Context) []Row { return []Row{shm(c.GPUs)} }},
		{name: "tmp", look: func(context.Context) []Row {
			return []Row{space("tmp", "/tmp", 50<<20, "servers keep caches and sockets there")}
		}},
		{name: "results", look: func(context.Context) []Row {
			return []Row{space("results", c.Results, 20<<20, "records of a trial take up to 50 MB a node")}
		}},
		{name: "quota", look: c.quota},
		{name: "gpu", look: c.gpus, most: gpuPatience},
	})
}

// shared tells whether the node sees what the first node wrote. A network file system may take seconds to show a new file.
func (c Config) shared(ctx context.Context) []Row {
	begin := time.Now()
	for {
		text, err := os.ReadFile(c.Shared)
		switch {
		case err == nil && strings.TrimSpace(string(text)) == c.Word:
			return []Row{row("shared", OK, "a file of the first node was seen after %.1f s", time.Since(begin).Seconds())}
		case err == nil:
			err = fmt.Errorf("it holds %q", text)
		}
		select {
		case <-ctx.Done():
			return []Row{row("shared", Fail, "%s, which the first node wrote, is not seen here: %v (put the bundle on a file system that all nodes share)", c.Shared, err)}
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// network names the interface that has the node's address, and those that could have been taken as well.
func (c Config) network(context.Context) []Row {
	if ip, err := netip.ParseAddr(c.Address); err == nil && ip.IsLoopback() {
		return nil // one machine plays all nodes
	}
	host, err := address.This()
	if err != nil {
		return []Row{row("interface", Warn, "the node's interfaces can't be listed: %v", err)}
	}
	return []Row{chosen(host.Interfaces, c.Address, c.Interfaces)}
}

// chosen says which interface has the address. Several that match the pattern may be several rails of one fabric, or a
// VLAN that leads elsewhere: it is said, and no failure.
func chosen(all []address.Interface, ip, pattern string) Row {
	whole, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return row("interface", Fail, "the interfaces' pattern %q is no regular expression: %v", pattern, err)
	}
	name, others := "", []string(nil)
	for _, i := range all {
		for _, a := range i.Addresses {
			switch {
			case a.String() == ip:
				name = i.Name
			case pattern != "" && whole.MatchString(i.Name), pattern == "" && elsewhere(a):
				others = append(others, i.Name+" "+a.String())
			}
		}
	}
	switch {
	case name == "":
		return row("interface", Warn, "no interface has %s, the address that was found for this node", ip)
	case len(others) > 0 && pattern == "":
		slices.Sort(others)
		return row("interface", Warn, "%s %s was taken; there are also %s (name the fabric's in the cluster profile, network.interfaces)", name, ip, strings.Join(others, ", "))
	case len(others) > 0:
		slices.Sort(others)
		return row("interface", OK, "%s %s; %q matches also %s", name, ip, pattern, strings.Join(others, ", "))
	}
	return row("interface", OK, "%s %s", name, ip)
}

// elsewhere tells whether other nodes could have reached the node by the address.
func elsewhere(a netip.Addr) bool {
	return a.Is4() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !a.IsUnspecified()
}

package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	addresses "hpcbench/agent/internal/address"
	"hpcbench/agent/internal/whole"
)

var address = command{
	name:  "address",
	short: "tell by which IPv4 address other nodes reach this one",
	long: `
The interface whose whole name matches --interfaces, else the address of this node's name, else of that name with "i" or
"-hsn0" behind it, else the only address there is. Loopback and link-local addresses, and addresses that are not on this
node, are never taken. --interfaces lo means this machine alone.`,
	example: "agent address --interfaces 'hsn[0-9]+|ib[0-9]+'",
	declare: func(f *flags) action {
		pattern := f.text("interfaces", "REGEXP", "", "regular expression on the whole name of a fabric interface")
		out := f.text("out", "DIR", "", "where to write the address, into a file of the node's name; otherwise it is printed")
		node := f.text("node", "NAME", "", "name of that file (default this node's)")
		return func(ctx context.Context, c *call) error {
			host, err := addresses.This()
			if err != nil {
				return err
			}
			ip, note, err := addresses.Find(ctx, host, *pattern)
			if err != nil {
				return err
			}
			if note != "" {
				fmt.Fprintf(c.stderr, "address: %s\n", note)
			}
			if *out == "" {
				_, err := fmt.Fprintln(c.stdout, ip)
				return err
			}
			return whole.Write(filepath.Join(*out, cmp.Or(*node, thisNode())), []byte(ip.String()+"\n"), 0o644)
		}
	},
}

// thisNode is what the job calls this node: its name in local mode, Slurm's name for it, or the short host name.
func thisNode() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	short, _, _ := strings.Cut(host, ".")
	return cmp.Or(os.Getenv("BENCH_NODE"), os.Getenv("SLURMD_NODENAME"), short)
}

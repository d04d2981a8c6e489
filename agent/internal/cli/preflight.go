package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	checks "hpcbench/agent/internal/preflight"
)

var preflightVerb = command{
	name:  "preflight",
	short: "look at a node, or a container, before a server is started in it",
	long: `
Prints a row for each thing that was looked at: the check, ok, warn or fail, and what was found with its cure. Nothing is
changed, no check waits longer than some seconds, and the status is 0 whatever is found: the job script judges.

With --inside it looks at the container that it runs in: that it runs, what CUDA it was made with, and whether the files whose
paths come on standard input, one a line, are there and whole. What that printed goes to the other, by --told, which looks at
the node: the clock against the first node's, the interface, space in /dev/shm, /tmp and the results, quotas, and the GPUs by
nvidia-smi.`,
	example: "agent preflight --results results/4711 --shared results/4711/preflight.shared --word 4711 --address 10.0.0.2 --gpus 4",
	declare: func(f *flags) action {
		inside := f.is("inside", "look at the container")
		image := f.text("image", "NAME", "", "with --inside: what to call it; without a name it is the node itself")
		nv := f.is("nv", "with --inside: the node's driver is to be there")
		results := f.text("results", "DIR", "", "the job's results: results/<jobid>")
		shared := f.text("shared", "FILE", "", "a file that the first node wrote there")
		word := f.text("word", "TEXT", "", "its content")
		ip := f.text("address", "IP", "", "this node's address")
		pattern := f.text("interfaces", "REGEXP", "", "regular expression on the whole name of a fabric interface")
		gpus := f.number("gpus", "N", 0, "GPUs that this step has")
		told := f.text("told", "FILE", "", "what --inside printed, of all images")
		first := f.is("first", "this is the job's first node, whose clock counts")
		peers := f.number("peers", "N", 0, "other nodes that there are; with 0 no clocks are compared")
		clock := f.text("clock", "FILE", "", "where the first node says by which address it tells the time")
		offset := f.time("clock-offset", 0, "how much this node's clock is to be off, for tests")
		return func(ctx context.Context, call *call) error {
			if *inside {
				return printRows(call.stdout, insideRows(ctx, call, *image, *nv))
			}
			if *results == "" {
				return usage("--results or --inside is needed")
			}
			c := checks.Config{Results: *results, Shared: *shared, Word: *word, Address: *ip, Interfaces: *pattern, GPUs: *gpus,
				Clock: checks.Clock{First: *first, Peers: *peers, Listen: *ip, File: *clock, Offset: *offset}}
			rows, err := readTold(*told, &c)
			if err != nil {
				return err
			}
			return printRows(call.stdout, append(rows, checks.Node(ctx, c)...))
		}
	},
}

// insideRows reads the files to look for, and looks.
func insideRows(ctx context.Context, c *call, image string, nv bool) []checks.Row {
	text, err := io.ReadAll(c.stdin)
	if err != nil {
		return []checks.Row{{Check: "files", State: checks.Warn, Words: err.Error()}}
	}
	var files []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			files = append(files, line)
		}
	}
	return checks.Inside(ctx, image, files, nv)
}

// readTold passes on what the containers said, and keeps what is to be judged here.
func readTold(path string, c *checks.Config) ([]checks.Row, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows, images := checks.Told(string(text))
	c.Images = images
	return rows, nil
}

func printRows(w io.Writer, rows []checks.Row) error {
	for _, r := range rows {
		if _, err := fmt.Fprintln(w, r); err != nil {
			return err
		}
	}
	return nil
}

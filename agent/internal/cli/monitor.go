package cli

import (
	"cmp"
	"context"
	"os"
	"sync"
	"time"

	"hpcbench/agent/internal/logs"
	watch "hpcbench/agent/internal/monitor"
)

var monitor = command{
	name:  "monitor",
	short: "write down this node's CPU, memory, network, disk and GPUs",
	long: `
One row a reading, CSV with a header; a reading that is missing is an empty cell. GPUs are read by agent-gpu beside this
program, else by nvidia-smi, where there are any. --watch names the metrics that a recipe or a service adds: those of them
that are commands are run each interval, one at a time, and killed after 10 s; the last line is the number, the column
custom_NAME. Ends with status 0 on TERM, INT or USR1.`,
	example: "agent monitor --out monitor-mel2001.csv --interval 1s",
	declare: func(f *flags) action {
		out := f.text("out", "FILE", "", "the CSV, written anew")
		node := f.text("node", "NAME", "", "name of this node in the log (default this node's)")
		interval := f.time("interval", time.Second, "from row to row, at least 100ms")
		gpu := f.text("gpu", "auto|none", "auto", "whether to look for GPUs")
		watched := f.text("watch", "FILE", "", "metrics to add: node/watch.json")
		kernel := f.is("kernel", "write the kernel's messages into the log, where they may be read")
		f.need("out")
		return func(ctx context.Context, c *call) error {
			if *interval < watch.MinInterval {
				return usage("--interval %v: want %v or more", *interval, watch.MinInterval)
			}
			if *gpu != "auto" && *gpu != "none" {
				return usage("--gpu %q: want auto or none", *gpu)
			}
			w, err := readWatch(*watched)
			if err != nil {
				return err
			}
			file, err := os.Create(*out)
			if err != nil {
				return err
			}
			defer file.Close()
			plain := logger(c.stderr, cmp.Or(*node, thisNode()), "monitor")
			log := plain.With("category", "monitor")
			if *kernel {
				var wg sync.WaitGroup
				defer wg.Wait()
				ctx, end := context.WithCancel(ctx)
				defer end()
				wg.Go(func() { logs.Kernel(ctx, "/dev/kmsg", plain) })
			}
			return watch.Run(ctx, watch.Config{Out: file, Interval: *interval, GPU: *gpu, Metrics: w.Metrics, Log: log})
		}
	},
}

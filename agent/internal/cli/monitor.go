package cli

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/expose"
	"hpcbench/agent/internal/logs"
	watch "hpcbench/agent/internal/monitor"
	"hpcbench/agent/internal/push"
	"hpcbench/agent/internal/whole"
	"hpcbench/agent/workload"
)

var monitor = command{
	name:  "monitor",
	short: "write down this node's CPU, memory, network, disk and GPUs",
	long: `
One row a reading, CSV with a header; a reading that is missing is an empty cell. GPUs are read by agent-gpu beside this
program, else by nvidia-smi, else by rocm-smi (once a second at most), where there are any. --watch says what is read, where
that is not all, and names the metrics that a recipe or a service adds: those of them that are commands are run each interval,
one at a time, and killed after 10 s; the last line is the number, the column custom_NAME. With --listen the last row is at
GET /metrics/prometheus there, behind the limits of agent serve, and with push in --watch it is pushed to a Pushgateway; neither
keeps a row from being written, and where that port can't be had the log says so and the rows go on. Ends with status 0 on TERM,
INT or USR1.`,
	example: "agent monitor --out monitor-mel2001.csv --interval 1s",
	declare: func(f *flags) action {
		out := f.text("out", "FILE", "", "the CSV, written anew")
		node := f.text("node", "NAME", "", "name of this node in the log (default this node's)")
		interval := f.time("interval", time.Second, "from row to row, at least 100ms")
		gpu := f.text("gpu", "auto|none", "auto", "whether to look for GPUs")
		watched := f.text("watch", "FILE", "", "what to read, metrics to add, and where to push: node/watch.json")
		listen := f.text("listen", "IP:PORT", "", "where to show the last row to Prometheus (default nowhere)")
		others := f.text("or-ports", "FIRST-LAST", "", "ports to take where another program has that one")
		ready := f.text("ready-file", "FILE", "", "where to publish the address once it is bound")
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
			var addresses []string
			if *listen != "" {
				if addresses, err = addressesFor(*listen, *others); err != nil {
					return err
				}
			}
			file, err := os.Create(*out)
			if err != nil {
				return err
			}
			defer file.Close()
			name := cmp.Or(*node, thisNode())
			all := logger(c.stderr, name, "monitor")
			log := all.With("category", "monitor")
			if *kernel {
				own := logger(c.stderr, name, "kernel").With("category", "system")
				defer beside(ctx, func(ctx context.Context) { logs.Kernel(ctx, "/dev/kmsg", own) })()
			}
			shown := expose.NewNode(name, *interval)
			reg := prometheus.NewRegistry()
			reg.MustRegister(shown)
			if len(addresses) > 0 {
				defer beside(ctx, func(ctx context.Context) { export(ctx, addresses, *ready, reg, log) })()
			}
			if to := pushed(w, push.Node, name, filepath.Dir(*out), all); to != nil {
				to.From = reg
				defer beside(ctx, func(ctx context.Context) { push.Run(ctx, *to) })()
			}
			return watch.Run(ctx, watch.Config{Out: file, Interval: *interval, GPU: *gpu, Collectors: w.Collectors, Metrics: w.Metrics, Each: shown.Show, Log: log})
		}
	},
}

// export shows what a registry has to who asks at the first of the addresses that is free. What does not work is a line in the
// log: the rows go on.
func export(ctx context.Context, addresses []string, ready string, reg *prometheus.Registry, log *slog.Logger) {
	ln, err := bindFirst(addresses, log)
	if err == nil && ready != "" {
		err = whole.Write(ready, []byte(ln.Addr().String()+"\n"), 0o644)
	}
	if err == nil {
		err = expose.Serve(ctx, ln, reg, log)
	}
	if err != nil {
		log.Error("the node's readings are not shown", "error", err.Error())
	}
}

// pushed is where an agent pushes to, as job; nil where nothing is pushed.
func pushed(w workload.Watch, job, node, dir string, log *slog.Logger) *push.Config {
	if w.Push == nil {
		return nil
	}
	return &push.Config{Push: *w.Push, Job: job, Node: node, Dir: dir, Log: log}
}

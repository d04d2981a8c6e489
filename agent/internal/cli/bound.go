package cli

import (
	"context"
	"os/signal"
	"syscall"

	"hpcbench/agent/internal/logs"
)

var boundVerb = command{
	name:  "bound",
	short: "stand between a server and its log, and keep that below a size",
	long: `
Takes stdin to its end. The first half of --size goes to stdout; what follows to LOG.tail.log, which becomes LOG.past.log when it has
a quarter of --size and is begun anew, so that the log's first words and its last are there at any time. Of each second the first and
the last half of --rate pass. What is left out is said in the log. Signals do not end it: it ends when all have ended that write to
it. A disk that is full costs lines of the log, and keeps no server waiting.`,
	example: `agent bound --log results/4711/logs/server.d1.1.mel2001 --size 2000 >>results/4711/logs/server.d1.1.mel2001.log <pipe`,
	declare: func(f *flags) action {
		log := f.text("log", "LOG", "", "the log's path, without .log")
		size := f.number("size", "MB", 2000, "the most that the log may take, in MiB")
		rate := f.number("rate", "MB", 8, "the most that it may take a second, in MiB; 0: as much as comes")
		f.need("log")
		return func(_ context.Context, c *call) error {
			if *size < 1 || *rate < 0 {
				return usage("--size %d --rate %d: want 1 or more, and 0 or more", *size, *rate)
			}
			// Slurm sends a step's signals to all of its processes; the server's last words come after them.
			signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGPIPE)
			b := logs.Bound{Head: c.stdout, Log: *log, Limit: int64(*size) << 20, Rate: int64(*rate) << 20}
			return b.Copy(c.stdin)
		}
	},
}

package cli

import (
	"context"
	"errors"
	"fmt"

	"hpcbench/agent/internal/summary"
)

var stop = command{
	name:    "stop",
	short:   "stop what the executors of a job run, and wait until they are idle",
	example: "agent stop --nodes results/4711/nodes.tsv --token-file results/4711/control.token",
	declare: func(f *flags) action {
		table := f.text("nodes", "FILE", "", "the job's nodes.tsv")
		published := f.text("executors", "DIR", "", "where executors published their addresses; those count, and not nodes.tsv's")
		token := f.text("token-file", "FILE", "", "the job's token")
		f.need("nodes", "token-file")
		return func(ctx context.Context, c *call) error {
			_, executors, err := readExecutors(*table, *published, *token)
			if err != nil {
				return err
			}
			var all []error
			for _, e := range executors {
				p, err := e.Stop(ctx)
				if err == nil && p.State == summary.Running {
					err = fmt.Errorf("executor of %s: trial %s still runs", e.Node, p.Trial)
				}
				if err == nil {
					fmt.Fprintf(c.stderr, "stop: %s is %s\n", e.Node, p.State)
				}
				all = append(all, err)
			}
			return errors.Join(all...)
		}
	},
}

package cli

import (
	"context"
	"fmt"
	"strings"

	"hpcbench/agent/internal/ledger"
	"hpcbench/agent/internal/whole"
)

var ledgerVerb = command{
	name:  "ledger",
	short: "tell which trials of a bundle are done and which are to run",
	long: `
A trial is done when a job left its summary under the key of all that makes it today: the trial's file, the server's argv
and env, and the image's path, size and time. The rows written are trial, deployment, seconds, state (missing, or
done:JOBID), key and name. A directory of results/ that may not be read counts for nothing, and is named.`,
	example: "agent ledger --bundle . --plan 3f2a91c07b --deployments d1,d2 --image d1=/images/ollama.sif --out results/4711/ledger.tsv",
	declare: func(f *flags) action {
		bundle := f.text("bundle", "DIR", "", "the bundle")
		plan := f.text("plan", "ID", "", "the job script's plan id, which trials/index.tsv must have too")
		deployments := f.text("deployments", "LIST", "", "the deployments whose trials are meant, such as d1,d2")
		images := map[string]string{}
		f.each("image", "DEPLOYMENT=PATH", "container image of a deployment; once for each that has one", func(text string) error {
			d, path, ok := strings.Cut(text, "=")
			if !ok || d == "" || path == "" {
				return fmt.Errorf("want DEPLOYMENT=PATH")
			}
			images[d] = path
			return nil
		})
		out := f.text("out", "FILE", "", "where to write the rows")
		f.need("bundle", "plan", "deployments", "out")
		return func(_ context.Context, c *call) error {
			rows, err := ledger.Make(ledger.Ask{
				Bundle: *bundle, Plan: *plan, Deployments: strings.Split(*deployments, ","), Images: images,
				Skipped: func(err error) { fmt.Fprintf(c.stderr, "%s: passed over: %v\n", c.prefix, err) },
			})
			if err != nil {
				return err
			}
			if err := whole.Write(*out, []byte(ledger.Text(rows)), 0o644); err != nil {
				return err
			}
			finished := 0
			for _, r := range rows {
				if r.Done() {
					finished++
				}
			}
			_, err = fmt.Fprintf(c.stdout, "%d trials: %d done, %d to run\n", len(rows), finished, len(rows)-finished)
			return err
		}
	},
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"hpcbench/agent/internal/energy"
	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/readings"
)

var readingsVerb = command{
	name:  "readings",
	short: "put what the nodes' monitors read into summaries, and into one file",
	long: `
For the end of a job, when its monitors have ended: trials whose summary.json was written before all readings of their window
had come (resources.late) get their resources and energy anew. --merge writes the readings of all nodes into one CSV of the
job's results, in the order of time by the clock of the job's first node, with the column node.`,
	example: "agent readings --dir results/4711 --merge benchmark_metrics.csv",
	declare: func(f *flags) action {
		dir := f.text("dir", "DIR", "", "the job's results: results/<jobid>")
		merge := f.text("merge", "NAME", "", "name of the file of all nodes' readings in it")
		f.need("dir")
		return func(_ context.Context, c *call) error {
			if *merge != "" && (*merge != filepath.Base(*merge) || (*merge)[0] == '.') {
				return usage("--merge %s: want the name of a file in %s", *merge, *dir)
			}
			j, err := job.Read(*dir)
			if err != nil {
				return err
			}
			settled, err := energy.Settle(*dir, j)
			if settled > 0 {
				fmt.Fprintf(c.stderr, "readings: resources and energy of %s were reckoned anew, with the last readings\n", counted(settled, "trial"))
			}
			if *merge != "" {
				err = errors.Join(err, readings.Merge(*dir, *merge, j.Offsets(*dir)))
			}
			return err
		}
	},
}

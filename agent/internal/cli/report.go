package cli

import (
	"context"

	results "hpcbench/agent/internal/report"
)

var report = command{
	name:     "report",
	operands: "RESULTS...",
	short:    "turn results into report.txt, summary.csv and report.html",
	long: `
RESULTS is a bundle's results/, which takes the latest good result of every trial over all jobs, or one results/<jobid>, or
the --out of agent load. The text is printed too.`,
	example: "agent report results\nagent report results/4711 -o /tmp/report",
	declare: func(f *flags) action {
		out := f.text("o", "DIR", "", "where the files go (default the first of RESULTS)")
		return func(_ context.Context, c *call) error {
			if len(c.operands) == 0 {
				return usage("no results given; agent report -h shows how it is used")
			}
			return results.Write(c.operands, *out, c.stdout)
		}
	},
}

package cli

import (
	"context"
	"fmt"
	"slices"

	"hpcbench/agent/internal/summary"
)

var hdr = command{
	name:     "hdr",
	operands: "PART.json...",
	short:    "print the distribution of a latency in HdrHistogram's text, for its plotter",
	long: `
The part.json are those of all client nodes of a trial, or the one in the --out of agent load: what they counted is added up.
The distribution is over the requests due in the window that ended ok, in ms, each value at most 1/1024 too high.`,
	example: "agent hdr --metric ttft_s results/4711/0001/*/part.json > ttft.hgrm",
	declare: func(f *flags) action {
		metric := summary.E2EL
		f.each("metric", "NAME", "which latency, by its name in summary.json (default e2el_s)", func(text string) error {
			k := slices.IndexFunc(summary.Metrics(), func(m summary.Metric) bool { return m.String() == text })
			if k < 0 {
				return fmt.Errorf("want one of %v", summary.Metrics())
			}
			metric = summary.Metrics()[k]
			return nil
		})
		return func(_ context.Context, c *call) error {
			if len(c.operands) == 0 {
				return usage("no part.json given; agent hdr -h shows how it is used")
			}
			parts, err := summary.ReadParts(c.operands)
			if err != nil {
				return err
			}
			h := summary.Histogram(parts, metric)
			if h.N() == 0 {
				return fmt.Errorf("no request of trial %s has a %s", parts[0].Trial, metric)
			}
			return h.Percentiles(c.stdout, 1e6)
		}
	},
}

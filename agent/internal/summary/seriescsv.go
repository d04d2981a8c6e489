package summary

import (
	"fmt"
	"strconv"
	"strings"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/workload"
)

// SeriesFile is the name of the file of a trial's series, beside summary.json.
const SeriesFile = "series.csv"

// seriesHeads are the columns of series.csv. Times are in seconds; an empty cell is not known, and never 0.
var seriesHeads = []string{"time_s", "step_s", "measured", "due", "sent", "ok", "failed", "given_up", "in_flight", "prompt_tokens", "output_tokens",
	"ttft_s_mean", "ttft_s_p50", "ttft_s_p95", "ttft_s_p99", "tpot_s_mean", "tpot_s_p50", "tpot_s_p95", "tpot_s_p99",
	"e2el_s_mean", "e2el_s_p50", "e2el_s_p95", "e2el_s_p99"}

// SeriesCSV is the trial by the second over all client nodes and all phases: series.csv, a header line and a line for each
// second, or each step_s of them in a trial of more than half an hour, from the trial's time zero on. measured is 1 where all
// of it lies in the window. in_flight is the mean of requests that are sent and not done. Latencies are of requests that
// ended ok, TTFT in the second of the first token, TPOT and E2EL in that of the end; their quantiles are within 7 %.
func SeriesCSV(trial workload.Trial, parts []*Part) string {
	t := add(parts)
	from, to := windows(trial.Workload, parts, t).common()
	var b strings.Builder
	b.WriteString(strings.Join(seriesHeads, ",") + "\n")
	flying := t.series.inFlight()
	for i := range t.series.Rows {
		r, step := &t.series.Rows[i], t.series.StepS
		begin := int64(i) * step
		measured := 0
		if float64(begin) >= from && float64(begin+step) <= to {
			measured = 1
		}
		fmt.Fprintf(&b, "%d,%d,%d,%d,%d,%d,%d,%d,%s,%d,%d,%s,%s,%s\n", begin, step, measured, r.Due, r.Sent, r.OK, r.Failed, r.GivenUp,
			plain(flying[i]), r.PromptTokens, r.OutputTokens, latencyCells(&r.TTFT), latencyCells(&r.TPOT), latencyCells(&r.E2EL))
	}
	return b.String()
}

// latencyCells are mean, p50, p95 and p99, empty where there is no value.
func latencyCells(c *hist.Coarse) string {
	if c.N() == 0 {
		return ",,,"
	}
	cells := plain(c.Mean() / 1e9)
	for _, p := range []float64{0.5, 0.95, 0.99} {
		cells += "," + plain(seconds(c.Quantile(p)))
	}
	return cells
}

// plain is v with six significant digits, without an exponent.
func plain(v float64) string {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil {
		return ""
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}

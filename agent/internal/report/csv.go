package report

import (
	"encoding/csv"
	"slices"
	"strconv"
	"strings"

	"hpcbench/agent/internal/summary"
)

// CSV is summary.csv: a header line, then a line for each complete trial. What is not known is an empty cell.
// The columns: the trial, with the start of the server it ran on where the recipe asks for several; its swept values by the
// last element of their path (the whole path where that is ambiguous); and the numbers of its summary.json, latencies over
// the requests that ended ok as ttft_s_p50.
func (r *Report) CSV() string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	trials := r.complete()
	keys := keysOf(trials)
	heads := r.csvHeads(keys)
	_ = w.Write(heads) // a strings.Builder takes everything
	for _, t := range trials {
		row := []string{t.ID, t.Name, t.Job, string(t.Class), strconv.Itoa(t.Summary.Repetition)}
		if r.restarted() {
			row = append(row, strconv.Itoa(t.Summary.Restart))
		}
		for _, k := range keys {
			row = append(row, csvValue(t.Summary.Point, k.path))
		}
		_ = w.Write(append(row, csvNumbers(t.Summary)...))
	}
	w.Flush()
	return b.String()
}

// identity is the columns that name a trial.
var identity = []string{"trial", "name", "job", "validity", "repetition"}

// csvHeads is the header line. A swept value that has the name of another column goes by its whole path.
func (r *Report) csvHeads(keys []key) []string {
	numbers := csvNumberHeads()
	heads := slices.Clone(identity)
	if r.restarted() {
		heads = append(heads, "restart")
	}
	named := slices.Clone(heads)
	for _, k := range keys {
		label := k.label
		if slices.Contains(named, label) || slices.Contains(numbers, label) {
			label = k.path
		}
		heads = append(heads, label)
	}
	return append(heads, numbers...)
}

func csvValue(point map[string]any, path string) string {
	if v, has := point[path]; has && v != nil {
		return say(v)
	}
	return ""
}

// csvNumberHeads are the columns of csvNumbers.
func csvNumberHeads() []string {
	heads := []string{"duration_s", "requests_scheduled", "requests_sent", "requests_ok", "requests_failed", "requests_given_up",
		"prompt_tokens", "output_tokens", "token_source",
		"requests_per_s", "output_tokens_per_s", "total_tokens_per_s", "failures_per_s", "goodput_per_s", "goodput_ratio"}
	for _, m := range summary.Metrics() {
		for _, name := range []string{"n", "mean", "stddev", "min"} {
			heads = append(heads, m.String()+"_"+name)
		}
		for _, q := range summary.Quantiles {
			heads = append(heads, m.String()+"_"+q.Name)
		}
		heads = append(heads, m.String()+"_max")
	}
	return append(heads, "client", "marks")
}

// csvNumbers are the cells of a trial's summary.
func csvNumbers(s *summary.Summary) []string {
	row, r := []string{decimal(s.DurationS)}, s.Requests
	for _, n := range []int64{r.Scheduled, r.Sent, r.OK, r.Failed, r.GivenUp} {
		row = append(row, whole64(n))
	}
	for _, n := range []*int64{s.Tokens.Prompt, s.Tokens.Output} {
		cell := ""
		if n != nil {
			cell = whole64(*n)
		}
		row = append(row, cell)
	}
	row = append(row, s.Tokens.Source)
	good := summary.Goodput{}
	if s.Goodput != nil {
		good = *s.Goodput
	}
	t := s.Throughput
	for _, v := range []*float64{t.RequestsPerS, t.OutputTokensPerS, t.TotalTokensPerS, t.FailuresPerS, good.RequestsPerS, good.Ratio} {
		cell := ""
		if v != nil {
			cell = decimal(*v)
		}
		row = append(row, cell)
	}
	for _, m := range summary.Metrics() {
		row = append(row, csvLatency(s, m)...)
	}
	return append(row, s.Client.Verdict, strings.Join(s.Marks, "; "))
}

// csvLatency are the cells of one metric, all empty where no request has it.
func csvLatency(s *summary.Summary, m summary.Metric) []string {
	d, has := s.Latency[m.String()]
	if !has {
		return make([]string, 5+len(summary.Quantiles))
	}
	row := []string{whole64(d.N), decimal(float64(d.Mean)), decimal(float64(d.Stddev)), decimal(float64(d.Min))}
	for _, q := range summary.Quantiles {
		row = append(row, decimal(q.Of(d)))
	}
	return append(row, decimal(float64(d.Max)))
}

func whole64(n int64) string { return strconv.FormatInt(n, 10) }

// decimal is v to the nanosecond at most, without an exponent.
func decimal(v float64) string {
	text := strconv.FormatFloat(v, 'f', 9, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

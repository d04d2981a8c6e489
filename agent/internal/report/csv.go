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
		_ = w.Write(append(row, r.csvNumbers(t.Summary)...))
	}
	w.Flush()
	return b.String()
}

// identity is the columns that name a trial.
var identity = []string{"trial", "name", "job", "validity", "repetition"}

// csvHeads is the header line. A swept value that has the name of another column goes by its whole path.
func (r *Report) csvHeads(keys []key) []string {
	numbers := r.csvNumberHeads()
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
func (r *Report) csvNumberHeads() []string {
	heads := []string{"duration_s", "requests_scheduled", "requests_sent", "requests_ok", "requests_failed", "requests_given_up",
		"prompt_tokens", "output_tokens", "token_source",
		"requests_per_s", "output_tokens_per_s", "total_tokens_per_s", "failures_per_s", "goodput_per_s", "goodput_ratio"}
	for _, m := range r.csvMetrics() {
		for _, name := range []string{"n", "mean", "stddev", "min"} {
			heads = append(heads, m.String()+"_"+name)
		}
		for _, q := range summary.Quantiles {
			heads = append(heads, m.String()+"_"+q.Name)
		}
		heads = append(heads, m.String()+"_max")
	}
	return slices.Concat(heads, []string{"client", "marks"}, csvFactHeads(), csvCostHeads(), r.csvToldHeads())
}

// csvMetrics are the metrics that have columns: that of reasoning only where a trial has it.
func (r *Report) csvMetrics() []summary.Metric {
	reasoned := slices.ContainsFunc(r.complete(), func(t *Trial) bool {
		_, has := t.Summary.Latency[summary.TTFTAnswer.String()]
		return has
	})
	return slices.DeleteFunc(summary.Metrics(), func(m summary.Metric) bool { return m == summary.TTFTAnswer && !reasoned })
}

// csvNumbers are the cells of a trial's summary.
func (r *Report) csvNumbers(s *summary.Summary) []string {
	row, n := []string{decimal(s.DurationS)}, s.Requests
	for _, n := range []int64{n.Scheduled, n.Sent, n.OK, n.Failed, n.GivenUp} {
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
	for _, m := range r.csvMetrics() {
		row = append(row, csvLatency(s, m)...)
	}
	return append(append(row, s.Client.Verdict, strings.Join(s.Marks, "; ")), slices.Concat(csvFacts(s), csvCost(s), r.csvTold(s))...)
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

// spanned are the metrics and quantiles whose intervals are in summary.csv; summary.json has all.
var (
	spanned = []summary.Metric{summary.TTFT, summary.TPOT, summary.E2EL}
	spans   = []string{"p50", "p99"}
)

// csvFactHeads are the columns of csvFacts.
func csvFactHeads() []string {
	heads := []string{"client_cpu", "client_run_delay", "client_gc", "read_lag_s_p99", "kernel_lag_s_p99", "conn_errors", "resent",
		"in_flight", "rate_x_latency", "steady", "steady_removed_s", "cold_starts", "accuracy_n", "accuracy", "search_found", "search_fails",
		"low_n", "requests_per_s_ci95_low", "requests_per_s_ci95_high", "goodput_ratio_ci95_low", "goodput_ratio_ci95_high"}
	for _, name := range summary.ServerTimings() {
		heads = append(heads, "server_"+name+"_p50")
	}
	for _, m := range spanned {
		for _, name := range spans {
			heads = append(heads, m.String()+"_"+name+"_ci95_low", m.String()+"_"+name+"_ci95_high")
		}
	}
	return heads
}

// csvFacts are the cells behind the marks: facts of the client, of the load and of the server.
func csvFacts(s *summary.Summary) []string {
	c := s.Client
	row := []string{cell64(c.CPU), cell64(c.RunDelay), cell64(c.GC), cell64(c.ReadLagP99S), cell64(c.KernelLagP99S), count(c.ConnErrors), count(c.Resent)}
	little, steady, search := orZeroOf(s.Little), orZeroOf(s.Steady), orZeroOf(s.Search)
	flight := [2]string{}
	if s.Little != nil {
		flight = [2]string{decimal(little.ByRecords), decimal(little.RateLatency)}
	}
	row = append(row, flight[0], flight[1], steady.Found, cell64(steady.RemovedS))
	cold, graded, right := "", "", ""
	if s.Cold != nil {
		cold = whole64(s.Cold.N)
	}
	if s.Accuracy != nil {
		graded, right = whole64(s.Accuracy.N), decimal(s.Accuracy.Share)
	}
	rate := orZeroOf(s.Throughput.RequestsPerSCI95)
	row = append(row, cold, graded, right, cell64(search.Found), cell64(search.Fails), strings.Join(s.LowN, " "), cell64((*float64)(rate.Low)), cell64((*float64)(rate.High)))
	if ci := orZeroOf(s.Goodput).RatioCI95; ci != nil {
		row = append(row, decimal(ci[0]), decimal(ci[1]))
	} else {
		row = append(row, "", "")
	}
	for _, name := range summary.ServerTimings() {
		text := ""
		if d, known := s.ServerTimings[name]; known {
			text = decimal(float64(d.P50))
		}
		row = append(row, text)
	}
	for _, m := range spanned {
		for _, name := range spans {
			i := s.Latency[m.String()].CI95[name]
			row = append(row, cell64((*float64)(i.Low)), cell64((*float64)(i.High)))
		}
	}
	return row
}

// orZeroOf is what p points to, the zero value for nil.
func orZeroOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// cell64 is a number's cell, empty where it is not known.
func cell64(v *float64) string {
	if v == nil {
		return ""
	}
	return decimal(*v)
}

// count is likewise for a whole number.
func count(n *int64) string {
	if n == nil {
		return ""
	}
	return whole64(*n)
}

func whole64(n int64) string { return strconv.FormatInt(n, 10) }

// decimal is v to the nanosecond at most, without an exponent.
func decimal(v float64) string {
	text := strconv.FormatFloat(v, 'f', 9, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

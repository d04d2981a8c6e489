package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/search"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// shown are the metrics of the table, with their names and definitions.
var shown = []struct {
	metric     summary.Metric
	name, what string
}{
	{summary.TTFT, "TTFT", "first token − sent"},
	{summary.TTFTAnswer, "TTFT answer", "first token that is no reasoning − sent"},
	{summary.TPOT, "TPOT", "(last token − first token) / (tokens − 1)"},
	{summary.ITL, "ITL", "gaps between token events, pooled"},
	{summary.E2EL, "E2EL", "last token − sent, or done − sent when not streamed"},
	{summary.TTFTScheduled, "TTFT from due", "TTFT from when the request was due"},
	{summary.E2ELScheduled, "E2EL from due", "E2EL from when the request was due"},
	{summary.Lateness, "lateness", "sent − due"},
}

// table is the summary for people.
func table(a workload.Assignment, s *summary.Summary) string {
	w := a.Trial.Workload
	var b strings.Builder
	if s.Search != nil {
		b.WriteString(foundTable(s))
	}
	fmt.Fprintf(&b, "%s · %s · %s\n%s · seed %d\n\n", w.Dialect, w.Model, strings.Join(a.Endpoints, ", "), offered(w), w.Seed)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "requests\t%s\n", requests(s))
	fmt.Fprintf(t, "throughput\t%s, in a window of %s s\n", rates(s), digits(s.DurationS))
	fmt.Fprintf(t, "tokens\t%s\n", tokens(s))
	if s.Goodput != nil {
		fmt.Fprintf(t, "goodput\t%s\n", goodput(s))
	}
	fmt.Fprintf(t, "client\t%s\n", client(s.Client))
	rest := *s
	rest.Search = nil // it stands above
	for _, fact := range rest.Facts() {
		fmt.Fprintf(t, "%s\t%s\n", fact[0], fact[1])
	}
	for k, mark := range s.Doubts() {
		fmt.Fprintf(t, "%s\t%s\n", []string{"doubtful", ""}[min(k, 1)], mark)
	}
	_ = t.Flush() // into memory
	b.WriteString(latencies(s))
	return b.String()
}

// offered says which load was asked for.
func offered(w workload.Workload) string {
	var words []string
	if w.Open() {
		words = append(words, law(w))
	}
	if w.Concurrency > 0 {
		words = append(words, fmt.Sprintf("%d in flight", w.Concurrency))
	}
	if w.Turns > 1 && w.Open() {
		words = append(words, fmt.Sprintf("each the first of %d turns", w.Turns))
	} else if w.Turns > 1 {
		words = append(words, fmt.Sprintf("conversations of %d turns", w.Turns))
	}
	if w.Batch > 1 {
		words = append(words, fmt.Sprintf("%d prompts at a time", w.Batch))
	}
	if w.Requests > 0 {
		words = append(words, counted(w.Requests, "request"))
	}
	if w.DurationS > 0 {
		words = append(words, fmt.Sprintf("%g s", w.DurationS))
	}
	if w.WarmupS > 0 {
		words = append(words, fmt.Sprintf("after %g s of warm-up", w.WarmupS))
	}
	if w.RampUpS > 0 {
		words = append(words, fmt.Sprintf("begun over %g s", w.RampUpS))
	}
	if w.CooldownS > 0 {
		words = append(words, fmt.Sprintf("and %g s of cool-down", w.CooldownS))
	}
	if w.ThinkTimeS > 0 {
		words = append(words, strings.TrimSpace(fmt.Sprintf("%g s of think time %s", w.ThinkTimeS, strings.TrimPrefix(w.ThinkLaw, "fixed"))))
	}
	if w.ConnRequests > 0 {
		words = append(words, "a connection for "+counted(w.ConnRequests, "request"))
	}
	if w.KernelStamps {
		words = append(words, "stamped by the kernel")
	}
	if w.CancelShare > 0 {
		words = append(words, fmt.Sprintf("%g %% given up", 100*w.CancelShare))
	}
	if !w.Stream {
		words = append(words, "not streamed")
	}
	return strings.Join(words, " · ")
}

// counted is a number of things with its word.
func counted[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// requests counts by outcome.
func requests(s *summary.Summary) string {
	text := fmt.Sprintf("%d due in the window, %d ok, %d failed", s.Requests.Scheduled, s.Requests.OK, s.Requests.Failed)
	if s.Requests.GivenUp > 0 {
		text += fmt.Sprintf(", %d given up as asked", s.Requests.GivenUp)
	}
	var failed []string
	for _, name := range slices.Sorted(maps.Keys(s.Requests.ByOutcome)) {
		n := s.Requests.ByOutcome[name]
		if name == record.Cancelled.String() {
			n -= s.Requests.GivenUp
		}
		if name != record.OK.String() && n > 0 {
			failed = append(failed, fmt.Sprintf("%d %s", n, name))
		}
	}
	if len(failed) > 0 {
		text += ": " + strings.Join(failed, ", ")
	}
	return text
}

// rates is what was completed per second; what is not known is left out.
func rates(s *summary.Summary) string {
	var words []string
	for _, r := range []struct {
		value *float64
		unit  string
	}{
		{s.Throughput.RequestsPerS, "requests/s"},
		{s.Throughput.OutputTokensPerS, "output tokens/s"},
		{s.Throughput.TotalTokensPerS, "tokens/s with prompts"},
	} {
		if r.value != nil {
			words = append(words, digits(*r.value)+" "+r.unit)
		}
	}
	if len(words) == 0 {
		return "not known"
	}
	return strings.Join(words, " · ")
}

func tokens(s *summary.Summary) string {
	var words []string
	if s.Tokens.Prompt != nil {
		words = append(words, fmt.Sprintf("%d of prompts", *s.Tokens.Prompt))
	}
	if s.Tokens.Output != nil {
		words = append(words, fmt.Sprintf("%d of output (counted by %s)", *s.Tokens.Output, s.Tokens.Source))
	}
	if len(words) == 0 {
		return "not known"
	}
	return strings.Join(words, " · ")
}

func goodput(s *summary.Summary) string {
	var words []string
	if s.Goodput.RequestsPerS != nil {
		words = append(words, digits(*s.Goodput.RequestsPerS)+" requests/s")
	}
	if s.Goodput.Ratio != nil {
		text := fmt.Sprintf("%.1f %% of those due", 100**s.Goodput.Ratio)
		if ci := s.Goodput.RatioCI95; ci != nil {
			text += fmt.Sprintf(" (%.1f–%.1f within this run)", 100*ci[0], 100*ci[1])
		}
		words = append(words, text)
	}
	return strings.Join(append(words, within(s.SLO)), " · ")
}

// within are the bounds of an SLO.
func within(slo map[string]float64) string {
	var bounds []string
	for _, name := range slices.Sorted(maps.Keys(slo)) {
		bounds = append(bounds, fmt.Sprintf("%s ≤ %s ms", name, digits(1e3*slo[name])))
	}
	return strings.Join(bounds, ", ")
}

func client(v summary.Verdict) string {
	text := v.Verdict
	if v.Why != "" {
		text += ": " + v.Why
	}
	var words []string
	if v.CPU != nil {
		words = append(words, fmt.Sprintf("%.0f %% of its CPU", 100**v.CPU))
	}
	if v.RunDelay != nil && *v.RunDelay >= 0.005 {
		words = append(words, fmt.Sprintf("%.0f %% of the time waiting for a core", 100**v.RunDelay))
	}
	if lags := lags(v); lags != "" {
		words = append(words, "p99 of "+lags)
	}
	if v.Broken != nil && *v.Broken > 0 {
		words = append(words, counted(*v.Broken, "broken connection"))
	}
	if v.Resent != nil && *v.Resent > 0 {
		words = append(words, counted(*v.Resent, "request")+" sent again")
	}
	if len(words) > 0 {
		text += " (" + strings.Join(words, ", ") + ")"
	}
	return text
}

// lags are by how much the client was late, in each way that is known.
func lags(v summary.Verdict) string {
	read := v.ReadLagP99S
	if v.KernelLagP99S != nil {
		read = nil // an upper bound of what is known better
	}
	var words []string
	for _, lag := range []struct {
		p99  *float64
		name string
	}{{v.LatenessP99S, "lateness"}, {read, "read lag"}, {v.KernelLagP99S, "kernel lag"}} {
		if lag.p99 != nil {
			words = append(words, fmt.Sprintf("%s %s ms", lag.name, digits(1e3**lag.p99)))
		}
	}
	return strings.Join(words, ", of ")
}

// latencies is the table of distributions, in milliseconds, with what each row is.
func latencies(s *summary.Summary) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\n\tms\tp50 \tp90 \tp95 \tp99 \tmax\tmean\tn\t\n")
	var what []string
	low := false
	for _, m := range shown {
		d, ok := s.Latency[m.metric.String()]
		if !ok {
			continue
		}
		fmt.Fprintf(t, "\t%s", m.name)
		for _, q := range summary.Quantiles {
			if q.Name == "p75" || q.Name == "p999" {
				continue
			}
			sign := " " // as wide as ‡, so that digits stand below digits
			if slices.Contains(s.LowN, m.metric.String()+"_"+q.Name) {
				sign, low = "‡", true
			}
			fmt.Fprintf(t, "\t%s%s", digits(1e3*q.Of(d)), sign)
		}
		fmt.Fprintf(t, "\t%s\t%s\t%d\t\n", digits(1e3*float64(d.Max)), digits(1e3*float64(d.Mean)), d.N)
		what = append(what, m.name+": "+m.what)
	}
	if len(what) == 0 {
		return ""
	}
	_ = t.Flush() // into memory
	text := b.String() + "\n" + strings.Join(what, "\n") + "\nof requests due in the window that ended ok; percentiles by nearest rank"
	if low {
		text += "; ‡ too few requests to be sure of it"
	}
	if spans := s.Spans(); spans != "" {
		text += "\n" + spans
	}
	return text + "\n"
}

// digits prints a number with three significant digits, and never in powers of ten.
func digits(v float64) string {
	switch {
	case v >= 99.95 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.9995:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// sentence is the summary in a line, for a job's log.
func sentence(s *summary.Summary) string {
	words := []string{fmt.Sprintf("%d ok, %d failed", s.Requests.OK, s.Requests.Failed)}
	if s.Search != nil {
		words = []string{search.Answer(s.Search, within(s.SLO)), words[0]}
	}
	if r := s.Throughput.RequestsPerS; r != nil {
		words = append(words, digits(*r)+" requests/s")
	}
	if r := s.Throughput.OutputTokensPerS; r != nil {
		words = append(words, digits(*r)+" tokens/s")
	}
	for _, m := range []summary.Metric{summary.TTFT, summary.E2EL} {
		if d, ok := s.Latency[m.String()]; ok {
			words = append(words, fmt.Sprintf("%s p50 %s ms, p99 %s ms", strings.ToUpper(strings.TrimSuffix(m.String(), "_s")), digits(1e3*float64(d.P50)), digits(1e3*float64(d.P99))))
		}
	}
	if due, ok := s.Latency[summary.E2ELScheduled.String()]; ok && (s.Load.Rate > 0 || s.Load.Arrival != "") {
		words = append(words, fmt.Sprintf("from due p99 %s ms", digits(1e3*float64(due.P99))))
	}
	if s.Client.Verdict != summary.ClientOK {
		words = append(words, client(s.Client))
	}
	if doubts := s.Doubts(); len(doubts) > 0 {
		words = append(words, "doubtful: "+strings.Join(doubts, "; "))
	}
	return strings.Join(words, " · ")
}

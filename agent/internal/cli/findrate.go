package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"hpcbench/agent/internal/search"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
	"hpcbench/agent/workload"
)

// The shortest and the longest window of a probe where nobody says how long it is, in seconds.
const (
	shortest = 10.0
	longest  = 60.0
)

// findRate searches for the highest rate that holds the SLO, and prints and writes what it found.
func (o *loadOptions) findRate(ctx context.Context, c *call, a workload.Assignment) error {
	want := *a.Trial.Workload.Search
	s, err := search.New(want)
	if err != nil {
		return err
	}
	tries := map[float64]try{}
	var last try
	for k := 1; ; k++ {
		rate, more := s.Next()
		if !more {
			break
		}
		var next try
		if next, err = o.try(ctx, c, a, k, rate); err == nil || last.measured == nil {
			last = next
		}
		if err != nil {
			break
		}
		p := s.Add(search.Of(last.Trial.Workload, last.Summary))
		fmt.Fprintln(c.stderr, last.sentence(k, p))
		tries[rate] = last
	}
	if err != nil && last.measured == nil {
		return err
	}
	r := s.Result()
	if r.Holds != nil {
		last = tries[*r.Holds]
	}
	last.Search, last.Trial.Workload.Seed = r, a.Trial.Workload.Seed // the one that makes the whole search again
	return errors.Join(o.conclude(c, last), stopped(err), unheld(r))
}

// try is a probe of a search.
type try struct {
	workload.Assignment
	*measured
}

// try sends probe k of a search.
func (o *loadOptions) try(ctx context.Context, c *call, a workload.Assignment, k int, rate float64) (try, error) {
	a.Trial.Workload.DurationS = window(a.Trial.Workload, rate)
	a.Trial = search.Probe(a.Trial, k, rate)
	dir := ""
	if o.out != "" {
		dir = filepath.Join(o.out, fmt.Sprintf("probe-%02d", k))
	}
	m, err := o.measure(ctx, c, a, dir, fmt.Sprintf("probe %d, %s requests/s,", k, search.Rate(rate)))
	if m != nil && dir != "" {
		err = errors.Join(err, whole.WriteJSON(filepath.Join(dir, "summary.json"), m.Summary))
	}
	return try{a, m}, err
}

// window is how long a probe's is, in seconds: what was asked for, or within bounds twice as long as it takes to show that a
// rate holds when no request is bad.
func window(w workload.Workload, rate float64) float64 {
	if w.DurationS > 0 || w.Requests > 0 {
		return w.DurationS
	}
	return min(longest, max(shortest, 2*float64(search.Least(w.Search.Attain, w.Search.Confidence))/rate))
}

// sentence is the line that tells of a probe.
func (t try) sentence(k int, p summary.Probe) string {
	words := []string{fmt.Sprintf("probe %d: %s requests/s %s: %s of %d within the SLO", k, search.Rate(p.Rate), told(p), percent(p.Good, p.N), p.N)}
	if d, ok := t.Latency[summary.TTFT.String()]; ok {
		words = append(words, fmt.Sprintf("TTFT p50 %s ms, p99 %s ms", digits(1e3*float64(d.P50)), digits(1e3*float64(d.P99))))
	}
	if p.Why != "" {
		words = append(words, p.Why)
	}
	return strings.Join(words, " · ")
}

// told is a probe's verdict in words.
func told(p summary.Probe) string {
	if p.Verdict == summary.ProbeOpen {
		return "can't be told yet"
	}
	return p.Verdict
}

// percent is a share in percent, and only all of them are 100.
func percent(good, n int64) string {
	if n == 0 || good == n {
		return fmt.Sprintf("%.0f %%", 100*min(1, float64(n)))
	}
	share := 100 * float64(good) / float64(n)
	text := fmt.Sprintf("%.1f", share)
	for digits := 2; strings.HasPrefix(text, "100"); digits++ {
		text = fmt.Sprintf("%.*f", digits, share)
	}
	return text + " %"
}

// conclude writes and prints what the search found.
func (o *loadOptions) conclude(c *call, t try) error {
	if o.out != "" {
		if err := whole.WriteJSON(filepath.Join(o.out, "summary.json"), t.Summary); err != nil {
			return err
		}
	}
	return o.print(c, t.Assignment, t.Summary)
}

// stopped is the error of a load that was cut short; nil where none was.
func stopped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stopped: %w", err)
}

// unheld is the error of a search in which no rate held.
func unheld(r *summary.Search) error {
	if r.Holds != nil {
		return nil
	}
	return fmt.Errorf("no rate was shown to hold: %s", r.WhyEnded)
}

// foundTable is what a search found and how, for people.
func foundTable(s *summary.Summary) string {
	r := s.Search
	var b strings.Builder
	b.WriteString(answer(r, within(s.SLO)) + "\n\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tprobe\trequests/s\tdue\twithin\t\n")
	for k, p := range r.Probes {
		fmt.Fprintf(t, "\t%d\t%s\t%d\t%s\t  %s\n", k+1, search.Rate(p.Rate), p.N, percent(p.Good, p.N), strings.Join(append([]string{told(p)}, p.Why)[:1+min(1, len(p.Why))], ": "))
	}
	_ = t.Flush() // into memory
	return b.String() + "\n"
}

// answer is the statement that the search came to.
func answer(r *summary.Search, bounds string) string {
	text := "no rate was shown to hold"
	if r.Holds != nil {
		good, n := pooled(r, *r.Holds)
		text = fmt.Sprintf("%s requests/s held: %s of %d requests within %s", search.Rate(*r.Holds), percent(good, n), n, bounds)
	}
	if r.Fails != nil {
		good, n := pooled(r, *r.Fails)
		text += fmt.Sprintf("; %s did not (%s of %d)", search.Rate(*r.Fails), percent(good, n), n)
	}
	text += fmt.Sprintf(". %g %% have to be; each is said with %g %% confidence.", 100*r.Attain, 100*r.Confidence)
	return text + "\nThe search ended: " + r.WhyEnded
}

// pooled are the good ones of all requests of the probes at a rate, and all, but for those that the client was the limit of.
func pooled(r *summary.Search, rate float64) (good, n int64) {
	for _, p := range r.Probes {
		if p.Rate == rate && !strings.HasPrefix(p.Why, summary.ClientBound) {
			good, n = good+p.Good, n+p.N
		}
	}
	return good, n
}

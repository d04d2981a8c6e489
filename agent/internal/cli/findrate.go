package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	if err := o.clear(); err != nil {
		return err
	}
	found, err := search.Drive(s, func(k int, rate float64, used int64) (*try, search.Outcome, error) {
		return o.try(ctx, c, a, k, rate, used)
	}, func(k int, p summary.Probe, t *try) { fmt.Fprintln(c.stderr, t.sentence(k, p)) })
	if found == nil {
		return err
	}
	r := s.Result(err)
	found.Sought(r)
	found.Trial.Workload.Seed = a.Trial.Workload.Seed // the one that makes the whole search again
	return errors.Join(o.conclude(c, found), unfound(r, err))
}

// clear takes away what the probes of an earlier run left in the same directory: this one may have fewer.
func (o *loadOptions) clear() error {
	if o.out == "" {
		return nil
	}
	var err error
	for _, name := range []string{"records.jsonl", "part.json", "summary.json", summary.SeriesFile} {
		old, bad := fs.Glob(os.DirFS(o.out), "probes/[0-9]*/"+name)
		if bad != nil {
			return bad
		}
		for _, file := range old {
			err = errors.Join(err, os.Remove(filepath.Join(o.out, file)))
		}
	}
	return err
}

// try is a probe of a search.
type try struct {
	workload.Assignment
	*measured
	dir string // of its files; "": there are none
}

// try sends probe k of a search; nil when it came to nothing.
func (o *loadOptions) try(ctx context.Context, c *call, a workload.Assignment, k int, rate float64, used int64) (*try, search.Outcome, error) {
	a.Trial.Workload.DurationS = window(a.Trial.Workload, rate)
	a.Trial, a.Probe = search.Probe(a.Trial, k, rate, used), k
	dir := ""
	if o.out != "" {
		dir = filepath.Join(o.out, "probes", fmt.Sprintf("%02d", k))
	}
	m, err := o.measure(ctx, c, a, dir, fmt.Sprintf("probe %d at %s/s:", k, search.Rate(rate)))
	if m == nil {
		return nil, search.Outcome{}, err
	}
	if dir != "" {
		err = errors.Join(err, m.write(dir))
	}
	if err == nil {
		err = search.Silent(k, m.Summary, m.reasons())
	}
	return &try{a, m, dir}, search.Of(a.Trial, m.Summary, m.parts), err
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
func (t *try) sentence(k int, p summary.Probe) string {
	words := []string{search.Sentence(k, p)}
	if d, ok := t.Latency[summary.TTFT.String()]; ok {
		words = append(words, fmt.Sprintf("TTFT p50 %s ms, p99 %s ms", digits(1e3*float64(d.P50)), digits(1e3*float64(d.P99))))
	}
	return strings.Join(words, " · ")
}

// conclude writes and prints what the search found: the files of one probe become the run's, the others stay where they are.
func (o *loadOptions) conclude(c *call, t *try) error {
	if o.out != "" {
		if err := whole.Move(t.dir, o.out); err != nil {
			return err
		}
		if err := t.write(o.out); err != nil {
			return err
		}
	}
	return o.print(c, t.Assignment, t.Summary)
}

// stopped is the error of a load that was cut short, and says so where a signal did it; nil where none was.
func stopped(err error) error {
	var all []error
	for _, one := range split(err) {
		if errors.As(one, new(signalled)) {
			one = fmt.Errorf("stopped: %w", one)
		}
		all = append(all, one)
	}
	return errors.Join(all...)
}

// unfound is the error of a search in which no rate held, or that could not go on; nil where one held.
func unfound(r *summary.Search, cause error) error {
	if cause == nil && r.Holds == nil {
		return fmt.Errorf("no rate was shown to hold: %s", r.WhyEnded)
	}
	return stopped(cause)
}

// foundTable is what a search found and how, for people.
func foundTable(s *summary.Summary) string {
	r := s.Search
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nThe search ended: %s\n\n", search.Answer(r, within(s.SLO)), r.WhyEnded)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tprobe\trequests/s\tdue\twithin\t\n")
	for k, p := range r.Probes {
		fmt.Fprintf(t, "\t%d\t%s\t%d\t%s\t  %s\n", k+1, search.Rate(p.Rate), p.N, search.Percent(p.Good, p.N), search.Told(p))
	}
	_ = t.Flush() // into memory
	return b.String() + "\n"
}

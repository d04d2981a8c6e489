package summary

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Facts are what a summary says beside its counts, rates, latencies and verdict, as rows of a name and words for people;
// what there is nothing to say of has no row.
func (s *Summary) Facts() [][2]string {
	var rows [][2]string
	row := func(name, text string) {
		if text != "" {
			rows = append(rows, [2]string{name, text})
		}
	}
	if s.Search != nil {
		row("search", s.Search.String())
	}
	if s.Accuracy != nil {
		row("accuracy", s.Accuracy.String())
	}
	if s.Little != nil {
		row("in flight", s.Little.String())
	}
	if s.Steady != nil {
		row("steady state", s.Steady.String())
	}
	row("server says", s.serverSays())
	if s.Server != nil {
		row("server", s.Server.String())
	}
	if s.Resources != nil {
		row("nodes", s.Resources.String())
	}
	if s.Energy != nil {
		row("energy", s.Energy.String())
	}
	if s.Cold != nil {
		row("cold starts", s.Cold.String())
	}
	row("endpoints", splitWords(s.ByEndpoint))
	row("client nodes", splitWords(s.ByNode))
	return rows
}

// Doubts are the marks without the one that repeats the verdict on the client, for those who tell that too.
func (s *Summary) Doubts() []string {
	return slices.DeleteFunc(slices.Clone(s.Marks), func(m string) bool { return strings.HasPrefix(m, ClientBound+":") })
}

// serverSays is the medians of the server's own timings.
func (s *Summary) serverSays() string {
	var words []string
	for _, name := range ServerTimings() {
		if d, known := s.ServerTimings[name]; known {
			words = append(words, fmt.Sprintf("%s %s ms", strings.TrimSuffix(name, "_s"), short(1e3*float64(d.P50))))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "p50 of " + strings.Join(words, ", ")
}

// splitWords are rate and latency of each of several endpoints or nodes, of the first four in words.
func splitWords(splits []Split) string {
	const named = 4
	var words []string
	for i, s := range splits {
		if i == named {
			words = append(words, fmt.Sprintf("and %d more", len(splits)-named))
			break
		}
		text := cmp.Or(s.URL, s.Node) + ": "
		if s.RequestsPerS != nil {
			text += short(*s.RequestsPerS) + " requests/s, "
		}
		text += fmt.Sprintf("%d failed", s.Requests.Failed)
		if b := cmp.Or(s.TTFT, s.E2EL); b != nil {
			_, metric := s.half()
			text += fmt.Sprintf(", %s p50 %s ms", strings.ToUpper(strings.TrimSuffix(metric, "_s")), short(1e3*b.P50))
		}
		words = append(words, text)
	}
	return strings.Join(words, "; ")
}

// String is where the steady state lies, in words.
func (s Steady) String() string {
	switch {
	case s.Found == SteadyUnknown:
		return "not known: " + strings.TrimPrefix(s.How, "not looked for: ")
	case s.Found == SteadyNo:
		return "none: rate or latency change up to the middle of the window (" + s.How + ")"
	case *s.RemovedS == 0:
		return "the whole window (" + s.How + ")"
	}
	return fmt.Sprintf("from %.0f s of the window on; without what is before %s (%s)", *s.RemovedS, s.changes(), s.How)
}

// String is what a search found, in words.
func (s Search) String() string {
	text := "no rate holds"
	switch {
	case s.Found != nil:
		text = short(*s.Found) + " requests/s hold"
	case s.Holds != nil:
		text = "at least " + short(*s.Holds) + " requests/s hold"
	}
	if s.Fails != nil {
		text += ", " + short(*s.Fails) + " fail"
	}
	return fmt.Sprintf("%s (%d probes; %g %% of the requests within the SLO, with %g %% confidence): %s", text, len(s.Probes), 100*s.Attain, 100*s.Confidence, s.WhyEnded)
}

// Spans are the 95 % intervals of p50 and p99 of TTFT, TPOT and E2EL in a line, within this run; empty where there is none.
func (s *Summary) Spans() string {
	var words []string
	for _, m := range []Metric{TTFT, TPOT, E2EL} {
		var of []string
		for _, name := range []string{"p50", "p99"} {
			if i, has := s.Latency[m.String()].CI95[name]; has {
				of = append(of, name+" "+i.Words(1e3))
			}
		}
		if len(of) > 0 {
			words = append(words, strings.ToUpper(strings.TrimSuffix(m.String(), "_s"))+" "+strings.Join(of, ", "))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "95 % intervals within this run, in ms: " + strings.Join(words, " · ")
}

// Words are the interval's ends, multiplied by factor: "20.3–20.4", with a question mark for an end that n can't carry.
func (i Interval) Words(factor float64) string {
	end := func(v *Value) string {
		if v == nil {
			return "?"
		}
		return short(factor * float64(*v))
	}
	return end(i.Low) + "–" + end(i.High)
}

// short is v with three significant digits, all of its whole part, and no power of ten.
func short(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.*f", max(0, min(6, 2-int(math.Floor(math.Log10(math.Abs(v)))))), v)
}

// percent is a change with its sign: "+1.2 %", and never "-0.0 %".
func percent(change float64) string {
	text := fmt.Sprintf("%+.1f %%", 100*change)
	if text == "-0.0 %" {
		return "+0.0 %"
	}
	return text
}

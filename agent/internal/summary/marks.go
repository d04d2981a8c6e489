package summary

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// Bounds past which a trial is doubtful.
const (
	failedBound    = 0.01 // share of requests that failed: what is left is the lucky ones
	coalescedBound = 0.10 // share of token events without a time of their own
	templateTokens = 32   // tokens a chat template may add to a prompt
	resentBound    = 0.01 // share of requests that were sent twice, for want of a connection that lived
	apartBound     = 0.05 // share of the window in which some client nodes' load has ended, and others still measure
)

// marks lists why a trial is doubtful, most serious first.
func marks(trial workload.Trial, parts []*Part, t total, all nodeWindows, s *Summary) []string {
	found := []string{}
	mark := func(doubtful bool, format string, args ...any) {
		if doubtful {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	n, w := t.counts, trial.Workload
	missing, unfinished := absent(parts), unfinished(parts)
	mark(missing != "", "%s", missing)
	mark(unfinished != "", "%s", unfinished)
	mark(s.Client.Verdict == ClientBound, ClientBound+": %s", s.Client.Why)
	mark(n.OK == 0, "no request was ok%s", failures(n))
	mark(n.OK > 0 && float64(n.Failed) > failedBound*float64(n.Scheduled-n.GivenUp), "%d of %d requests failed%s", n.Failed, n.Scheduled, failures(n))
	cancelled := n.ByOutcome[record.Cancelled.String()] - n.GivenUp
	mark(cancelled > 0 && unfinished == "", "partial drain: %d requests were still running at its end", cancelled)
	mark(all.apart() > w.CooldownS+apartBound*all.length(), "the client nodes' windows begin up to %.1f s apart, and the load of the first "+
		"was over before the last one's end (a cooldown_s of as much mends it)", all.apart())
	for _, splits := range [][]Split{s.ByEndpoint, s.ByNode} {
		found = append(found, faroff(splits)...)
	}
	mark(s.Little.lost() != "", "%s", s.Little.lost())
	unsteady := unsteady(w, s)
	mark(unsteady != "", "%s", unsteady)
	mark(s.Cold != nil, "cold starts: %v", s.Cold)
	resent := resent(parts)
	mark(float64(resent) > resentBound*float64(n.Sent), "%d requests were sent again, on a new connection: the server had closed the one that was kept", resent)
	unasked := s.Server.unasked(w, n.Sent)
	mark(unasked != "", "%s", unasked)
	mark(w.IgnoreEOS && t.due.OutputOff > 0, "%d of %d answers are more than %.0f %% off the %stokens asked for",
		t.due.OutputOff, t.due.OutputKnown, lengthTolerance*100, same(w))
	mean, asked := perPrompt(t.due.AskedGot, t.due), perPrompt(t.due.Asked, t.due)
	mark(t.due.AskedN > 0 && promptOff(mean, asked), "prompts have %.0f tokens in the mean, %.0f were asked for", mean, asked)
	last := w.DatasetFrom + t.lastID
	mark(t.prompts > 0 && last >= int64(t.prompts), "the dataset's %d prompts came round %d times%s", t.prompts, last/int64(max(1, t.prompts))+1, before(w))
	mark(t.due.OutputKnown < n.OK, "%d of %d answers have no count of tokens", n.OK-t.due.OutputKnown, n.OK)
	mark(len(t.due.Sources) > 1, "token counts are of %s", strings.Join(slices.Sorted(maps.Keys(t.due.Sources)), " and "))
	mark(float64(t.due.Coalesced) > coalescedBound*float64(t.due.Gaps),
		"itl_s is doubtful: %.0f %% of token events arrived together with the one before", 100*float64(t.due.Coalesced)/float64(t.due.Gaps))
	_, ttft := w.SLO["ttft"]
	mark(ttft && !w.Stream, "the SLO's ttft can't be met: answers are not streamed")
	return found
}

// same is the length that all answers were asked to have, with a blank after it; empty where they were asked for several.
func same(w workload.Workload) string {
	if w.OutputLaw != nil || w.Dataset != "" || w.Arrival == "replay" {
		return ""
	}
	return fmt.Sprintf("%d ", w.MaxTokens)
}

// perPrompt is a number of tokens by prompt that was made to have a length.
func perPrompt(tokens int64, d Due) float64 { return float64(tokens) / float64(max(1, d.AskedN)) }

// before says whose prompts are counted beside the trial's own; empty where none are.
func before(w workload.Workload) string {
	if w.DatasetFrom == 0 {
		return ""
	}
	return ", with those of the search's probes before"
}

// promptOff says whether prompts miss the length asked for by more than lengths may and a chat template explains.
func promptOff(mean, asked float64) bool {
	return mean < asked*(1-lengthTolerance) || mean > asked*(1+lengthTolerance)+templateTokens
}

// failures is " (timeout 3, refused 1)", the most frequent first; empty when nothing failed.
func failures(n Counts) string {
	failed := maps.Clone(n.ByOutcome)
	delete(failed, record.OK.String())
	if failed[record.Cancelled.String()] -= n.GivenUp; failed[record.Cancelled.String()] <= 0 {
		delete(failed, record.Cancelled.String())
	}
	names := slices.Collect(maps.Keys(failed))
	if len(names) == 0 {
		return ""
	}
	slices.SortFunc(names, func(a, b string) int {
		if failed[a] != failed[b] {
			return int(failed[b] - failed[a])
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, failed[name])
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// unsteady says that the window is no steady state, by one of the two that look; empty when it is one, or not known not to be.
func unsteady(w workload.Workload, s *Summary) string {
	if s.Little == nil {
		return ""
	}
	why := cmp.Or(s.Steady.unsteady(), s.Little.unsteady())
	due := float64(s.Requests.Sent) / s.DurationS
	if why != "" && w.Open() && due > (1+littleBound)*s.Little.EndedPerS {
		why += fmt.Sprintf("; %.1f requests/s were sent and %.1f ended", due, s.Little.EndedPerS)
	}
	return why
}

// resent is how many requests were sent twice.
func resent(parts []*Part) (n int64) {
	for _, p := range parts {
		if p.Client != nil {
			n += p.Client.Resent
		}
	}
	return n
}

// absent names how many client nodes sent no numbers; empty when all did.
func absent(parts []*Part) string {
	want := 1
	for _, p := range parts {
		want = max(want, p.Parts)
	}
	if len(parts) >= want {
		return ""
	}
	return fmt.Sprintf("the numbers of %d of %d client nodes are missing", want-len(parts), want)
}

// unfinished names the nodes whose share did not run to its end; empty when all did.
func unfinished(parts []*Part) string {
	var nodes []string
	for _, p := range parts {
		if p.State != Complete {
			nodes = append(nodes, p.Node)
		}
	}
	if len(nodes) == 0 {
		return ""
	}
	slices.Sort(nodes)
	return "stopped before its end on " + strings.Join(nodes, ", ")
}

package share

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
)

// Progress is how far a share has come. Counts are over all phases; seconds count from the trial's time zero.
type Progress struct {
	State     summary.State `json:"state"`
	Trial     string        `json:"trial"`
	Phase     string        `json:"phase"`
	ElapsedS  float64       `json:"elapsed_s"` // below 0 before time zero
	Scheduled int64         `json:"scheduled"`
	Sent      int64         `json:"sent"`
	Done      int64         `json:"done"`
	OK        int64         `json:"ok"`
	Failed    int64         `json:"failed"`
	GivenUp   int64         `json:"given_up,omitzero"` // cancelled because the workload's cancel_share asked for it
	InFlight  int64         `json:"in_flight"`
	LastByteS float64       `json:"last_byte_s,omitzero"` // when a byte last came on any connection; absent: none did

	// Quantiles of done − sent over the requests that ended ok so far; absent while there are none.
	E2ELP50S float64 `json:"e2el_s_p50,omitzero"`
	E2ELP99S float64 `json:"e2el_s_p99,omitzero"`
	TTFTP50S float64 `json:"ttft_s_p50,omitzero"` // of first token − sent, where answers are streamed
	TTFTP99S float64 `json:"ttft_s_p99,omitzero"`

	Errors map[string]string `json:"errors,omitempty"` // the first error of each outcome
	Error  string            `json:"error,omitempty"`  // why the share did not run to its end
}

// Progress tells how far the share has come.
func (s *Share) Progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Progress{
		State: s.state, Trial: s.a.Trial.ID, Phase: record.Phase(s.live.Phase.Load()).String(),
		ElapsedS:  time.Since(s.opt.Zero).Seconds(),
		Scheduled: s.live.Scheduled.Load(), Sent: s.live.Sent.Load(), Done: s.live.Done.Load(),
		OK: s.live.OK.Load(), Failed: s.live.Failed.Load(), GivenUp: s.live.GivenUp.Load(), InFlight: s.live.InFlight.Load(),
		LastByteS: float64(s.live.LastByte.Load()) / 1e9, Errors: maps.Clone(s.errors),
	}
	if s.e2el.N() > 0 {
		p.E2ELP50S, p.E2ELP99S = float64(s.e2el.Quantile(0.5))/1e9, float64(s.e2el.Quantile(0.99))/1e9
	}
	if s.ttft.N() > 0 {
		p.TTFTP50S, p.TTFTP99S = float64(s.ttft.Quantile(0.5))/1e9, float64(s.ttft.Quantile(0.99))/1e9
	}
	if s.client != nil {
		p.ElapsedS = s.client.WallS
	}
	if s.err != nil {
		p.Error = s.err.Error()
	}
	return p
}

// String is the progress in words, of one share or of several added up.
func (p Progress) String() string {
	text := fmt.Sprintf("%s at %.0f s: %d sent, %d ok, %d failed, %d in flight", p.Phase, max(0, p.ElapsedS), p.Sent, p.OK, p.Failed, p.InFlight)
	if p.GivenUp > 0 {
		text += fmt.Sprintf(", %d given up as asked", p.GivenUp)
	}
	if p.ElapsedS > 0 && p.OK > 0 {
		text += fmt.Sprintf(", %.1f/s, p50 %.0f ms", float64(p.OK)/p.ElapsedS, 1e3*p.E2ELP50S)
	}
	return text
}

// Add is the progress of two shares of one trial: counts add up, and the worse of two quantiles stands for both.
func (p Progress) Add(o Progress) Progress {
	p.Scheduled += o.Scheduled
	p.Sent += o.Sent
	p.Done += o.Done
	p.OK += o.OK
	p.Failed += o.Failed
	p.GivenUp += o.GivenUp
	p.InFlight += o.InFlight
	p.LastByteS = max(p.LastByteS, o.LastByteS)
	p.E2ELP50S, p.E2ELP99S = max(p.E2ELP50S, o.E2ELP50S), max(p.E2ELP99S, o.E2ELP99S)
	p.TTFTP50S, p.TTFTP99S = max(p.TTFTP50S, o.TTFTP50S), max(p.TTFTP99S, o.TTFTP99S)
	return p
}

// Reasons is why requests failed: ": 12 refused (connection refused), 3 timeout", the most frequent first, with the first
// error of each outcome that any of the shares remembers.
func Reasons(byOutcome map[string]int64, shares ...Progress) string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(byOutcome)), func(name string) bool { return name == record.OK.String() })
	slices.SortStableFunc(names, func(a, b string) int { return int(byOutcome[b] - byOutcome[a]) })
	if len(names) == 0 {
		return ": none was due"
	}
	for k, name := range names {
		names[k] = fmt.Sprintf("%d %s", byOutcome[name], name)
		for _, p := range shares {
			if text := p.Errors[name]; text != "" {
				names[k] += " (" + text + ")"
				break
			}
		}
	}
	return ": " + strings.Join(names, ", ")
}

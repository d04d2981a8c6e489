package search

import (
	"strings"
	"testing"

	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

func TestProbesHavePromptsOfTheirOwn(t *testing.T) {
	made := workload.Trial{Workload: workload.Workload{Seed: 7, PromptSeed: 9, InputTokens: 5, Search: &workload.Search{}}}
	first, second := Probe(made, 1, 3, 40), Probe(made, 2, 3, 40)
	if a, b := first.Workload, second.Workload; a.PromptSeed == b.PromptSeed || a.PromptSeed == 9 || a.DatasetFrom != 0 || a.Rate != 3 || a.Search != nil || a.Seed == b.Seed {
		t.Errorf("made-up prompts: %+v, %+v", a, b)
	}
	made.Workload.Dataset = "d"
	if w := Probe(made, 2, 3, 40).Workload; w.PromptSeed != 9 || w.DatasetFrom != 40 {
		t.Errorf("a dataset's: %+v", w)
	}
	if n := used(Probe(made, 2, 3, 40), []*summary.Part{{LastID: 8}, {LastID: 9}, {LastID: -1}}); n != 50 {
		t.Errorf("%d prompts were used, want 50", n)
	}
	if n := used(Probe(made, 2, 3, 40), nil); n != 40 {
		t.Errorf("%d prompts were used by none", n)
	}
}

func TestASilentProbeIsNoneThatIsSlow(t *testing.T) {
	for outcomes, want := range map[string]bool{"": false, "ok": false, "ok refused": false, "refused": true, "http_status disconnect": true, "refused timeout": false, "cancelled": false, "not_sent": false} {
		s := &summary.Summary{Requests: summary.Counts{ByOutcome: map[string]int64{}}}
		for name := range strings.FieldsSeq(outcomes) {
			s.Requests.Scheduled++
			s.Requests.ByOutcome[name]++
		}
		s.Requests.OK = s.Requests.ByOutcome["ok"]
		if err := Silent(3, s, ": why"); (err != nil) != want || err != nil && err.Error() != "probe 3: no request was ok: why" {
			t.Errorf("%q: %v", outcomes, err)
		}
	}
}

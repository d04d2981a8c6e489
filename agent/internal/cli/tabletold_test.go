package cli

import (
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// A client-bound trial is told once in the table and once in the job's log, and its facts stand in the table.
func TestAClientBoundTrialIsTold(t *testing.T) {
	tr := workload.Trial{ID: "load", Workload: workload.Workload{Dialect: "openai-chat", Model: "tiny", Stream: true, Rate: 5, DurationS: 10, MaxTokens: 3}}
	a := workload.Assignment{Trial: tr, Parts: 1, Endpoints: []string{"http://u"}}
	c := summary.New(a)
	for i := range 40 {
		at := float64(i) / 4
		c.Add(&record.Record{Phase: record.Measure, Scheduled: at, Sent: at + 0.05, FirstToken: at + 0.06, FirstAnswer: at + 0.06, LastToken: at + 0.08, Done: at + 0.08, Outcome: record.OK,
			PromptTokens: 5, OutputTokens: 3, TokenSource: record.Usage, Batch: -1, Graded: true, Right: i%2 == 0,
			ServerLoad: record.Unknown, ServerPrompt: record.Unknown, ServerDecode: record.Unknown})
	}
	p := c.Part()
	p.State = summary.Complete
	s := summary.Merge(tr, []*summary.Part{p})
	const why = "client-bound: p99 of lateness 50.0 ms is over 10 ms"
	text, line := table(a, s), sentence(s)
	for name, told := range map[string]string{"table": text, "sentence": line} {
		if strings.Count(told, why) != 1 || strings.Contains(told, "doubtful") {
			t.Errorf("%s:\n%s", name, told)
		}
	}
	if !strings.Contains(line, "E2EL p50 30.0 ms, p99 30.0 ms · from due p99 80.0 ms") {
		t.Errorf("sentence: %s", line)
	}
	for _, part := range []string{"\naccuracy ", "50.0 % of 40 answers are right", "\nin flight ", "\nsteady state ", "TTFT from due", "95 % intervals within this run, in ms: TTFT p50 10.0–10.0"} {
		if !strings.Contains(text, part) {
			t.Errorf("the table lacks %q:\n%s", part, text)
		}
	}
}

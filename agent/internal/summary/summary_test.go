package summary

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// trial is 2 s of warm-up and a window of 10 s, [2, 12), with answers of 3 tokens.
func trial() workload.Trial {
	return workload.Trial{
		ID: "0001", Name: "c2-r1", Point: map[string]any{"workload.concurrency": 2.0}, Repetition: 1, Service: "dummy",
		Workload: workload.Workload{
			Dialect: "openai-chat", Model: "tiny", Stream: true, Concurrency: 2,
			WarmupS: 2, DurationS: 10, DrainS: 5, MaxTokens: 3, IgnoreEOS: true,
		},
	}
}

// answer is an ok request of 3 tokens in gaps of 0.1 s, its first ttft after it was sent.
func answer(scheduled, sent, ttft float64) *record.Record {
	phase := record.Warmup
	switch {
	case scheduled >= 12:
		phase = record.Drain
	case scheduled >= 2:
		phase = record.Measure
	}
	first := sent + ttft
	return &record.Record{
		Phase: phase, Scheduled: scheduled, Sent: sent, FirstToken: first, FirstAnswer: first, LastToken: first + 0.2, Done: first + 0.25,
		Outcome: record.OK, Status: 200, PromptTokens: 5, OutputTokens: 3, TokenSource: record.Usage, Batch: -1,
		Gaps: []float32{0.1, 0.1}, ServerLoad: record.Unknown, ServerPrompt: record.Unknown, ServerDecode: record.Unknown,
	}
}

// asked is an answer to a prompt that was made to have so many tokens, and of which so many were asked.
func asked(input, output int) *record.Record {
	r := answer(3, 3, 0.1)
	r.AskedPrompt, r.AskedOutput = input, output
	return r
}

func failed(scheduled float64, outcome record.Outcome) *record.Record {
	r := answer(scheduled, scheduled, 0.1)
	r.Outcome, r.FirstToken, r.LastToken, r.PromptTokens, r.OutputTokens, r.Gaps = outcome, record.Unknown, record.Unknown, -1, -1, nil
	if outcome == record.NotSent {
		r.Sent, r.Done = record.Unknown, record.Unknown
	}
	return r
}

// collect is the complete part of a node that saw these records.
func collect(t workload.Trial, part, parts int, records ...*record.Record) *Part {
	c := New(workload.Assignment{Trial: t, Node: "n" + string(rune('1'+part)), Part: part, Parts: parts})
	for _, r := range records {
		c.Add(r)
	}
	p := c.Part()
	p.State = Complete
	return p
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsInf(want, 1) && math.IsInf(got, 1) {
		return
	}
	if !(math.Abs(got-want) <= 1e-3*math.Abs(want)+1e-12) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestLatenciesAreOfRequestsDueInTheWindow(t *testing.T) {
	tr := trial()
	s := Merge(tr, []*Part{collect(tr, 0, 1,
		answer(1.9, 1.9, 9),     // due in warm-up: its latency does not count
		answer(2.0, 2.0, 0.1),   // the first instant of the window
		answer(5.0, 5.5, 0.3),   // late by 0.5 s
		answer(11.9, 11.9, 0.2), // due in the window, done after it
	)})
	if s.Requests.Scheduled != 3 || s.Requests.OK != 3 || s.Latency["ttft_s"].N != 3 {
		t.Errorf("requests %+v, ttft %+v", s.Requests, s.Latency["ttft_s"])
	}
	ttft := s.Latency["ttft_s"]
	near(t, "ttft mean", float64(ttft.Mean), 0.2) // of 0.1, 0.3, 0.2
	near(t, "ttft stddev", float64(ttft.Stddev), math.Sqrt(0.02/3))
	near(t, "ttft min", float64(ttft.Min), 0.1)
	near(t, "ttft p50", float64(ttft.P50), 0.2) // rank 2 of 3
	near(t, "ttft p99", float64(ttft.P99), 0.3)
	near(t, "ttft max", float64(ttft.Max), 0.3)
	near(t, "tpot mean", float64(s.Latency["tpot_s"].Mean), 0.1) // 0.2 s over two gaps
	near(t, "itl n", float64(s.Latency["itl_s"].N), 6)
	near(t, "e2el max", float64(s.Latency["e2el_s"].Max), 0.5)                     // 0.3 + 0.2; done lies later
	near(t, "ttft_scheduled max", float64(s.Latency["ttft_scheduled_s"].Max), 0.8) // and 0.5 late
	near(t, "e2el_scheduled max", float64(s.Latency["e2el_scheduled_s"].Max), 1.0)
	near(t, "lateness max", float64(s.Latency["lateness_s"].Max), 0.5)
}

func TestAnAnswerInOnePieceHasNoTokensInTime(t *testing.T) {
	tr := trial()
	whole := answer(3, 3, 0.1)
	whole.FirstToken, whole.LastToken, whole.Gaps = record.Unknown, record.Unknown, nil
	s := Merge(tr, []*Part{collect(tr, 0, 1, whole)})
	for _, m := range []Metric{TTFT, TPOT, ITL} {
		if d, known := s.Latency[m.String()]; known {
			t.Errorf("%s: %+v; nothing is known of it", m, d)
		}
	}
	near(t, "e2el max", float64(s.Latency["e2el_s"].Max), whole.Done-whole.Sent)
}

func TestRatesAreOfRequestsDoneInTheWindow(t *testing.T) {
	tr := trial()
	s := Merge(tr, []*Part{collect(tr, 0, 1,
		answer(1.0, 1.0, 0.1),   // done at 1.35, in warm-up
		answer(1.9, 1.9, 0.1),   // due in warm-up, done at 2.25: counts
		answer(5.0, 5.0, 0.1),   // counts
		answer(11.9, 11.9, 0.2), // done at 12.35: does not
		failed(6, record.Timeout),
	)})
	near(t, "requests/s", *s.Throughput.RequestsPerS, 0.2) // 2 in 10 s
	near(t, "failures/s", *s.Throughput.FailuresPerS, 0.1)
	near(t, "output tokens/s", *s.Throughput.OutputTokensPerS, 0.6) // 2 × 3 in 10 s
	near(t, "all tokens/s", *s.Throughput.TotalTokensPerS, 1.6)     // and 2 × 5 of prompts
	if s.DurationS != 10 || *s.Tokens.Output != 6 || *s.Tokens.Prompt != 10 || s.Tokens.Source != "usage" {
		t.Errorf("duration %v, tokens of the requests due %+v", s.DurationS, s.Tokens)
	}
}

func TestFailuresAreInfiniteInLatencyAll(t *testing.T) {
	tr := trial()
	s := Merge(tr, []*Part{collect(tr, 0, 1,
		answer(3, 3, 0.1), answer(4, 4, 0.2), answer(5, 5, 0.3), failed(6, record.Refused), failed(7, record.NotSent))})
	ok, all := s.Latency["ttft_s"], s.LatencyAll["ttft_s"]
	inf := math.Inf(1)
	if ok.N != 3 || all.N != 5 {
		t.Fatalf("n: %d of successes, %d of all", ok.N, all.N)
	}
	near(t, "p50 of successes", float64(ok.P50), 0.2)
	near(t, "p50 of all", float64(all.P50), 0.3) // rank 3 of 5
	near(t, "p75 of all", float64(all.P75), inf) // rank 4
	near(t, "mean of all", float64(all.Mean), inf)
	near(t, "max of all", float64(all.Max), inf)
	near(t, "min of all", float64(all.Min), 0.1)
	late := s.LatencyAll["lateness_s"] // the refused one was sent in time, the other never
	near(t, "p75 of lateness", float64(late.P75), 0)
	near(t, "max of lateness", float64(late.Max), inf)
	if s.Requests.Sent != 4 || s.Requests.Failed != 2 || s.Requests.ByOutcome["refused"] != 1 || s.Requests.ByOutcome["not_sent"] != 1 {
		t.Errorf("requests %+v", s.Requests)
	}
	text, err := json.Marshal(all)
	if err != nil || !strings.Contains(string(text), `"max":"inf"`) {
		t.Errorf("%s, %v", text, err)
	}
	var back Distribution
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, all) {
		t.Errorf("read back %+v, %v", back, err)
	}
}

func TestNodesMergeToWhatOneNodeWouldHaveSeen(t *testing.T) {
	tr := trial()
	tr.Workload.SLO = map[string]float64{"ttft": 0.25}
	var records []*record.Record
	for i := range 90 {
		records = append(records, answer(1+float64(i)/8, 1+float64(i)/8, 0.01*float64(1+i%37)))
	}
	records = append(records, failed(4, record.Timeout))
	want := Merge(tr, []*Part{collect(tr, 0, 1, records...)})
	var parts []*Part
	for i := range 3 {
		var share []*record.Record
		for j := i; j < len(records); j += 3 {
			share = append(share, records[j])
		}
		parts = append(parts, throughJSON(t, collect(tr, i, 3, share...)))
	}
	slices.Reverse(parts)
	got := Merge(tr, parts)
	if len(got.ByNode) != 3 || got.ByNode[0].Node != "n1" || got.ByNode[0].Requests.Scheduled+got.ByNode[1].Requests.Scheduled+got.ByNode[2].Requests.Scheduled != want.Requests.Scheduled {
		t.Errorf("by node: %+v", got.ByNode)
	}
	got.ByNode = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("three nodes:\n got %+v\nwant %+v", got, want)
	}
}

// throughJSON is the part as it arrives from another node.
func throughJSON(t *testing.T, p *Part) *Part {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	back := new(Part)
	if err := json.Unmarshal(text, back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestWhatWasNotStreamedHasNoFirstToken(t *testing.T) {
	tr := trial()
	tr.Workload.Stream = false
	r := answer(3, 3.1, 0.4) // done 0.65 s after it was sent
	s := Merge(tr, []*Part{collect(tr, 0, 1, r)})
	for _, name := range []string{"ttft_s", "tpot_s", "ttft_scheduled_s"} {
		if d, has := s.Latency[name]; has {
			t.Errorf("%s is there: %+v", name, d)
		}
	}
	near(t, "e2el", float64(s.Latency["e2el_s"].Max), 0.65)
	near(t, "e2el from scheduled", float64(s.Latency["e2el_scheduled_s"].Max), 0.75)
}

func TestOneTokenHasNoTPOT(t *testing.T) {
	tr := trial()
	r := answer(3, 3, 0.1)
	r.OutputTokens, r.Gaps, r.LastToken = 1, nil, r.FirstToken
	s := Merge(tr, []*Part{collect(tr, 0, 1, r)})
	if _, has := s.Latency["tpot_s"]; has || s.Latency["ttft_s"].N != 1 {
		t.Errorf("latency %+v", s.Latency)
	}
}

func TestTheAnswersOwnFirstTokenIsThereWhereSomeReasoned(t *testing.T) {
	tr := trial()
	thought, never := answer(4, 4, 0.1), answer(5, 5, 0.2)
	thought.FirstAnswer = thought.FirstToken + 0.15
	never.FirstAnswer = record.Unknown // reasoning took all of its length
	plain := collect(tr, 0, 3, answer(3, 3, 0.1))
	if s := Merge(tr, []*Part{plain}); len(s.Latency) == 0 || has(s.Latency, "ttft_answer_s") || has(s.LatencyAll, "ttft_answer_s") {
		t.Errorf("nobody reasoned: %+v", s.Latency)
	}
	s := Merge(tr, []*Part{plain, collect(tr, 1, 3, thought, never), collect(tr, 2, 3, failed(6, record.Timeout))})
	d, all := s.Latency["ttft_answer_s"], s.LatencyAll["ttft_answer_s"]
	if d.N != 2 || s.Latency["ttft_s"].N != 3 || all.N != 3 {
		t.Errorf("%d answers of %d, %d with failures; want 2 of 3 and 3", d.N, s.Latency["ttft_s"].N, all.N)
	}
	near(t, "least", float64(d.Min), 0.1) // who did not reason counts as ever
	near(t, "most", float64(d.Max), 0.25)
	only := Merge(tr, []*Part{collect(tr, 0, 1, never)})
	if has(only.Latency, "ttft_answer_s") || !has(only.Latency, "ttft_s") {
		t.Errorf("nobody came to an answer: %+v", only.Latency)
	}
	tr.Workload.Stream = false
	if s := Merge(tr, []*Part{collect(tr, 0, 1, thought)}); has(s.Latency, "ttft_answer_s") {
		t.Errorf("not streamed: %+v", s.Latency)
	}
}

func has(latencies map[string]Distribution, name string) bool {
	_, known := latencies[name]
	return known
}

func TestGoodputIsWhatKeepsEveryBound(t *testing.T) {
	for name, c := range map[string]struct {
		slo  map[string]float64
		want float64 // of three answers with TTFT 0.1, 0.2, 0.3 and one failure
	}{
		"ttft":        {map[string]float64{"ttft": 0.25}, 2},
		"ttft, tpot":  {map[string]float64{"ttft": 0.25, "tpot": 0.05}, 0},
		"ttft, e2el":  {map[string]float64{"ttft": 0.35, "e2el": 0.35}, 1},
		"itl":         {map[string]float64{"itl": 0.11}, 3},
		"itl is kept": {map[string]float64{"itl": 0.09}, 0},
	} {
		tr := trial()
		tr.Workload.SLO = c.slo
		s := Merge(tr, []*Part{collect(tr, 0, 1, answer(3, 3, 0.1), answer(4, 4, 0.2), answer(5, 5, 0.3), failed(6, record.Empty))})
		near(t, name+": goodput", *s.Goodput.RequestsPerS, c.want/10)
		near(t, name+": ratio", *s.Goodput.Ratio, c.want/4)
	}
	if tr := trial(); Merge(tr, []*Part{collect(tr, 0, 1, answer(3, 3, 0.1))}).Goodput != nil {
		t.Error("goodput without an SLO")
	}
}

func TestTheWindowEndsWithItsRequests(t *testing.T) {
	tr := trial()
	tr.Workload.Requests = 2
	s := Merge(tr, []*Part{collect(tr, 0, 1, answer(2, 2, 0.1), answer(2.5, 2.5, 3.25))})
	near(t, "window", s.DurationS, 4) // the second is done at 6
	near(t, "requests/s", *s.Throughput.RequestsPerS, 0.5)

	tr.Workload.DurationS = 0 // as many requests, however long they take
	s = Merge(tr, []*Part{collect(tr, 0, 1, answer(2, 2, 0.1), answer(2.5, 2.5, 3.25))})
	near(t, "window without a duration", s.DurationS, 4)

	tr = trial()
	tr.Workload.Requests = 3 // not reached in the time
	s = Merge(tr, []*Part{collect(tr, 0, 1, answer(2, 2, 0.1), answer(2.5, 2.5, 3.25))})
	near(t, "window of a trial that ran out of time", s.DurationS, 10)
}

func TestAStoppedTrialIsCutWhereItStopped(t *testing.T) {
	tr := trial()
	p := collect(tr, 0, 1, answer(2, 2, 0.1), answer(3, 3, 0.1))
	p.State, p.Client = Stopped, &Client{WallS: 6}
	s := Merge(tr, []*Part{p})
	near(t, "window", s.DurationS, 4)
	if !slices.Equal(s.Marks, []string{"stopped before its end on n1"}) {
		t.Errorf("marks %q", s.Marks)
	}
	p.Client.WallS = 1 // in warm-up
	if s = Merge(tr, []*Part{p}); s.DurationS != 0 || s.Throughput.RequestsPerS != nil {
		t.Errorf("a window of %v s has the rate %v", s.DurationS, s.Throughput.RequestsPerS)
	}
}

func TestQuantilesTheSampleCantCarryAreNamed(t *testing.T) {
	tr := trial()
	tr.Workload.Stream = false
	var records []*record.Record
	for i := range 64 {
		records = append(records, answer(3, 3, 0.01*float64(i+1)))
	}
	s := Merge(tr, []*Part{collect(tr, 0, 1, records...)})
	if slices.Contains(s.LowN, "e2el_s_p90") || !slices.Contains(s.LowN, "e2el_s_p95") || !slices.Contains(s.LowN, "lateness_s_p999") {
		t.Errorf("of 64 values: %q", s.LowN)
	}
}

func TestMinimumCountsAreTheLeast(t *testing.T) {
	unlikely := func(n int64, p float64) bool {
		return math.Pow(p, float64(n))+float64(n)*(1-p)*math.Pow(p, float64(n-1)) <= 0.01
	}
	for _, q := range Quantiles {
		if !unlikely(q.MinN(), q.P) || unlikely(q.MinN()-1, q.P) {
			t.Errorf("%s: %d is not the least count", q.Name, q.MinN())
		}
	}
}

func TestMarksSayWhyATrialIsDoubtful(t *testing.T) {
	short := answer(3, 3, 0.1)
	short.OutputTokens = 2
	unknown := answer(3, 3, 0.1)
	unknown.OutputTokens, unknown.TokenSource = -1, record.NoTokens
	counted := answer(3, 3, 0.1)
	counted.TokenSource = record.Events
	merged := answer(3, 3, 0.1)
	merged.Coalesced = 1
	for name, c := range map[string]struct {
		change func(*workload.Trial)
		parts  int
		with   []*record.Record
		want   []string
	}{
		"sound":        {want: []string{}},
		"node missing": {parts: 2, want: []string{"the numbers of 1 of 2 client nodes are missing"}},
		"failures": {with: []*record.Record{failed(4, record.Timeout), failed(4, record.Timeout), failed(4, record.Refused)},
			want: []string{"3 of 4 requests failed (timeout 2, refused 1)"}},
		"drain": {with: []*record.Record{failed(4, record.Cancelled)},
			want: []string{"1 of 2 requests failed (cancelled 1)", "partial drain: 1 requests were still running at its end"}},
		"lengths":  {with: []*record.Record{short}, want: []string{"1 of 2 answers are more than 5 % off the 3 tokens asked for"}},
		"as asked": {with: []*record.Record{asked(5, 3)}, want: []string{}},
		"not as asked": {with: []*record.Record{asked(400, 9)}, want: []string{"1 of 2 answers are more than 5 % off the tokens asked for",
			"prompts have 5 tokens in the mean, 400 were asked for"}, change: func(t *workload.Trial) {
			t.Workload.OutputLaw = &workload.Length{Law: "uniform", A: 1, B: 5}
		}},
		"any length":   {change: func(t *workload.Trial) { t.Workload.IgnoreEOS = false }, with: []*record.Record{short}, want: []string{}},
		"no count":     {with: []*record.Record{unknown}, want: []string{"1 of 2 answers have no count of tokens"}},
		"sources":      {with: []*record.Record{counted}, want: []string{"token counts are of events and usage"}},
		"coalesced":    {with: []*record.Record{merged}, want: []string{"itl_s is doubtful: 25 % of token events arrived together with the one before"}},
		"prompts":      {change: func(t *workload.Trial) { t.Workload.InputTokens = 1000 }, want: []string{"prompts have 5 tokens in the mean, 1000 were asked for"}},
		"template":     {change: func(t *workload.Trial) { t.Workload.InputTokens = 5 }, want: []string{}},
		"slo, no ttft": {change: func(t *workload.Trial) { t.Workload.SLO, t.Workload.Stream = map[string]float64{"ttft": 1}, false }, want: []string{"the SLO's ttft can't be met: answers are not streamed"}},
	} {
		tr := trial()
		if c.change != nil {
			c.change(&tr)
		}
		s := Merge(tr, []*Part{collect(tr, 0, max(1, c.parts), append(c.with, answer(5, 5, 0.1))...)})
		if !slices.Equal(s.Marks, c.want) {
			t.Errorf("%s: marks %q, want %q", name, s.Marks, c.want)
		}
	}
}

func TestNothingOKIsMarkedAndHasNoLatency(t *testing.T) {
	tr := trial()
	s := Merge(tr, []*Part{collect(tr, 0, 1, failed(4, record.Refused))})
	if !slices.Equal(s.Marks, []string{"no request was ok (refused 1)"}) || len(slices.Collect(maps.Keys(s.Latency))) != 0 {
		t.Errorf("marks %q, latency %v", s.Marks, s.Latency)
	}
	if s.Tokens.Output != nil || s.Throughput.OutputTokensPerS != nil || *s.Throughput.RequestsPerS != 0 {
		t.Errorf("tokens %+v, throughput %+v", s.Tokens, s.Throughput)
	}
	if s = Merge(tr, nil); s.Marks[0] != "the numbers of 1 of 1 client nodes are missing" {
		t.Errorf("no parts: marks %q", s.Marks)
	}
}

func lag(s float64) *hist.H {
	h := new(hist.H)
	h.Record(int64(s * 1e9))
	return h
}

func TestThePartOfARunningTrialIsACopy(t *testing.T) {
	c := New(workload.Assignment{Trial: trial(), Parts: 1})
	c.Add(answer(5, 5, 0.1))
	p := c.Part()
	c.Add(answer(6, 6, 0.1))
	if p.State != Running || p.Phases["measure"].OK != 1 || p.Latency["ttft_s"].N() != 1 || p.Due.Sources["usage"] != 1 {
		t.Errorf("the part changed: %+v", p)
	}
}

func TestAddingARecordAllocatesNothing(t *testing.T) {
	tr := trial()
	tr.Workload.SLO = map[string]float64{"ttft": 0.5, "itl": 0.5}
	c := New(workload.Assignment{Trial: tr, Parts: 1})
	r := answer(5, 5, 0.1)
	c.Add(r)
	if n := testing.AllocsPerRun(1000, func() { c.Add(r) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func TestADatasetThatComesRoundIsMarked(t *testing.T) {
	for last, want := range map[int64][]string{9: {}, 10: {"the dataset's 10 prompts came round 2 times"}, 39: {"the dataset's 10 prompts came round 4 times"}} {
		tr, r := trial(), answer(13, 13, 0.1) // the drain's requests used prompts too
		r.ID = last
		p := collect(tr, 0, 1, answer(5, 5, 0.1), r)
		p.Client = &Client{WallS: 15, Threads: 1, Prompts: 10}
		if got := Merge(tr, []*Part{throughJSON(t, p)}).Marks; !slices.Equal(got, want) {
			t.Errorf("last index %d: marks %q, want %q", last, got, want)
		}
	}
	tr := trial()
	tr.Workload.DatasetFrom = 8
	p := collect(tr, 0, 1, answer(5, 5, 0.1), answer(13, 13, 0.1))
	p.LastID, p.Client = 1, &Client{WallS: 15, Threads: 1, Prompts: 10}
	if got := Merge(tr, []*Part{p}).Marks; len(got) != 0 {
		t.Errorf("the last prompt of all: marks %q", got)
	}
	p.LastID = 2
	if got := Merge(tr, []*Part{p}).Marks; len(got) != 1 || got[0] != "the dataset's 10 prompts came round 2 times, with those of the search's probes before" {
		t.Errorf("one prompt more: marks %q", got)
	}
}

package summary

import (
	"reflect"
	"strings"
	"testing"

	"hpcbench/agent/workload"
)

// full is a server that tells everything, k times of it.
func full(url string, k float64) Told {
	return Told{
		URL: url, Looks: 10, Failed: 1, Why: "HTTP 500", Resets: 1,
		Running: &Level{k, 2 * k}, Waiting: &Level{2 * k, 3 * k}, KVUsage: &Level{0.125 * k, 0.25 * k}, Preemptions: new(k), PromptTokens: new(10 * k), GenTokens: new(20 * k),
		PrefixQueries: new(100 * k), PrefixHits: new(10.0), TTFT: &Timed{10 * k, 0.25 * k}, ITL: &Timed{100, 0.01}, E2E: &Timed{10, 1},
		Custom: map[string]Level{"custom_fan": {k, k}},
	}.Shared()
}

func TestServersAddUp(t *testing.T) {
	silent := Told{URL: "http://c:1", Looks: 5, Failed: 5, Why: "refused"}
	got := All([]Told{full("http://a:1", 1), full("http://b:1", 3), silent})
	want := Told{
		Looks: 25, Failed: 7, Why: "HTTP 500", Resets: 2,
		Running: &Level{4, 6}, Waiting: &Level{8, 9}, KVUsage: &Level{0.25, 0.75}, Preemptions: new(4.0), PromptTokens: new(40.0), GenTokens: new(80.0),
		PrefixQueries: new(400.0), PrefixHits: new(20.0), PrefixHitShare: new(0.05), TTFT: &Timed{40, 0.625}, ITL: &Timed{200, 0.01}, E2E: &Timed{20, 1},
		Custom: map[string]Level{"custom_fan": {2, 3}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := All([]Told{silent}); got.Running != nil || got.GenTokens != nil || got.PrefixHitShare != nil || got.TTFT != nil || got.Custom != nil {
		t.Errorf("of a server that tells nothing: %+v", got)
	}
	if got := All([]Told{{PrefixQueries: new(0.0), PrefixHits: new(0.0)}}); got.PrefixHitShare != nil {
		t.Errorf("a share of nothing: %v", *got.PrefixHitShare)
	}
}

func TestPrefixHitsThatNobodyAskedFor(t *testing.T) {
	text := workload.Workload{Dialect: "openai-completions"}
	chat := workload.Workload{Dialect: "openai-chat"}
	prefix, prompt, dataset, turns := text, text, text, text
	prefix.Prefix, prompt.Prompt, dataset.Dataset, turns.Turns = &workload.Prefix{Share: 1, Tokens: 9}, "go on", "d.jsonl", 2
	for name, c := range map[string]struct {
		w             workload.Workload
		queries, hits float64
		marked        bool
	}{
		"none":                                   {text, 10000, 0, false},
		"one in a hundred, and each one's first": {text, 10000, 110, false},
		"more":                                   {text, 10000, 111, true},
		"asked for by a prefix":                  {prefix, 10000, 9000, false},
		"asked for by one prompt":                {prompt, 10000, 9000, false},
		"as a dataset has it":                    {dataset, 10000, 9000, false},
		"a conversation's own":                   {turns, 10000, 9000, false},
		"a template's in ten chats":              {chat, 10000, 320, false},
		"more than a template in a chat":         {chat, 10000, 500, true},
	} {
		s := &Server{Told: Told{PrefixQueries: &c.queries, PrefixHits: &c.hits}.Shared()}
		got := s.unasked(c.w, 10)
		if (got != "") != c.marked {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := (*Server)(nil).unasked(text, 10) + (&Server{}).unasked(text, 10); got != "" {
		t.Errorf("of servers that tell nothing: %q", got)
	}
}

func TestOneClientNodeTellsOfTheServers(t *testing.T) {
	tr := trial()
	tr.Workload.Dialect = "openai-completions"
	asks, other := collect(tr, 0, 2, answer(3, 3, 0.1)), collect(tr, 1, 2, answer(4, 3, 0.1))
	asks.Told = &Server{IntervalS: 1, Told: full("", 1), Endpoints: []Told{full("http://a:1", 1)}}
	s := Merge(tr, []*Part{other, asks})
	if s.Server != asks.Told {
		t.Errorf("the summary has %+v", s.Server)
	}
	marked := strings.Join(s.Marks, "; ")
	if !strings.Contains(marked, "prefix hits that nobody asked for: the servers' cache had 10.0 % of 100 prompt tokens") {
		t.Errorf("marks %s", marked)
	}
	const want = "running 1.00 (max 2.00), waiting 2.00 (max 3.00), KV cache 12.5 % (max 25.0), 1 preemptions, 10 prompt tokens, 20 tokens made, " +
		"prefix hits 10.0 % of 100 tokens, mean TTFT 250 ms by its clock, mean ITL 10.0 ms by its clock, mean E2EL 1000 ms by its clock, fan 1.00 (max 1.00), " +
		"its counters began anew 1 times, 1 of 10 looks failed (HTTP 500)"
	if got := s.Server.String(); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

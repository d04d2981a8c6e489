package plan

import (
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	base := listing3()
	base.Repetitions = 2
	p := planned(t, points(base, dialects, axis{"workload.concurrency", []any{1, 8}, concurrencies.set}))
	var got []string
	for _, tr := range p.Trials {
		got = append(got, tr.ID+" "+tr.Name)
	}
	want := []string{
		"0001 c1-openai-chat-r1", "0002 c8-openai-chat-r1", "0003 c1-ollama-generate-r1", "0004 c8-ollama-generate-r1",
		"0005 c1-openai-chat-r2", "0006 c8-openai-chat-r2", "0007 c1-ollama-generate-r2", "0008 c8-ollama-generate-r2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := planned(t, points(listing3())).Trials[0].Name; got != "c20" {
		t.Errorf("a single trial is called %q", got)
	}
}

func TestNamesAreUnique(t *testing.T) {
	same := axis{"workload.model", []any{"a b", "a/b"}, models.set}
	p := planned(t, points(listing3(), same))
	if p.Trials[0].Name != "a-b-0001" || p.Trials[1].Name != "a-b-0002" {
		t.Errorf("names are %q and %q", p.Trials[0].Name, p.Trials[1].Name)
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{
		"experiment-name": "experiment-name", "x; rm -rf ~": "x-rm--rf-", "../..": "", "..hidden": "hidden", "日本": "", "naïve": "na-ve",
		"a\nb": "a-b", "-n": "n", strings.Repeat("a", 70): strings.Repeat("a", 64), "A_1.b": "A_1.b",
	} {
		if got := Slug(in); got != want {
			t.Errorf("Slug(%q) = %q, want %q", in, got, want)
		}
	}
}

package cli

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// planOf reads one of recipes/, or a file of testbed/recipes.
func planOf(t *testing.T, file string) *source {
	t.Helper()
	src, err := env{stderr: os.Stderr}.read(file, surroundings{})
	if err != nil {
		t.Fatal(err)
	}
	if src.Diags.Failed() {
		t.Fatalf("%s: %v", file, src.Diags)
	}
	return src
}

var (
	costInWords = regexp.MustCompile(`Costs\s+(?:#\s+)?about\s+(?:#\s+)?([0-9.]+)\s+(?:#\s+)?node-hours`)
	billInWords = regexp.MustCompile(`about ([0-9.]+) node-hours`)
)

// What a recipe says it costs, in node-hours, is what its plan says, to a tenth.
func TestRecipesCostWhatTheySay(t *testing.T) {
	files, err := filepath.Glob("../../../recipes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, file := range files {
		src := planOf(t, file)
		said := costInWords.FindSubmatch(src.Text)
		if said == nil {
			continue
		}
		told++
		want, err := strconv.ParseFloat(string(said[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		bill := billInWords.FindStringSubmatch(src.Plan.Bill())
		if bill == nil {
			t.Fatalf("%s: no node-hours in %q", file, src.Plan.Bill())
		}
		if got, err := strconv.ParseFloat(bill[1], 64); err != nil || math.Abs(got-want) > 0.1*want {
			t.Errorf("%s says about %g node-hours, and its plan says %s", file, want, bill[0])
		}
	}
	if told < 9 {
		t.Errorf("%d recipes tell their cost in node-hours, want nine or more", told)
	}
}

// Ollama and its reference get the same prompts: each load of the one is one of the other, with the seed that it has there.
func TestOllamaAndItsReferenceShareTheirPrompts(t *testing.T) {
	prompts := func(name string) map[string]uint64 {
		all := map[string]uint64{}
		for _, trial := range planOf(t, "../../../recipes/"+name+".yaml").Plan.Trials {
			all[fmt.Sprintf("c%d-r%d", trial.Workload.Concurrency, trial.Repetition)] = trial.Workload.PromptSeed
		}
		return all
	}
	ollama, vllm := prompts("ollama-nodes"), prompts("ollama-nodes-vllm")
	if len(vllm) != 6 {
		t.Errorf("%d loads of the reference, want six", len(vllm))
	}
	for load, seed := range vllm {
		if ollama[load] != seed {
			t.Errorf("%s: prompts of seed %d, and vLLM's are of %d", load, ollama[load], seed)
		}
	}
}

// The small versions of recipes compile, each for the cluster that its tests run on.
func TestSmallRecipesCompile(t *testing.T) {
	files, err := filepath.Glob("../../../testbed/recipes/smoke-*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		src := planOf(t, file)
		if src.Profile.Name != "testbed" || src.Service.Name != "dummy" {
			t.Errorf("%s runs %s on %s", file, src.Service.Name, src.Profile.Name)
		}
	}
}

// A trial with a dataset asks for no length of made-up prompts: the client refuses both.
func TestDatasetReplacesMadeUpPrompts(t *testing.T) {
	src := planOf(t, "../../../recipes/sharegpt-poisson.yaml")
	for _, trial := range src.Plan.Trials {
		if w := trial.Workload; w.Dataset != "data/sharegpt-sample.json" || w.InputTokens != 0 || w.InputLaw != nil {
			t.Fatalf("%s: dataset %q beside %d tokens, %v", trial.Name, w.Dataset, w.InputTokens, w.InputLaw)
		}
	}
	if len(src.Plan.Trials) != 21 {
		t.Errorf("%d trials, want 7 rates × 3 seeds", len(src.Plan.Trials))
	}
}

// A server that asks for fewer GPUs than another of its job leaves the rest of them idle, and the plan says so, once for loads
// that are alike.
func TestPlanCountsWhatSmallerServersLeaveIdle(t *testing.T) {
	p := planOf(t, "../../../recipes/vllm-tp-strong.yaml").Plan
	if got := []int{p.Deployments[0].IdleGPUs, p.Deployments[1].IdleGPUs, p.Deployments[2].IdleGPUs, p.Deployments[3].IdleGPUs}; !slices.Equal(got, []int{3, 2, 0, 0}) {
		t.Errorf("%v GPUs idle, want 3, 2, 0 and 0", got)
	}
	for _, want := range []string{"3 of 4 GPUs idle", "16 in flight · 64 in flight · 256 in flight\n", "loads as of d1\n", "48 trials end by the clock"} {
		if !strings.Contains(p.Full(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, p.Full())
		}
	}
}

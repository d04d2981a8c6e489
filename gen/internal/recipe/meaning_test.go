package recipe

import (
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"strings"
	"testing"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/service"
)

// local is a recipe in local mode with more of the workload, and more sections.
func localRecipe(load string, sections ...string) string {
	var b strings.Builder
	b.WriteString("scenario: demo\norchestration: {mode: local}\nworkload:\n  service: dummy\n")
	for line := range strings.SplitSeq(load, "\n") {
		b.WriteString("  " + line + "\n")
	}
	return b.String() + strings.Join(sections, "\n") + "\n"
}

// files are what a recipe may name in these tests.
var files = map[string]string{
	"prompts.jsonl":        `{"prompt": "x"}`,
	"sets/trace.jsonl":     `{"timestamp": 0}`,
	"base.yaml":            "extends: ../site/site.yaml\nworkload: {concurrency: 4, prompt_len: 256}\n",
	"../site/site.yaml":    "binds: [/site:/site]\nworkload: {gen_tokens: 64, dataset: shared.jsonl, prompt_len: 1}\n",
	"../site/shared.jsonl": `{"prompt": "y"}`,
}

func readFiles(from map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		text, ok := from[name]
		if !ok {
			return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
		}
		return []byte(text), nil
	}
}

// only is the only point of a recipe without errors and warnings.
func only(t *testing.T, src string, svc *service.Service) *Recipe {
	t.Helper()
	points := points(t, src, svc)
	if len(points) != 1 {
		t.Fatalf("%d points, want 1:\n%s", len(points), src)
	}
	return points[0].Recipe
}

// points are those of a recipe without errors and warnings; spelled out it must have the same, from the bundle, too.
func points(t *testing.T, src string, svc *service.Service) []Point {
	t.Helper()
	f, diags := Load("dir/r.yaml", []byte(src), Options{Read: readFiles(files)})
	diags = append(diags, f.Check(svc, local)...)
	if text := lines(diags); strings.Contains(text, "error:") || strings.Contains(text, "warning:") {
		t.Fatalf("%s\n%s", text, src)
	}
	bundle := map[string]string{}
	for _, in := range f.Inputs() {
		bundle[in.Path] = string(in.Data)
	}
	points := f.Points()
	for name, text := range map[string][]byte{"resolved.yaml": f.Resolved(), "recipe.yaml": []byte(src)} {
		again, diags := Load(name, text, Options{Read: readFiles(bundle), Bundle: name == "recipe.yaml"})
		diags = append(diags, again.Check(svc, local)...)
		if text := lines(diags); strings.Contains(text, "error:") {
			t.Fatalf("%s from the bundle is refused:\n%s\n%s", name, text, f.Resolved())
		}
		if !reflect.DeepEqual(again.Points(), points) {
			t.Errorf("%s from the bundle has other points:\n%s", name, f.Resolved())
		}
	}
	return points
}

func TestLawsOfArrival(t *testing.T) {
	for load, want := range map[string]Workload{
		"target_rps: 5": {RequestDistribution: "constant", TargetRPS: 5},
		"target_rps: 5\nrequest_distribution: poisson":      {RequestDistribution: "poisson", TargetRPS: 5},
		"target_rps: 5\nburstiness: 0.5":                    {RequestDistribution: "gamma", TargetRPS: 5, Burstiness: 0.5},
		"target_rps: 5\nburst: {on: 5s, off: 1m, size: 10}": {RequestDistribution: "burst", TargetRPS: 5, Burst: &workload.Burst{OnS: 5, OffS: 60, Size: 10}},
		"ramp: {from: 0, to: 20}":                           {RequestDistribution: "ramp", TargetRPS: 10, Ramp: &workload.Ramp{From: 0, To: 20}},
		"ramp: {from: 0, to: 20}\ntarget_rps: 10":           {RequestDistribution: "ramp", TargetRPS: 10, Ramp: &workload.Ramp{From: 0, To: 20}},
		"steps: [{rate: 1, duration: 30s}, {rate: 4, duration: 1m}]": {RequestDistribution: "step", TargetRPS: 3, DurationS: 90,
			Steps: []workload.Step{{Rate: 1, DurationS: 30}, {Rate: 4, DurationS: 60}}},
		"target_rps: 5\nsine: {period: 1m, swing: 40%}": {RequestDistribution: "sine", TargetRPS: 5, Sine: &workload.Sine{PeriodS: 60, Swing: 0.4}},
		"slo: {ttft: 1s}\nduration: 10m\nsearch: {low: 2, attain: 95%}\nburstiness: 2": {RequestDistribution: "gamma", Burstiness: 2, TargetRPS: 2, DurationS: 600,
			Search: &workload.Search{Low: 2, Precision: 0.05, Attain: 0.95, Confidence: 0.95, Probes: 12}},
		"slo: {ttft: 1s}\nduration: 10m\nsearch: {low: 1, high: 9.5, precision: 0.1, confidence: 0.9, probes: 7}": {RequestDistribution: "constant", TargetRPS: 1, DurationS: 600,
			Search: &workload.Search{Low: 1, High: 9.5, Precision: 0.1, Attain: 0.99, Confidence: 0.9, Probes: 7}},
		"trace: sets/trace.jsonl":                {RequestDistribution: "replay", Trace: "data/trace.jsonl"},
		"trace: /scratch/t.jsonl\ntarget_rps: 2": {RequestDistribution: "replay", Trace: "/scratch/t.jsonl", TargetRPS: 2},
	} {
		w := only(t, localRecipe(load), dummy).Workload
		got := Workload{RequestDistribution: w.RequestDistribution, TargetRPS: w.TargetRPS, Burstiness: w.Burstiness, Burst: w.Burst,
			Ramp: w.Ramp, Steps: w.Steps, Sine: w.Sine, Search: w.Search, Trace: w.Trace, DurationS: w.DurationS}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", load, got, want)
		}
	}
}

func TestLengthsMayBeDistributions(t *testing.T) {
	points := points(t, localRecipe("prompt_len: [128, {uniform: [820, 1025]}]\ngen_tokens: {lognormal: [64.5, 20]}"), dummy)
	if len(points) != 2 || points[1].Values[0] != (Value{"workload.prompt_len", "uniform-820-1025"}) {
		t.Fatalf("%d points, the last %v", len(points), points[len(points)-1].Values)
	}
	first, second := points[0].Recipe.Workload, points[1].Recipe.Workload
	if first.PromptLen != 128 || first.PromptLaw != nil || second.PromptLen != 923 || *second.PromptLaw != (workload.Length{Law: "uniform", A: 820, B: 1025}) {
		t.Errorf("prompts %d %v, %d %v", first.PromptLen, first.PromptLaw, second.PromptLen, second.PromptLaw)
	}
	if first.GenTokens != 65 || *first.GenLaw != (workload.Length{Law: "lognormal", A: 64.5, B: 20}) {
		t.Errorf("answers %d %v", first.GenTokens, first.GenLaw)
	}
}

func TestWhatARequestIs(t *testing.T) {
	w := only(t, localRecipe(`prefix: {share: 0.5, tokens: 64}
turns: 3
cancel_share: 0.1
think_time: 2s
ramp_up: 5s
cooldown: 10s
extra_body: {stop: [a, b], top_k: 5, deep: {n: null, x: 1.5}}
headers: {X-Team: a, X-N: 1.10}
api_key_file: /home/me/.key
requests: 100
slo: {ttft: 500ms}`), dummy).Workload
	want := map[string]any{"stop": []any{"a", "b"}, "top_k": 5, "deep": map[string]any{"n": nil, "x": 1.5}}
	if *w.Prefix != (workload.Prefix{Share: 0.5, Tokens: 64}) || w.Turns != 3 || w.CancelShare != 0.1 || w.ThinkTimeS != 2 || w.RampUpS != 5 ||
		w.CooldownS != 10 || !reflect.DeepEqual(w.ExtraBody, want) || w.Headers["X-Team"] != "a" || w.Headers["X-N"] != "1.10" ||
		w.APIKeyFile != "/home/me/.key" || w.Requests != 100 || w.WarmupS != -1 || w.DurationS != 0 {
		t.Errorf("got %+v", w)
	}
}

func TestHowPromptsGetTheirLengthAndConnectionsEnd(t *testing.T) {
	w := only(t, localRecipe("tokenizer: prompts.jsonl\nrequests_per_connection: 1\nkernel_stamps: true\nthink_time: {exponential: 1500ms}\ncancel_share: 25%"), dummy).Workload
	if w.Tokenizer != "data/prompts.jsonl" || w.ConnRequests != 1 || !w.KernelStamps || w.ThinkTimeS != 1.5 || w.ThinkLaw != "exponential" || w.CancelShare != 0.25 {
		t.Errorf("got %+v", w)
	}
	completions := *dummy
	completions.Dialects = []string{"openai-completions"}
	if w := only(t, localRecipe("token_ids: {first: 0, last: 31999}"), &completions).Workload; *w.TokenIDs != (workload.IDs{Last: 31999}) {
		t.Errorf("got %+v", w.TokenIDs)
	}
	if w := only(t, localRecipe("think_time: 2s\nconcurrency: 4"), dummy).Workload; w.ThinkTimeS != 2 || w.ThinkLaw != "" || w.TokenIDs != nil || w.Search != nil {
		t.Errorf("got %+v", w)
	}
}

// A point of the sweep may bring a search, with what it leaves unsaid as a recipe has it, and another a pause by chance.
func TestPointsBringSearchesAndPauses(t *testing.T) {
	all := points(t, localRecipe("slo: {ttft: 1s}\nduration: 10m", "sweep: {points: [{workload.search.low: 3}, {workload: {think_time: {exponential: 2s}, concurrency: 9}}]}"), dummy)
	if len(all) != 3 || all[0].Recipe.Workload.Search != nil || all[2].Recipe.Workload.Search != nil {
		t.Fatalf("%d points: %+v", len(all), all)
	}
	if got := all[1].Recipe.Workload.Search; *got != (workload.Search{Low: 3, Precision: 0.05, Attain: 0.99, Confidence: 0.95, Probes: 12}) {
		t.Errorf("got %+v", got)
	}
	if w := all[2].Recipe.Workload; w.ThinkLaw != "exponential" || w.ThinkTimeS != 2 || w.Concurrency != 9 {
		t.Errorf("got %+v", w)
	}
	swept := map[float64]string{}
	for _, load := range []string{"think_time: {exponential: [1s, 2s]}", "think_time: [3s, {exponential: 4s}]"} {
		for _, p := range points(t, localRecipe(load), dummy) {
			swept[p.Recipe.Workload.ThinkTimeS] = p.Recipe.Workload.ThinkLaw
		}
	}
	if !maps.Equal(swept, map[float64]string{1: "exponential", 2: "exponential", 3: "", 4: "exponential"}) {
		t.Errorf("swept pauses are %v", swept)
	}
}

func TestSuiteIsAPointForEachEntry(t *testing.T) {
	points := points(t, localRecipe(`benchmark_suite:
  - {name: chat, duration: 2m, num_threads: 8, sleep_seconds: 0.5}
  - {name: batch, num_threads: 32}`), dummy)
	if len(points) != 2 || points[1].Values[0] != (Value{"workload.benchmark_suite", "batch"}) {
		t.Fatalf("points %v", points)
	}
	if w := points[0].Recipe.Workload; w.Suite != "chat" || w.Concurrency != 8 || w.ThinkTimeS != 0.5 || w.DurationS != 120 {
		t.Errorf("chat is %+v", w)
	}
	if w := points[1].Recipe.Workload; w.Suite != "batch" || w.Concurrency != 32 || w.ThinkTimeS != 0 || w.DurationS != 0 {
		t.Errorf("batch is %+v", w)
	}
}

// values are the swept values of points, a line each.
func told(points []Point) string {
	var b strings.Builder
	for _, p := range points {
		for i, v := range p.Values {
			if i > 0 {
				b.WriteString(" ")
			}
			fmt.Fprintf(&b, "%s=%v", v.Path[strings.LastIndex(v.Path, ".")+1:], v.V)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestWhatIsSetOnTheCommandLine(t *testing.T) {
	f, diags := Load("r.yaml", []byte(demo), Options{Sets: []Set{{"workload.concurrency", "[1, 2]"}, {"sweep.exclude", "[{workload.concurrency: 1}]"}}})
	if diags = append(diags, f.Check(dummy, local)...); len(diags) > 0 || told(f.Points()) != "concurrency=2\n" {
		t.Errorf("%s%s", told(f.Points()), lines(diags))
	}
	if _, diags := Load("r.yaml", []byte(demo), Options{Sets: []Set{{"extends", "a.yaml"}}}); lines(diags) != "--set extends: error: extends can't be set: parents were read before (write it in the recipe)\n" {
		t.Errorf("got %s", lines(diags))
	}
}

// features are recipes that vary in one way or another, with what varies.
var features = []struct{ load, section, want string }{
	{"concurrency: [1, 2]\nprompt_len: [10, 20]", "", "concurrency=1 prompt_len=10\nconcurrency=1 prompt_len=20\nconcurrency=2 prompt_len=10\nconcurrency=2 prompt_len=20\n"},
	{"concurrency: [1, 2]\nprompt_len: [10, 20]", "sweep: {mode: zip}", "concurrency=1 prompt_len=10\nconcurrency=2 prompt_len=20\n"},
	{"concurrency: [1, 2]\nprompt_len: [10, 20]", "sweep: {exclude: [{workload.concurrency: 1, workload.prompt_len: 20}, {workload: {concurrency: 2, prompt_len: 10}}]}",
		"concurrency=1 prompt_len=10\nconcurrency=2 prompt_len=20\n"},
	{"concurrency: [1, 2]", "sweep: {points: [{workload.concurrency: 8, workload.batch: 4}]}", "concurrency=1 batch=1\nconcurrency=2 batch=1\nconcurrency=8 batch=4\n"},
	{"concurrency: 3", "sweep: {mode: list, points: [{workload: {concurrency: 8}}, {workload.gen_tokens: 5}]}", "concurrency=8 gen_tokens=128\nconcurrency=3 gen_tokens=5\n"},
	{"benchmark_suite: [{name: a, num_threads: 1}, {name: b, num_threads: 2}]", "sweep: {exclude: [{workload.benchmark_suite: a}]}", "benchmark_suite=b\n"},
	{"concurrency: 3", "sweep: {points: [{servers.service_config.ttft: 5ms}]}", "ttft=unset\nttft=5ms\n"},
	{"concurrency: 3", "sweep: {mode: list, points: [{workload.target_rps: 5, workload.burst: {on: 5s, off: 5s}}, {workload.ramp: {from: 1, to: 3}}]}",
		"target_rps=5 on=5s off=5s from=unset to=unset\ntarget_rps=unset on=unset off=unset from=1 to=3\n"},
}

func TestSweeps(t *testing.T) {
	for _, c := range features {
		if got := told(points(t, localRecipe(c.load, c.section), dummy)); got != c.want {
			t.Errorf("%s, %s:\n%swant\n%s", c.load, c.section, got, c.want)
		}
	}
}

func TestPointsMayHaveLawsOfTheirOwn(t *testing.T) {
	points := points(t, localRecipe("concurrency: 3", "sweep: {mode: list, points: [{workload.target_rps: 5, workload.burst: {on: 5s, off: 5s}}, {workload.ramp: {from: 1, to: 3}}, {environment.A: 1}]}"), dummy)
	var laws []string
	for _, p := range points {
		laws = append(laws, fmt.Sprint(p.Recipe.Workload.RequestDistribution, " ", p.Recipe.Workload.TargetRPS, " ", p.Recipe.Environment["A"]))
	}
	if got := strings.Join(laws, ", "); got != "burst 5 , ramp 2 , constant 0 1" {
		t.Errorf("got %s", got)
	}
}

func TestExtendsMergesItsParents(t *testing.T) {
	src := "extends: base.yaml\nscenario: demo\norchestration: {mode: local}\nworkload: {service: dummy, prompt_len: null}\n"
	f, _ := Load("dir/r.yaml", []byte(src), Options{Read: readFiles(files)})
	r := only(t, src, dummy)
	if r.Workload.Concurrency != 4 || r.Workload.GenTokens != 64 || r.Workload.PromptLen != 128 || r.Workload.Dataset != "data/shared.jsonl" || r.Binds[0] != "/site:/site" {
		t.Errorf("got %+v", r.Workload)
	}
	if got := f.Pos("workload.concurrency").String(); got != "dir/base.yaml:2:25" {
		t.Errorf("concurrency stands at %s", got)
	}
	if string(f.Parent("dir/base.yaml")) != files["base.yaml"] || f.Parent("dir/r.yaml") != nil {
		t.Errorf("the parent's text is %q", f.Parent("dir/base.yaml"))
	}
	if got := f.Pos("binds").String(); got != "site/site.yaml:1:8" {
		t.Errorf("binds stand at %s", got)
	}
	var names []string
	for _, in := range f.Inputs() {
		names = append(names, in.Path)
	}
	if got := strings.Join(names, " "); got != "inputs/extends/1-base.yaml inputs/extends/2-site.yaml data/shared.jsonl" {
		t.Errorf("inputs are %s", got)
	}
}

func TestExtendsInACircleOrTooFar(t *testing.T) {
	circle := map[string]string{"a.yaml": "extends: b.yaml", "b.yaml": "extends: ./a.yaml"}
	_, diags := Load("r.yaml", []byte("extends: a.yaml\n"+demo), Options{Read: readFiles(circle)})
	if got := lines(diags); got != "b.yaml:1:10: error: ./a.yaml extends itself here (delete it)\n" {
		t.Errorf("got %s", got)
	}
	long := map[string]string{}
	for i := range 12 {
		long[fmt.Sprintf("%d.yaml", i)] = fmt.Sprintf("extends: %d.yaml", i+1)
	}
	_, diags = Load("r.yaml", []byte("extends: 0.yaml\n"+demo), Options{Read: readFiles(long)})
	if got := lines(diags); !strings.HasPrefix(got, "7.yaml:1:10: error: the 9th recipe of a chain") {
		t.Errorf("got %s", got)
	}
}

func TestNothingIsReadWithoutAReader(t *testing.T) {
	for _, src := range []string{"extends: a.yaml\n" + demo, localRecipe("dataset: a.jsonl")} {
		if _, diags := Load("r.yaml", []byte(src), Options{}); !strings.Contains(lines(diags), "nothing can be read") {
			t.Errorf("%s\n%s", src, lines(diags))
		}
	}
}

func TestPlacements(t *testing.T) {
	for allocation, want := range map[string]Orchestration{
		"{}":                    {Nodes: Roles[int]{1, 0, 0}, Placement: "same-node", TotalNodes: 1},
		"{servers: {nodes: 2}}": {Nodes: Roles[int]{2, 0, 0}, Placement: "same-node", TotalNodes: 2},
		"{clients: {nodes: 2}}": {Nodes: Roles[int]{1, 2, 0}, Placement: "own-node", TotalNodes: 3},
		"{servers: {nodes: 3}, clients: {nodes: 2, placement: same-node}, monitors: {nodes: 1}}": {Nodes: Roles[int]{3, 2, 1}, Placement: "same-node", TotalNodes: 4},
		"{servers: {node_range: 0-2}, clients: {node_range: '4,3'}}": {Nodes: Roles[int]{3, 2, 0}, Placement: "own-node", TotalNodes: 5,
			NodeRange: Roles[string]{"0,1,2", "4,3", ""}},
		"{servers: {node_range: 'n[08-10,12]x,m1'}}": {Nodes: Roles[int]{5, 0, 0}, Placement: "same-node", TotalNodes: 5,
			NodeRange: Roles[string]{Servers: "n08x,n09x,n10x,n12x,m1"}},
	} {
		src := strings.Replace(demo, "{mode: local}", "{mode: local, node_allocation: "+allocation+"}", 1)
		got := only(t, src, dummy).Orchestration
		want.Mode, want.Replicas, want.Distribution = "local", 1, "round-robin"
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", allocation, got, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	src := strings.Replace(demo, "{mode: local}", "{mode: local, node_allocation: {servers: {nodes: 2}, clients: {nodes: 3, target_mapping: [{client_group: 0-1, server_endpoints: [1]}, {client_group: 2, server_endpoints: '0'}]}}}", 1)
	o := only(t, src, dummy).Orchestration
	if o.Distribution != "static" || !reflect.DeepEqual(o.Mapping, []Target{{[]int{0, 1}, []int{1}}, {[]int{2}, []int{0}}}) {
		t.Errorf("got %+v", o)
	}
}

func TestWhatNobodyStarts(t *testing.T) {
	external := &service.Service{Name: "external", Launchers: []string{"none"}, Dialects: []string{"openai-chat"}, Health: service.Health{Path: "/health"}}
	src := strings.Replace(demo, "{service: dummy}", "{service: external, model: m, endpoints: [http://10.0.0.5:8000, 'https://host/v1']}", 1)
	r := only(t, src, external)
	if o := r.Orchestration; o.Nodes != (Roles[int]{0, 1, 0}) || o.Placement != "own-node" || o.TotalNodes != 1 || len(r.Workload.Endpoints) != 2 {
		t.Errorf("got %+v and %v", o, r.Workload.Endpoints)
	}
	slurm := "scenario: x\npartition: p\norchestration: {total_nodes: 1, node_allocation: {clients: {nodes: 1}}}\nresources: {clients: {}}\n" +
		"workload: {component: inference, service: external, model: m, endpoints: [http://a:1]}\n"
	if _, diags := load(slurm, external, nil); diags != "" {
		t.Errorf("with Slurm:\n%s", diags)
	}
	if _, diags := load(strings.Replace(demo, "dummy", "external, model: m", 1), external, local); !strings.Contains(diags, `missing field "workload.endpoints": nobody starts external`) {
		t.Errorf("without endpoints:\n%s", diags)
	}
	if _, diags := load(strings.Replace(slurm, "resources: {", "environment: {A: 1}\nresources: {servers: {gpus: 4}, ", 1), external, nil); strings.Count(diags, "nobody starts external") != 2 {
		t.Errorf("what has no effect:\n%s", diags)
	}
}

func TestPlacesOfTheOlderToolkit(t *testing.T) {
	r := only(t, localRecipe("concurrency: 1", "server-port: 20100", "client-port: 20200", "timeout: 77",
		"monitoring: {monitor_interval: 5, prometheus_push_interval: 15, pushgateway_url: http://a:9091, output_file: a.csv}",
		"artifacts: {dataset: prompts.jsonl, container: docker://a/b:1}", "repetitions: {trials: 3, restarts: 2}",
		"metadata: {seed: 7, git_commit: 4f1c2d9, notes: \"a\\nb\", tags: [x, y]}", "reporting: {percentiles: [50, 99.9]}",
		"logging: {enabled: true, type: tailer, outputs: [file], retention: {age: 7d, size_mb: 5}, aggregation: true}"), dummy)
	if r.Servers.Port != 20100 || r.Clients.Port != 20200 || r.Servers.HealthCheck.TimeoutS != 77 || r.Monitoring.IntervalS != 5 ||
		r.Workload.Dataset != "data/prompts.jsonl" || r.Artifacts.Remote != "docker://a/b:1" || r.Repetitions != 3 || r.Restarts != 2 || r.Seed != 7 ||
		r.Metadata.Notes != "a\nb" || len(r.Metadata.Tags) != 2 || r.Reporting.Percentiles[1] != 99.9 {
		t.Errorf("got %+v", r)
	}
}

func TestSeedOfTheWorkloadWins(t *testing.T) {
	if r := only(t, localRecipe("seed: 3", "metadata: {seed: 7}"), dummy); r.Seed != 3 {
		t.Errorf("seed %d", r.Seed)
	}
}

func TestRangesOfNodes(t *testing.T) {
	for text, want := range map[string]string{
		"0": "1", "0-2,7": "4", "n1": "n1", "node[001-003]": "node001,node002,node003", "a[9-11]": "a9,a10,a11", "a[1,3-4]-ib,b": "a1-ib,a3-ib,a4-ib,b",
		"": "", "0-99999": "", "a[1-99999]": "", "2-1": "", "a[1": "", "a]1[": "", "a[1][2]": "", "0,a": "", "0,0": "", "a,a": "", "a b": "", "-": "", "[1-2]": "",
	} {
		r, err := parseRange(text)
		got := strings.Join(r.hosts, ",")
		if len(r.indices) > 0 {
			got = fmt.Sprint(len(r.indices))
		}
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("parseRange(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

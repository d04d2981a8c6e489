package peer

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/testbed/bench/truth"
)

// files writes a folder with what a client left behind.
func files(t *testing.T, all map[string]string) Load {
	t.Helper()
	dir := t.TempDir()
	for name, text := range all {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Load{Dir: dir}
}

// shown is a measurement as one line.
func shown(t *testing.T, m truth.Measured) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadsWhatPeersMeasured(t *testing.T) {
	for _, c := range []struct {
		name   string
		result func(Load) (Result, error)
		files  map[string]string
		rate   float64
		want   string
	}{
		{"vllm", vllmResult, map[string]string{
			"result.json": `{"burstiness": Infinity, "request_throughput":3,"ttfts":[0.05,0],"latencies":[0.07,0],"itls":[[0.0,0.01,0.02,0.0],[]],"errors":["","timeout"]}`,
		}, 3, `{"ID":"vllm-0","Number":0,"TTFT":0.05,"E2EL":0.07,"Gaps":[0.01,0.02],"TPOT":null}`},
		{"aiperf", aiperfResult, map[string]string{
			"artifacts/profile_export_aiperf.json": `{"request_throughput":{"unit":"requests/sec","avg":4}}`,
			"artifacts/profile_export.jsonl": `{"metadata":{"x_request_id":"w","benchmark_phase":"warmup"},"metrics":{},"error":null}
{"metadata":{"x_request_id":"e","benchmark_phase":"profiling"},"metrics":{},"error":{"code":500}}
{"metadata":{"x_request_id":"a","benchmark_phase":"profiling"},"metrics":{"time_to_first_token":{"value":50,"unit":"ms"},"request_latency":{"value":75,"unit":"ms"},"inter_chunk_latency":{"value":[12.5,12.5],"unit":"ms"}},"error":null}
`,
		}, 4, `{"ID":"a","Number":0,"TTFT":0.05,"E2EL":0.075,"Gaps":[0.0125,0.0125],"TPOT":null}`},
		{"guidellm", guidellmResult, map[string]string{
			"report.json": `{"benchmarks":[{"metrics":{"requests_per_second":{"successful":{"mean":5}}},"requests":{"successful":[{"response_id":"chatcmpl-7","time_to_first_token_ms":50,"request_latency":0.07,"inter_token_latency_ms":10}]}}]}`,
		}, 5, `{"ID":"","Number":7,"TTFT":0.05,"E2EL":0.07,"Gaps":null,"TPOT":0.01}`},
	} {
		r, err := c.result(files(t, c.files))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(r.Requests) != 1 || r.Rate != c.rate || shown(t, r.Requests[0]) != c.want {
			t.Errorf("%s: %d requests, rate %v, the first\n%s\nwant\n%s", c.name, len(r.Requests), r.Rate, shown(t, r.Requests[0]), c.want)
		}
		if _, err := c.result(files(t, nil)); err == nil {
			t.Errorf("%s: no files, and no error", c.name)
		}
	}
}

// A peer knows the loads that it can send, and is told no other.
func TestCommandsOfLoads(t *testing.T) {
	closed := Load{URL: "http://h", Tokens: 2, Concurrency: 64, Seconds: 3, Requests: 10}
	constant, poisson := closed, closed
	constant.Rate, constant.Law = 200, "constant"
	poisson.Rate, poisson.Law = 200, "poisson"
	for name, knows := range map[string][3]string{
		"wrk":              {"-c64", "", ""},
		"oha":              {"-c 64", "-q 200", ""},
		"bombardier":       {"-c 64", "-r 200", ""},
		"vegeta":           {"-max-workers=64", "-rate=200/1s", ""},
		"vllm bench serve": {"--max-concurrency 64", "--burstiness inf", "--request-rate 200"},
		"AIPerf":           {"--concurrency 64", "--arrival-pattern constant", "--arrival-pattern poisson"},
		"GuideLLM":         {"kind=concurrent,streams=64", "kind=constant,rate=200", "kind=poisson,rate=200"},
	} {
		for i, l := range []Load{closed, constant, poisson} {
			l.Dir = t.TempDir()
			p := named(t, name)
			if can := p.Can("/c", l); can != (knows[i] != "") {
				t.Errorf("%s: load %d: %v", name, i, can)
				continue
			}
			if knows[i] == "" {
				continue
			}
			c, err := p.Command("/c", l)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(c.Args, " "), knows[i]) {
				t.Errorf("%s: load %d: %q has no %s", name, i, c.Args, knows[i])
			}
		}
	}
}

func named(t *testing.T, name string) *Peer {
	t.Helper()
	for _, p := range All() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no peer %s", name)
	return nil
}

func TestWritesTheFilesOfALoad(t *testing.T) {
	l := Load{URL: "http://h", Tokens: 7, Requests: 3, Dir: t.TempDir(), Stream: true}
	if err := writePrompts(l); err != nil {
		t.Fatal(err)
	}
	prompts, err := os.ReadFile(filepath.Join(l.Dir, "prompts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	first, _, _ := strings.Cut(string(prompts), "\n")
	if err := json.Unmarshal([]byte(first), &v); err != nil || strings.Count(string(prompts), "\n") != 3 || v["output_tokens"] != 7.0 {
		t.Errorf("prompts %s, error %v", prompts, err)
	}
	body, err := os.ReadFile(filepath.Join(l.Dir, "body.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &v); err != nil || v["stream"] != true || v["max_tokens"] != 7.0 {
		t.Errorf("body %s, error %v", body, err)
	}
	if n := len(strings.Fields(Prompt)); n != 42 {
		t.Errorf("the prompt has %d words", n)
	}
}

// A peer that does not install is named with its cause, and stops nothing.
func TestInstallSaysWhyAPeerIsMissing(t *testing.T) {
	step := func(version string, err error) func(context.Context, Cache) (string, error) {
		return func(context.Context, Cache) (string, error) { return version, err }
	}
	bad := &Peer{Name: "bad", install: step("", errors.New("no network\nat all"))}
	good := &Peer{Name: "good", install: step("1.2", nil)}
	var said []string
	say := func(format string, _ ...any) { said = append(said, format) }
	if err := Install(t.Context(), Cache(t.TempDir()), []*Peer{bad, good}, say); err != nil {
		t.Fatal(err)
	}
	if bad.Missing != "no network" || good.Missing != "" || good.Version != "1.2" || len(said) != 2 {
		t.Errorf("%+v, %+v, said %q", bad, good, said)
	}
	if bad.Can("/c", Load{}) {
		t.Error("a peer that is missing can send a load")
	}
}

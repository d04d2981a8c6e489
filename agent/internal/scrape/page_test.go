package scrape

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"hpcbench/agent/workload"
)

// mapOf is the map of a service's own folder: what its pages are read by.
func mapOf(t *testing.T, service string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../templates/services", service, "service.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Metrics struct{ Map map[string]string }
	}
	if err := yaml.Unmarshal(text, &s); err != nil || len(s.Metrics.Map) == 0 {
		t.Fatalf("%s has no map: %v", service, err)
	}
	return s.Metrics.Map
}

func pageBy(t *testing.T, names map[string]string, added ...workload.Metric) page {
	t.Helper()
	p, err := newPage(workload.Watch{Server: &workload.MetricsPage{Map: names}, Metrics: added})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// words are the values that are there, as head=value.
func (p page) words(values []float64) string {
	var words []string
	for i, c := range p {
		if !math.IsNaN(values[i]) {
			words = append(words, fmt.Sprintf("%s=%.6g", c.head, values[i]))
		}
	}
	return strings.Join(words, " ")
}

// vllm-0.32.txt is of two engines, in the text of prometheus_client, with the names of vllm/v1/metrics/loggers.py; llamacpp.txt is
// what llama-server answered on the testbed.
func TestPagesOfServers(t *testing.T) {
	for service, want := range map[string]string{
		"vllm-0.32": "running=5 waiting=1 kv_usage_ratio=0.375 preemptions_total=2 prompt_tokens_total=5120 gen_tokens_total=2500 " +
			"prefix_queries_total=5120 prefix_hits_total=80 ttft_s_sum=0.2 ttft_s_count=4 itl_s_sum=0.12 itl_s_count=8 e2e_s_sum=3 e2e_s_count=3",
		"llamacpp": "running=0 waiting=0 prompt_tokens_total=19 gen_tokens_total=28 prefix_queries_total=19 prefix_hits_total=1",
	} {
		text, err := os.ReadFile(filepath.Join("testdata", service+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(service, "-")
		p := pageBy(t, mapOf(t, name))
		values, err := p.read(text)
		if got := p.words(values); err != nil || got != want {
			t.Errorf("%s: %v\n%s, want\n%s", service, err, got, want)
		}
	}
}

func TestAddedMetricsChooseTheirSeries(t *testing.T) {
	text, err := os.ReadFile("testdata/vllm-0.32.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := pageBy(t, nil,
		workload.Metric{Name: "deferred", Metric: `vllm:num_requests_waiting_by_reason{reason="deferred"}`},
		workload.Metric{Name: "stopped", Metric: `vllm:request_success_total{finished_reason="stop",engine="0"}`},
		workload.Metric{Name: "all", Metric: "vllm:request_success_total"},
		workload.Metric{Name: "slow", Metric: "vllm:e2e_request_latency_seconds_sum", Unit: "s"},
		workload.Metric{Name: "answers", Metric: `vllm:e2e_request_latency_seconds_count{engine="1"}`},
		workload.Metric{Name: "whole", Metric: "vllm:e2e_request_latency_seconds"},
		workload.Metric{Name: "none", Metric: `vllm:request_success_total{engine="7"}`},
		workload.Metric{Name: "node", Command: []string{"true"}})
	values, err := p.read(text)
	if err != nil {
		t.Fatal(err)
	}
	const want = "custom_deferred=0 custom_stopped=1 custom_all=40 custom_slow_s=3 custom_answers=1"
	if got := p.words(values); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	heads := strings.Join(p.heads(), " ")
	if _, heads, _ = strings.Cut(heads, "e2e_s_count "); heads != "custom_deferred custom_stopped custom_all custom_slow_s custom_answers custom_whole custom_none" {
		t.Errorf("columns %s", heads)
	}
}

func TestPagesThatTellNothing(t *testing.T) {
	p := pageBy(t, map[string]string{"x": "running", "y": "waiting"})
	for text, want := range map[string]string{
		"":                                "none of the service's names is among the 0 on its page",
		"z 1\n":                           "among the 1 on its page",
		"<html>\n":                        "not Prometheus's text format",
		`{"detail":"Not Found"}`:          "not Prometheus's text format",
		"x NaN\ny +Inf\n":                 "none of the service's names",
		"# TYPE x histogram\nx 1 2 3 4\n": "not Prometheus's text format",
	} {
		if values, err := p.read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want an error with %q", text, values, err, want)
		}
	}
	values, err := p.read([]byte("x 3\ny NaN\n"))
	if got := p.words(values); err != nil || got != "running=3" {
		t.Errorf("%s, %v: want what is there", got, err)
	}
}

func TestFirstOfSeveralNamesCounts(t *testing.T) {
	p := pageBy(t, map[string]string{"a_new": "running", "b_old": "running", "p": "prompt_tokens", "p + c": "prompt_tokens, prefix_queries"})
	for text, want := range map[string]string{
		"a_new 1\nb_old 2\n": "running=1", "b_old 2\n": "running=2", "p 3\n": "prompt_tokens_total=3", "c 4\n": "", "c 4\nb_old 1\n": "running=1",
		"p 3\nc 4\n": "prompt_tokens_total=7 prefix_queries_total=7", "p 3\nc +Inf\n": "prompt_tokens_total=3",
	} {
		values, err := p.read([]byte(text))
		if want == "" && err != nil {
			continue
		}
		if got := p.words(values); err != nil || got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

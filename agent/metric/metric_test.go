package metric

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var good = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// A name is there once, says its unit where it has one, and has labels whose values are told to be bounded.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Table {
		full := m.Full("s")
		if seen[full] || !good.MatchString(m.Name) {
			t.Errorf("%s: a second one, or no name", full)
		}
		seen[full] = true
		if base := strings.TrimSuffix(m.Name, "_total"); m.Unit != "" && !strings.HasSuffix(base, "_"+m.Unit) && m.Name != "cache_usage" { // that name is the spec's
			t.Errorf("%s is in %s and does not say so", full, m.Unit)
		}
		if total := strings.HasSuffix(m.Name, "_total"); total != (m.Kind == Counter) {
			t.Errorf("%s is a %s", full, m.Kind)
		}
		if !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s: its help is no sentence: %q", full, m.Help)
		}
		for _, l := range append(slices.Clone(m.Labels), "host") {
			if !slices.ContainsFunc(Labels, func(known Label) bool { return known.Name == l && known.Bound != "" }) {
				t.Errorf("%s: nobody says what bounds the label %s", full, l)
			}
		}
		if (m.Source == Node || m.Source == Server) != (m.Column != "") && !strings.HasSuffix(m.Name, "collector_success") {
			t.Errorf("%s has the column %q", full, m.Column)
		}
		for _, label := range regexp.MustCompile(`\{([a-z]+)\}`).FindAllStringSubmatch(m.Column, -1) {
			if !slices.Contains(m.Labels, label[1]) {
				t.Errorf("%s has no label for {%s} in its column", full, label[1])
			}
		}
	}
}

func TestFullNames(t *testing.T) {
	for service, want := range map[string]string{"vllm": "vllm_ttft_seconds", "my-vllm": "my_vllm_ttft_seconds", "tensorrt-llm": "tensorrt_llm_ttft_seconds"} {
		if got := Of(Client, "ttft_seconds").Full(service); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := Of(Node, "load1").Full("vllm"); got != "hpcbench_load1" {
		t.Error(got)
	}
}

// What the spec's queries ask for (§7.4 to 7.6) is there, as what it takes it for.
func TestMetricsOfTheSpec(t *testing.T) {
	for want, kind := range map[string]Kind{
		"ollama_workload_running": Gauge, "ollama_throughput_rps": Gauge, "ollama_request_latency_seconds": Histogram, "ollama_errors_total": Counter,
		"ollama_requests_total": Counter, "vllm_workload_running": Gauge, "vllm_throughput_rps": Gauge, "vllm_request_latency_seconds": Histogram,
		"vllm_tokens_per_request": Gauge, "vllm_cache_usage": Gauge,
	} {
		service, _, _ := strings.Cut(want, "_")
		if !slices.ContainsFunc(Table, func(m Metric) bool { return m.Full(service) == want && m.Kind == kind }) {
			t.Errorf("there is no %s %s", kind, want)
		}
	}
}

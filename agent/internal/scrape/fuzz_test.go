package scrape

import (
	"os"
	"testing"

	"hpcbench/agent/workload"
)

// Whatever a server answers, its page is read or refused, and never ends the executor, which sends the load.
func FuzzPage(f *testing.F) {
	for _, name := range []string{"testdata/vllm-0.32.txt", "testdata/llamacpp.txt"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:len(text)/4])
	}
	f.Add([]byte("# TYPE x histogram\nx_bucket{le=\"1\"} 1\nx_sum NaN\nx_count 1\n"))
	p, err := newPage(workload.Watch{
		Server:  &workload.MetricsPage{Map: map[string]string{"x": "running", "x + y": "kv_usage", "z": "ttft"}},
		Metrics: []workload.Metric{{Name: "q", Metric: `x_sum{a="b"}`}, {Name: "c", Metric: "x_count"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := p.read(text)
		if err == nil && len(values) != len(p) {
			t.Errorf("%d values in %d columns", len(values), len(p))
		}
	})
}

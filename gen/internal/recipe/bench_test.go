package recipe

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkLargeSweep reads, checks and expands 10,000 points.
func BenchmarkLargeSweep(b *testing.B) {
	list := func(n int) string {
		var words []string
		for i := range n {
			words = append(words, fmt.Sprint(i+2))
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	src := listing(b, "listing3.yaml")
	src = strings.Replace(src, "  clients_per_node: 10\n\nservers", "  concurrency: "+list(100)+"\n  prompt_len: "+list(100)+"\n\nservers", 1)
	b.ReportAllocs()
	for b.Loop() {
		f, _ := Load("r.yaml", []byte(src), Options{})
		f.Check(ollama, meluxina)
		if n := len(f.Points()); n != 10000 {
			b.Fatal(n)
		}
	}
}

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// BenchmarkTenThousandTrials compiles a sweep of 10,000 trials into a directory. The aim is under a second and under 200 MB on
// one core; peak-MB is the most memory that this process ever held.
func BenchmarkTenThousandTrials(b *testing.B) {
	agents(b, "agent")
	var values []string
	for i := range 100 {
		values = append(values, fmt.Sprint(i+1))
	}
	list := "[" + strings.Join(values, ", ") + "]"
	dir := b.TempDir()
	recipe := filepath.Join(dir, "recipe.yaml")
	text := strings.Replace(smallest, "concurrency: 2", "concurrency: "+list+", prompt_len: "+list, 1)
	if err := os.WriteFile(recipe, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		if status, _, stderr := gen("", recipe, "-o", filepath.Join(dir, fmt.Sprint(n))); status != 0 {
			b.Fatal(stderr)
		}
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(usage.Maxrss)/1000, "peak-MB") // ru_maxrss is in kB
}

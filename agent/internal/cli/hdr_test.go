package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	mock "hpcbench/agent/internal/dummy"
)

func TestHdrPrintsWhatTheNodesCounted(t *testing.T) {
	out := t.TempDir()
	if status, _, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--model", "tiny", "--requests", "20", "--max-tokens", "2", "--out", out); status != done {
		t.Fatal(stderr)
	}
	part := filepath.Join(out, "part.json")
	status, stdout, stderr := agent(t, "hdr", "--metric", "ttft_s", part, part)
	if status != done || !strings.HasPrefix(stdout, "       Value     Percentile TotalCount") || !strings.Contains(stdout, "Total count    =           40]") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	other := filepath.Join(t.TempDir(), "part.json")
	if err := os.WriteFile(other, []byte(strings.Replace(content(t, part), `"trial":"load"`, `"trial":"0002"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"only parts of one trial add up":    {"hdr", part, other},
		"is not what a client node counted": {"hdr", filepath.Join(out, "records.jsonl")},
		"want one of [ttft_s ":              {"hdr", "--metric", "ttft", part},
		"no part.json given":                {"hdr"},
		"no such file":                      {"hdr", filepath.Join(out, "none")},
	} {
		if status, _, stderr := agent(t, args...); status == done || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %s", args, status, stderr)
		}
	}
}

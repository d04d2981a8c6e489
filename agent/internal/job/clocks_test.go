package job

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// A node's clock is known by the preflight and, where it is a client, by the trial that began last.
func TestOffsets(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"0001/cn02/records.jsonl": `{"schema":1,"node":"cn02","start_unix_ns":1000,"clock_offset_s":0.25}` + "\n{}\n",
		"0002/cn02/records.jsonl": `{"schema":1,"node":"cn02","start_unix_ns":2000,"clock_offset_s":0.5}` + "\n",
		"0003/cn02/records.jsonl": `{"schema":1,"node":"cn02","start_unix_ns":30`, // cut off
		"0004/cn02/records.jsonl": `{"schema":1,"node":"cn02","start_unix_ns":500,"clock_offset_s":0.75}` + "\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	j := Job{Trials: []Trial{{ID: "0001", Start: 1}, {ID: "0002", Start: 2}, {ID: "0003", Start: 3}, {ID: "0004", Start: 0.5}, {ID: "0005"}}, Preflight: []Check{
		{"cn01", "clock", "ok", "2 of 2 other nodes compared theirs with this one"},
		{"cn02", "clock", "ok", "0.012 s ahead of the first node's, give or take 0.1 ms"},
		{"cn03", "clock", "warn", "this node's clock is 1.500 s behind the first node's, give or take 0.1 ms (its time service should be looked at)"},
		{"cn04", "shm", "ok", "3 s ahead of the first node's"},
	}}
	if got, want := j.Offsets(dir), map[string]float64{"cn02": 0.5, "cn03": -1.5}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
